/**
 * A count on this device: every label read is kept here first and sent when the server can be reached, so that a dead
 * spot of the ward costs nothing and a reload loses nothing. It keeps labels of goods only, never a patient's number.
 */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { messagesOf, Problem, Unreachable } from "../api/client";
import { type Count, type CountRequest, type CountScan, countApi, type ReadResult, type Scope } from "../api/counts";
import { type AiTable, carriesElementStrings, splitElementStrings } from "../gs1/splitter";
import { placeOf } from "./basket";
import type { Notice } from "./basket";
import { PEOPLE } from "./alone";
import { offsetOf } from "./clock";
import { itemKey } from "./items";

/** A label as it was read, and what the server made of it; `result` is null until it has answered. */
export interface CountRead extends CountScan {
  result: ReadResult | null;
  undone: boolean;
}

/** What is kept on the device: whose count it is, how it was begun, and its reads of this round. */
export interface KeptCount {
  organisation: string;
  request: CountRequest;
  begun: boolean;
  reads: readonly CountRead[];
}

export type CountApi = typeof countApi;

export interface Surroundings {
  server: CountApi;
  now: () => Date;
  newId: () => string;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

export interface CountSession {
  kept: ReadonlySignal<KeptCount | null>;
  /** The server's view, once it has answered. */
  count: ReadonlySignal<Count | null>;
  notice: ReadonlySignal<Notice | null>;
  /** Why the last sending failed; empty while all is well. */
  failures: ReadonlySignal<readonly string[]>;
  busy: ReadonlySignal<boolean>;
  /** Reads and withdrawals that the server has not confirmed. */
  waiting: ReadonlySignal<number>;
  begin(place: string, scope: Scope, blind: boolean): Promise<void>;
  /** `again`: one more of a label that is on the list. */
  add(symbologyIdentifier: string, text: string, typed: boolean, again?: boolean): Promise<void>;
  undo(readID: string): Promise<void>;
  flush(): Promise<void>;
  /** Send what waits and see how far the count is: after a reload, or when the connection is back. */
  resume(): Promise<void>;
  /** Ask the server for a step of the count's life, after everything that waits was sent. `nothingFound`: of a round without reads. */
  step(name: "close" | "recount" | "finish" | "abandon", nothingFound?: boolean): Promise<void>;
  /** Put the count away on this device. */
  forget(): void;
}

const KEY = "traceward.count";
/** Labels of one request at most. */
const MOST_SCANS = 200;

/** A read that the server never got needs no withdrawal. */
function unlessAbsent(error: unknown): null {
  if (error instanceof Problem && error.status === 404) return null;
  throw error;
}

function keptIn(storage: Surroundings["storage"], organisation: string): KeptCount | null {
  try {
    const found = JSON.parse(storage.getItem(KEY) ?? "null") as KeptCount | null;
    return found?.organisation === organisation ? found : null;
  } catch {
    return null;
  }
}

export function createCountSession(organisation: string, table: AiTable, surroundings: Partial<Surroundings> = {}): CountSession {
  const { server = countApi, now = () => new Date(), newId = () => crypto.randomUUID(), storage = localStorage } = surroundings;
  const kept = signal<KeptCount | null>(keptIn(storage, organisation));
  const count = signal<Count | null>(null);
  const notice = signal<Notice | null>(null);
  const failures = signal<readonly string[]>([]);
  const busy = signal(false);
  const unsent = (read: CountRead): boolean => read.undone ? read.result?.outcome !== "undone" : read.result === null;
  const waiting = computed(() => kept.value?.reads.filter(unsent).length ?? 0);
  let sending: Promise<void> | null = null;

  const keep = (change: Partial<KeptCount>): void => {
    if (kept.value === null) return;
    kept.value = { ...kept.value, ...change };
    storage.setItem(KEY, JSON.stringify(kept.value));
  };
  const patch = (readID: string, change: Partial<CountRead>): void =>
    keep({ reads: (kept.value?.reads ?? []).map((read) => (read.readID === readID ? { ...read, ...change } : read)) });

  function tell(results: readonly ReadResult[]): void {
    const last = results[results.length - 1];
    const finding = last?.findings[0];
    if (!last) return;
    if (last.outcome === "refused") notice.value = { tone: "bad", text: finding?.message ?? "This label was not counted." };
    else if (last.outcome === "counted_before") notice.value = { tone: "plain", text: "Counted before: a serial number counts once." };
    else if (finding) notice.value = { tone: "plain", text: finding.message };
  }

  async function sendAll(): Promise<void> {
    const held = kept.value;
    if (held === null) return;
    const { id } = held.request;
    if (!held.begun) {
      count.value = await server.begin(held.request);
      keep({ begun: true });
    }
    for (;;) {
      const news = (kept.value?.reads ?? []).filter((read) => read.result === null && !read.undone).slice(0, MOST_SCANS);
      if (news.length === 0) break;
      const results = await server.scans(id, news.map(({ result: _result, undone: _undone, ...scan }) => scan));
      batch(() => results.forEach((result) => patch(result.readID, { result })));
      tell(results);
    }
    for (const read of (kept.value?.reads ?? []).filter((one) => one.undone && unsent(one))) {
      if (read.result?.outcome !== "refused") await server.undo(id, read.readID).catch(unlessAbsent);
      patch(read.readID, { result: { readID: read.readID, outcome: "undone", findings: [] } });
    }
  }

  /** Send what waits; calls that come meanwhile wait for the same round and then for what is new. */
  async function flush(): Promise<void> {
    if (sending !== null) await sending;
    if (kept.value === null || (kept.value.begun && waiting.value === 0)) return;
    sending ??= sendAll()
      .then(() => {
        failures.value = [];
      })
      .catch((error: unknown) => {
        failures.value = error instanceof Unreachable ? [] : messagesOf(error);
        if (error instanceof Unreachable) notice.value = { tone: "plain", text: "No connection. What you read is kept and sent later." };
      })
      .finally(() => {
        sending = null;
      });
    await sending;
  }

  return {
    kept,
    count,
    notice,
    failures,
    busy,
    waiting,
    async begin(place, scope, blind) {
      kept.value = {
        organisation,
        request: { id: newId(), place: placeOf(place), scope, blind, eventTimeZoneOffset: offsetOf(now()) },
        begun: false,
        reads: [],
      };
      keep({});
      await flush();
    },
    async add(symbologyIdentifier, text, typed, again = false) {
      const { elementStrings: elements } = splitElementStrings(text, table);
      if (!carriesElementStrings(symbologyIdentifier) || elements.length === 0) {
        notice.value = { tone: "bad", text: "That is not a GS1 barcode, so it names no product here." };
        return;
      }
      if (elements.some(({ ai }) => PEOPLE.has(ai))) {
        notice.value = { tone: "bad", text: "That is a person's label. It was not kept." };
        return;
      }
      const elementString = itemKey(symbologyIdentifier, text);
      if (!again && kept.value?.reads.some((read) => read.elementString === elementString && !read.undone)) {
        notice.value = { tone: "plain", text: "Read before. Are there more of this lot? Use +." };
        return;
      }
      const read: CountRead = { readID: newId(), elementString, readAt: now().toISOString(), ...(typed ? { typed } : {}), result: null, undone: false };
      batch(() => {
        keep({ reads: [...(kept.value?.reads ?? []), read] });
        notice.value = { tone: "good", text: "Read." };
      });
      await flush();
    },
    async undo(readID) {
      const read = kept.value?.reads.find((one) => one.readID === readID);
      if (!read) return;
      // A read that was never sent, and is not being sent now, needs no withdrawal.
      if (read.result === null && sending === null) keep({ reads: (kept.value?.reads ?? []).filter((one) => one !== read) });
      else patch(readID, { undone: true });
      await flush();
    },
    flush,
    async resume() {
      await flush();
      const id = kept.value?.request.id;
      if (id === undefined || !kept.value?.begun) return;
      count.value = await server.get(id).catch(() => count.value);
    },
    async step(name, nothingFound = false) {
      const id = kept.value?.request.id;
      if (id === undefined || busy.value) return;
      busy.value = true;
      try {
        await flush();
        if (failures.value.length > 0) return;
        if (waiting.value > 0 || !kept.value?.begun) throw new Unreachable();
        const answer = name === "close" ? await server.close(id, nothingFound) : await server[name](id);
        batch(() => {
          count.value = answer;
          failures.value = [];
          if (name === "recount") keep({ reads: [] });
        });
      } catch (error) {
        failures.value = messagesOf(error);
        // The server may know better how far the count is.
        if (error instanceof Problem && error.status === 409) count.value = await server.get(id).catch(() => count.value);
      } finally {
        busy.value = false;
      }
    },
    forget() {
      batch(() => {
        kept.value = null;
        count.value = null;
        notice.value = null;
        failures.value = [];
      });
      storage.removeItem(KEY);
    },
  };
}
