import type { ItemTrace } from "../../api/trace";
import { ConflictCards } from "../../ui/ConflictCards";
import { Notice } from "../../ui/parts";
import { Flags } from "../../ui/Units";
import { nameOf, statusWords, thingWords } from "../../ui/words";
import { readableDate } from "../../scan/items";
import { LotNotices, Patients } from "./LotAnswer";
import { History } from "./Timelines";

/** Where one item or container is, in a sentence; then what stands against it. */
export function ItemHead({ trace: { epc, lot, expiry, state, contents, notices, parties, places, conflicts }, onOpen }: { trace: ItemTrace; onOpen: (id: string) => void }) {
  return (
    <>
      <p class="lead" role="status">
        <strong title={epc}>{thingWords(epc)}</strong>
        {lot && <> of lot {lot}</>}
        {expiry && <>, use by {readableDate(expiry)}</>}
        {state === null && ": nothing is known of it at that time."}
        {state !== null && (
          <>
            : {statusWords(state.status).toLowerCase()}
            {state.place && <> at {nameOf(state.place, places)}</>}, owned by {nameOf(state.owner, parties)}, held by {nameOf(state.holder, parties)}.{" "}
            <Flags flags={state.flags ?? []} />
          </>
        )}
      </p>
      <LotNotices notices={notices} parties={parties} />
      {contents.length > 0 && (
        <Notice tone="plain" title={`It holds ${contents.length} ${contents.length === 1 ? "thing" : "things"}`}>
          <ul class="plain">
            {contents.map((inside) => (
              <li key={inside}>
                <button type="button" class="link" onClick={() => onOpen(inside)}>
                  {thingWords(inside)}
                </button>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <ConflictCards conflicts={conflicts} names={{ ...parties, ...places }} />
    </>
  );
}

export function ItemEvents({ trace }: { trace: ItemTrace }) {
  return (
    <>
      {trace.patients && <Patients patients={trace.patients} />}
      <History steps={trace.history} places={trace.places} parties={trace.parties} />
    </>
  );
}
