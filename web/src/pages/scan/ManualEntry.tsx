import { useState } from "preact/hooks";
import { elementStringOfTyped, type AiTable } from "../../gs1/splitter";
import { Notice } from "../../ui/parts";

/** Entry by hand of what stands under the barcode; the server checks it as it checks a scan. */
export function ManualEntry({ table, onText }: { table: AiTable; onText: (text: string) => void }) {
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const elementString = elementStringOfTyped(text, table);
    if (elementString === null) {
      setFailure("Type the digits and letters under the barcode, with their brackets: (01)09521141010235(21)V23-0007");
      return;
    }
    onText(elementString);
    setText("");
    setFailure(null);
  };
  return (
    <form class="manual" onSubmit={submit}>
      <label for="label-text">Text under the barcode</label>
      <div class="row">
        <input
          id="label-text"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          placeholder="(01)…(17)…(10)…(21)…"
          aria-describedby={failure ? "label-failure" : undefined}
          aria-invalid={failure !== null}
        />
        <button type="submit" class="secondary">
          Add
        </button>
      </div>
      {failure && (
        <div id="label-failure">
          <Notice tone="bad">{failure}</Notice>
        </div>
      )}
    </form>
  );
}
