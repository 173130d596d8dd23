import { useEffect, useState } from "preact/hooks";
import { type AllNames, ledgerApi } from "../api/ledger";
import { onChange } from "../api/live";
import type { Conflict } from "../api/types";
import { SeverityTag } from "../ui/ConflictCards";
import { type Doing, Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { NoteForm } from "../ui/NoteForm";
import { Nothing } from "../ui/parts";
import { Segments } from "../ui/Segments";
import { capitalised, conflictWords, flagWords, nameOf, readableMessage, readableTime, worstFirst } from "../ui/words";

const STATES = [
  ["open", "Open"],
  ["explained", "Explained"],
  ["", "All that stand"],
] as const;
/** Cards that are drawn at once. */
const MOST_CARDS = 200;

/** Conflicts with their life: explained with a reason that both sides read, opened again where it does not hold. */
export function ConflictDesk({ names, mayDecide }: { names: AllNames; mayDecide: boolean }) {
  const [state, setState] = useState<string>("open");
  const loaded = useLoaded(() => ledgerApi.conflicts(state), [state]);
  const doing = useDoing();
  useEffect(() => onChange(["stock"], () => void loaded.refresh()), []);
  const decide = (work: () => Promise<unknown>): Promise<boolean> =>
    doing.run(async () => {
      await work();
      await loaded.refresh();
    });
  return (
    <section aria-labelledby="conflicts-title">
      <h2 id="conflicts-title">
        Conflicts {loaded.value && <span class="total">{loaded.value.length}</span>}
      </h2>
      <Segments legend="Which conflicts" options={STATES} value={state} onChange={setState} />
      <Failures doing={doing} title="That was not saved" />
      <WhenLoaded loaded={loaded} what="the conflicts">
        {(conflicts) =>
          conflicts.length === 0 ? (
            <Nothing title={state === "open" ? "None: what was captured agrees." : "None."} />
          ) : (
            <>
              {conflicts.length > MOST_CARDS && <p class="quiet">The worst {MOST_CARDS} of {conflicts.length}; what is explained makes room for the others.</p>}
              <ol class="cards">
                {worstFirst(conflicts)
                  .slice(0, MOST_CARDS)
                  .map((conflict) => (
                    <ConflictCard key={conflict.id} conflict={conflict} names={names} doing={doing} onDecide={mayDecide ? decide : null} />
                  ))}
              </ol>
            </>
          )
        }
      </WhenLoaded>
    </section>
  );
}

interface CardProps {
  conflict: Conflict;
  names: AllNames;
  doing: Doing;
  onDecide: ((work: () => Promise<unknown>) => Promise<boolean>) | null;
}

function ConflictCard({ conflict, names, doing, onDecide }: CardProps) {
  const [asking, setAsking] = useState(false);
  const open = conflict.state === "open";
  const words = open ? "Explain" : "Open again";
  const decide = async (reason: string): Promise<void> => {
    const work = (): Promise<Conflict> => (open ? ledgerApi.explain : ledgerApi.reopen)(conflict.id, reason);
    if (onDecide && (await onDecide(work))) setAsking(false);
  };
  return (
    <li class={`severity-${conflict.severity}`} data-testid="conflict">
      <p>
        <SeverityTag severity={conflict.severity} /> <span class="tag">{conflictWords(conflict.kind)}</span> {!open && <span class="tag">{flagWords(conflict.state)}</span>}
      </p>
      <p>{capitalised(readableMessage(conflict.message, { ...names.parties, ...names.places }))}</p>
      <p class="quiet">
        <time dateTime={conflict.eventTime}>{readableTime(conflict.eventTime)}</time>
      </p>
      {conflict.closedReason && (
        <p class="said">
          “{conflict.closedReason}”{" "}
          <span class="quiet">
            {nameOf(conflict.closedBy, names.parties)}
            {conflict.closedByRole && `, ${conflict.closedByRole}`}
            {conflict.closedAt && `, ${readableTime(conflict.closedAt)}`}
          </span>
        </p>
      )}
      {onDecide && !asking && conflict.state !== "corrected" && (
        <button type="button" class="secondary" onClick={() => setAsking(true)}>
          {words}
        </button>
      )}
      {asking && <NoteForm label={open ? "Why it is not what it seems" : "Why the explanation does not hold"} words={words} busy={doing.busy} onNote={(note) => void decide(note)} onCancel={() => setAsking(false)} />}
    </li>
  );
}
