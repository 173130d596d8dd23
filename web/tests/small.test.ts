import { describe, expect, it } from "vitest";
import { nextLink } from "../src/api/client";
import type { StockRow } from "../src/api/types";
import { byPlace, filterRows, kindOf, totalOf } from "../src/pages/stock-table";
import { eventTimeOf, localDay, offsetOf } from "../src/scan/clock";
import { FORGET_AFTER_FRAMES, FORGET_AFTER_MS, freshSymbols, type Sights } from "../src/scan/fresh";
import { checkDigit, faultOfGln } from "../src/ui/organisation";
import { nameOf, readableMessage, statusWords, worstFirst } from "../src/ui/words";

describe("freshSymbols", () => {
  const symbol = { symbologyIdentifier: "]d2", text: "0109521141010235", corners: [] };
  it("reports a symbol once in 100 frames and again after it was away", () => {
    const sights: Sights = new Map();
    let reports = 0;
    for (let frame = 0; frame < 100; frame += 1) reports += freshSymbols([symbol], sights, frame * 100).length;
    expect(reports).toBe(1);
    for (let frame = 1; frame <= FORGET_AFTER_FRAMES; frame += 1) freshSymbols([], sights, 9900 + frame * FORGET_AFTER_MS);
    expect(freshSymbols([symbol], sights, 20_000)).toEqual([symbol]);
  });
  it("takes neither a slow phone's pause nor blurred frames for an absence", () => {
    const sights: Sights = new Map();
    expect(freshSymbols([symbol], sights, 0)).toHaveLength(1);
    expect(freshSymbols([symbol], sights, 10 * FORGET_AFTER_MS)).toHaveLength(0);
    for (let frame = 1; frame < FORGET_AFTER_FRAMES; frame += 1) freshSymbols([], sights, (10 + frame) * FORGET_AFTER_MS);
    expect(freshSymbols([symbol], sights, 20 * FORGET_AFTER_MS)).toHaveLength(0);
  });
});

describe("clock", () => {
  it("writes the instant with the device's own offset", () => {
    const now = new Date("2026-03-12T10:42:00.250Z");
    const { eventTime, eventTimeZoneOffset } = eventTimeOf(now);
    expect(new Date(eventTime).getTime()).toBe(now.getTime());
    expect(eventTime.endsWith(eventTimeZoneOffset)).toBe(true);
    expect(eventTimeZoneOffset).toMatch(/^[+-]\d\d:\d\d$/);
  });
  it.each([
    [-330, "+05:30"],
    [210, "-03:30"],
    [0, "+00:00"],
  ])("writes an offset of %i minutes as %s", (minutes, words) => {
    const date = new Date();
    date.getTimezoneOffset = () => minutes;
    expect(offsetOf(date)).toBe(words);
  });
  it("takes the device's calendar day", () => {
    expect(localDay(new Date(2026, 0, 9, 23, 59))).toBe("2026-01-09");
  });
});

const row = (more: Partial<StockRow>): StockRow => ({
  item: "x", gtin: "09521141045305", lot: null, serial: null, expiry: null, place: null, container: null, owner: null, holder: null,
  status: "on_hand", quantity: "1", uom: null, flags: [], expired: false, lastEventID: null, ...more,
});

describe("the stock table", () => {
  const rows = [row({ place: "b", lot: "LOT77A", quantity: "4" }), row({ place: "a", quantity: "0.1" }), row({ place: "a", quantity: "0.2" }), row({ quantity: "7" })];
  it("groups by place, in the order of names, and puts what is under way or nowhere last", () => {
    const moving = row({ place: "b", status: "in_transit", quantity: "2" });
    expect(byPlace([moving, ...rows], { a: "Theatre", b: "Dock" }).map(({ name, total }) => [name, total])).toEqual([
      ["Dock", "4"], ["Theatre", "0.3"], ["On the way to Dock", "2"], ["Place unknown", "7"],
    ]);
  });
  it("counts no container as stock", () => {
    const box = row({ item: "https://id.gs1.org/00/095211410000000113", gtin: null });
    expect(totalOf([box, row({ quantity: "3" })])).toBe("3");
    expect(kindOf(box.item)).toBe("Container");
  });
  it("never adds up different units of measure", () => {
    expect(totalOf([row({ quantity: "2" }), row({ quantity: "3.5", uom: "KGM" })])).toBe("2 · 3.5 KGM");
  });
  it("keeps two places of one name apart", () => {
    const names = { a: "Theatre", b: "Theatre" };
    expect(byPlace(rows, names).map(({ name, place, total }) => [name, place, total])).toEqual([
      ["Theatre", "a", "0.3"], ["Theatre", "b", "4"], ["Place unknown", null, "7"],
    ]);
  });
  it("filters by every word, in names as in codes", () => {
    const named = { places: { b: "Dock" }, parties: {}, products: { "09521141045305": "Stent" } };
    expect(filterRows(rows, "stent dock", named)).toHaveLength(1);
    expect(filterRows(rows, "dock 77a", named)).toHaveLength(1);
    expect(filterRows(rows, "dock 88", named)).toHaveLength(0);
    expect(filterRows(rows, "", named)).toHaveLength(4);
  });
});

describe("words", () => {
  it("names a place by its name, else by what tells it apart", () => {
    const id = "https://id.gs1.org/414/4012345000016/254/OR3";
    expect(nameOf(id, { [id]: "Theatre 3" })).toBe("Theatre 3");
    expect(nameOf(id, {})).toBe("OR3 (4012345000016)");
    expect(nameOf("https://id.gs1.org/417/9521141000007", {})).toBe("9521141000007");
    expect(nameOf(null, {})).toBe("—");
  });
  it("puts names and key words in place of identifiers in a message", () => {
    const ward = "https://id.gs1.org/414/4012345000016/254/WARDB";
    expect(readableMessage(`https://id.gs1.org/01/09521141045305/10/LOT77A: 4 at ${ward}, 1 in https://id.gs1.org/8003/095T0042.`, { [ward]: "Ward B" })).toBe(
      "lot LOT77A: 4 at Ward B, 1 in returnable 095T0042.",
    );
    expect(readableMessage("https://id.gs1.org/01/09521141010235/21/V23-0008: seen again", {})).toBe("serial V23-0008: seen again");
  });
  it("puts the worst conflict first", () => {
    expect(worstFirst([{ severity: "low" }, { severity: "odd" }, { severity: "critical" }]).map(({ severity }) => severity)).toEqual(["critical", "low", "odd"]);
  });
  it("shows a status that it does not know", () => {
    expect(statusWords("on_loan")).toBe("On loan");
  });
});

describe("nextLink", () => {
  it("finds the next page among links, and none where there is none", () => {
    expect(nextLink('<https://a/>; rel="prev", </consignment/stock?nextPageToken=x>; rel="next"')).toBe("/consignment/stock?nextPageToken=x");
    expect(nextLink(null)).toBeNull();
  });
});

describe("GLN", () => {
  it("checks length and check digit", () => {
    expect(checkDigit("401234500000")).toBe("9");
    expect(faultOfGln("4012345000009")).toBeNull();
    expect(faultOfGln("4012345000008")).toContain("should be 9");
    expect(faultOfGln("401234500000")).toContain("12");
  });
});
