/** What can be asked for wherever patients or implants are looked up: the fields of a form, and the question they make. Pure. */

export const SUBJECTS = [
  ["patient", "A patient"],
  ["item", "An item"],
  ["lot", "A lot"],
] as const;

export type Subject = (typeof SUBJECTS)[number][0];

export interface Asked {
  patient: string;
  item: string;
  gtin: string;
  lot: string;
}

export const NOTHING_ASKED: Asked = { patient: "", item: "", gtin: "", lot: "" };

/** The bare value as the server wants it: exactly the fields of that subject. */
export function questionOf(subject: Subject, { patient, item, gtin, lot }: Asked): { patient: string } | { epc: string } | { gtin: string; lot: string } {
  if (subject === "patient") return { patient: patient.replace(/\s/g, "").replace(/^\(8018\)/, "") };
  if (subject === "item") return { epc: item.trim() };
  return { gtin: gtin.trim(), lot: lot.trim() };
}

/** The item of a link without its patient: GTIN, with lot or serial number. Null for what is no trade item. */
export function partsOfItem(id: string): { gtin: string; lot: string | null; serial: string | null } | null {
  const found = /\/01\/(\d{14})\/(10|21)\/([^/]+)$/.exec(id);
  if (!found) return null;
  const text = decodeURIComponent(found[3] ?? "");
  return { gtin: found[1] ?? "", lot: found[2] === "10" ? text : null, serial: found[2] === "21" ? text : null };
}
