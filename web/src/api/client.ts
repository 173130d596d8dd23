/** Calls to the server this page came from: one way to send, one way to fail. It keeps nothing. */

import type { ActionAnswer, ActionRequest, Config, Conflict, LotTrace, Place, ScanAnswer, Session, StockAnswer, Transfer } from "./types";

export interface FieldError {
  path?: string;
  code?: string;
  message: string;
  clause?: string;
}

/** The server answered, and the answer was no. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string | null,
    readonly errors: readonly FieldError[],
  ) {
    super(detail ?? title);
  }

  /** Whether the same request may be sent again as it is: the server was busy, slow or ill, or the session ended. */
  get retryable(): boolean {
    return this.status >= 500 || [401, 408, 425, 429].includes(this.status);
  }

  /** What to show: each finding, or else the detail. */
  get messages(): string[] {
    return this.errors.length > 0 ? this.errors.map((error) => error.message) : [this.message];
  }
}

/** No answer came: the request may or may not have arrived. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached. Check the network, then try again.");
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = `The server answered ${response.status}`;
  try {
    const body: unknown = await response.json();
    const problem = (body ?? {}) as { title?: string; detail?: string; errors?: FieldError[] };
    return new Problem(response.status, problem.title ?? fallback, problem.detail ?? null, problem.errors ?? []);
  } catch {
    return new Problem(response.status, fallback, null, []);
  }
}

type Query = Record<string, string | null | undefined>;

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path;
}

/** The JSON answer of one call; null for 204. Throws Problem or Unreachable. */
async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Traceward-Client"] = "web";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new Unreachable();
  }
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}

export const api = {
  config: () => call<Config>("GET", "/config"),
  session: () => call<Session>("GET", "/session"),
  signIn: async (key: string) => {
    await call<unknown>("POST", "/session", { key });
    return call<Session>("GET", "/session");
  },
  signOut: () => call<null>("DELETE", "/session"),
  judge: (symbologyIdentifier: string, text: string) =>
    call<ScanAnswer>("POST", "/scan", { symbologyIdentifier, text }),
  act: (request: ActionRequest) => call<ActionAnswer>("POST", "/consignment/actions", request),
  places: async () => (await call<{ places: Place[] }>("GET", "/consignment/places")).places,
  stock: (query: Query = {}) => call<StockAnswer>("GET", withQuery("/consignment/stock", query)),
  transfers: async () =>
    (await call<{ transfers: Transfer[] }>("GET", "/consignment/ownership-transfers")).transfers,
  conflicts: async () => (await call<{ conflicts: Conflict[] }>("GET", "/consignment/conflicts")).conflicts,
  traceLot: (gtin: string, lot: string, asOf?: string) =>
    call<LotTrace>("GET", withQuery("/trace/lot", { gtin, lot, asOf })),
};

/** What to tell the reader about anything that was thrown. */
export function messagesOf(error: unknown): string[] {
  if (error instanceof Problem) return error.messages;
  return [error instanceof Error ? error.message : String(error)];
}
