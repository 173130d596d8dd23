/** What two versions of an agreement differ in, line by line. Pure; values are compared as they are on the wire. */

import type { ProductLine, Terms } from "../../api/agreements";
import { FIELDS, otherTerms, valueAt, wordsOf } from "./fields";

export interface Difference {
  /** What differs, in words. */
  what: string;
  before: string | null;
  after: string | null;
}

export interface Naming {
  place: (id: string) => string;
  party: (id: string) => string;
  product: (gtin: string) => string;
}

const HEAD: readonly (readonly [name: keyof Terms, words: string])[] = [
  ["title", "Title"],
  ["supplier", "Supplier"],
  ["hospital", "Hospital"],
  ["validFrom", "First day"],
  ["validTo", "Last day"],
];

const LINE: readonly (readonly [name: keyof ProductLine, words: string])[] = [
  ["orderMultiple", "ordered in multiples of"],
  ["minRemainingShelfLifeDays", "least shelf life, in days"],
  ["billMode", "billing"],
  ["tracking", "tracked by"],
  ["implantable", "implantable"],
  ["family", "family"],
  ["size", "size"],
];

/** Every fact of the terms under a name of its own. */
function factsOf(terms: Terms, naming: Naming): Map<string, string> {
  const facts = new Map<string, string>();
  const put = (what: string, value: unknown): void => {
    if (value !== null && value !== undefined && value !== "") facts.set(what, String(value));
  };
  for (const [name, words] of HEAD) {
    const value = terms[name];
    put(words, name === "supplier" || name === "hospital" ? naming.party(String(value)) : value);
  }
  for (const site of terms.sites) put(`Covers ${naming.place(site)}`, "yes");
  for (const line of terms.lines) {
    const product = naming.product(line.gtin);
    put(product, "on consignment");
    for (const { place, minimum, maximum } of line.par) put(`${product}: stock at ${naming.place(place)}`, `${minimum} to ${maximum}`);
    line.prices.forEach(({ amount, currency, validFrom, validTo }) => put(`${product}: price${validFrom ? ` from ${validFrom}` : ""}`, `${amount} ${currency}${validTo ? ` until ${validTo}` : ""}`));
    for (const [name, words] of LINE) put(`${product}: ${words}`, line[name]);
  }
  for (const field of FIELDS) put(`${field.group}: ${field.label.toLowerCase()}`, wordsOf(field, valueAt(terms, field.path)));
  for (const [path, value] of otherTerms(terms)) put(path, value);
  return facts;
}

/** What the newer terms say otherwise than the older ones, in the order in which the newer ones say it; what is gone comes last. */
export function differences(older: Terms, newer: Terms, naming: Naming): Difference[] {
  const [before, after] = [factsOf(older, naming), factsOf(newer, naming)];
  const changed = [...after].filter(([what, value]) => before.get(what) !== value);
  const gone = [...before].filter(([what]) => !after.has(what));
  return [
    ...changed.map(([what, value]) => ({ what, before: before.get(what) ?? null, after: value })),
    ...gone.map(([what, value]) => ({ what, before: value, after: null })),
  ];
}
