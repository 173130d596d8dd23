import { describe, expect, it } from "vitest";
import { AI_TABLE } from "../src/gs1/table";
import { carriesElementStrings, elementStringOfTyped, splitElementStrings } from "../src/gs1/splitter";
import vectors from "./element-strings.json";

describe("splitElementStrings", () => {
  it.each(vectors)("cuts as the server's parser does: $why", ({ text, elements }) => {
    const { elementStrings, rest } = splitElementStrings(text, AI_TABLE);
    expect(elementStrings.map(({ ai, value }) => [ai, value])).toEqual(elements);
    expect(rest).toBe("");
  });

  it("names each application identifier by the server's title", () => {
    const [gtin] = splitElementStrings("0109521141010235", AI_TABLE).elementStrings;
    expect(gtin?.title).toContain("GTIN");
  });

  it("gives back the rest from an application identifier that does not exist", () => {
    const { elementStrings, rest } = splitElementStrings("010952114101023505XYZ", AI_TABLE);
    expect(elementStrings).toHaveLength(1);
    expect(rest).toBe("05XYZ");
  });

  it("gives back a value that is cut short", () => {
    expect(splitElementStrings("01095211410102", AI_TABLE)).toEqual({ elementStrings: [], rest: "01095211410102" });
  });

  it("does not end on any text: no loop, no throw", () => {
    for (const text of ["", "\u001d", "\u001d\u001d", "9", "99", "10", "(01)", "ünïcode", "00".repeat(2000)]) {
      const { elementStrings, rest } = splitElementStrings(text, AI_TABLE);
      expect(elementStrings.length + rest.length).toBeLessThanOrEqual(text.length + 1);
    }
  });
});

describe("carriesElementStrings", () => {
  it.each(["]C1", "]d2", "]Q3", "]e0", "]J1"])("holds for %s", (identifier) => {
    expect(carriesElementStrings(identifier)).toBe(true);
  });
  it.each(["]C0", "]d1", "]Q1", "]A0", ""])("does not hold for %s, which may look the same", (identifier) => {
    expect(carriesElementStrings(identifier)).toBe(false);
  });
});

describe("elementStringOfTyped", () => {
  it("puts separators where bracketed text needs them, and only there", () => {
    expect(elementStringOfTyped("(01)09521141010235(17)271231(10)L23-A(21)V23-0007", AI_TABLE)).toBe(
      "01095211410102351727123110L23-A\u001d21V23-0007",
    );
  });
  it("allows blanks between element strings", () => {
    expect(elementStringOfTyped(" (01) 09521141010235 (10) LOT77A ", AI_TABLE)).toBe("010952114101023510LOT77A");
  });
  it("keeps brackets that are no application identifier inside the value", () => {
    expect(elementStringOfTyped("(01)09521141010235(10)A(9)B", AI_TABLE)).toBe("010952114101023510A(9)B");
  });
  it("takes raw text as it is, with ^ or {GS} for the separator", () => {
    expect(elementStringOfTyped("]d2010952114101023510A^21B", AI_TABLE)).toBe("010952114101023510A\u001d21B");
    expect(elementStringOfTyped("10A{GS}21B", AI_TABLE)).toBe("10A\u001d21B");
  });
  it("is null for nothing and for brackets without an application identifier", () => {
    expect(elementStringOfTyped("   ", AI_TABLE)).toBeNull();
    expect(elementStringOfTyped("(xx)123", AI_TABLE)).toBeNull();
  });
});
