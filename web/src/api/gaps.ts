/** What the caller's events name and no master data describe. */

import { pageOf, withQuery } from "./client";

export interface Gap {
  id: string;
  kind: string;
  severity: string;
  message: string;
}

export const gapApi = {
  /** One page by id; `next` is the address of the next page. kind: empty for all. */
  page: (kind: string) => pageOf<{ gaps: Gap[] }>(withQuery("/masterdata/gaps", { kind, perPage: "100" })),
  more: (next: string) => pageOf<{ gaps: Gap[] }>(next),
};
