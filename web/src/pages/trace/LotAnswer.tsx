/** Where every unit of one lot is or went, and what its packages and products were. It must not ask the server. */

import type { LotNotice, LotTrace, Names, TracePatient, TraceUnit } from "../../api/types";
import { ConflictCards } from "../../ui/ConflictCards";
import { Nothing, Notice, ShortId } from "../../ui/parts";
import { LinkedPatient } from "../../ui/patients";
import { type Column, TableBlock } from "../../ui/Table";
import { Cited, StatusAndFlags } from "../../ui/Units";
import { flagWords, nameOf, readableQuantity, readableTime, statusWords } from "../../ui/words";

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
        {sum(trace.sinks)} gone; {sum(everything)} in all. <span class="quiet">As of {readableTime(trace.asOf)}</span>
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

const EVENTS: Column<{ eventIDs: readonly string[] }> = { title: "Events", cell: ({ eventIDs }) => <Cited eventIDs={eventIDs} /> };

function Units({ title, rows, places, parties }: { title: string; rows: readonly TraceUnit[]; places: Names; parties: Names }) {
  const columns: Column<TraceUnit>[] = [
    {
      title: "Place",
      cell: ({ place }) => (
        <>
          {nameOf(place, places)}
          {place && places[place] && places[place] !== place && (
            <div class="quiet code" title={place}>
              {nameOf(place, {})}
            </div>
          )}
        </>
      ),
    },
    { title: "Container", cell: ({ container }) => (container ? <ShortId id={container} /> : "—") },
    { title: "Owner", cell: ({ owner }) => nameOf(owner, parties) },
    { title: "Holder", cell: ({ holder }) => nameOf(holder, parties) },
    { title: "Status", cell: ({ status, flags }) => <StatusAndFlags status={status} flags={flags ?? []} /> },
    { title: "Quantity", kind: "number", cell: ({ quantity }) => readableQuantity(quantity) },
    EVENTS,
  ];
  return <TableBlock title={title} total={sum(rows)} columns={columns} rows={rows} marks={({ status }) => ({ "data-status": status })} />;
}

const SINKS: readonly Column<TraceUnit>[] = [
  { title: "What became of it", cell: ({ status }) => statusWords(status) },
  { title: "Quantity", kind: "number", cell: ({ quantity }) => readableQuantity(quantity) },
  EVENTS,
];

function Sinks({ rows }: { rows: readonly TraceUnit[] }) {
  return <TableBlock title="Used, returned, wasted, lost" total={sum(rows)} columns={SINKS} rows={rows} marks={({ status }) => ({ "data-status": status })} />;
}

const PATIENTS: readonly Column<TracePatient>[] = [
  { title: "Patient (pseudonym)", kind: "code", cell: (link) => <LinkedPatient {...link} /> },
  { title: "Quantity", kind: "number", cell: ({ quantity }) => quantity ?? "—" },
  EVENTS,
];

export function Patients({ patients }: { patients: readonly TracePatient[] }) {
  return <TableBlock title="Patients" total={patients.length} columns={PATIENTS} rows={patients} keyOf={({ patient, open, useDeclaredInError }) => `${patient} ${open} ${useDeclaredInError}`} nothing="No unit is linked to a patient." />;
}
