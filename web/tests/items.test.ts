import { describe, expect, it } from "vitest";
import { actionItem, isExpired, type Item, labelledQuantity, reasonNotToSave, verdictOn } from "../src/scan/items";
import type { JudgedSymbol } from "../src/api/types";
import { judgedScrew, judgedValve, SCREW, VALVE } from "./judged";

const TODAY = "2026-06-30";

function item(judgedAs: JudgedSymbol | null, more: Partial<Item> = {}): Item {
  const text = judgedAs?.text ?? VALVE;
  const elementStrings = judgedAs?.elementStrings ?? [];
  return { key: `]d2${text}`, symbologyIdentifier: "]d2", text, source: "camera", elementStrings, judged: judgedAs, failure: null, quantity: 1, ...more };
}

const expiring = (expirationDate: string) => judgedValve({ udi: { issuingAgency: "GS1", di: "09521141010235", expirationDate } });

describe("expiry", () => {
  it("lets an item be used through its expiry date and no longer", () => {
    expect(isExpired("2026-06-30", TODAY)).toBe(false);
    expect(isExpired("2026-06-29", TODAY)).toBe(true);
    expect(isExpired(null, TODAY)).toBe(false);
  });
  it("blocks use of an expired item in words", () => {
    expect(verdictOn(item(expiring("2026-06-29")), "use", TODAY).blocking).toEqual(["Expired on 29 Jun 2026. It must not be used."]);
  });
  it.each(["receive", "count"] as const)("warns and does not block in %s", (action) => {
    const { blocking, warnings } = verdictOn(item(expiring("2026-06-29")), action, TODAY);
    expect(blocking).toEqual([]);
    expect(warnings).toEqual(["Expired on 29 Jun 2026."]);
  });
});

describe("verdictOn", () => {
  it("finds nothing against a good item", () => {
    expect(verdictOn(item(expiring("2027-12-31")), "use", TODAY)).toEqual({ blocking: [], warnings: [], mayInsist: false });
  });
  it("blocks what the server finds wrong and shows what it finds doubtful", () => {
    const findings: JudgedSymbol["findings"] = [
      { code: "check_digit", severity: "error", message: "check digit 5, expected 6", ai: "01", position: 2 },
      { code: "missing_fnc1", severity: "warning", message: "a separator may be missing", ai: "10", position: 26 },
    ];
    const { blocking, warnings } = verdictOn(item(judgedValve({ findings })), "receive", TODAY);
    expect(blocking).toEqual(["check digit 5, expected 6"]);
    expect(warnings).toEqual(["a separator may be missing"]);
  });
  it("flags an unconfirmed read", () => {
    expect(verdictOn(item(judgedValve({ confirmed: false })), "use", TODAY).warnings[0]).toContain("not confirmed");
  });
  it("blocks a shipping container in use and takes it in receipt", () => {
    const sscc = judgedValve({ elementStrings: [{ ai: "00", title: "SSCC", value: "095211410000000113" }] });
    expect(verdictOn(item(sscc), "use", TODAY).blocking).toHaveLength(1);
    expect(verdictOn(item(sscc), "receive", TODAY).blocking).toHaveLength(0);
  });
  it("blocks what has not been judged", () => {
    expect(verdictOn(item(null), "use", TODAY).blocking).toHaveLength(1);
  });
});

describe("reasonNotToSave", () => {
  it("says why Save is off, and nothing when it is on", () => {
    const good = item(expiring("2027-12-31"));
    const expired = item(expiring("2020-01-01"), { key: "other" });
    expect(reasonNotToSave([], "use", TODAY, true)).toContain("Scan");
    expect(reasonNotToSave([item(null)], "use", TODAY, true)).toContain("Checking");
    expect(reasonNotToSave([good, expired], "use", TODAY, true)).toContain("red");
    expect(reasonNotToSave([good], "use", TODAY, false)).toContain("place");
    expect(reasonNotToSave([good], "use", TODAY, true)).toBeNull();
  });
});

describe("actionItem", () => {
  it("sends an instance as the symbol that was read, separators included", () => {
    expect(actionItem(item(judgedValve()))).toEqual({ elementString: `]d2${VALVE}` });
  });
  it("sends a lot with its quantity, and the label, which carries the expiry", () => {
    expect(actionItem(item(judgedScrew(), { quantity: 4, text: SCREW }))).toEqual({ elementString: `]d2${SCREW}`, quantity: 4 });
  });
  it("tells the server that a label was typed", () => {
    expect(actionItem(item(judgedValve(), { source: "typed" }))).toMatchObject({ typed: true });
  });
});

describe("labelledQuantity", () => {
  it("is the count on the label, else one", () => {
    expect(labelledQuantity([{ ai: "30", title: "", value: "12" }])).toBe(12);
    expect(labelledQuantity([{ ai: "30", title: "", value: "0" }])).toBe(1);
    expect(labelledQuantity([])).toBe(1);
  });
});
