import { describe, expect, it } from "vitest";
import { Problem, Unreachable } from "../src/api/client";
import { AI_TABLE } from "../src/gs1/table";
import { splitElementStrings } from "../src/gs1/splitter";
import { dateOf, judgeAlone } from "../src/scan/alone";
import { askOrRecall, forgetKept, SESSION } from "../src/scan/kept";
import { SCREW, VALVE } from "./judged";

const TODAY = new Date("2026-06-30T08:00:00Z");
const alone = (text: string) => judgeAlone("]d2", text, splitElementStrings(text, AI_TABLE).elementStrings, TODAY);
const errorsOf = (text: string) => alone(text).findings.filter(({ severity }) => severity === "error").map(({ code }) => code);

describe("a label that the phone judges alone", () => {
  it("has the identity that the server would give it", () => {
    expect(alone(VALVE)).toMatchObject({ epc: "https://id.gs1.org/01/09521141010235/21/V23-0007", epcClass: null });
    expect(alone(SCREW)).toMatchObject({ epc: null, epcClass: "https://id.gs1.org/01/09521141045305/10/LOT77A" });
    expect(alone(VALVE).udi?.expirationDate).toBe("2027-12-31");
  });
  it.each([
    ["0109521141010236" + "21X1", "check_digit"],
    ["0109521141010235", "no_lot"],
    ["010952114101023517270231" + "21X1", "date"],
    ["8018401234500000123452", "person"],
    ["0109521141010235" + "21X1\u001d8018401234500000123452", "person"],
  ])("is not taken down where it says %j", (text, code) => {
    expect(errorsOf(text)).toContain(code);
  });
});

describe("a date of six digits", () => {
  it.each([
    ["271231", "2027-12-31"],
    ["280200", "2028-02-29"],
    ["761231", "2076-12-31"],
    ["771231", "1977-12-31"],
    ["271331", null],
    ["27123", null],
  ])("%s is %s", (text, date) => {
    expect(dateOf(text, TODAY)).toBe(date);
  });
});

describe("what the server said last", () => {
  const kept = new Map<string, string>();
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
  const failing = (error: Error) => async (): Promise<string> => {
    throw error;
  };
  const later = (hours: number) => new Date(TODAY.getTime() + hours * 3_600_000);

  it("stands in for a server that is away, for a day, and for no refusal", async () => {
    await askOrRecall(SESSION, async () => "nurse", TODAY, storage);
    expect(await askOrRecall(SESSION, failing(new Unreachable()), later(23), storage)).toEqual({ value: "nurse", fresh: false });
    expect(await askOrRecall(SESSION, failing(new Problem(503, "away", null, [])), later(23), storage)).toEqual({ value: "nurse", fresh: false });
    await expect(askOrRecall(SESSION, failing(new Unreachable()), later(25), storage)).rejects.toThrow();
    await expect(askOrRecall(SESSION, failing(new Problem(401, "no", null, [])), later(1), storage)).rejects.toThrow();
    forgetKept(storage);
    await expect(askOrRecall(SESSION, failing(new Unreachable()), later(1), storage)).rejects.toThrow();
  });
});
