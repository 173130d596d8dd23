/**
 * What a phone without a connection can say of a label by itself: enough to take it down, never enough to trust it.
 * The server judges it when it is sent; this stands in until then. Pure.
 */

import type { ElementString, Finding, JudgedSymbol } from "../api/types";
import { checkDigit } from "../ui/organisation";

/** Application identifiers of people: GSRN of a provider's and of a recipient's service relation. */
export const PEOPLE: ReadonlySet<string> = new Set(["8017", "8018"]);

const GS1 = "https://id.gs1.org/01/";

const finding = (severity: Finding["severity"], code: string, message: string, ai: string | null = null): Finding => ({ severity, code, message, ai, position: null });

/** `2027-12-31` of AI 17 `271231`: the century nearest to `today`, and a day of 00 is the last one. GS1 General Specifications 7.12. */
export function dateOf(yymmdd: string, today: Date): string | null {
  if (!/^\d{6}$/.test(yymmdd)) return null;
  const [short, month, day] = [0, 2, 4].map((at) => Number(yymmdd.slice(at, at + 2))) as [number, number, number];
  const now = today.getUTCFullYear();
  const ahead = short - (now % 100);
  const year = now - (now % 100) + short + (ahead > 50 ? -100 : ahead < -49 ? 100 : 0);
  const date = new Date(Date.UTC(year, day === 0 ? month : month - 1, day));
  if (month < 1 || month > 12 || date.getUTCMonth() !== month - 1) return null;
  return date.toISOString().slice(0, 10);
}

/** The label as its element strings alone say it, with what stands against taking it down unjudged. */
export function judgeAlone(symbologyIdentifier: string, text: string, elementStrings: readonly ElementString[], today: Date): JudgedSymbol {
  const valueOf = (ai: string): string | null => elementStrings.find((element) => element.ai === ai)?.value ?? null;
  const [gtin, serial, lot, expires] = [valueOf("01"), valueOf("21"), valueOf("10"), valueOf("17")];
  const findings = [finding("warning", "alone", "No connection: the server has not seen this label yet.")];
  if (elementStrings.some(({ ai }) => PEOPLE.has(ai))) findings.push(finding("error", "person", "This is a person's label. It cannot be taken down."));
  if (gtin !== null && checkDigit(gtin.slice(0, -1)) !== gtin.slice(-1)) findings.push(finding("error", "check_digit", "The check digit of the GTIN is wrong: read the label again.", "01"));
  if (gtin !== null && serial === null && lot === null) findings.push(finding("error", "no_lot", "Without a connection a label needs a lot or a serial number."));
  const expirationDate = expires === null ? null : dateOf(expires, today);
  if (expires !== null && expirationDate === null) findings.push(finding("error", "date", "The expiry date of the label cannot be read.", "17"));
  return {
    symbologyIdentifier,
    text,
    confirmed: true,
    elementStrings: [...elementStrings],
    findings,
    udi: gtin === null ? null : { issuingAgency: "GS1", di: gtin, lotNumber: lot, serialNumber: serial, expirationDate },
    epc: gtin !== null && serial !== null ? `${GS1}${gtin}/21/${encodeURIComponent(serial)}` : null,
    epcClass: gtin !== null && serial === null && lot !== null ? `${GS1}${gtin}/10/${encodeURIComponent(lot)}` : null,
  };
}
