/** What is to be moved and ordered by the agreements, and the orders. */

import { call } from "./client";

export interface Proposal {
  id: string;
  kind: "transfer" | "order";
  supplier: string;
  hospital: string;
  gtin: string;
  place: string;
  quantity: string;
  from?: string | null;
  items?: { item: string; quantity: string; expiry: string | null }[] | null;
  multiple?: number | null;
}

export interface Position {
  gtin: string;
  place: string;
  minimum: number;
  maximum: number;
  usable: string;
  inTransit: string;
  onOrder: string;
  gap: string;
}

export interface Order {
  number: string;
  state: "proposed" | "sent" | "partly_received" | "received" | "cancelled";
  hospital: string;
  supplier: string;
  gtin: string;
  place: string;
  quantity: number;
  shipped: string;
  received: string;
  createdAt: string;
  sentAt: string | null;
  closedAt: string | null;
  closedReason: string | null;
}

const path = (number: string): string => `/replenishment/orders/${encodeURIComponent(number)}`;

export const replenishmentApi = {
  proposals: () => call<{ asOf: string; positions: Position[]; proposals: Proposal[] }>("GET", "/replenishment/proposals"),
  orders: async () => (await call<{ orders: Order[] }>("GET", "/replenishment/orders")).orders,
  order: (proposals: readonly string[]) => call<unknown>("POST", "/replenishment/orders", { proposals }),
  send: (number: string) => call<Order>("POST", `${path(number)}/send`),
  cancel: (number: string, reason: string) => call<Order>("POST", `${path(number)}/cancel`, { reason }),
};
