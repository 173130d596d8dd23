import { useState } from "preact/hooks";
import { type DeadLetter, type Subscription, subscriptionApi, type Trial } from "../api/subscriptions";
import { type Doing, Failures, type Loaded, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing, Notice, ShortId } from "../ui/parts";
import { type Column, Table } from "../ui/Table";
import { readableSpan, readableTime } from "../ui/words";

const STATE_WORDS: Readonly<Record<Subscription["state"], string>> = {
  active: "Active",
  paused: "Paused",
  parked: "Given up: the receiver did not answer",
  disabled: "Ended by the receiver (410)",
};

/** What is sent to receivers, how far behind it is, and what they refused. */
export function SubscriptionsPage() {
  const loaded = useLoaded(subscriptionApi.all, []);
  const doing = useDoing();
  return (
    <main class="wide">
      <h1>Subscriptions</h1>
      <Failures doing={doing} title="That did not work" />
      <WhenLoaded loaded={loaded} what="the subscriptions">
        {(subscriptions) =>
          subscriptions.length === 0 ? (
            <Nothing title="No subscriptions yet">
              <p>A program makes one with POST /epcis/queries/…/subscriptions; it then appears here with its deliveries.</p>
            </Nothing>
          ) : (
            <ul class="cards">
              {subscriptions.map((one) => (
                <SubscriptionCard key={one.subscriptionID} subscription={one} all={loaded} doing={doing} />
              ))}
            </ul>
          )
        }
      </WhenLoaded>
    </main>
  );
}

function SubscriptionCard({ subscription: one, all, doing }: { subscription: Subscription; all: Loaded<Subscription[]>; doing: Doing }) {
  const [open, setOpen] = useState(false);
  const [trial, setTrial] = useState<Trial | null>(null);
  const id = one.subscriptionID;
  const change = (work: () => Promise<unknown>): void =>
    void doing.run(async () => {
      await work();
      await all.refresh();
    });
  return (
    <li class={one.state === "active" && one.deadLetters === 0 ? "" : "severity-high"} data-testid="subscription">
      <p>
        <strong>{one.queryName}</strong> <span class={one.state === "active" ? "tag" : "tag warn"}>{STATE_WORDS[one.state]}</span>
      </p>
      <p class="code">{one.dest}</p>
      <p class="quiet">
        {one.waitingEvents === 0 ? "Nothing waits" : `${one.waitingEvents} events wait, the oldest for ${readableSpan(one.lagSeconds)}`} ·{" "}
        {one.lastNotifiedAt ? `last delivered ${readableTime(one.lastNotifiedAt)}` : "nothing delivered yet"}
        {one.nextAttemptAt && <> · tried again {readableTime(one.nextAttemptAt)}</>} · <ShortId id={id} />
      </p>
      {one.lastError && <p class="verdict bad">✕ {one.lastError}</p>}
      <div class="row wrap">
        {one.state === "active" ? (
          <button type="button" class="secondary" disabled={doing.busy} onClick={() => change(() => subscriptionApi.pause(id))}>
            Pause
          </button>
        ) : (
          <button type="button" class="secondary" disabled={doing.busy} onClick={() => change(() => subscriptionApi.resume(id))}>
            Resume
          </button>
        )}
        <button type="button" class="secondary" disabled={doing.busy} onClick={() => void doing.run(async () => setTrial(await subscriptionApi.test(id)))}>
          Send a test message
        </button>
        {one.deadLetters > 0 && (
          <button type="button" class="secondary" aria-expanded={open} onClick={() => setOpen(!open)}>
            Dead letters <span class="total">{one.deadLetters}</span>
          </button>
        )}
      </div>
      {trial && (
        <Notice tone={trial.delivered ? "good" : "bad"} title={trial.delivered ? "The test message arrived" : "The test message did not arrive"}>
          <p>
            {trial.status !== null && `The receiver answered ${trial.status}. `}
            {trial.error}
          </p>
        </Notice>
      )}
      {open && <DeadLetters id={id} doing={doing} onChange={all.refresh} />}
    </li>
  );
}

function DeadLetters({ id, doing, onChange }: { id: string; doing: Doing; onChange: () => Promise<void> }) {
  const loaded = useLoaded(() => subscriptionApi.deadLetters(id), [id]);
  const redeliver = (letter: DeadLetter): void =>
    void doing.run(async () => {
      await subscriptionApi.redeliver(id, letter.number);
      await Promise.all([loaded.refresh(), onChange()]);
    });
  const columns: Column<DeadLetter>[] = [
    { title: "Made", cell: ({ createdAt }) => readableTime(createdAt) },
    { title: "Events", kind: "number", cell: ({ events, eventIDs }) => <span title={eventIDs.join("\n")}>{events}</span> },
    { title: "Attempts", kind: "number", cell: ({ attempts }) => attempts },
    { title: "Last answer", cell: ({ lastError, lastStatus }) => lastError ?? lastStatus ?? "—" },
    {
      title: "Send again",
      unseen: true,
      cell: (letter) => (
        <button type="button" class="secondary" disabled={doing.busy || letter.state === "redelivering"} onClick={() => redeliver(letter)}>
          {letter.state === "redelivering" ? "Being sent…" : "Send again"}
        </button>
      ),
    },
  ];
  return (
    <WhenLoaded loaded={loaded} what="the dead letters">
      {(letters) => <Table name="Dead letters" columns={columns} rows={letters} keyOf={({ number }) => number} marks={() => ({ "data-testid": "dead-letter" })} />}
    </WhenLoaded>
  );
}
