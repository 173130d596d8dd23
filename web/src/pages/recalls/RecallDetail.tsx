import { useState } from "preact/hooks";
import { type NoticeKey, type Recall, recallApi, type RecalledUnits, type RecallPatient, type RecallTotals, type Step } from "../../api/recalls";
import type { Session } from "../../api/types";
import { ConflictCards } from "../../ui/ConflictCards";
import { type Doing, Failures, useDoing, useLoaded, WhenLoaded } from "../../ui/loaded";
import { NoteForm } from "../../ui/NoteForm";
import { PatientLinkTable } from "../../ui/patients";
import { AnswerBlock, type Column, TableBlock } from "../../ui/Table";
import { nameOf, plainWords, readableQuantity, readableTime, statusWords, thingWords } from "../../ui/words";
import { recalledWords } from "./words";

const STATE_WORDS: Readonly<Record<Recall["state"], string>> = { open: "Open", complete: "Complete: nothing is left to secure", withdrawn: "Withdrawn" };

const SUMS: readonly (readonly [name: keyof RecallTotals, words: string])[] = [
  ["notQuarantined", "not in quarantine"],
  ["quarantined", "in quarantine"],
  ["inTransit", "on the way"],
  ["returning", "on the way back"],
  ["withIssuer", "with the issuer"],
  ["gone", "used or gone"],
];

const STEPS: readonly (readonly [step: Step, words: string])[] = [
  ["received", "We have received it"],
  ["quarantined", "Our stock is in quarantine"],
  ["patients_traced", "Our patients are traced"],
  ["done", "We are done"],
];

/** One notice: where its units are, the open ones first, and what was done. Patients are asked for by themselves. */
export function RecallDetail({ notice, session }: { notice: NoticeKey; session: Session }) {
  const loaded = useLoaded(() => recallApi.one(notice), [notice.notice, notice.issuer]);
  const doing = useDoing();
  return (
    <WhenLoaded loaded={loaded} what="the recall">
      {(recall) => {
        const own = recall.issuer === session.organisation;
        return (
          <article>
            <h2>{recall.items.map((item) => recalledWords(item, recall.products)).join("; ")}</h2>
            <p class="lead">
              <span class={recall.state === "open" ? "tag bad" : "tag"}>{STATE_WORDS[recall.state]}</span> {recall.recallClass && `Class ${recall.recallClass}. `}
              {recall.reason} <span class="quiet">{nameOf(recall.issuer, recall.parties)}, {readableTime(recall.issuedAt)}</span>
            </p>
            {recall.totals.map((totals) => (
              <dl key={totals.uom ?? ""} class="sums" data-testid="recall-totals">
                {SUMS.map(([name, words]) => (
                  <div key={name} class={name === "notQuarantined" && Number(totals[name]) > 0 ? "bad" : ""}>
                    <dt>{words}</dt>
                    <dd>{totals[name]}</dd>
                  </div>
                ))}
                <div>
                  <dt>in all{totals.uom && `, ${totals.uom}`}</dt>
                  <dd>{totals.total}</dd>
                </div>
              </dl>
            ))}
            <Failures doing={doing} title="That was refused" />
            {session.rights.includes("capture") && recall.state !== "withdrawn" && (
              <Answers recall={recall} session={session} own={own} doing={doing} onChanged={loaded.refresh} />
            )}
            <Acknowledgements recall={recall} />
            <UnitTable title="Not in quarantine" rows={recall.units.filter(({ handling }) => handling === "not_quarantined")} recall={recall} />
            <UnitTable title="Other stock" rows={recall.units.filter(({ handling }) => handling !== "not_quarantined")} recall={recall} />
            <UnitTable title="In transit" rows={recall.inTransit} recall={recall} />
            <UnitTable title="Used or gone" rows={recall.sinks} recall={recall} />
            {session.rights.includes("know patients") && <Patients notice={recall} />}
            <ConflictCards conflicts={recall.conflicts} names={{ ...recall.parties, ...recall.places }} />
          </article>
        );
      }}
    </WhenLoaded>
  );
}

interface AnswersProps {
  recall: Recall;
  session: Session;
  own: boolean;
  doing: Doing;
  onChanged: () => Promise<void>;
}

/** What the caller's side may say: a step done by those who have the goods, a withdrawal by the issuer. */
function Answers({ recall, session, own, doing, onChanged }: AnswersProps) {
  const [asked, setAsked] = useState<Step | "withdraw" | null>(null);
  const said = new Set(recall.acknowledgements.filter(({ party }) => party === session.organisation).map(({ step }) => step));
  const send = async (note: string): Promise<void> => {
    if (asked === null) return;
    const done = await doing.run(async () => {
      if (asked === "withdraw") await recallApi.withdraw(recall.notice, note);
      else await recallApi.acknowledge(recall, asked, note);
      await onChanged();
    });
    if (done) setAsked(null);
  };
  if (asked !== null) {
    const words = asked === "withdraw" ? "Withdraw the notice" : (STEPS.find(([step]) => step === asked)?.[1] ?? asked);
    return <NoteForm label={asked === "withdraw" ? "Why it is withdrawn" : "Note for the issuer"} words={words} optional={asked !== "withdraw"} busy={doing.busy} onNote={(note) => void send(note)} onCancel={() => setAsked(null)} />;
  }
  return (
    <div class="row wrap">
      {!own &&
        STEPS.filter(([step]) => !said.has(step)).map(([step, words], index) => (
          <button key={step} type="button" class={index === 0 ? "primary" : "secondary"} onClick={() => setAsked(step)}>
            {words}
          </button>
        ))}
      {own && (
        <button type="button" class="secondary" onClick={() => setAsked("withdraw")}>
          Withdraw the notice
        </button>
      )}
    </div>
  );
}

function Acknowledgements({ recall }: { recall: Recall }) {
  if (recall.acknowledgements.length === 0) return <p class="quiet spaced">Nobody has answered the notice yet.</p>;
  return (
    <ul class="cards spaced" aria-label="Answers to the notice">
      {recall.acknowledgements.map((one) => (
        <li key={one.party + one.step} data-testid="recall-answer">
          <strong>{nameOf(one.party, recall.parties)}</strong>: {plainWords(one.step).toLowerCase()}
          {one.note && ` “${one.note}”`}{" "}
          <span class="quiet">
            {one.principal}, {readableTime(one.acknowledgedAt)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function UnitTable({ title, rows, recall }: { title: string; rows: readonly RecalledUnits[]; recall: Recall }) {
  const columns: Column<RecalledUnits>[] = [
    { title: "Item", cell: ({ item }) => thingWords(item) },
    { title: "Place", cell: ({ place }) => nameOf(place, recall.places) },
    { title: "Held by", cell: ({ holder }) => nameOf(holder, recall.parties) },
    {
      title: "State",
      cell: ({ status, afterNotice }) => (
        <>
          {statusWords(status)} {afterNotice && <span class="tag bad">Moved after the notice</span>}
        </>
      ),
    },
    { title: "Quantity", kind: "number", cell: ({ quantity, uom }) => readableQuantity(quantity, uom) },
    { title: "Since", cell: ({ since }) => readableTime(since) },
  ];
  return <TableBlock title={title} small columns={columns} rows={rows} marks={({ handling }) => ({ class: handling === "not_quarantined" ? "alarming" : "" })} />;
}

/** Patients of the notice: asked for with a purpose, shown only here, and gone with the page. */
function Patients({ notice }: { notice: NoticeKey }) {
  const [found, setFound] = useState<RecallPatient[] | null>(null);
  const [purpose, setPurpose] = useState("");
  const doing = useDoing();
  return (
    <AnswerBlock title="Patients" small>
      {found === null && (
        <form
          class="toolbar"
          onSubmit={(event) => {
            event.preventDefault();
            void doing.run(async () => setFound(await recallApi.patients(notice, purpose.trim())));
          }}
        >
          <label for="purpose">Purpose, for the audit log</label>
          <input id="purpose" class="long" required maxLength={1000} value={purpose} onInput={(event) => setPurpose(event.currentTarget.value)} autocomplete="off" />
          <button type="submit" class="secondary" disabled={doing.busy}>
            Show the patients
          </button>
        </form>
      )}
      <Failures doing={doing} title="The patients could not be shown" />
      {found !== null && <PatientLinkTable links={found} nothing="No unit of it is linked to a patient." testId="recall-patient" />}
    </AnswerBlock>
  );
}
