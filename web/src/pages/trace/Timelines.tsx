/** An item's life: who had it, who owned it, and every event of it. */

import type { ComponentChildren } from "preact";
import type { Custody, Holding, HistoryStep } from "../../api/trace";
import type { Names } from "../../api/types";
import { ShortId } from "../../ui/parts";
import { type Column, TableBlock } from "../../ui/Table";
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
  const columns: Column<HistoryStep>[] = [
    { title: "Time", cell: ({ eventTime }) => readableTime(eventTime) },
    {
      title: "Step",
      cell: (step) => (
        <>
          {plainWords(step.bizStep ?? step.action ?? "")} {step.declaredInError && <span class="tag warn">Declared in error</span>} {step.private && <span class="tag">Private</span>}
        </>
      ),
    },
    { title: "Disposition", cell: ({ disposition }) => (disposition ? plainWords(disposition) : "—") },
    { title: "Place", cell: ({ bizLocation, readPoint }) => nameOf(bizLocation ?? readPoint, places) },
    { title: "Captured by", cell: ({ capturedBy }) => capturedBy.map((party) => nameOf(party, parties)).join(", ") },
    { title: "Event", cell: ({ eventID }) => <ShortId id={eventID} /> },
  ];
  return (
    <TableBlock
      title="Events"
      total={steps.length}
      columns={columns}
      rows={steps}
      keyOf={({ eventID }) => eventID}
      marks={({ declaredInError }) => ({ class: declaredInError ? "voided" : "", "data-testid": "history" })}
      nothing="No event is known at that time."
    />
  );
}
