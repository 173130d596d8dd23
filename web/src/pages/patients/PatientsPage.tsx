import { useState } from "preact/hooks";
import { patientApi, type PatientLink, type PatientQuestion } from "../../api/patients";
import type { Session } from "../../api/types";
import { type Doing, Failures, useDoing } from "../../ui/loaded";
import { Nothing, Notice } from "../../ui/parts";
import { PatientLinkTable } from "../../ui/patients";
import { AnswerBlock } from "../../ui/Table";
import { nameOf, readableTime } from "../../ui/words";
import { CardsOf } from "./ImplantCards";
import { type Asked, NOTHING_ASKED, questionOf, type Subject } from "./questions";
import { SubjectFields } from "./SubjectFields";

interface Found {
  question: PatientQuestion;
  purpose: string;
  asOf: string;
  links: PatientLink[];
}

/** Emergency access that was opened here: for which question, and until when. */
interface Opened {
  question: string;
  until: string;
}

/**
 * Which patient has what, and who has units of an item or lot: for the clinical role, with a purpose.
 * Question and answer live in this component alone: not in the address, the title, the history or on the device.
 */
export function PatientsPage({ session }: { session: Session }) {
  const [subject, setSubject] = useState<Subject>("patient");
  const [asked, setAsked] = useState<Asked>(NOTHING_ASKED);
  const [purpose, setPurpose] = useState("");
  const [asOf, setAsOf] = useState("");
  const [found, setFound] = useState<Found | null>(null);
  const [opened, setOpened] = useState<Opened | null>(null);
  const doing = useDoing();
  const look = (question: PatientQuestion, why: string, day: string): Promise<boolean> =>
    doing.run(async () => {
      setFound(null);
      setFound({ question, purpose: why, asOf: day, links: await patientApi.search(question, why, day) });
    });
  const forget = (): void => {
    setFound(null);
    setAsked(NOTHING_ASKED);
    doing.fail([]);
  };
  return (
    <main class="wide">
      <h1>Patients</h1>
      <form
        class="ask"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void look(questionOf(subject, asked), purpose.trim(), asOf);
        }}
      >
        <SubjectFields
          subject={subject}
          asked={asked}
          onSubject={(next) => {
            setSubject(next);
            forget();
          }}
          onAsked={setAsked}
        />
        <div class="fields">
          <label class="wider">
            Purpose, for the audit log
            <input required maxLength={1000} value={purpose} onInput={(event) => setPurpose(event.currentTarget.value)} placeholder="Revision surgery, recall, …" />
          </label>
          <label>
            As of
            <input type="date" value={asOf} onInput={(event) => setAsOf(event.currentTarget.value)} />
          </label>
        </div>
        <p class="quiet">Each look-up is recorded with your key, the time and the purpose before it is answered.</p>
        <div class="row">
          <button type="submit" class="primary" disabled={doing.busy}>
            {doing.busy ? "Looking up…" : "Look up"}
          </button>
          {found !== null && (
            <button type="button" class="secondary" onClick={forget}>
              Clear the page
            </button>
          )}
        </div>
      </form>
      <Failures doing={doing} title="It could not be looked up" />
      {found === null && !doing.busy && doing.failures.length === 0 && <Nothing title="Nothing is asked for yet." />}
      {found !== null && <Answer found={found} />}
      {found !== null && session.place !== null && session.rights.includes("open a patient or lot outside its place") && (
        <BreakGlass
          question={found.question}
          place={session.place}
          doing={doing}
          until={opened?.question === JSON.stringify(found.question) ? opened.until : null}
          onOpened={(until) => {
            setOpened({ question: JSON.stringify(found.question), until });
            void look(found.question, found.purpose, found.asOf);
          }}
        />
      )}
    </main>
  );
}

function Answer({ found }: { found: Found }) {
  const [shown, setShown] = useState<PatientLink | null>(null);
  return (
    <>
      <AnswerBlock title="Links" total={found.links.length}>
        <PatientLinkTable
          links={found.links}
          nothing="Nothing that you may know links a patient with it."
          testId="patient-link"
          more={[
            {
              title: "Card",
              unseen: true,
              cell: (link) => (
                <button type="button" class="link" aria-expanded={shown === link} onClick={() => setShown(shown === link ? null : link)}>
                  Implant card
                </button>
              ),
            },
          ]}
        />
      </AnswerBlock>
      {shown !== null && <CardsOf key={shown.item} question={shown.usageReport ? { usageReport: shown.usageReport } : { epc: shown.item }} only={shown.item} />}
    </>
  );
}

interface GlassProps {
  question: PatientQuestion;
  place: string;
  doing: Doing;
  /** When the access that was opened for this question ends. */
  until: string | null;
  onOpened: (until: string) => void;
}

/** Emergency access for a key that is bound to a place: with a reason, for an hour, and read by the privacy officer. */
function BreakGlass({ question, place, doing, until, onOpened }: GlassProps) {
  const [reason, setReason] = useState("");
  const [asking, setAsking] = useState(false);
  const open = async (): Promise<void> => {
    let ends = "";
    const opened = await doing.run(async () => {
      ends = (await patientApi.breakGlass(question, reason.trim())).expiresAt;
    });
    if (opened) onOpened(ends);
  };
  if (until !== null) return <Notice tone="warn" title={`Emergency access until ${readableTime(until)}`} />;
  return (
    <Notice tone="plain" title={`You see what was done at ${nameOf(place, {})}`}>
      {!asking && (
        <button type="button" class="secondary" onClick={() => setAsking(true)}>
          This is an emergency
        </button>
      )}
      {asking && (
        <form
          class="note"
          onSubmit={(event) => {
            event.preventDefault();
            void open();
          }}
        >
          <label>
            Why you need to know what was done elsewhere
            <textarea required minLength={10} maxLength={1000} rows={2} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
          <p class="quiet">Your privacy officer reads and judges it. Access ends after an hour. Name no patient.</p>
          <div class="row">
            <button type="submit" class="primary" disabled={doing.busy || reason.trim().length < 10}>
              Break the glass
            </button>
            <button type="button" class="secondary" onClick={() => setAsking(false)}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Notice>
  );
}
