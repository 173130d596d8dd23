/** The words that people read for the values that programs send. A value without words is shown as it is. */

import type { Names } from "../api/types";

const STATUS_WORDS: Readonly<Record<string, string>> = {
  on_hand: "On hand",
  in_transit: "In transit",
  in_container: "In a container",
  consumed: "Used",
  implanted: "Implanted",
  wasted: "Wasted",
  destroyed: "Destroyed",
  returned: "Returned",
  lost: "Lost",
  quarantined: "Quarantined",
  held: "On hold",
};

const FLAG_WORDS: Readonly<Record<string, string>> = {
  expired: "Expired",
  recalled: "Recalled",
  held: "On hold",
  first_seen: "First seen here",
  implied_receipt: "Receipt missing",
  implied_disaggregation: "Taken from a container without unpacking",
  debt: "More went out than came in",
  guessed_place: "Place inferred",
};

/** Flags that a reader must not miss. */
export const ALARMING_FLAGS: ReadonlySet<string> = new Set(["expired", "recalled", "debt"]);

const USE_WORDS: Readonly<Record<string, string>> = {
  implanted: "Implanted",
  consumed: "Consumed",
  wasted: "Opened, wasted",
  trial_not_used: "Tried, not used",
};

const plain = (value: string): string => {
  const words = value.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const statusWords = (status: string): string => STATUS_WORDS[status] ?? plain(status);
export const flagWords = (flag: string): string => FLAG_WORDS[flag] ?? plain(flag);
export const useWords = (useType: string | null): string => (useType === null ? "" : (USE_WORDS[useType] ?? plain(useType)));

/** The name of a place or party: the one that the server gave, else the part of its identifier that tells it apart. */
export function nameOf(id: string | null | undefined, names: Names): string {
  if (!id) return "—";
  const given = names[id];
  if (given && given !== id) return given;
  const parts = id.replace(/^https:\/\/id\.gs1\.org\//, "").split("/");
  const extension = parts[parts.indexOf("254") + 1];
  if (parts.includes("254") && extension) return `${extension} (${parts[1] ?? ""})`;
  return parts.length === 2 ? (parts[1] ?? id) : parts.join(" ");
}

/** `12 Mar 2026, 10:42`, in the reader's own zone. */
export function readableTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(date);
}

export function readableQuantity(quantity: string | number, uom: string | null = null): string {
  return uom ? `${quantity} ${uom}` : String(quantity);
}

const KEY_WORDS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^01\/\d+\/21\/(.+)$/, "serial $1"],
  [/^01\/\d+\/10\/(.+)$/, "lot $1"],
  [/^01\/(\d+)$/, "GTIN $1"],
  [/^00\/(\d+)$/, "container $1"],
  [/^8003\/(.+)$/, "returnable $1"],
  [/^8004\/(.+)$/, "asset $1"],
];

/** A server's message with names and key words instead of the identifiers in it. */
export function readableMessage(message: string, names: Names): string {
  return message.replace(/https:\/\/id\.gs1\.org\/([^\s,;]*[^\s,;:.])/g, (id: string, key: string) => {
    const found = KEY_WORDS.find(([pattern]) => pattern.test(key));
    return found ? key.replace(found[0], found[1]) : nameOf(id, names);
  });
}

const SEVERITIES: readonly string[] = ["critical", "high", "medium", "low"];

/** The worst first; within one severity in the order given. */
export function worstFirst<T extends { severity: string }>(found: readonly T[]): T[] {
  const rank = ({ severity }: T): number => (SEVERITIES.includes(severity) ? SEVERITIES.indexOf(severity) : SEVERITIES.length);
  return [...found].sort((a, b) => rank(a) - rank(b));
}
