/** The arithmetic of the stock page: filtering, grouping by place, totals. Pure; quantities are the server's, only added up. */

import type { Names, StockRow } from "../api/types";
import { flagWords, nameOf, statusWords } from "../ui/words";

export interface PlaceGroup {
  place: string;
  name: string;
  rows: StockRow[];
  /** Totals per unit of measure, in words: `12`, or `12 · 3.5 KGM`. */
  total: string;
}

/** The words of a row that a filter looks through, in lower case. */
function haystack(row: StockRow, places: Names, parties: Names): string {
  return [
    row.gtin, row.lot, row.serial, row.expiry, row.item,
    nameOf(row.place, places), nameOf(row.owner, parties), nameOf(row.holder, parties),
    statusWords(row.status), ...row.flags.map(flagWords),
  ].join(" ").toLowerCase();
}

/** The rows in which every word of the filter occurs. */
export function filterRows(rows: readonly StockRow[], filter: string, places: Names, parties: Names): StockRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = haystack(row, places, parties);
    return words.every((word) => text.includes(word));
  });
}

export function totalOf(rows: readonly StockRow[]): string {
  const totals = new Map<string, number>();
  for (const row of rows) totals.set(row.uom ?? "", (totals.get(row.uom ?? "") ?? 0) + Number(row.quantity));
  // Decimal quantities are few and short; six places hide what adding them in binary adds.
  return [...totals].map(([uom, sum]) => `${Number(sum.toFixed(6))}${uom ? ` ${uom}` : ""}`).join(" · ") || "0";
}

/** Groups by place, in the order of their names; what is nowhere (in transit, or unknown) comes last. */
export function byPlace(rows: readonly StockRow[], places: Names): PlaceGroup[] {
  const groups = new Map<string, StockRow[]>();
  for (const row of rows) {
    const place = row.place ?? "";
    const group = groups.get(place);
    if (group) group.push(row);
    else groups.set(place, [row]);
  }
  return [...groups]
    .map(([place, members]) => ({
      place,
      name: place ? nameOf(place, places) : "In transit or place unknown",
      rows: members.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : 0)),
      total: totalOf(members),
    }))
    .sort((a, b) => Number(!a.place) - Number(!b.place) || a.name.localeCompare(b.name));
}
