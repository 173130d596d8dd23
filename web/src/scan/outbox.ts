/**
 * What was saved without a connection, kept on this device until the server has answered: in order, each exactly as Save
 * made it, so that the server finds one event however often it is sent. It keeps labels of goods only.
 */

import { type ReadonlySignal, signal } from "@preact/signals";
import { messagesOf, Problem } from "../api/client";
import type { ActionAnswer, ActionRequest, Session } from "../api/types";

/** One request that waits, for whom it is sent, and why the server would not have it. */
export interface Kept {
  owner: string;
  request: ActionRequest;
  refusals: readonly string[];
}

export interface Outbox {
  /** What the signed-in reader saved and the server has not taken. */
  waiting: ReadonlySignal<readonly Kept[]>;
  /** Whose requests are sent from now on; null: nobody's. */
  belongTo(session: Pick<Session, "organisation" | "role" | "name"> | null): void;
  /** Whether it is kept: not where nobody is signed in, or the device has no room. */
  keep(request: ActionRequest): boolean;
  /** Send what waits, the oldest first, until one finds no answer; tells of each that arrived. */
  flush(arrived: (request: ActionRequest, answer: ActionAnswer) => void): Promise<void>;
  /** Give up what the server refused. */
  forget(eventID: string): void;
}

type Storage_ = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "traceward.outbox";

const ownerOf = ({ organisation, role, name }: Pick<Session, "organisation" | "role" | "name">): string => [organisation, role, name].join(" ");

export function createOutbox(act: (request: ActionRequest) => Promise<ActionAnswer>, storage: Storage_): Outbox {
  let owner: string | null = null;
  let sending: Promise<void> | null = null;
  const waiting = signal<readonly Kept[]>([]);

  /** Everything on the device; read each time, since another tab may have sent some of it. */
  const all = (): Kept[] => {
    try {
      const found: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
      return Array.isArray(found) ? (found as Kept[]) : [];
    } catch {
      return [];
    }
  };
  const show = (kept: readonly Kept[]): void => {
    waiting.value = kept.filter((one) => one.owner === owner);
  };
  const store = (kept: readonly Kept[]): void => {
    if (kept.length === 0) storage.removeItem(KEY);
    else storage.setItem(KEY, JSON.stringify(kept));
    show(kept);
  };
  const without = (eventID: string): Kept[] => all().filter(({ request }) => request.eventID !== eventID);

  async function sendAll(arrived: (request: ActionRequest, answer: ActionAnswer) => void): Promise<void> {
    show(all());
    for (const { request } of waiting.value.filter(({ refusals }) => refusals.length === 0)) {
      try {
        const answer = await act(request);
        store(without(request.eventID));
        arrived(request, answer);
      } catch (error) {
        if (!(error instanceof Problem) || error.retryable) return;
        store(all().map((one) => (one.request.eventID === request.eventID ? { ...one, refusals: messagesOf(error) } : one)));
      }
    }
  }

  return {
    waiting,
    belongTo(session) {
      owner = session === null ? null : ownerOf(session);
      show(all());
    },
    keep(request) {
      if (owner === null) return false;
      try {
        store([...all(), { owner, request, refusals: [] }]);
      } catch {
        return false;
      }
      return true;
    },
    async flush(arrived) {
      sending ??= sendAll(arrived).finally(() => {
        sending = null;
      });
      await sending;
    },
    forget: (eventID) => store(without(eventID)),
  };
}
