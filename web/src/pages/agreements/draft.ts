/** Terms that are being written: a new one, one from a file, and its lines. Pure, but for reading the file and the draft. */

import type { Json, ProductLine, Terms } from "../../api/agreements";
import type { Session } from "../../api/types";
import { localDay } from "../../scan/clock";
import { save } from "../../ui/download";
import { FIELDS, withValueAt } from "./fields";

export const EMPTY_LINE: ProductLine = { gtin: "", par: [], prices: [] };

/** What people have written and not proposed, as long as the pages are open: Back, or a session's end, loses none of it. */
export interface Drafts {
  of(organisation: string): Terms | null;
  /** null: it is proposed. */
  keep(organisation: string, terms: Terms | null): void;
}

export function createDrafts(): Drafts {
  const kept = new Map<string, Terms>();
  return {
    of: (organisation) => kept.get(organisation) ?? null,
    keep: (organisation, terms) => void (terms === null ? kept.delete(organisation) : kept.set(organisation, terms)),
  };
}

/** Terms with what a silent contract is taken to mean; the caller's side is filled in by its role. */
export function newTerms(session: Session): Terms {
  const own = session.organisation;
  const head: Terms = {
    agreementID: `urn:uuid:${crypto.randomUUID()}`,
    title: "",
    supplier: session.role === "supplier" ? own : "",
    hospital: session.role === "supplier" ? "" : own,
    validFrom: localDay(new Date()),
    validTo: null,
    sites: [],
    lines: [{ ...EMPTY_LINE }],
  };
  return FIELDS.filter(({ usual }) => usual !== null).reduce((terms, { path, usual }) => withValueAt(terms, path, usual), head);
}

/** The terms in a JSON file that was exported, alone or within a version. Throws Error with what was expected. */
export async function termsOfFile(file: Blob): Promise<Terms> {
  const wrong = new Error("Expected JSON with an agreementID and lines, as the export writes it.");
  let found: unknown;
  try {
    found = JSON.parse(await file.text());
  } catch {
    throw wrong;
  }
  const terms = ((found as { terms?: unknown }).terms ?? found) as Partial<Terms>;
  if (typeof terms.agreementID !== "string" || !Array.isArray(terms.lines) || !Array.isArray(terms.sites)) throw wrong;
  return { ...terms, lines: terms.lines.map((line) => ({ ...line, par: line.par ?? [], prices: line.prices ?? [] })) } as Terms;
}

/** The identifier of a party or place: a GLN becomes its GS1 Digital Link, anything else stays as it is. */
export function identifierOf(text: string, ai: "414" | "417"): string {
  const given = text.trim();
  return /^\d{13}$/.test(given) ? `https://id.gs1.org/${ai}/${given}` : given;
}

/** The lines with one of them changed. */
export function withLine(lines: readonly ProductLine[], index: number, change: Partial<ProductLine>): ProductLine[] {
  return lines.map((line, at) => (at === index ? { ...line, ...change } : line));
}

/** A list with one of its members changed, or without it where `change` is null. */
export function withMember<T>(list: readonly T[], index: number, change: Partial<T> | null): T[] {
  if (change === null) return list.filter((_, at) => at !== index);
  return list.map((member, at) => (at === index ? { ...member, ...change } : member));
}

/** What is sent: without lines and rows that were left empty. */
export function finished(terms: Terms): Terms {
  const lines = terms.lines
    .filter(({ gtin }) => gtin.trim() !== "")
    .map((line) => ({ ...line, gtin: line.gtin.trim(), par: line.par.filter(({ place }) => place !== ""), prices: line.prices.filter(({ amount }) => String(amount).trim() !== "") }));
  return { ...terms, title: terms.title.trim(), supplier: identifierOf(terms.supplier, "417"), hospital: identifierOf(terms.hospital, "417"), lines };
}

/** A file for the reader's own records; the same file can be proposed again. */
export const download = (name: string, content: Json | object): void => save(name, "application/json", JSON.stringify(content, null, 2));
