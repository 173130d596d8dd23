/** Imports from CSV: what a file would do, line by line, before it does it. */

import { call, withQuery } from "./client";

export interface ImportKind {
  kind: string;
  columns: string[];
  needed: string[];
  options: string[];
}

export interface ImportAnswer {
  kind: string;
  rows: number;
  new: number;
  changed: number;
  unchanged: number;
  errors: number;
  warnings: number;
  findings: { line: number; column: string | null; value: string; message: string; severity: "error" | "warning" }[];
  encoding: string;
  delimiter: string;
  applied: boolean;
}

export interface ImportOptions {
  agreementID: string;
  validFrom: string;
  countedAt: string;
}

const path = (kind: string): string => `/imports/${encodeURIComponent(kind)}`;

export const templateAddress = (kind: string): string => `${path(kind)}/template.csv`;

export const importApi = {
  kinds: async () => (await call<{ imports: ImportKind[] }>("GET", "/imports")).imports,
  /** A dry run unless `apply` is true. */
  send: (kind: string, file: Blob, options: Partial<ImportOptions>, apply: boolean) =>
    call<ImportAnswer>("POST", withQuery(path(kind), { ...options, ...(apply ? { apply: "true" } : {}) }), new Blob([file], { type: "text/csv" })),
};
