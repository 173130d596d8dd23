/** The items on the phone's list: what each one is, and what stands against saving it. Pure: no network, no clock of its own. */

import type { Action, ActionItem, ElementString, JudgedSymbol, UseType } from "../api/types";
import { flagWords, statusWords } from "../ui/words";

export type Source = "camera" | "photo" | "typed";

export interface Item {
  /** Symbology identifier and text: the same symbol seen again is the same item. */
  key: string;
  symbologyIdentifier: string;
  text: string;
  source: Source;
  elementStrings: readonly ElementString[];
  /** The server's judgement; null while it is awaited or could not be had. */
  judged: JudgedSymbol | null;
  /** The judgement is the phone's own, made without a connection; the server's is still to come. */
  alone?: boolean;
  /** Why the server's judgement could not be had. */
  failure: string | null;
  /** Units; an item with a serial number is always one. */
  quantity: number;
  /** Keys of the further symbols of the same label that were joined with this one. */
  also?: readonly string[];
  /** It was used although it must not be: what has happened is recorded, with what stands against it as a warning. */
  insisted?: boolean;
}

const KEY_AIS = ["00", "01", "02", "253", "255", "414", "8003", "8004", "8006", "8010"];

/** What stands against an item: `blocking` keeps Save off, `warnings` do not. */
export interface Verdict {
  blocking: string[];
  warnings: string[];
  /** Whether all that blocks is that it must not be used: a use that has happened can be recorded all the same. */
  mayInsist: boolean;
}

/** Flags of stock that must not be used. */
const UNUSABLE: readonly string[] = ["recalled", "held"];

export function itemKey(symbologyIdentifier: string, text: string): string {
  return symbologyIdentifier + text;
}

/** The value of the first of these AIs that the item carries; null where it carries none. */
export function valueOf(item: Item, ...ais: string[]): string | null {
  for (const ai of ais) {
    const found = item.elementStrings.find((element) => element.ai === ai);
    if (found) return found.value;
  }
  return null;
}

/** The EPCIS identity the server gave the item: an instance, or a class that needs a quantity. */
export function identityOf(item: Item): string | null {
  return item.judged?.epc ?? item.judged?.epcClass ?? null;
}

/** Whether the item is counted in units (lot or product class) rather than being one instance. */
export function isCounted(item: Item): boolean {
  return item.judged !== null && item.judged.epc === null && item.judged.epcClass !== null;
}

/** Whether the symbol carries production data (lot, serial, dates) without saying of which product. */
export function isKeyless(item: Item): boolean {
  return item.judged !== null && item.elementStrings.length > 0 && valueOf(item, ...KEY_AIS) === null;
}

/** Whether the symbol names a product and nothing else of it. */
export function isBare(item: Item): boolean {
  return isCounted(item) && valueOf(item, "10", "21", "17") === null;
}

/** Whether the item stands for this symbol, alone or joined with others. */
export function standsFor(item: Item, key: string): boolean {
  return item.key === key || (item.also ?? []).includes(key);
}

/** Whether the pixels leave a doubt, so that a person must compare the text with the label. */
export function isUnconfirmed(item: Item): boolean {
  return item.judged !== null && !item.judged.confirmed && item.source !== "typed";
}

/** The units printed on the label itself (AI 30 or 37), else 1. */
export function labelledQuantity(elementStrings: readonly ElementString[]): number {
  const printed = elementStrings.find(({ ai }) => ai === "30" || ai === "37");
  const count = Number.parseInt(printed?.value ?? "", 10);
  return Number.isFinite(count) && count > 0 ? count : 1;
}

/** The expiry as `YYYY-MM-DD`, from the server's judgement; null where the label has none. */
export function expiryOf(item: Item): string | null {
  return item.judged?.udi?.expirationDate?.slice(0, 10) ?? null;
}

/** A medical item is usable through its expiry date, so it is expired only on a later day. Both are `YYYY-MM-DD`. */
export function isExpired(expiry: string | null, today: string): boolean {
  return expiry !== null && expiry < today;
}

/** `31 Dec 2027` from `2027-12-31`: no reader can take the month for the day. */
export function readableDate(isoDate: string): string {
  const date = new Date(`${isoDate.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return isoDate;
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }).format(date);
}

/** Why goods must not be used, by their label and by the book. */
function unusable(item: Item, today: string): string[] {
  const expiry = expiryOf(item);
  const known = item.judged?.known;
  return [
    ...(isExpired(expiry, today) ? [`Expired on ${readableDate(expiry ?? "")}.`] : []),
    ...UNUSABLE.filter((flag) => known?.flags.includes(flag)).map((flag) => `${flagWords(flag)}.`),
  ];
}

/** What the item is called: by master data, else by its number. */
export function titleOf(item: Item): string {
  const sscc = valueOf(item, "00");
  if (sscc) return `Container ${sscc}`;
  const gtin = valueOf(item, "01", "02");
  return item.judged?.known?.product ?? (gtin ? `GTIN ${gtin}` : "Unknown label");
}

/** What stands against this item in this task on this day (`YYYY-MM-DD`, the device's own). */
export function verdictOn(item: Item, action: Action, today: string, useType: UseType = "implanted"): Verdict {
  const blocking: string[] = [];
  const warnings: string[] = [];
  const forbidden: string[] = [];
  if (item.failure !== null) blocking.push(item.failure);
  else if (item.judged === null) blocking.push("Being checked.");
  const judged = item.judged;
  if (judged === null) return { blocking, warnings, mayInsist: false };
  if (identityOf(item) === null) blocking.push("The label names no product, so there is nothing to book.");
  for (const finding of judged.findings) (finding.severity === "error" ? blocking : warnings).push(finding.message);
  // What was opened by mistake and thrown away did nobody harm.
  const used = action === "use" && useType !== "wasted";
  for (const words of unusable(item, today)) (used ? forbidden : warnings).push(used ? `${words} It must not be used.` : words);
  const gone = judged.known?.gone ?? null;
  if (gone !== null) forbidden.push(`The book has it as ${statusWords(gone).toLowerCase()} already.`);
  if (action === "use" && valueOf(item, "00") !== null) {
    blocking.push("This is a shipping container's label. Scan the product itself.");
  }
  if (isUnconfirmed(item)) warnings.push("The read is not confirmed. Compare it with the label.");
  if (isCounted(item) && valueOf(item, "10") === null) warnings.push("The label carries no lot.");
  if (item.insisted || action !== "use") return { blocking, warnings: [...forbidden, ...warnings], mayInsist: false };
  return { blocking: [...blocking, ...forbidden], warnings, mayInsist: forbidden.length > 0 && blocking.length === 0 };
}

/** Why Save is off; null when it is on. */
export function reasonNotToSave(items: readonly Item[], action: Action, today: string, placeChosen: boolean, useType: UseType = "implanted"): string | null {
  if (items.length === 0) return "Scan or type a label first.";
  const blocked = items.filter((item) => verdictOn(item, action, today, useType).blocking.length > 0);
  if (blocked.some((item) => item.judged === null && item.failure === null)) return "Checking the labels…";
  if (blocked.length === 1) return "Remove the item marked in red first.";
  if (blocked.length > 1) return `Remove the ${blocked.length} items marked in red first.`;
  return placeChosen ? null : "Choose the place first.";
}

/** The item as the server's action wants it: the label as it was read, with the units where these are counted. */
export function actionItem(item: Item): ActionItem {
  const also = item.also ?? [];
  return {
    ...(also.length > 0 ? { elementStrings: [item.key, ...also] } : { elementString: item.key }),
    ...(isUnconfirmed(item) ? { confirmed: false } : {}),
    ...(isCounted(item) ? { quantity: item.quantity } : {}),
    ...(item.source === "typed" ? { typed: true } : {}),
  };
}
