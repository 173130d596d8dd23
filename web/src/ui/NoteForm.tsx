import { useState } from "preact/hooks";

interface Props {
  label: string;
  words: string;
  /** Whether the decision may go without a word. */
  optional?: boolean;
  busy: boolean;
  /** Who will read it. */
  hint?: string;
  onNote: (note: string) => void;
  onCancel: () => void;
}

/** A note that goes with a decision: others will read it, so it says so. */
export function NoteForm({ label, words, optional = false, busy, hint = "Both sides read it. Name no patient.", onNote, onCancel }: Props) {
  const [note, setNote] = useState("");
  return (
    <form
      class="note"
      onSubmit={(event) => {
        event.preventDefault();
        onNote(note.trim());
      }}
    >
      <label>
        {label}
        <textarea required={!optional} maxLength={1000} rows={2} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <p class="quiet">{hint}</p>
      <div class="row">
        <button type="submit" class="primary" disabled={busy || (!optional && note.trim() === "")}>
          {words}
        </button>
        <button type="button" class="secondary" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
