/** The arithmetic of the stock page: filtering, grouping by place, totals. Pure; quantities are the server's, only added up. */

import type { Names, StockAnswer, StockRow } from "../api/types";
import { flagWords, nameOf, statusWords } from "../ui/words";

export interface PlaceGroup {
  name: string;
  /** The place's identifier; null where the goods are under way or nowhere. */
  place: string | null;
  rows: StockRow[];
  /** Whether the goods are on their way there, and none of what lies there. */
  underway: boolean;
  /** Totals per unit of measure, in words: `12`, or `12 · 3.5 KGM`. */
  total: string;
}

type StockNames = Pick<StockAnswer, "places" | "parties" | "products">;

/** The words of a row that a filter looks through, in lower case. */
function haystack(row: StockRow, { places, parties, products }: StockNames): string {
  return [
    row.gtin, products[row.gtin ?? ""], row.lot, row.serial, row.expiry, row.item,
    nameOf(row.place, places), row.place, nameOf(row.owner, parties), nameOf(row.holder, parties),
    statusWords(row.status), ...row.flags.map(flagWords),
  ].join(" ").toLowerCase();
}

/** The rows in which every word of the filter occurs. */
export function filterRows(rows: readonly StockRow[], filter: string, names: StockNames): StockRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = haystack(row, names);
    return words.every((word) => text.includes(word));
  });
}

/** Words for what is no product but moves with products, by the application identifier of its key. */
const KINDS: Readonly<Record<string, string>> = { "00": "Container", "8003": "Returnable", "8004": "Asset" };

export function kindOf(item: string): string {
  return KINDS[/^https:\/\/id\.gs1\.org\/(\d+)\//.exec(item)?.[1] ?? ""] ?? "Item";
}

/** Units of products, per unit of measure; containers and assets are no stock of their own. */
export function totalOf(rows: readonly StockRow[]): string {
  const totals = new Map<string, number>();
  for (const row of rows) {
    if (row.gtin !== null) totals.set(row.uom ?? "", (totals.get(row.uom ?? "") ?? 0) + Number(row.quantity));
  }
  // Decimal quantities are few and short; six places hide what adding them in binary adds.
  return [...totals].map(([uom, sum]) => `${Number(sum.toFixed(6))}${uom ? ` ${uom}` : ""}`).join(" · ") || "0";
}

/** Whether goods are on their way: on nobody's hand, and none of what lies at the place they go to. */
export function isUnderway({ status }: StockRow): boolean {
  return status === "in_transit";
}

/** Where a row lies, in words: goods under way are at no place yet. */
function whereabouts(row: StockRow, places: Names): string {
  if (isUnderway(row)) return row.place ? `On the way to ${nameOf(row.place, places)}` : "On the way";
  return row.place ? nameOf(row.place, places) : "Place unknown";
}

/** Groups by place, in the order of their names; what is under way or nowhere comes last. Two places may share a name. */
export function byPlace(rows: readonly StockRow[], places: Names): PlaceGroup[] {
  const groups = new Map<string, [StockRow, ...StockRow[]]>();
  for (const row of rows) {
    const key = `${whereabouts(row, places)}\n${row.place ?? ""}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  const settled = ({ place }: PlaceGroup): boolean => place !== null;
  return [...groups.values()]
    .map((members) => ({
      name: whereabouts(members[0], places),
      place: isUnderway(members[0]) ? null : members[0].place,
      underway: isUnderway(members[0]),
      rows: members.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : 0)),
      total: totalOf(members),
    }))
    .sort((a, b) => Number(settled(b)) - Number(settled(a)) || a.name.localeCompare(b.name) || (a.place ?? "").localeCompare(b.place ?? ""));
}

/** Everyone who owns a row, each once. */
export function ownersOf(rows: readonly StockRow[]): string[] {
  return [...new Set(rows.flatMap(({ owner }) => owner ?? []))].sort();
}

const DAY_MS = 86_400_000;

/** The rows whose last day of use is at most so many days after `today` (`YYYY-MM-DD`); with 0 days those that the server has as expired. */
export function expiringWithin(rows: readonly StockRow[], days: number, today: string): StockRow[] {
  const last = new Date(Date.parse(`${today}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
  return rows.filter(({ expiry, expired }) => expiry !== null && (days === 0 ? expired : expiry.slice(0, 10) <= last));
}
