/** Links of goods with patients, by pseudonym: the hospital's own numbers, never names. Whoever shows them has asked with a purpose. */

import type { PatientLink } from "../api/patients";
import { type Column, Table } from "./Table";
import { readableTime, thingWords } from "./words";

/** `GSRN 401234500000123452` of a patient's identifier. GS1 General Specifications 3.9.13. */
export function patientWords(id: string): string {
  const gsrn = /\/8018\/(\d{18})/.exec(id)?.[1];
  return gsrn ? `GSRN ${gsrn}` : id;
}

/** The patient of a link, and whether its use was declared in error so that the link is in doubt. */
export function LinkedPatient({ patient, useDeclaredInError }: { patient: string; useDeclaredInError?: boolean }) {
  return (
    <>
      {patientWords(patient)} {useDeclaredInError && <span class="tag warn">Use declared in error</span>}
    </>
  );
}

interface Props<Link extends PatientLink> {
  links: readonly Link[];
  nothing: string;
  testId: string;
  more?: readonly Column<Link>[];
}

export function PatientLinkTable<Link extends PatientLink>({ links, nothing, testId, more = [] }: Props<Link>) {
  if (links.length === 0) return <p class="quiet">{nothing}</p>;
  const columns: Column<Link>[] = [
    { title: "Patient (pseudonym)", kind: "code", cell: (link) => <LinkedPatient {...link} /> },
    { title: "Item", cell: ({ item }) => thingWords(item) },
    { title: "Quantity", kind: "number", cell: ({ quantity }) => quantity },
    { title: "Since", cell: ({ since }) => readableTime(since) },
    { title: "Until", cell: ({ until }) => (until === null ? "—" : readableTime(until)) },
    ...more,
  ];
  return <Table name="Patients" columns={columns} rows={links} keyOf={({ patient, item, since }) => patient + item + since} marks={() => ({ "data-testid": testId })} />;
}
