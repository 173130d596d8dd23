/** The audit log of the caller's organisation, for its privacy officer. */

import { pageOf, withQuery } from "./client";

export interface AuditEntry {
  time: string;
  principal: string;
  role: string;
  credential: string;
  action: string;
  resource: string;
  resultCount: number;
  eventIDs: string[];
  outcome: string;
  purpose: string;
  requestID: string;
  hash: string;
}

export interface AuditFilter {
  action: string;
  principal: string;
  from: string;
  to: string;
}

export const auditApi = {
  /** One page, newest first; `next` is the address of the page of older ones. */
  page: (filter: AuditFilter) => pageOf<{ entries: AuditEntry[] }>(withQuery("/audit", { ...filter, perPage: "100" })),
  more: (next: string) => pageOf<{ entries: AuditEntry[] }>(next),
};
