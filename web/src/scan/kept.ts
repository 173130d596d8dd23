/**
 * The last answers that a phone needs to start without a connection: who is signed in, the names of places, and whether
 * all is a demonstration. No goods, no patients.
 */

import { api, Problem, Unreachable } from "../api/client";
import type { Place } from "../api/types";

/** How long a phone goes on with what it was told last. */
const KEPT_FOR_MS = 24 * 3_600_000;
const PREFIX = "traceward.kept.";

type Storage_ = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface Told<T> {
  value: T;
  /** Whether the server said it now; else it is what it said last. */
  fresh: boolean;
}

/** What `ask` answers, or without a connection what it answered last within a day. Throws what `ask` throws. */
export async function askOrRecall<T>(name: string, ask: () => Promise<T>, now: Date = new Date(), storage: Storage_ = localStorage): Promise<Told<T>> {
  try {
    const value = await ask();
    storage.setItem(PREFIX + name, JSON.stringify({ at: now.getTime(), value }));
    return { value, fresh: true };
  } catch (error) {
    const kept = isAway(error) ? recalled<T>(storage.getItem(PREFIX + name), now) : null;
    if (kept === null) throw error;
    return { value: kept.value, fresh: false };
  }
}

/** No answer, or one of a gateway whose server is away. */
const isAway = (error: unknown): boolean => error instanceof Unreachable || (error instanceof Problem && [502, 503, 504].includes(error.status));

function recalled<T>(text: string | null, now: Date): { value: T } | null {
  try {
    const kept = JSON.parse(text ?? "null") as { at: number; value: T } | null;
    return kept !== null && now.getTime() - kept.at < KEPT_FOR_MS ? kept : null;
  } catch {
    return null;
  }
}

/** Forget all of it: somebody signed out, or was. */
export function forgetKept(storage: Pick<Storage, "removeItem"> = localStorage): void {
  for (const name of KEPT_NAMES) storage.removeItem(PREFIX + name);
}

export const SESSION = "session";
export const PLACES = "places";
export const CONFIG = "config";
const KEPT_NAMES = [SESSION, PLACES, CONFIG] as const;

/** The caller's places, as the server knows them now or as it told them last. */
export const knownPlaces = async (): Promise<Place[]> => (await askOrRecall(PLACES, api.places)).value;
