/** Uses by family and size in a period, against the period before. */

import { call, withQuery } from "./client";

export interface Trend {
  rank: number;
  family: string;
  size: string | null;
  gtins: string[];
  uses: string;
  usesBefore: string;
  slopePerDay: string;
  /** Share of the uses before; null where there were none. */
  change: string | null;
  direction: "up" | "down" | "flat";
}

export interface Trends {
  from: string;
  to: string;
  days: number;
  trends: Trend[];
}

export const trendApi = {
  of: (days: string, to: string) => call<Trends>("GET", withQuery("/consignment/usage-trends", { days, to })),
};
