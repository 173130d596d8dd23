/** Where every unit of one lot is or went, and what its packages and products were. It must not ask the server. */

import type { LotNotice, LotTrace, Names, TracePatient, TraceUnit } from "../../api/types";
import { Nothing, Notice, Scroller, ShortId } from "../../ui/parts";
import { ALARMING_FLAGS, flagWords, nameOf, readableQuantity, readableTime, statusWords } from "../../ui/words";
import { ConflictCards } from "../../ui/ConflictCards";

function sum(rows: readonly { quantity: string | number | null }[]): number {
  return Number(rows.reduce((total, { quantity }) => total + Number(quantity ?? 0), 0).toFixed(6));
}

export function LotAnswer({ trace }: { trace: LotTrace }) {
  const places = trace.places ?? {};
  const parties = trace.parties ?? {};
  const product = trace.products?.[trace.gtin];
  const everything = [...trace.units, ...trace.inTransit, ...trace.sinks];
  if (everything.length === 0) return <Nothing title="No unit of this lot is known at that time." />;
  return (
    <>
      <p class="lead" role="status">
        Lot <strong>{trace.lot}</strong> of {product && `${product}, `}
        <span class="code">{trace.gtin}</span>: {sum(trace.units)} in stock, {sum(trace.inTransit)} in transit,{" "}
        {sum(trace.sinks)} gone; {sum(everything)} in all.
      </p>
      <LotNotices notices={trace.notices ?? []} parties={parties} />
      <Units title="In stock" rows={trace.units} places={places} parties={parties} />
      <Units title="In transit" rows={trace.inTransit} places={places} parties={parties} />
      <Sinks rows={trace.sinks} />
      {trace.patients && <Patients patients={trace.patients} />}
      <ConflictCards conflicts={trace.conflicts} names={{ ...parties, ...places }} />
    </>
  );
}

export function LotNotices({ notices, parties }: { notices: readonly LotNotice[]; parties: Names }) {
  return (
    <>
      {notices.map((notice) => (
        <Notice key={notice.time} tone={notice.set.length > 0 ? "bad" : "plain"} title={noticeWords(notice)}>
          <p>
            Notice by {nameOf(notice.party, parties)}, {readableTime(notice.time)} · event <Cited eventIDs={notice.eventIDs} />
          </p>
        </Notice>
      ))}
    </>
  );
}

/** `Recalled`, or `No longer recalled`. */
function noticeWords({ set, unset }: LotNotice): string {
  return [...set.map(flagWords), ...unset.map((flag) => `No longer ${flagWords(flag).toLowerCase()}`)].join(", ");
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

export function Units({ title, rows, places, parties }: { title: string; rows: readonly TraceUnit[]; places: Names; parties: Names }) {
  if (rows.length === 0) return null;
  return (
    <section class="place-group">
      <h2>
        <span>{title}</span> <span class="total">{sum(rows)}</span>
      </h2>
      <Scroller name={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">Place</th>
              <th scope="col">Container</th>
              <th scope="col">Owner</th>
              <th scope="col">Holder</th>
              <th scope="col">Status</th>
              <th scope="col" class="number">
                Quantity
              </th>
              <th scope="col">Events</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index} data-status={row.status}>
                <td>
                  {nameOf(row.place, places)}
                  {row.place && places[row.place] && places[row.place] !== row.place && (
                    <div class="quiet code" title={row.place}>
                      {nameOf(row.place, {})}
                    </div>
                  )}
                </td>
                <td>{row.container ? <ShortId id={row.container} /> : "—"}</td>
                <td>{nameOf(row.owner, parties)}</td>
                <td>{nameOf(row.holder, parties)}</td>
                <td>
                  {statusWords(row.status)}{" "}
                  {(row.flags ?? []).map((flag) => (
                    <span key={flag} class={ALARMING_FLAGS.has(flag) ? "tag bad" : "tag"}>
                      {flagWords(flag)}
                    </span>
                  ))}
                </td>
                <td class="number">{readableQuantity(row.quantity)}</td>
                <td>
                  <Cited eventIDs={row.eventIDs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </section>
  );
}

function Sinks({ rows }: { rows: readonly TraceUnit[] }) {
  if (rows.length === 0) return null;
  return (
    <section class="place-group">
      <h2>
        <span>Used, returned, wasted, lost</span> <span class="total">{sum(rows)}</span>
      </h2>
      <Scroller name="Units that are gone">
        <table>
          <thead>
            <tr>
              <th scope="col">What became of it</th>
              <th scope="col" class="number">
                Quantity
              </th>
              <th scope="col">Events</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index} data-status={row.status}>
                <td>{statusWords(row.status)}</td>
                <td class="number">{readableQuantity(row.quantity)}</td>
                <td>
                  <Cited eventIDs={row.eventIDs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </section>
  );
}

/** `GSRN 401234500000123452` of a patient's identifier: a pseudonym of the hospital's, never a name. */
function patientWords(id: string): string {
  const gsrn = /\/8018\/(\d{18})/.exec(id)?.[1];
  return gsrn ? `GSRN ${gsrn}` : id;
}

export function Patients({ patients }: { patients: readonly TracePatient[] }) {
  return (
    <section class="place-group">
      <h2>
        <span>Patients</span> <span class="total">{patients.length}</span>
      </h2>
      {patients.length === 0 && <p class="quiet">No unit is linked to a patient.</p>}
      {patients.length > 0 && (
        <Scroller name="Patients">
          <table>
            <thead>
              <tr>
                <th scope="col">Patient (pseudonym)</th>
                <th scope="col" class="number">
                  Quantity
                </th>
                <th scope="col">Events</th>
              </tr>
            </thead>
            <tbody>
              {patients.map((row) => (
                <tr key={row.patient}>
                  <td class="code">{patientWords(row.patient)}</td>
                  <td class="number">{row.quantity ?? "—"}</td>
                  <td>
                    <Cited eventIDs={row.eventIDs} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroller>
      )}
    </section>
  );
}
