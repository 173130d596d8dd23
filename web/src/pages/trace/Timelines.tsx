/** An item's life: who had it, who owned it, and every event of it. */

import type { ComponentChildren } from "preact";
import type { Custody, Holding, HistoryStep } from "../../api/trace";
import type { Names } from "../../api/types";
import { Scroller, ShortId } from "../../ui/parts";
import { nameOf, plainWords, readableTime, statusWords } from "../../ui/words";

export function CustodyTimelines({ custody }: { custody: Custody }) {
  return (
    <div class="two">
      <Timeline title="Custody" rows={custody.custody} ended={custody.ended} parties={custody.parties}>
        {(row) => (
          <>
            {row.place && <>{nameOf(row.place, custody.places)} · </>}
            {statusWords(row.status)}
          </>
        )}
      </Timeline>
      <Timeline title="Ownership" rows={custody.ownership} ended={custody.ended} parties={custody.parties} />
    </div>
  );
}

interface TimelineProps {
  title: string;
  rows: readonly Holding[];
  ended: string | null;
  parties: Names;
  children?: (row: Holding) => ComponentChildren;
}

function Timeline({ title, rows, ended, parties, children }: TimelineProps) {
  return (
    <section class="timeline">
      <h2>{title}</h2>
      <ol>
        {rows.map((row) => (
          <li key={row.eventID + row.since} class={row.gaps.length > 0 ? "gap" : ""} data-testid={title.toLowerCase()}>
            <p>
              <strong>{row.party === null ? "Nobody known" : nameOf(row.party, parties)}</strong>
            </p>
            {children && <p>{children(row)}</p>}
            <p class="quiet">
              <time dateTime={row.since}>{readableTime(row.since)}</time>
              {row.until && <> to {readableTime(row.until)}</>} · event <ShortId id={row.eventID} />
            </p>
            {row.gaps.map((gap) => (
              <p key={gap} class="verdict warn">
                ! {gap}
              </p>
            ))}
          </li>
        ))}
      </ol>
      {ended && <p class="quiet">Ended {readableTime(ended)}.</p>}
    </section>
  );
}

export function History({ steps, places, parties }: { steps: readonly HistoryStep[]; places: Names; parties: Names }) {
  return (
    <section class="place-group">
      <h2>
        <span>Events</span> <span class="total">{steps.length}</span>
      </h2>
      <Scroller name="Events">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Step</th>
              <th scope="col">Disposition</th>
              <th scope="col">Place</th>
              <th scope="col">Captured by</th>
              <th scope="col">Event</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step) => (
              <tr key={step.eventID} class={step.declaredInError ? "voided" : ""}>
                <td>{readableTime(step.eventTime)}</td>
                <td>
                  {plainWords(step.bizStep ?? step.action ?? "")} {step.declaredInError && <span class="tag warn">Declared in error</span>}{" "}
                  {step.private && <span class="tag">Private</span>}
                </td>
                <td>{step.disposition ? plainWords(step.disposition) : "—"}</td>
                <td>{nameOf(step.bizLocation ?? step.readPoint, places)}</td>
                <td>{step.capturedBy.map((party) => nameOf(party, parties)).join(", ")}</td>
                <td>
                  <ShortId id={step.eventID} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </section>
  );
}
