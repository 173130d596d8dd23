/** The ledger's own questions: conflicts and their life, goods that counts missed, corrections that wait; and names. */

import { allPages, api, call, withQuery } from "./client";
import type { Conflict, Moment, Names } from "./types";

/** What counts did not see of an item, or found beyond the book. */
export interface Absence {
  item: string;
  gtin: string | null;
  lot: string | null;
  serial: string | null;
  place: string | null;
  owner: string | null;
  holder: string | null;
  quantity: string;
  uom: string | null;
  firstMissed: string;
  misses: number;
  lastSeen: string;
}

export interface Ghosts extends AllNames {
  asOf: string;
  ghosts: Absence[];
  found: Absence[];
}

export interface PendingCorrection {
  eventID: string;
  eventTime: string;
  declaredAt: string | null;
  reason: string | null;
  items: string[];
  originalKnown: boolean;
  missing: string[];
}

export interface AllNames {
  places: Names;
  parties: Names;
  /** By GTIN. */
  products: Names;
}

const conflictPath = (id: string): string => `/consignment/conflicts/${encodeURIComponent(id)}`;

export const ledgerApi = {
  conflicts: async (state: string): Promise<Conflict[]> => {
    const pages = await allPages<{ conflicts: Conflict[] }>(withQuery("/consignment/conflicts", { state, perPage: "1000" }));
    return pages.flatMap(({ conflicts }) => conflicts);
  },
  explain: (id: string, reason: string) => call<Conflict>("POST", `${conflictPath(id)}/explain`, { reason }),
  reopen: (id: string, reason: string) => call<Conflict>("POST", `${conflictPath(id)}/reopen`, { reason }),
  ghosts: (at: Moment = {}) => call<Ghosts>("GET", withQuery("/consignment/ghosts", { ...at })),
  corrections: async () => (await call<{ pending: PendingCorrection[] }>("GET", "/consignment/corrections")).pending,
  /** What the caller's places, partners and products are called. */
  names: async (): Promise<AllNames> => {
    const [stock, places] = await Promise.all([api.stock(), api.places()]);
    const own = Object.fromEntries(places.map(({ id, name }) => [id, name ?? id]));
    return { places: { ...stock.places, ...own }, parties: stock.parties, products: stock.products };
  },
};
