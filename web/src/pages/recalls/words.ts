/** What a recall covers, as its pages say it. */

import type { RecalledItem } from "../../api/recalls";
import type { Names } from "../../api/types";

/** `Lot LOT77A of Screw (0952…)`, `serials A1 to A9 of …`, or the whole product. */
export function recalledWords({ gtin, lot, serials }: RecalledItem, products: Names): string {
  const product = products[gtin] ? `${products[gtin]} (${gtin})` : gtin;
  if (lot) return `Lot ${lot} of ${product}`;
  return serials ? `Serials ${serials.from} to ${serials.to} of ${product}` : `All of ${product}`;
}
