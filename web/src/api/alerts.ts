/** Alerts between a supplier and a hospital: the same for both, acknowledged by either. */

import { allPages, call, pageOf, withQuery } from "./client";

export interface Alert {
  id: string;
  kind: string;
  severity: string;
  state: "open" | "closed";
  message: string;
  supplier: string;
  hospital: string;
  /** The party that has to act. */
  responsible: string;
  agreementID: string | null;
  gtin: string | null;
  place: string | null;
  item: string | null;
  daysLeft: number | null;
  openedAt: string;
  due: string | null;
  closedAt: string | null;
  eventIDs: string[];
  acknowledgements: { party: string; name: string; by: string; note: string; at: string }[];
}

export interface AlertFilter {
  state: string;
  kind: string;
  place: string;
  /** `me`, a party, or empty for either. */
  responsible: string;
}

export const alertApi = {
  all: async (filter: AlertFilter): Promise<Alert[]> => {
    const pages = await allPages<{ alerts: Alert[] }>(withQuery("/alerts", { ...filter, perPage: "1000" }));
    return pages.flatMap(({ alerts }) => alerts);
  },
  /** How many open alerts the caller's side has to act on; `more` where there are still others. */
  owed: async (): Promise<{ count: number; more: boolean }> => {
    const { body, next } = await pageOf<{ alerts: Alert[] }>(withQuery("/alerts", { state: "open", responsible: "me", perPage: "100" }));
    return { count: body.alerts.length, more: next !== null };
  },
  acknowledge: (id: string, note: string) => call<Alert>("POST", `/alerts/${encodeURIComponent(id)}/acknowledge`, { note }),
};
