import type { PendingCorrection } from "../api/ledger";
import { type Loaded, WhenLoaded } from "../ui/loaded";
import { ShortId } from "../ui/parts";
import { plainWords, readableTime, thingWords } from "../ui/words";

/** Errors that were declared and not yet made good; nothing where there are none. */
export function PendingCorrections({ loaded }: { loaded: Loaded<PendingCorrection[]> }) {
  return (
    <WhenLoaded loaded={loaded} what="the corrections">
      {(pending) =>
        pending.length > 0 && (
          <section>
            <h2>
              Corrections that wait <span class="total">{pending.length}</span>
            </h2>
            <ol class="cards">
              {pending.map((one) => (
                <li key={one.eventID}>
                  <p>
                    {one.reason ? plainWords(one.reason) : "Declared in error"}: {one.items.slice(0, 3).map(thingWords).join(", ")}
                    {one.items.length > 3 && ` and ${one.items.length - 3} more`}
                  </p>
                  <p class="quiet">
                    {one.originalKnown ? `${one.missing.length} corrective events are missing` : "The event that it is about is not here"} ·{" "}
                    {readableTime(one.declaredAt ?? one.eventTime)} · event <ShortId id={one.eventID} />
                  </p>
                </li>
              ))}
            </ol>
          </section>
        )
      }
    </WhenLoaded>
  );
}
