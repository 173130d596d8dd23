/** Counts: begun at a place, filled with reads of labels, closed, put on record; and what they say to either side. */

import { call, withQuery } from "./client";

export type Scope = "complete" | "partial";

export interface ReadResult {
  readID: string;
  /** counted, counted_before, added, sent_before, undone or refused. */
  outcome: string;
  item?: string | null;
  gtin?: string | null;
  lot?: string | null;
  serial?: string | null;
  expiry?: string | null;
  quantity?: string | null;
  round?: number | null;
  findings: { code: string; message: string }[];
}

export interface VarianceLine {
  item: string;
  gtin: string | null;
  lot: string | null;
  serial: string | null;
  uom: string | null;
  kind: string;
  booked: string;
  counted: string;
  difference: string;
  places: string[];
}

export interface CountPart {
  countID: string;
  counter: string;
  supplier: string;
  place: string;
  scope: string | null;
  countedAt: string;
  recountAt: number | null;
  rounds: number;
  variance: string;
  final: boolean;
  lines: VarianceLine[];
}

export interface Count {
  id: string;
  state: "open" | "closed" | "recounting" | "finished" | "abandoned";
  place: string;
  scope?: string | null;
  blind?: boolean | null;
  round?: number | null;
  recount?: string[];
  note?: string | null;
  recountRequired?: boolean;
  reads?: ReadResult[];
  parts?: CountPart[];
  book?: { item: string; quantity: string; uom: string | null }[] | null;
}

export interface CountRequest {
  id: string;
  place: { id: string } | { gln: string };
  scope: Scope;
  blind: boolean;
  eventTimeZoneOffset: string;
}

export interface CountScan {
  readID: string;
  elementString: string;
  quantity?: number;
  typed?: boolean;
  readAt: string;
}

const path = (id: string): string => `/counts/${encodeURIComponent(id)}`;

export const countApi = {
  begin: (request: CountRequest) => call<Count>("POST", "/counts", request),
  get: (id: string) => call<Count>("GET", path(id)),
  scans: async (id: string, scans: readonly CountScan[]) =>
    (await call<{ results: ReadResult[] }>("POST", `${path(id)}/scans`, { scans })).results,
  undo: (id: string, readID: string) => call<null>("DELETE", `${path(id)}/scans/${encodeURIComponent(readID)}`),
  close: (id: string, nothingFound: boolean) => call<Count>("POST", `${path(id)}/close`, { nothingFound }),
  recount: (id: string) => call<Count>("POST", `${path(id)}/recount`),
  finish: (id: string) => call<Count>("POST", `${path(id)}/finish`),
  abandon: (id: string) => call<Count>("POST", `${path(id)}/abandon`),
  variances: async () => (await call<{ variances: CountPart[] }>("GET", "/counts/variances")).variances,
};

/** Missing stock of one supplier at one place that one side proposes to take off the book, and the other answers. */
export interface WriteOff {
  id: string;
  state: "proposed" | "accepted" | "declined" | "withdrawn" | "expired" | "cleared";
  supplier: string;
  hospital: string;
  place: string;
  reason: string;
  items: { item: string; uom: string | null; quantity: string; charged: string }[];
  payer: string;
  explanation: string;
  proposedBy: string;
  proposedAt: string;
  answerReason: string | null;
}

/** Ids of write-offs are their proposers' own: two may have given the same one. */
const writeOffPath = ({ id, proposedBy }: WriteOff, step: string): string => withQuery(`/write-offs/${encodeURIComponent(id)}/${step}`, { proposedBy });

export const writeOffApi = {
  all: async () => (await call<{ writeOffs: WriteOff[] }>("GET", "/write-offs")).writeOffs,
  propose: (place: string, items: readonly string[]) => call<WriteOff>("POST", "/write-offs", { place: { id: place }, items: items.map((item) => ({ item })) }),
  accept: (one: WriteOff) => call<WriteOff>("POST", writeOffPath(one, "accept")),
  decline: (one: WriteOff, reason: string) => call<WriteOff>("POST", writeOffPath(one, "decline"), { reason }),
};
