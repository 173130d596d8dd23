/** Which symbols of a frame are news: a symbol held before the camera is reported once, not in every frame. Pure. */

import type { SeenSymbol } from "./decoder";
import { itemKey } from "./items";

/** A symbol is news again once it was out of sight for this long... */
export const FORGET_AFTER_MS = 1500;
/** ...and for so many frames: a slow phone looks seldom, and a blurred frame is no absence. */
export const FORGET_AFTER_FRAMES = 4;

interface Sight {
  lastMs: number;
  missed: number;
}

/** What was seen of late, by key. */
export type Sights = Map<string, Sight>;

/** The symbols of this frame that were out of sight before it. `sights` is brought up to date. */
export function freshSymbols(seen: readonly SeenSymbol[], sights: Sights, nowMs: number): SeenSymbol[] {
  const keys = new Set(seen.map((symbol) => itemKey(symbol.symbologyIdentifier, symbol.text)));
  for (const [key, sight] of sights) {
    if (keys.has(key)) continue;
    sight.missed += 1;
    if (sight.missed >= FORGET_AFTER_FRAMES && nowMs - sight.lastMs > FORGET_AFTER_MS) sights.delete(key);
  }
  const fresh = seen.filter((symbol) => !sights.has(itemKey(symbol.symbologyIdentifier, symbol.text)));
  for (const key of keys) sights.set(key, { lastMs: nowMs, missed: 0 });
  return fresh;
}
