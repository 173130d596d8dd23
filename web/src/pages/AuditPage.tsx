import { useState } from "preact/hooks";
import { auditApi, type AuditEntry, type AuditFilter } from "../api/audit";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing, ShortId } from "../ui/parts";
import { type Column, Table } from "../ui/Table";
import { plainWords, readableTime, roleWords } from "../ui/words";
import { EmergencyDesk } from "./EmergencyDesk";

const EVERYTHING: AuditFilter = { action: "", principal: "", from: "", to: "" };

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: "Time", kind: "whole", cell: ({ time }) => readableTime(time) },
  {
    title: "Who",
    cell: ({ principal, role }) => (
      <>
        {principal} <div class="quiet">{roleWords(role)}</div>
      </>
    ),
  },
  { title: "Action", cell: ({ action }) => plainWords(action) },
  { title: "On what", kind: "code", cell: ({ resource }) => resource },
  { title: "Results", kind: "number", cell: ({ resultCount }) => resultCount },
  { title: "Outcome", cell: ({ outcome }) => plainWords(outcome) },
  { title: "Purpose", cell: ({ purpose }) => purpose },
  { title: "Entry", cell: ({ hash }) => <ShortId id={hash} /> },
];

/** What was recorded that fits; mounted anew for each question, so that no entry of another one is among its own. */
function Log({ filter }: { filter: AuditFilter }) {
  const [older, setOlder] = useState<{ entries: AuditEntry[]; next: string | null } | null>(null);
  const loaded = useLoaded(() => auditApi.page(filter), []);
  const doing = useDoing();
  const goOn = (next: string): void =>
    void doing.run(async () => {
      const page = await auditApi.more(next);
      setOlder({ entries: [...(older?.entries ?? []), ...page.body.entries], next: page.next });
    });
  return (
    <>
      <Failures doing={doing} />
      <WhenLoaded loaded={loaded} what="the audit log">
        {({ body, next: second }) => {
          const entries = [...body.entries, ...(older?.entries ?? [])];
          const next = older === null ? second : older.next;
          return entries.length === 0 ? (
            <Nothing title="Nothing was recorded that fits." />
          ) : (
            <>
              <Table name="Audit log" columns={COLUMNS} rows={entries} keyOf={({ hash }) => hash} marks={() => ({ "data-testid": "audit-entry" })} />
              {next !== null && (
                <button type="button" class="secondary more" disabled={doing.busy} onClick={() => goOn(next)}>
                  Older entries
                </button>
              )}
            </>
          );
        }}
      </WhenLoaded>
    </>
  );
}

/** Who did what, for the privacy officer; it names no patient, as the log itself does not. */
export function AuditPage() {
  const [draft, setDraft] = useState(EVERYTHING);
  const [asked, setAsked] = useState({ filter: EVERYTHING, times: 1 });
  const edit = (field: keyof AuditFilter) => (event: Event & { currentTarget: HTMLInputElement }) =>
    setDraft({ ...draft, [field]: event.currentTarget.value.trim() });
  return (
    <main class="wide">
      <h1>Audit log</h1>
      <EmergencyDesk />
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked({ filter: { ...draft }, times: asked.times + 1 });
        }}
      >
        <span class="pair">
          <label for="audit-action">Action</label>
          <input id="audit-action" value={draft.action} onInput={edit("action")} autocomplete="off" />
        </span>
        <span class="pair">
          <label for="audit-principal">Who</label>
          <input id="audit-principal" value={draft.principal} onInput={edit("principal")} autocomplete="off" />
        </span>
        <span class="pair">
          <label for="audit-from">From</label>
          <input id="audit-from" type="date" value={draft.from} onInput={edit("from")} />
        </span>
        <span class="pair">
          <label for="audit-to">Before</label>
          <input id="audit-to" type="date" value={draft.to} onInput={edit("to")} />
        </span>
        <button type="submit" class="primary">
          Show
        </button>
      </form>
      <Log key={asked.times} filter={asked.filter} />
    </main>
  );
}
