import { useEffect, useState } from "preact/hooks";
import { api, messagesOf, Problem } from "../api/client";
import type { LotNotice, LotTrace, Names, TracePatient, TraceUnit } from "../api/types";
import { Messages, Nothing, Notice, Scroller, ShortId, Waiting } from "../ui/parts";
import { ALARMING_FLAGS, flagWords, nameOf, readableMessage, readableQuantity, readableTime, statusWords, worstFirst } from "../ui/words";

type Result = { state: "none" } | { state: "asking" } | { state: "found"; trace: LotTrace } | { state: "unknown" } | { state: "failed"; messages: string[] };

interface Question {
  gtin: string;
  lot: string;
  asOf: string;
}

function questionInAddress(): Question {
  const query = new URLSearchParams(location.search);
  return { gtin: query.get("gtin") ?? "", lot: query.get("lot") ?? "", asOf: query.get("asOf") ?? "" };
}

/** Where every unit of one lot is or went. */
export function TracePage() {
  const [question, setQuestion] = useState<Question>(questionInAddress);
  const [result, setResult] = useState<Result>({ state: "none" });
  const ask = async ({ gtin, lot, asOf }: Question): Promise<void> => {
    setResult({ state: "asking" });
    try {
      setResult({ state: "found", trace: await api.traceLot(gtin.trim().padStart(14, "0"), lot.trim(), asOf) });
    } catch (error) {
      setResult(error instanceof Problem && error.status === 404 ? { state: "unknown" } : { state: "failed", messages: messagesOf(error) });
    }
  };
  useEffect(() => {
    if (question.gtin && question.lot) void ask(question);
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const given = Object.entries(question).filter(([, value]) => value);
    history.replaceState(null, "", `${location.pathname}?${new URLSearchParams(given)}`);
    void ask(question);
  };
  const edit = (field: keyof Question) => (event: Event & { currentTarget: HTMLInputElement }) =>
    setQuestion({ ...question, [field]: event.currentTarget.value });
  return (
    <main class="wide">
      <h1>Trace a lot</h1>
      <form class="toolbar" onSubmit={submit}>
        <label for="gtin">GTIN</label>
        <input id="gtin" required inputMode="numeric" pattern="\s*\d{8,14}\s*" title="8 to 14 digits" value={question.gtin} onInput={edit("gtin")} placeholder="09521141045305" />
        <label for="lot">Lot</label>
        <input id="lot" required maxLength={20} value={question.lot} onInput={edit("lot")} placeholder="LOT77A" autocomplete="off" />
        <label for="as-of">As of</label>
        <input id="as-of" type="date" value={question.asOf} onInput={edit("asOf")} />
        <button type="submit" class="primary" disabled={result.state === "asking"}>
          Trace
        </button>
      </form>
      {result.state === "none" && <Nothing title="Enter the GTIN and lot of a label, with a day to look back to it." />}
      {result.state === "asking" && <Waiting>Tracing…</Waiting>}
      {result.state === "unknown" && <Nothing title="No event that you may see names this lot." />}
      {result.state === "failed" && (
        <Notice tone="bad" title="The lot could not be traced">
          <Messages messages={result.messages} />
        </Notice>
      )}
      {result.state === "found" && <Answer trace={result.trace} />}
    </main>
  );
}

function sum(rows: readonly { quantity: string | number | null }[]): number {
  return Number(rows.reduce((total, { quantity }) => total + Number(quantity ?? 0), 0).toFixed(6));
}

function Answer({ trace }: { trace: LotTrace }) {
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
      {(trace.notices ?? []).map((notice) => (
        <Notice key={notice.time} tone={notice.set.length > 0 ? "bad" : "plain"} title={noticeWords(notice)}>
          <p>
            Notice by {nameOf(notice.party, parties)}, {readableTime(notice.time)} · event <Cited eventIDs={notice.eventIDs} />
          </p>
        </Notice>
      ))}
      <Units title="In stock" rows={trace.units} places={places} parties={parties} />
      <Units title="In transit" rows={trace.inTransit} places={places} parties={parties} />
      <Sinks rows={trace.sinks} />
      {trace.patients && <Patients patients={trace.patients} />}
      {trace.conflicts.length > 0 && (
        <section>
          <h2>Conflicts</h2>
          <ol class="cards">
            {worstFirst(trace.conflicts).map((conflict) => (
              <li key={conflict.id} class={`severity-${conflict.severity}`}>
                <span class={["critical", "high"].includes(conflict.severity) ? "tag bad" : "tag"}>{flagWords(conflict.severity)}</span> {readableMessage(conflict.message, { ...parties, ...places })}
              </li>
            ))}
          </ol>
        </section>
      )}
    </>
  );
}

/** `Recalled`, or `No longer recalled`. */
function noticeWords({ set, unset }: LotNotice): string {
  return [...set.map(flagWords), ...unset.map((flag) => `No longer ${flagWords(flag).toLowerCase()}`)].join(", ");
}

function Cited({ eventIDs }: { eventIDs: readonly string[] }) {
  return (
    <span class="cited">
      {eventIDs.map((eventID) => (
        <ShortId key={eventID} id={eventID} />
      ))}
    </span>
  );
}

function Units({ title, rows, places, parties }: { title: string; rows: readonly TraceUnit[]; places: Names; parties: Names }) {
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

function Patients({ patients }: { patients: readonly TracePatient[] }) {
  return (
    <section class="place-group">
      <h2>
        <span>Patients</span> <span class="total">{patients.length}</span>
      </h2>
      {patients.length === 0 && <p class="quiet">No unit of this lot is linked to a patient.</p>}
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
