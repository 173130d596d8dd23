import type { Count } from "../../api/counts";
import { ledgerApi } from "../../api/ledger";
import type { CountSession } from "../../scan/count";
import { useLoaded } from "../../ui/loaded";
import { Nothing, Notice } from "../../ui/parts";
import { PartCard } from "./Variances";

const ENDS: Partial<Record<Count["state"], string>> = {
  finished: "The count is on record",
  abandoned: "The count was thrown away",
};

/** What a closed count came to, and what is to be done with it. */
export function CountOutcome({ counting }: { counting: CountSession }) {
  const names = useLoaded(ledgerApi.names, []);
  const count = counting.count.value;
  if (count === null) return null;
  const end = ENDS[count.state];
  const busy = counting.busy.value;
  return (
    <>
      <h2>{end ?? "What the count found"}</h2>
      {end && <Notice tone={count.state === "finished" ? "good" : "plain"} title={end} />}
      {count.note && <Notice tone="plain" title={count.note} />}
      {count.recountRequired && (
        <Notice tone="warn" title="The agreement asks for a second count">
          <p>These differ: {(count.recount ?? []).join(", ")}. Count them again before the result is final.</p>
        </Notice>
      )}
      {(count.parts ?? []).map((part) => (
        <PartCard key={part.supplier} part={part} names={names.value} />
      ))}
      {!end && !count.recountRequired && (count.parts ?? []).length === 0 && <Nothing title="Nothing was read, and nothing should be here." />}
      <div class="save-bar">
        {end ? (
          <button type="button" class="primary" onClick={counting.forget}>
            Done
          </button>
        ) : (
          <>
            {!count.recountRequired && (
              <button type="button" class="primary" disabled={busy} onClick={() => void counting.step("finish")}>
                {busy ? "Putting on record…" : "Put on record"}
              </button>
            )}
            {(count.round ?? 1) < 2 && (
              <button type="button" class={count.recountRequired ? "primary" : "secondary"} disabled={busy} onClick={() => void counting.step("recount")}>
                Count again what differs
              </button>
            )}
          </>
        )}
      </div>
    </>
  );
}
