/** The caller's subscriptions across all queries, and what became of their messages. */

import { call } from "./client";

export interface Subscription {
  subscriptionID: string;
  queryName: string;
  dest: string;
  createdAt: string;
  state: "active" | "paused" | "parked" | "disabled";
  lastError: string | null;
  waitingEvents: number;
  lagSeconds: number;
  nextAttemptAt: string | null;
  lastNotifiedAt?: string | null;
  deadLetters: number;
}

export interface DeadLetter {
  number: number;
  messageID: string;
  state: string;
  events: number;
  createdAt: string;
  attempts: number;
  lastStatus: number | null;
  lastError: string | null;
  eventIDs: string[];
}

export interface Trial {
  delivered: boolean;
  status: number | null;
  error: string | null;
}

const path = (id: string): string => `/subscriptions/${encodeURIComponent(id)}`;

export const subscriptionApi = {
  all: async () => (await call<{ subscriptions: Subscription[] }>("GET", "/subscriptions")).subscriptions,
  deadLetters: async (id: string) => (await call<{ deadLetters: DeadLetter[] }>("GET", `${path(id)}/dead-letters`)).deadLetters,
  redeliver: (id: string, number: number) => call<unknown>("POST", `${path(id)}/dead-letters/${number}/redeliver`),
  pause: (id: string) => call<Subscription>("POST", `${path(id)}/pause`),
  resume: (id: string) => call<Subscription>("POST", `${path(id)}/resume`),
  test: (id: string) => call<Trial>("POST", `${path(id)}/test`),
};
