import { useEffect, useMemo, useState } from "preact/hooks";
import type { Scope } from "../../api/counts";
import type { Session } from "../../api/types";
import type { AiTable } from "../../gs1/splitter";
import { createCountSession, type CountSession } from "../../scan/count";
import { Messages, Notice } from "../../ui/parts";
import { PlaceField } from "../../ui/PlaceField";
import { Segments } from "../../ui/Segments";
import { CountOutcome } from "./CountOutcome";
import { CountReads } from "./CountReads";
import { Variances } from "./Variances";

/** Waiting labels are tried again this often, besides when the browser says that it is online. */
const RETRY_MS = 15_000;

/** Counting on the phone: begin, read labels with or without a connection, close, count again, put on record. */
export function CountPage({ session, table }: { session: Session; table: AiTable }) {
  const counting = useMemo(() => createCountSession(session.organisation, table), [session.organisation, table]);
  const mayCount = session.rights.includes("capture") && session.rights.includes("scan");
  useEffect(() => {
    void counting.resume();
    const again = (): void => void counting.resume();
    addEventListener("online", again);
    const timer = setInterval(() => void counting.flush(), RETRY_MS);
    return () => {
      removeEventListener("online", again);
      clearInterval(timer);
    };
  }, [counting]);
  const kept = counting.kept.value;
  const state = counting.count.value?.state ?? "open";
  const reading = state === "open" || state === "recounting";
  return (
    <main class="scan count">
      <h1 class={kept === null ? "" : "sr-only"}>Count</h1>
      {counting.failures.value.length > 0 && (
        <Notice tone="bad" title="That did not work">
          <Messages messages={counting.failures.value} />
        </Notice>
      )}
      {kept === null && mayCount && <Begin session={session} counting={counting} />}
      {kept !== null && reading && <CountReads counting={counting} table={table} />}
      {kept !== null && !reading && <CountOutcome counting={counting} />}
      {kept === null && <Variances session={session} />}
    </main>
  );
}

const SCOPES = [
  ["complete", "Everything here"],
  ["partial", "A part of it"],
] as const;

function Begin({ session, counting }: { session: Session; counting: CountSession }) {
  const [place, setPlace] = useState(session.place ?? "");
  const [scope, setScope] = useState<Scope>("complete");
  const [blind, setBlind] = useState(true);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void counting.begin(place, scope, blind);
      }}
    >
      <PlaceField id="count-place" label="Place" value={place} onChange={setPlace} />
      <div class="spaced">
        <Segments legend="What is counted" options={SCOPES} value={scope} onChange={setScope} />
      </div>
      <p class="quiet">{scope === "complete" ? "What is not read here counts as missing." : "What is not read proves nothing: no item can be found missing."}</p>
      <label class="check">
        <input type="checkbox" checked={blind} onChange={(event) => setBlind(event.currentTarget.checked)} />
        Blind: do not show what should be here
      </label>
      <button type="submit" class="primary" disabled={place === ""}>
        Begin the count
      </button>
    </form>
  );
}
