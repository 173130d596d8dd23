/** How units of goods are told in every table: their state with what stands against it, and the events that say so. */

import { ShortId } from "./parts";
import { ALARMING_FLAGS, flagWords, statusWords } from "./words";

export function Flags({ flags }: { flags: readonly string[] }) {
  return (
    <>
      {flags.map((flag) => (
        <span key={flag} class={ALARMING_FLAGS.has(flag) ? "tag bad" : "tag"}>
          {flagWords(flag)}
        </span>
      ))}
    </>
  );
}

export function StatusAndFlags({ status, flags }: { status: string; flags: readonly string[] }) {
  return (
    <>
      {statusWords(status)} <Flags flags={flags} />
    </>
  );
}

export function Cited({ eventIDs }: { eventIDs: readonly string[] }) {
  return (
    <span class="cited">
      {eventIDs.map((eventID) => (
        <ShortId key={eventID} id={eventID} />
      ))}
    </span>
  );
}
