/** The trace of a lot or an item: what is asked, and the answers' forms. */

import { call, withQuery } from "./client";
import type { Conflict, LotNotice, LotTrace, Moment, Names, TracePatient, TraceUnit } from "./types";

export interface HistoryStep {
  eventID: string;
  eventTime: string;
  action: string | null;
  bizStep: string | null;
  disposition: string | null;
  readPoint: string | null;
  bizLocation: string | null;
  capturedBy: string[];
  declaredInError: boolean;
  private: boolean;
}

export interface ItemTrace {
  epc: string;
  asOf: string;
  lot: string | null;
  expiry: string | null;
  state: TraceUnit | null;
  contents: string[];
  patients: TracePatient[] | null;
  notices: LotNotice[];
  conflicts: Conflict[];
  history: HistoryStep[];
  places: Names;
  parties: Names;
  products: Names;
}

/** Who had or owned an item from one time to another; gaps say what is missing before it. */
export interface Holding {
  since: string;
  until: string | null;
  party: string | null;
  place: string | null;
  status: string;
  eventID: string;
  gaps: string[];
}

export interface Custody {
  custody: Holding[];
  ownership: Holding[];
  ended: string | null;
  places: Names;
  parties: Names;
}

export interface GenealogyLink {
  relation: string;
  part: string;
  whole: string;
  since: string;
  until: string | null;
  quantity: string | null;
  uom: string | null;
  eventIDs: string[];
}

export interface Genealogy {
  id: string;
  direction: Direction;
  things: { id: string; level: number }[];
  links: GenealogyLink[];
  /** What was not followed further. */
  more: string[];
}

export type Direction = "backward" | "forward";

/** The identifier of a lot as a GS1 Digital Link. */
export const lotIdentifier = (gtin: string, lot: string): string => `https://id.gs1.org/01/${gtin}/10/${encodeURIComponent(lot)}`;

export const traceApi = {
  lot: (gtin: string, lot: string, at: Moment) => call<LotTrace>("GET", withQuery("/trace/lot", { gtin, lot, ...at })),
  item: (epc: string, at: Moment) => call<ItemTrace>("GET", withQuery("/trace/item", { epc, ...at })),
  custody: (id: string, at: Moment) => call<Custody>("GET", withQuery("/trace/custody", { id, ...at })),
  genealogy: (id: string, direction: Direction, at: Moment) =>
    call<Genealogy>("GET", withQuery("/trace/genealogy", { id, direction, ...at })),
};
