import { useState } from "preact/hooks";
import { type Emergency, patientApi } from "../api/patients";
import { type Doing, Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { NoteForm } from "../ui/NoteForm";
import { readableTime, thingWords } from "../ui/words";

/** Uses of break-glass, for the privacy officer to judge; nothing where there were none. */
export function EmergencyDesk() {
  const loaded = useLoaded(patientApi.emergencies, []);
  const doing = useDoing();
  const review = async (id: string, judgement: string): Promise<void> => {
    await doing.run(async () => {
      await patientApi.review(id, judgement);
      await loaded.refresh();
    });
  };
  return (
    <WhenLoaded loaded={loaded} what="the uses of emergency access">
      {(emergencies) =>
        emergencies.length > 0 && (
          <section aria-labelledby="emergencies-title">
            <h2 id="emergencies-title">
              Emergency access <span class="total">{emergencies.filter(({ reviewedAt }) => reviewedAt === null).length}</span>
            </h2>
            <Failures doing={doing} title="That was not saved" />
            <ul class="cards">
              {emergencies.map((one) => (
                <EmergencyCard key={one.id} emergency={one} doing={doing} onReview={(judgement) => void review(one.id, judgement)} />
              ))}
            </ul>
          </section>
        )
      }
    </WhenLoaded>
  );
}

function EmergencyCard({ emergency: one, doing, onReview }: { emergency: Emergency; doing: Doing; onReview: (judgement: string) => void }) {
  const [judging, setJudging] = useState(false);
  return (
    <li class={one.reviewedAt === null ? "severity-high" : "voided"} data-testid="emergency">
      <p>
        <strong>{one.principal}</strong> for {one.concerns.startsWith("https:") ? thingWords(one.concerns).toLowerCase() : one.concerns}, {readableTime(one.openedAt)} to {readableTime(one.expiresAt)}
      </p>
      <p class="said">“{one.reason}”</p>
      {one.reviewedAt !== null && (
        <p class="said">
          “{one.review}” <span class="quiet">{one.reviewedBy}, {readableTime(one.reviewedAt)}</span>
        </p>
      )}
      {one.reviewedAt === null && !judging && (
        <button type="button" class="secondary" onClick={() => setJudging(true)}>
          Judge it
        </button>
      )}
      {one.reviewedAt === null && judging && <NoteForm label="Your judgement" words="Put it on record" busy={doing.busy} hint="It stays with the record for good. Name no patient." onNote={onReview} onCancel={() => setJudging(false)} />}
    </li>
  );
}
