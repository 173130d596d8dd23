import { useState } from "preact/hooks";
import { patientApi, type QuarantinedEvent } from "../api/patients";
import type { Session } from "../api/types";
import { type Doing, Failures, type Loaded, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing, Notice } from "../ui/parts";
import { readableTime, roleWords } from "../ui/words";

/** Events that were refused since they tell of a patient: the clinical role captures them after all, or they are deleted. */
export function QuarantinePage({ session }: { session: Session }) {
  const loaded = useLoaded(patientApi.quarantine, []);
  const doing = useDoing();
  const [done, setDone] = useState<string | null>(null);
  return (
    <main class="wide">
      <h1>Quarantine</h1>
      <p class="quiet spaced-after">What is refused because it tells of a patient waits here, encrypted and outside of every list, until somebody decides.</p>
      {done && <Notice tone="good" title={done} />}
      <Failures doing={doing} title="That was refused" />
      <WhenLoaded loaded={loaded} what="the quarantine">
        {(events) =>
          events.length === 0 ? (
            <Nothing title="Nothing waits for a decision." />
          ) : (
            <ul class="cards">
              {events.map((event) => (
                <Waiting key={event.id} event={event} session={session} all={loaded} doing={doing} onDone={setDone} />
              ))}
            </ul>
          )
        }
      </WhenLoaded>
    </main>
  );
}

interface WaitingProps {
  event: QuarantinedEvent;
  session: Session;
  all: Loaded<QuarantinedEvent[]>;
  doing: Doing;
  onDone: (words: string) => void;
}

type Decision = "release" | "delete";

const ASKED: Readonly<Record<Decision, { words: string; sure: string; done: string }>> = {
  release: { words: "Capture it after all", sure: "Yes, capture it as ours and private", done: "The event is captured, as a private one of the clinical role." },
  delete: { words: "Delete it", sure: "Yes, delete it for good", done: "The event is deleted for good." },
};

function Waiting({ event, session: { rights }, all, doing, onDone }: WaitingProps) {
  const [content, setContent] = useState<string | null>(null);
  const [asked, setAsked] = useState<Decision | null>(null);
  const decide = (decision: Decision): void =>
    void doing.run(async () => {
      await (decision === "release" ? patientApi.release(event.id) : patientApi.remove(event.id));
      onDone(ASKED[decision].done);
      await all.refresh();
    });
  const decisions: Decision[] = rights.includes("capture private events") ? ["release", "delete"] : ["delete"];
  return (
    <li class="severity-high" data-testid="quarantined">
      <p>
        <strong>{event.principal}</strong> ({roleWords(event.role)}) · <time dateTime={event.receivedAt}>{readableTime(event.receivedAt)}</time>
      </p>
      {event.findings.map(({ code, message }) => (
        <p key={code + message} class="verdict bad">
          ✕ {message}
        </p>
      ))}
      {content !== null && (
        <pre class="event code" tabIndex={0} aria-label="The event">
          {content}
        </pre>
      )}
      <div class="row wrap">
        {asked === null && (
          <>
            {rights.includes("know patients") && content === null && (
              <button type="button" class="secondary" disabled={doing.busy} onClick={() => void doing.run(async () => setContent(JSON.stringify(await patientApi.quarantinedContent(event.id), null, 2)))}>
                Show the event
              </button>
            )}
            {decisions.map((decision) => (
              <button key={decision} type="button" class="secondary" onClick={() => setAsked(decision)}>
                {ASKED[decision].words}
              </button>
            ))}
          </>
        )}
        {asked !== null && (
          <>
            <button type="button" class="primary" disabled={doing.busy} onClick={() => decide(asked)}>
              {ASKED[asked].sure}
            </button>
            <button type="button" class="link" onClick={() => setAsked(null)}>
              Leave it there
            </button>
          </>
        )}
      </div>
    </li>
  );
}
