/** Recall notices, where the units that they name are, and what each side has done about them. */

import { call, withQuery } from "./client";
import type { AllNames } from "./ledger";
import type { Conflict } from "./types";

export interface RecalledItem {
  gtin: string;
  lot?: string | null;
  serials?: { from: string; to: string } | null;
}

export interface RecallNotice {
  notice: string;
  issuer: string;
  recallClass: string | null;
  reason: string | null;
  issuedAt: string;
  withdrawnAt: string | null;
  items: RecalledItem[];
  acknowledgements: { party: string; step: string; principal: string; note: string; acknowledgedAt: string }[];
}

export interface RecalledUnits {
  item: string;
  place: string | null;
  owner: string | null;
  holder: string | null;
  status: string;
  quantity: string;
  uom: string | null;
  handling: string;
  since: string;
  afterNotice: boolean;
}

export interface RecallTotals {
  uom: string | null;
  withIssuer: string;
  quarantined: string;
  notQuarantined: string;
  returning: string;
  inTransit: string;
  gone: string;
  total: string;
}

export interface Recall extends RecallNotice, AllNames {
  asOf: string;
  state: "open" | "complete" | "withdrawn";
  totals: RecallTotals[];
  units: RecalledUnits[];
  inTransit: RecalledUnits[];
  sinks: RecalledUnits[];
  conflicts: Conflict[];
}

export interface RecallPatient {
  patient: string;
  item: string;
  quantity: string;
  since: string;
  until: string | null;
  useDeclaredInError?: boolean;
}

export interface NewRecall {
  recallClass: string;
  reason: string;
  items: RecalledItem[];
}

export type Step = "received" | "quarantined" | "patients_traced" | "done";

/** A notice by its number and issuer, since two issuers may use one number. */
export type NoticeKey = Pick<RecallNotice, "notice" | "issuer">;

export const recallApi = {
  all: () => call<{ recalls: RecallNotice[] } & AllNames>("GET", "/recalls"),
  one: ({ notice, issuer }: NoticeKey) => call<Recall>("GET", withQuery(`/recalls/${encodeURIComponent(notice)}`, { issuer })),
  issue: (wanted: NewRecall) => call<Recall>("POST", "/recalls", wanted),
  withdraw: (notice: string, reason: string) => call<Recall>("POST", "/recalls/withdrawals", { notice, reason }),
  acknowledge: ({ notice, issuer }: NoticeKey, step: Step, note: string) => call<unknown>("POST", "/recalls/acknowledgements", { notice, issuer, step, note }),
  /** For the clinical role alone; the server writes purpose and caller into the audit log first. */
  patients: async ({ notice, issuer }: NoticeKey, purpose: string) =>
    (await call<{ links: RecallPatient[] }>("POST", "/recalls/patients", { notice, issuer, purpose })).links,
};
