import { useState } from "preact/hooks";
import { agreementApi } from "../api/agreements";
import { importApi, type ImportAnswer, type ImportKind, type ImportOptions, templateAddress } from "../api/imports";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing, Notice } from "../ui/parts";
import { type Column, type RowMarks, Table } from "../ui/Table";
import { plainWords } from "../ui/words";

const KIND_WORDS: Readonly<Record<string, string>> = { catalogue: "Products", places: "Places", par: "Stock levels", prices: "Prices", stock: "Opening stock" };

/** Files that are judged first and imported whole or not at all. */
export function ImportsPage() {
  const loaded = useLoaded(async () => {
    const [kinds, agreements] = await Promise.all([importApi.kinds(), agreementApi.all()]);
    return { kinds, agreements: [...new Map(agreements.map(({ agreementID, terms }) => [agreementID, terms.title || agreementID]))] };
  }, []);
  return (
    <main class="wide">
      <h1>Imports</h1>
      <WhenLoaded loaded={loaded} what="the kinds of imports">
        {({ kinds, agreements }) => <ImportForm kinds={kinds} agreements={agreements} />}
      </WhenLoaded>
    </main>
  );
}

function ImportForm({ kinds, agreements }: { kinds: readonly ImportKind[]; agreements: readonly (readonly [id: string, title: string])[] }) {
  const [kind, setKind] = useState(kinds[0]?.kind ?? "");
  const [file, setFile] = useState<File | null>(null);
  const [options, setOptions] = useState<Partial<ImportOptions>>({});
  const [answer, setAnswer] = useState<ImportAnswer | null>(null);
  const doing = useDoing();
  const chosen = kinds.find((one) => one.kind === kind);
  if (!chosen) return <Nothing title="Your key may import nothing." />;
  const choose = (next: string): void => {
    setKind(next);
    setAnswer(null);
    setOptions(next === "par" || next === "prices" ? { agreementID: agreements[0]?.[0] ?? "" } : {});
  };
  const send = (apply: boolean): void =>
    void doing.run(async () => {
      if (file === null) return;
      setAnswer(await importApi.send(kind, file, options, apply));
    });
  const option = (name: keyof ImportOptions) => (event: Event & { currentTarget: HTMLInputElement | HTMLSelectElement }) => {
    setOptions({ ...options, [name]: event.currentTarget.value });
    setAnswer(null);
  };
  const takes = (name: keyof ImportOptions): boolean => chosen.options.includes(name);
  return (
    <>
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          send(false);
        }}
      >
        <span class="pair">
          <label for="import-kind">What</label>
          <select id="import-kind" value={kind} onChange={(event) => choose(event.currentTarget.value)}>
            {kinds.map((one) => (
              <option key={one.kind} value={one.kind}>
                {KIND_WORDS[one.kind] ?? plainWords(one.kind)}
              </option>
            ))}
          </select>
        </span>
        {takes("agreementID") && (
          <span class="pair">
            <label for="import-agreement">Agreement</label>
            <select id="import-agreement" required value={options.agreementID ?? ""} onChange={option("agreementID")}>
              {agreements.map(([id, title]) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
            </select>
          </span>
        )}
        {takes("validFrom") && (
          <span class="pair">
            <label for="import-from">First day</label>
            <input id="import-from" type="date" value={options.validFrom ?? ""} onInput={option("validFrom")} />
          </span>
        )}
        {takes("countedAt") && (
          <span class="pair">
            <label for="import-counted">Counted on</label>
            <input id="import-counted" type="date" value={options.countedAt ?? ""} onInput={option("countedAt")} />
          </span>
        )}
        <span class="pair">
          <label for="import-file">CSV file</label>
          <input
            id="import-file"
            type="file"
            accept=".csv,text/csv,text/plain"
            required
            onChange={(event) => {
              setFile(event.currentTarget.files?.[0] ?? null);
              setAnswer(null);
            }}
          />
        </span>
        <button type="submit" class="primary" disabled={doing.busy || file === null}>
          {doing.busy ? "Reading…" : "Check the file"}
        </button>
        <a class="quiet-link" href={templateAddress(kind)} download>
          Template
        </a>
      </form>
      <p class="quiet">
        Columns: {chosen.columns.map((column) => (chosen.needed.includes(column) ? `${column} (needed)` : column)).join(", ")}. Checking changes nothing.
      </p>
      <Failures doing={doing} title="The file was not imported" />
      {answer && <Outcome answer={answer} busy={doing.busy} onApply={() => send(true)} />}
    </>
  );
}

type Finding = ImportAnswer["findings"][number];

const FINDINGS: readonly Column<Finding>[] = [
  { title: "Line", kind: "number", cell: ({ line }) => line },
  { title: "Column", cell: ({ column }) => column ?? "—" },
  { title: "Value", kind: "code", cell: ({ value }) => value },
  { title: "What is wrong", cell: ({ message }) => message },
];

const marksOf = ({ severity }: Finding): RowMarks => ({ class: severity === "error" ? "alarming" : "", "data-testid": "finding" });

function Outcome({ answer, busy, onApply }: { answer: ImportAnswer; busy: boolean; onApply: () => void }) {
  const counts = `${answer.rows} rows: ${answer.new} new, ${answer.changed} changed, ${answer.unchanged} as before`;
  const nothing = answer.new + answer.changed === 0;
  return (
    <>
      {answer.applied && <Notice tone="good" title={`Imported. ${counts}`} />}
      {!answer.applied && (
        <Notice tone={answer.errors > 0 ? "bad" : answer.warnings > 0 ? "warn" : "good"} title={answer.errors > 0 ? `${answer.errors} ${answer.errors === 1 ? "cell is" : "cells are"} to be mended first` : counts}>
          <p>
            Read as {answer.encoding}, parted by {answer.delimiter === "\t" ? "tabs" : `“${answer.delimiter}”`}.
          </p>
          {answer.errors === 0 && (
            <button type="button" class="primary" disabled={busy || nothing} onClick={onApply}>
              {nothing ? "There is nothing to import" : "Import it"}
            </button>
          )}
        </Notice>
      )}
      {answer.findings.length > 0 && <Table name="Findings" columns={FINDINGS} rows={answer.findings} marks={marksOf} />}
    </>
  );
}
