import { useEffect, useState } from "preact/hooks";
import { type Alert, alertApi, type AlertFilter } from "../api/alerts";
import type { AllNames } from "../api/ledger";
import { onChange } from "../api/live";
import type { Session } from "../api/types";
import { SeverityTag } from "../ui/ConflictCards";
import { type Doing, Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { NoteForm } from "../ui/NoteForm";
import { Nothing, ShortId } from "../ui/parts";
import { Segments } from "../ui/Segments";
import { alertWords, capitalised, nameOf, readableMessage, readableSpan, readableTime, worstFirst } from "../ui/words";

const STATES = [
  ["open", "Open"],
  ["closed", "Closed"],
  ["all", "All"],
] as const;
const EVERYTHING: AlertFilter = { state: "open", kind: "", place: "", responsible: "" };
/** Cards that are drawn at once; the filters find the others. */
const MOST_CARDS = 200;
const DAY_S = 86_400;

/** What an agreement asks of either side: who has to act, until when, and who has taken note. */
export function AlertDesk({ names, session }: { names: AllNames; session: Session }) {
  const [filter, setFilter] = useState(EVERYTHING);
  const loaded = useLoaded(() => alertApi.all(filter), [filter]);
  const doing = useDoing();
  // The choices stay while a filter narrows the list.
  const [kinds, setKinds] = useState<readonly string[]>([]);
  const [places, setPlaces] = useState<readonly string[]>([]);
  useEffect(() => onChange(["alerts"], () => void loaded.refresh()), []);
  useEffect(() => {
    const found = loaded.value ?? [];
    setKinds((known) => [...new Set([...known, ...found.map(({ kind }) => kind)])].sort());
    setPlaces((known) => [...new Set([...known, ...found.flatMap(({ place }) => place ?? [])])]);
  }, [loaded.value]);
  const set = (change: Partial<AlertFilter>): void => setFilter((now) => ({ ...now, ...change }));
  return (
    <section aria-labelledby="alerts-title">
      <h2 id="alerts-title">
        What is owed {loaded.value && <span class="total">{loaded.value.length}</span>}
      </h2>
      <Segments legend="Which alerts" options={STATES} value={filter.state as (typeof STATES)[number][0]} onChange={(state) => set({ state })} />
      <div class="toolbar">
        <span class="pair">
          <label for="alert-responsible">To act</label>
          <select id="alert-responsible" value={filter.responsible} onChange={(event) => set({ responsible: event.currentTarget.value })}>
            <option value="">Either side</option>
            <option value="me">We</option>
          </select>
        </span>
        <span class="pair">
          <label for="alert-kind">Kind</label>
          <select id="alert-kind" value={filter.kind} onChange={(event) => set({ kind: event.currentTarget.value })}>
            <option value="">Any</option>
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {alertWords(kind)}
              </option>
            ))}
          </select>
        </span>
        <span class="pair">
          <label for="alert-place">Place</label>
          <select id="alert-place" value={filter.place} onChange={(event) => set({ place: event.currentTarget.value })}>
            <option value="">Any</option>
            {places.map((place) => (
              <option key={place} value={place}>
                {nameOf(place, names.places)}
              </option>
            ))}
          </select>
        </span>
      </div>
      <Failures doing={doing} title="That was not saved" />
      <WhenLoaded loaded={loaded} what="the alerts">
        {(alerts) =>
          alerts.length === 0 ? (
            <Nothing title={filter === EVERYTHING ? "Nothing is owed: both sides are up to date." : "No alert fits."} />
          ) : (
            <>
              {alerts.length > MOST_CARDS && <p class="quiet">The worst {MOST_CARDS} of {alerts.length}; choose a kind or a place to see the others.</p>}
              <ol class="cards">
                {worstFirst(alerts)
                  .slice(0, MOST_CARDS)
                  .map((alert) => (
                    <AlertCard key={alert.id} alert={alert} names={names} session={session} doing={doing} onChanged={loaded.refresh} />
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
  alert: Alert;
  names: AllNames;
  session: Session;
  doing: Doing;
  onChanged: () => Promise<void>;
}

function AlertCard({ alert, names, session, doing, onChanged }: CardProps) {
  const [asking, setAsking] = useState(false);
  const ours = alert.responsible === session.organisation;
  const acknowledged = alert.acknowledgements.some(({ party }) => party === session.organisation);
  const mayAcknowledge = session.rights.includes("capture") && alert.state === "open" && !acknowledged;
  const product = names.products[alert.gtin ?? ""];
  const acknowledge = async (note: string): Promise<void> => {
    const done = await doing.run(async () => {
      await alertApi.acknowledge(alert.id, note);
      await onChanged();
    });
    if (done) setAsking(false);
  };
  return (
    <li class={alert.state === "open" ? `severity-${alert.severity}` : "voided"} data-testid="alert" data-kind={alert.kind}>
      <p>
        <SeverityTag severity={alert.severity} /> <span class="tag">{alertWords(alert.kind)}</span> {alert.state === "closed" && <span class="tag">Closed</span>}
      </p>
      <p>{capitalised(readableMessage(alert.message, { ...names.parties, ...names.places }))}</p>
      {product && (
        <p class="quiet">
          {product} <span class="code">{alert.gtin}</span>
        </p>
      )}
      <p>
        <strong>{ours ? "We act" : `${nameOf(alert.responsible, names.parties)} acts`}</strong>
        {alert.due && alert.state === "open" && <> {dueWords(alert.due, new Date())}</>}
      </p>
      <p class="quiet">
        since <time dateTime={alert.openedAt}>{readableTime(alert.openedAt)}</time>
        {alert.closedAt && ` to ${readableTime(alert.closedAt)}`}
        {alert.eventIDs.slice(0, 3).map((eventID) => (
          <span key={eventID}>
            {" "}
            · event <ShortId id={eventID} />
          </span>
        ))}
      </p>
      {alert.acknowledgements.map((one) => (
        <p key={one.party + one.at} class="said" data-testid="acknowledgement">
          {one.note && `“${one.note}” `}
          <span class="quiet">
            taken note of by {one.name || nameOf(one.party, names.parties)} ({one.by}), {readableTime(one.at)}
          </span>
        </p>
      ))}
      {mayAcknowledge && !asking && (
        <button type="button" class="secondary" onClick={() => setAsking(true)}>
          Acknowledge
        </button>
      )}
      {asking && <NoteForm label="Note for the other side" words="Acknowledge" optional busy={doing.busy} onNote={(note) => void acknowledge(note)} onCancel={() => setAsking(false)} />}
    </li>
  );
}

/** `within 3 days`, or `5 hours late`. */
export function dueWords(due: string, now: Date): string {
  const left = (new Date(due).getTime() - now.getTime()) / 1000;
  if (Number.isNaN(left)) return "";
  if (left < 0) return `${readableSpan(-left)} late`;
  return left < DAY_S ? `within ${readableSpan(left)}` : `within ${readableSpan(left)}, by ${readableTime(due)}`;
}
