/** The words that people read for the values that programs send. A value without words is shown as it is. */

import type { Names } from "../api/types";
import kinds from "./kinds.json";

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
  explained: "Explained",
  corrected: "Corrected",
};

/** Flags that a reader must not miss. */
export const ALARMING_FLAGS: ReadonlySet<string> = new Set(["expired", "recalled", "debt"]);

const USE_WORDS: Readonly<Record<string, string>> = {
  implanted: "Implanted",
  consumed: "Consumed",
  wasted: "Opened, wasted",
  trial_not_used: "Tried, not used",
};

export const capitalised = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
export const plainWords = (value: string): string => capitalised(value.replaceAll("_", " "));

export const statusWords = (status: string): string => STATUS_WORDS[status] ?? plainWords(status);
export const flagWords = (flag: string): string => FLAG_WORDS[flag] ?? plainWords(flag);
export const useWords = (useType: string | null): string => (useType === null ? "" : (USE_WORDS[useType] ?? plainWords(useType)));

/** A role within a sentence: `privacy officer`. */
export const roleWords = (role: string): string => role.replaceAll("_", " ");

/** Words for a kind of what the server found; a test holds kinds.json to the server's own lists. */
const kindWords =
  (known: Readonly<Record<string, string>>) =>
  (kind: string): string =>
    known[kind] ?? plainWords(kind);
export const conflictWords = kindWords(kinds.conflicts);
export const alertWords = kindWords(kinds.alerts);
export const gapWords = kindWords(kinds.gaps);
export const GAP_KINDS: readonly string[] = Object.keys(kinds.gaps);

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

/** `Serial V23-0007 of 09521141010235`, `lot LOT77A of …`, `container …`: what a GS1 identifier names. */
export function thingWords(id: string): string {
  const key = safelyDecoded(id.replace(/^https:\/\/id\.gs1\.org\//, ""));
  const found = /^01\/(\d+)\/(21|10)\/(.+)$/.exec(key);
  if (found) return `${found[2] === "21" ? "Serial" : "Lot"} ${found[3]} of ${found[1]}`;
  const other = KEY_WORDS.find(([pattern]) => pattern.test(key));
  return other ? capitalised(key.replace(other[0], other[1])) : id;
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)/g;

/** A server's message with names, key words and the reader's own times instead of the identifiers and instants in it. */
export function readableMessage(message: string, names: Names): string {
  return message.replace(INSTANT, readableTime).replace(/https:\/\/id\.gs1\.org\/([^\s,;]*[^\s,;:.])/g, (id: string, key: string) => {
    const found = KEY_WORDS.find(([pattern]) => pattern.test(key));
    return found ? key.replace(found[0], found[1]) : nameOf(id, names);
  });
}

/** Severities that a reader must not miss. */
export const ALARMING_SEVERITIES: ReadonlySet<string> = new Set(["critical", "high"]);

const SEVERITIES: readonly string[] = ["critical", "high", "medium", "low"];

/** The worst first; within one severity in the order given. */
export function worstFirst<T extends { severity: string }>(found: readonly T[]): T[] {
  const rank = ({ severity }: T): number => (SEVERITIES.includes(severity) ? SEVERITIES.indexOf(severity) : SEVERITIES.length);
  return [...found].sort((a, b) => rank(a) - rank(b));
}

const SPANS: readonly (readonly [seconds: number, word: string])[] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** `3 days`, `1 hour`: the greatest whole unit of a span of seconds. */
export function readableSpan(seconds: number): string {
  const [size, word] = SPANS.find(([least]) => seconds >= least) ?? [1, "second"];
  const count = Math.floor(seconds / size);
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
