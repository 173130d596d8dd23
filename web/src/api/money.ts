/** Settlements, leaks of charges, and the reports that are downloaded. */

import type { AgreementKey } from "./agreements";
import { call, withQuery } from "./client";
import type { AllNames } from "./ledger";

export interface Settlement {
  id: string;
  agreementID: string;
  period: string;
  number: number;
  supplier: string;
  hospital: string;
  digest: string;
  state: string;
  createdAt: string;
  signatures: { party: string; principal: string; signedAt: string }[];
}

export interface Leak {
  kind: string;
  says: string;
  item: string;
  gtin: string | null;
  quantity: string;
  uom: string | null;
  value: string | null;
  currency: string | null;
  place: string | null;
  since: string;
  eventIDs: string[];
}

export interface Leaks extends AllNames {
  leaks: Leak[];
  totals: Record<string, string>;
}

export interface Span {
  from: string;
  to: string;
}

export const moneyApi = {
  settlements: async () => (await call<{ settlements: Settlement[] }>("GET", "/settlements")).settlements,
  settle: (agreement: AgreementKey, period: string) => call<Settlement>("POST", "/settlements", { ...agreement, period }),
  /** Signing names the digest that was on the screen, so that nobody signs what they did not see. */
  sign: ({ id, digest }: Settlement) => call<Settlement>("POST", `/settlements/${encodeURIComponent(id)}/sign`, { digest }),
  leaks: (span: Span) => call<Leaks>("GET", withQuery("/reports/leaks", { ...span })),
};

/** Where a report is downloaded from. */
export function reportAddress(report: "transfer-of-ownership" | "consignment-stock-status", format: "csv" | "pdf", span: Span): string {
  return withQuery(`/reports/${report}`, report === "transfer-of-ownership" ? { ...span, format } : { asOf: span.to, format });
}
