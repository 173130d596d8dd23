/** Judged symbols as the server answers them, for tests. */

import type { JudgedSymbol, ScanAnswer } from "../src/api/types";
import { AI_TABLE } from "../src/gs1/table";
import { splitElementStrings } from "../src/gs1/splitter";

export function judged(text: string, more: Partial<JudgedSymbol> = {}): JudgedSymbol {
  return {
    symbologyIdentifier: "]d2",
    text,
    confirmed: true,
    elementStrings: splitElementStrings(text, AI_TABLE).elementStrings,
    findings: [],
    udi: null,
    epc: null,
    epcClass: null,
    ...more,
  };
}

/** The answer on symbols that each stand on an item of their own, as far as they name one. */
export const answer = (...symbols: JudgedSymbol[]): ScanAnswer => ({
  symbols,
  items: symbols.flatMap((symbol, index) => (symbol.elementStrings.length > 0 ? [{ ...symbol, symbols: [index] }] : [])),
});

export const VALVE = "01095211410102351727123110L23-A\u001d21V23-0007";
export const SCREW = "01095211410453051727123110LOT77A";

export const judgedValve = (more: Partial<JudgedSymbol> = {}): JudgedSymbol =>
  judged(VALVE, { epc: "https://id.gs1.org/01/09521141010235/21/V23-0007", ...more });
export const judgedScrew = (more: Partial<JudgedSymbol> = {}): JudgedSymbol =>
  judged(SCREW, { epcClass: "https://id.gs1.org/01/09521141045305/10/LOT77A", ...more });
