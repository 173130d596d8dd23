/** An organisation as its people know it: name, party GLN, company prefix; and as the server wants it. Pure. */

import type { NewOrganisation } from "../api/types";

export interface OrganisationForm {
  name: string;
  gln: string;
  companyPrefix: string;
}

export const EMPTY_ORGANISATION: OrganisationForm = { name: "", gln: "", companyPrefix: "" };

/** The check digit of a GS1 key without it. GS1 General Specifications 7.9.1. */
export function checkDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 3 : 1), 0);
  return String((10 - (sum % 10)) % 10);
}

/** What is wrong with a GLN, in words; null when it is well formed. */
export function faultOfGln(gln: string): string | null {
  if (!/^\d{13}$/.test(gln)) return `A GLN has 13 digits; this has ${gln.replace(/\D/g, "").length}.`;
  const expected = checkDigit(gln.slice(0, 12));
  return gln.endsWith(expected) ? null : `The last digit of this GLN should be ${expected}: please check the number.`;
}

/** The organisation for the server; the GLN must be well formed. */
export function organisationOf({ name, gln, companyPrefix }: OrganisationForm): NewOrganisation {
  return {
    id: `https://id.gs1.org/417/${gln}`,
    name: name.trim(),
    companyPrefixes: companyPrefix.trim() ? companyPrefix.trim().split(/[\s,;]+/) : [],
  };
}
