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
  sign: (agreementID: string, version: number) => call<Agreement>("POST", "/agreements/sign", { agreementID, version }),
  end: (agreementID: string, lastDay: string) => call<Agreement>("POST", "/agreements/end", { agreementID, lastDay }),
};
