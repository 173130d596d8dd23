/** Agreements between a supplier and a hospital: versions that both sides sign, as the server publishes them. */

import { call } from "./client";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export interface ParLevel {
  place: string;
  minimum: number;
  maximum: number;
}

export interface Price {
  amount: string;
  currency: string;
  validFrom?: string | null;
  validTo?: string | null;
}

export interface ProductLine {
  gtin: string;
  par: ParLevel[];
  prices: Price[];
  orderMultiple?: number;
  minRemainingShelfLifeDays?: number;
  billMode?: string;
  tracking?: string;
  implantable?: boolean;
  family?: string | null;
  size?: string | null;
}

/** The terms; the groups of further terms (ownership, use, expiry…) are read and set by their paths. */
export interface Terms {
  agreementID: string;
  title: string;
  supplier: string;
  hospital: string;
  validFrom: string;
  validTo: string | null;
  sites: string[];
  lines: ProductLine[];
}

export interface Agreement {
  agreementID: string;
  version: number;
  state: "proposed" | "signed" | "in_force" | "superseded" | "ended";
  proposedBy: string;
  proposedAt: string;
  endedOn: string | null;
  signatures: { party: string; principal: string; signedAt: string }[];
  terms: Terms;
}

export const agreementApi = {
  all: async () => (await call<{ agreements: Agreement[] }>("GET", "/agreements")).agreements,
  propose: (terms: Terms) => call<Agreement>("POST", "/agreements", terms),
  sign: ({ agreementID, counterparty }: AgreementKey, version: number) => call<Agreement>("POST", "/agreements/sign", { agreementID, version, counterparty }),
  end: ({ agreementID, counterparty }: AgreementKey, lastDay: string) => call<Agreement>("POST", "/agreements/end", { agreementID, lastDay, counterparty }),
};

/** An agreement as its two parties tell it from others: several partners may have given one id to theirs. */
export interface AgreementKey {
  agreementID: string;
  counterparty: string;
}

/** Which agreement of the caller's organisation this is. */
export function keyOf({ agreementID, terms: { supplier, hospital } }: Agreement, organisation: string): AgreementKey {
  return { agreementID, counterparty: supplier === organisation ? hospital : supplier };
}

export const sameAgreement = (one: AgreementKey, other: AgreementKey): boolean => one.agreementID === other.agreementID && one.counterparty === other.counterparty;

/** The newest version of each agreement, in the order given. */
export function newestOf(agreements: readonly Agreement[], organisation: string): Agreement[] {
  const text = (one: Agreement): string => Object.values(keyOf(one, organisation)).join(" ");
  return [...new Map(agreements.map((one) => [text(one), one])).values()];
}
