/** Which symbols of a frame are news: a symbol held before the camera is reported once, not in every frame. Pure. */

import type { SeenSymbol } from "./decoder";
import { itemKey } from "./items";

/** A symbol is news again once it was out of sight for this long. */
export const FORGET_AFTER_MS = 1500;

/** The symbols not seen within the last FORGET_AFTER_MS. `lastSeen` (key to milliseconds) is brought up to date. */
export function freshSymbols(seen: readonly SeenSymbol[], lastSeen: Map<string, number>, nowMs: number): SeenSymbol[] {
  const fresh: SeenSymbol[] = [];
  for (const symbol of seen) {
    const key = itemKey(symbol.symbologyIdentifier, symbol.text);
    const before = lastSeen.get(key);
    if (before === undefined || nowMs - before > FORGET_AFTER_MS) fresh.push(symbol);
    lastSeen.set(key, nowMs);
  }
  return fresh;
}
