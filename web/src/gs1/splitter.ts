/**
 * Element strings of a GS1 symbol, for display only: the server's parser is the authority and judges what is sent to it.
 * Values are cut by the server's own table of application identifiers (generated at build time) and never checked or changed.
 */

import type { ElementString } from "../api/types";

/** Data title, shortest and longest length of the value in characters. */
export type AiEntry = readonly [title: string, shortest: number, longest: number];
export type AiTable = Readonly<Record<string, AiEntry>>;

/** The FNC1 separator inside a symbol's data. */
export const SEPARATOR = "\u001d";

/** Symbology identifiers whose data is GS1 element strings. GS1 General Specifications 5.1.2. */
const ELEMENT_STRING_SYMBOLOGIES: ReadonlySet<string> = new Set(["]C1", "]d2", "]Q3", "]e0", "]e1", "]e2", "]J1"]);

export function carriesElementStrings(symbologyIdentifier: string): boolean {
  return ELEMENT_STRING_SYMBOLOGIES.has(symbologyIdentifier);
}

/** What was cut off, and the rest from the first place that the table does not know. */
export interface Split {
  elementStrings: ElementString[];
  rest: string;
}

function entryAt(text: string, at: number, table: AiTable): [string, AiEntry] | null {
  for (const digits of [2, 3, 4]) {
    const ai = text.slice(at, at + digits);
    const entry = ai.length === digits ? table[ai] : undefined;
    if (entry) return [ai, entry];
  }
  return null;
}

/** Split a symbol's data (no symbology identifier, 0x1D between variable-length values) into element strings. */
export function splitElementStrings(text: string, table: AiTable): Split {
  const elementStrings: ElementString[] = [];
  let at = text.startsWith(SEPARATOR) ? 1 : 0;
  while (at < text.length) {
    const found = entryAt(text, at, table);
    if (!found) return { elementStrings, rest: text.slice(at) };
    const [ai, [title, shortest, longest]] = found;
    const start = at + ai.length;
    const separator = text.indexOf(SEPARATOR, start);
    const end = Math.min(separator < 0 ? text.length : separator, start + longest);
    if (end - start < shortest) return { elementStrings, rest: text.slice(at) };
    elementStrings.push({ ai, title, value: text.slice(start, end) });
    at = text[end] === SEPARATOR ? end + 1 : end;
  }
  return { elementStrings, rest: "" };
}

const BRACKETED = /\((\d{2,4})\)/g;

/**
 * The element string of typed text: bracketed `(01)...(17)...` or raw, with or without a symbology identifier.
 * In raw text `^` or `{GS}` may stand for the separator, which no keyboard has. Null for text with no content.
 */
export function elementStringOfTyped(typed: string, table: AiTable): string | null {
  const text = typed.trim().replace(/^\](C1|d2|Q3|e0|J1)/, "").replaceAll("{GS}", SEPARATOR).replaceAll("^", SEPARATOR);
  if (!text) return null;
  if (!text.startsWith("(")) return text.replace(/\s+/g, "");
  const marks = [...text.matchAll(BRACKETED)].filter((mark) => mark[1] !== undefined && table[mark[1]]);
  if (marks.length === 0) return null;
  return marks
    .map((mark, index) => {
      const ai = mark[1] ?? "";
      const value = text.slice(mark.index + mark[0].length, marks[index + 1]?.index ?? text.length).trim();
      const entry = table[ai];
      const fixed = entry !== undefined && entry[1] === entry[2];
      return ai + value + (fixed || index === marks.length - 1 ? "" : SEPARATOR);
    })
    .join("");
}
