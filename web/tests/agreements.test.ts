import { describe, expect, it } from "vitest";
import type { Terms } from "../src/api/agreements";
import { differences, type Naming } from "../src/pages/agreements/diff";
import { finished, identifierOf, termsOfFile } from "../src/pages/agreements/draft";
import { otherTerms, withValueAt } from "../src/pages/agreements/fields";

const NAMING: Naming = { place: (id) => id, party: (id) => id, product: (gtin) => gtin };
const TERMS: Terms = {
  agreementID: "urn:x:1",
  title: "Valves",
  supplier: "https://id.gs1.org/417/9521141000007",
  hospital: "https://id.gs1.org/417/4012345000009",
  validFrom: "2026-01-01",
  validTo: null,
  sites: ["https://id.gs1.org/414/4012345000016"],
  lines: [{ gtin: "09521141010235", par: [{ place: "OR3", minimum: 1, maximum: 4 }], prices: [{ amount: "10", currency: "EUR" }] }],
};

describe("what two versions differ in", () => {
  it("is nothing for the same terms", () => {
    expect(differences(TERMS, structuredClone(TERMS), NAMING)).toEqual([]);
  });
  it("names a line that came, one that went and a level that changed", () => {
    const newer: Terms = { ...TERMS, lines: [{ gtin: "09521141010235", par: [{ place: "OR3", minimum: 2, maximum: 4 }], prices: [] }] };
    expect(differences(TERMS, newer, NAMING)).toEqual([
      { what: "09521141010235: stock at OR3", before: "1 to 4", after: "2 to 4" },
      { what: "09521141010235: price", before: "10 EUR", after: null },
    ]);
  });
  it("shows a term that no table here knows: nobody signs what is not shown", () => {
    const newer = withValueAt(TERMS, "use.newTerm", 7);
    expect(otherTerms(newer)).toEqual([["use.newTerm", "7"]]);
    expect(differences(TERMS, newer, NAMING)).toEqual([{ what: "use.newTerm", before: null, after: "7" }]);
  });
});

describe("terms that are being written", () => {
  it("keep what stands beside the value that is set", () => {
    const once = withValueAt(TERMS, "loss.graceDays", 45);
    const twice = withValueAt(once, "loss.liable", "supplier") as Terms & { loss: unknown };
    expect(twice.loss).toEqual({ graceDays: 45, liable: "supplier" });
    expect(TERMS).not.toHaveProperty("loss");
  });
  it("take a GLN for a party and leave an identifier alone", () => {
    expect(identifierOf(" 9521141000007 ", "417")).toBe("https://id.gs1.org/417/9521141000007");
    expect(identifierOf("urn:epc:id:pgln:9521141.00000", "417")).toBe("urn:epc:id:pgln:9521141.00000");
  });
  it("are sent without rows that were left empty", () => {
    const open: Terms = { ...TERMS, lines: [...TERMS.lines, { gtin: " ", par: [], prices: [] }] };
    expect(finished(open).lines).toHaveLength(1);
  });
  it("come from an exported file, and a file of something else is refused with what was expected", async () => {
    const file = new Blob([JSON.stringify({ version: 2, terms: TERMS })]);
    expect((await termsOfFile(file)).agreementID).toBe("urn:x:1");
    await expect(termsOfFile(new Blob(["[1, 2]"]))).rejects.toThrow("agreementID");
    await expect(termsOfFile(new Blob(["no JSON"]))).rejects.toThrow("Expected JSON");
  });
});
