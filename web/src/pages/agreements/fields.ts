/** The terms beside products and prices, in the words and groups in which people negotiate them. Pure. */

import type { Json, Terms } from "../../api/agreements";

export type Kind = "choice" | "days" | "hours" | "units" | "percent" | "yes" | "days list";

export interface Field {
  group: string;
  /** Names from the terms inwards, as in `ownership.trigger`. */
  path: string;
  label: string;
  kind: Kind;
  /** What a contract that is silent is taken to mean. */
  usual: Json;
  options?: readonly (readonly [value: string, words: string])[];
  /** Whether the term may be absent. */
  optional?: boolean;
}

const SIDES = [
  ["supplier", "Supplier"],
  ["hospital", "Hospital"],
] as const;
const PAYERS = [...SIDES, ["none", "Nobody"]] as const;

export const FIELDS: readonly Field[] = [
  {
    group: "Ownership",
    path: "ownership.trigger",
    label: "Passes",
    kind: "choice",
    usual: "point_of_consumption",
    options: [
      ["point_of_consumption", "When used"],
      ["on_receipt", "On receipt"],
      ["after_days", "After a number of days"],
      ["on_write_off", "On write-off"],
    ],
  },
  { group: "Ownership", path: "ownership.afterDays", label: "After", kind: "days", usual: null, optional: true },
  { group: "Use and money", path: "use.payer.implanted", label: "Implanted is paid by", kind: "choice", usual: "hospital", options: PAYERS },
  { group: "Use and money", path: "use.payer.consumed", label: "Consumed is paid by", kind: "choice", usual: "hospital", options: PAYERS },
  { group: "Use and money", path: "use.payer.wasted", label: "Opened and wasted is paid by", kind: "choice", usual: "hospital", options: PAYERS },
  { group: "Use and money", path: "use.payer.trial_not_used", label: "Tried, not used is paid by", kind: "choice", usual: "none", options: PAYERS },
  { group: "Use and money", path: "use.reportWithinHours", label: "Use is reported within", kind: "hours", usual: 24 },
  { group: "Use and money", path: "use.orderWithinHours", label: "The order follows within", kind: "hours", usual: 72 },
  {
    group: "Use and money",
    path: "use.settlement",
    label: "Settled",
    kind: "choice",
    usual: "per_use",
    options: [
      ["per_use", "Per use"],
      ["daily", "Daily"],
      ["monthly", "Monthly"],
    ],
  },
  { group: "Expiry", path: "expiry.monitor", label: "Dates are watched by", kind: "choice", usual: "supplier", options: SIDES },
  { group: "Expiry", path: "expiry.rotation", label: "Stock is rotated by", kind: "choice", usual: "hospital", options: SIDES },
  { group: "Expiry", path: "expiry.alertDays", label: "Alerts before expiry", kind: "days list", usual: [180, 90, 30] },
  { group: "Expiry", path: "expiry.cost", label: "What expires is borne by", kind: "choice", usual: "supplier", options: SIDES },
  { group: "Expiry", path: "expiry.returnWithinDays", label: "Returned within", kind: "days", usual: null, optional: true },
  { group: "Loss", path: "loss.liable", label: "Missing units are borne by", kind: "choice", usual: "hospital", options: SIDES },
  { group: "Loss", path: "loss.toleranceUnits", label: "Units per count that nobody pays", kind: "units", usual: 0 },
  { group: "Loss", path: "loss.tolerancePercent", label: "Share that nobody pays", kind: "percent", usual: "0" },
  { group: "Loss", path: "loss.graceDays", label: "Time to find them", kind: "days", usual: 30 },
  { group: "Loss", path: "loss.waivedWithoutCount", label: "Waived where no count was made", kind: "yes", usual: true },
  { group: "Counts", path: "counts.counter", label: "Counted by", kind: "choice", usual: "hospital", options: SIDES },
  { group: "Counts", path: "counts.everyDays", label: "Every", kind: "days", usual: 90, optional: true },
  { group: "Counts", path: "counts.blind", label: "Counted blind", kind: "yes", usual: true },
  { group: "Counts", path: "counts.recountAt", label: "Recount from a variance of", kind: "units", usual: 1 },
  { group: "Counts", path: "counts.signOff", label: "Signed off by", kind: "choice", usual: "both", options: [["both", "Both"], ...SIDES] },
  { group: "Counts", path: "counts.reportWithinDays", label: "Reported within", kind: "days", usual: 7 },
  { group: "Loaners", path: "loaners.dueBackHours", label: "Due back after", kind: "hours", usual: 48 },
  { group: "Loaners", path: "loaners.liableForMissing", label: "Missing parts are borne by", kind: "choice", usual: "hospital", options: SIDES },
  { group: "Data", path: "data.official", label: "The official record is kept by", kind: "choice", usual: "hospital", options: SIDES },
  { group: "Data", path: "data.disputeDays", label: "It may be disputed for", kind: "days", usual: 30 },
  {
    group: "Data",
    path: "data.visibility",
    label: "The supplier sees uses",
    kind: "choice",
    usual: "full",
    options: [
      ["full", "In full"],
      ["coarse", "Coarsely"],
    ],
  },
  { group: "Watching", path: "notSeenDays", label: "Not seen for", kind: "days", usual: 90 },
  { group: "Watching", path: "noticeDays", label: "Told of its end before", kind: "days", usual: 60 },
  { group: "Watching", path: "deliveryDays", label: "Orders come within", kind: "days", usual: null, optional: true },
  { group: "Watching", path: "inTransitDays", label: "In transit for", kind: "days", usual: 7 },
];

export const GROUPS: readonly string[] = [...new Set(FIELDS.map(({ group }) => group))];

type Tree = Readonly<Record<string, unknown>>;

/** The value at a path of the terms; undefined where there is none. */
export function valueAt(terms: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, name) => (inner as Tree | null | undefined)?.[name], terms);
}

/** New terms with another value at a path; everything else, known or not, as it was. */
export function withValueAt(terms: Terms, path: string, value: Json): Terms {
  const put = (tree: unknown, [name = "", ...rest]: readonly string[]): Tree => {
    const known = (tree ?? {}) as Tree;
    return { ...known, [name]: rest.length === 0 ? value : put(known[name], rest) };
  };
  return put(terms, path.split(".")) as unknown as Terms;
}

const UNITS: Partial<Record<Kind, string>> = { days: "days", hours: "hours", units: "units", percent: "%", "days list": "days" };

/** A term's value in words. */
export function wordsOf({ kind, options }: Field, value: unknown): string {
  if (value === null || value === undefined) return "Not agreed";
  if (kind === "yes") return value === true ? "Yes" : "No";
  if (kind === "choice") return options?.find(([option]) => option === value)?.[1] ?? String(value);
  return `${Array.isArray(value) ? value.join(", ") : String(value)} ${UNITS[kind] ?? ""}`.trim();
}

/** The value that a text stands for, as the server takes it; null for nothing. */
export function valueOfText({ kind }: Field, text: string): Json {
  const given = text.trim();
  if (kind === "days list") return given.split(/[\s,;]+/).filter(Boolean).map(Number);
  if (given === "") return null;
  return kind === "percent" ? given : Number(given);
}

const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(["agreementID", "title", "supplier", "hospital", "validFrom", "validTo", "sites", "lines", "contacts"]);
const KNOWN_PATHS: ReadonlySet<string> = new Set(FIELDS.map(({ path }) => path));

/** Terms that stand in no table here, by their paths: whoever signs must see them all the same. */
export function otherTerms(terms: unknown, at = ""): (readonly [path: string, value: string])[] {
  return Object.entries((terms ?? {}) as Tree).flatMap(([name, value]) => {
    const path = at ? `${at}.${name}` : name;
    if (KNOWN_PATHS.has(path) || SHOWN_ELSEWHERE.has(path) || value === null) return [];
    if (typeof value === "object" && !Array.isArray(value)) return otherTerms(value, path);
    return [[path, typeof value === "string" ? value : JSON.stringify(value)] as const];
  });
}
