import { useState } from "preact/hooks";
import { type Gap, gapApi } from "../api/gaps";
import type { Session } from "../api/types";
import { Link } from "../router";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing } from "../ui/parts";
import { type Column, Table } from "../ui/Table";
import { capitalised, GAP_KINDS, gapWords, nameOf, thingWords } from "../ui/words";

const COLUMNS: readonly Column<Gap>[] = [
  { title: "What", cell: ({ kind }) => gapWords(kind) },
  {
    title: "Which",
    cell: ({ id, kind }) => (
      <>
        {kind === "product" || kind === "lot" ? thingWords(id) : nameOf(id, {})} <div class="code quiet">{id}</div>
      </>
    ),
  },
  { title: "Why it is here", cell: ({ message }) => capitalised(message) },
];

/** Products, lots, places and parties that the reader's events name and nothing describes. */
export function GapsPage({ session }: { session: Session }) {
  const [kind, setKind] = useState("");
  return (
    <main class="wide">
      <h1>Missing master data</h1>
      <p class="lead">
        Your events name these, and nothing that you may see describes them. What is described is on the list no longer.{" "}
        {session.rights.includes("capture") && (
          <>
            A catalogue can be read in from a file on the page <Link to="/imports">Imports</Link>.
          </>
        )}
      </p>
      <div class="toolbar">
        <span class="pair">
          <label for="gap-kind">Kind</label>
          <select id="gap-kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">Any</option>
            {GAP_KINDS.map((one) => (
              <option key={one} value={one}>
                {gapWords(one)}
              </option>
            ))}
          </select>
        </span>
      </div>
      <Gaps key={kind} kind={kind} />
    </main>
  );
}

/** Mounted anew for each kind, so that no row of another one is among its own. */
function Gaps({ kind }: { kind: string }) {
  const [further, setFurther] = useState<{ gaps: Gap[]; next: string | null } | null>(null);
  const loaded = useLoaded(() => gapApi.page(kind), []);
  const doing = useDoing();
  const goOn = (next: string): void =>
    void doing.run(async () => {
      const page = await gapApi.more(next);
      setFurther({ gaps: [...(further?.gaps ?? []), ...page.body.gaps], next: page.next });
    });
  return (
    <>
      <Failures doing={doing} />
      <WhenLoaded loaded={loaded} what="the list">
        {({ body, next: second }) => {
          const gaps = [...body.gaps, ...(further?.gaps ?? [])];
          const next = further === null ? second : further.next;
          return (
            <>
              {gaps.length > 0 && <Table name="Missing master data" columns={COLUMNS} rows={gaps} keyOf={({ id }) => id} marks={() => ({ "data-testid": "gap" })} />}
              {gaps.length === 0 && next === null && <Nothing title={kind === "" ? "All that your events name is described." : "None of this kind."} />}
              {next !== null && (
                <button type="button" class="secondary more" disabled={doing.busy} onClick={() => goOn(next)}>
                  Look further
                </button>
              )}
            </>
          );
        }}
      </WhenLoaded>
    </>
  );
}
