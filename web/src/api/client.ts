/** Calls to the server this page came from: one way to send, one way to fail. It keeps nothing. */

import type {
  ActionAnswer,
  ActionRequest,
  Config,
  Conflict,
  Moment,
  Names,
  NewOrganisation,
  Organisation,
  Place,
  ScanAnswer,
  Session,
  StockAnswer,
  Transfer,
} from "./types";

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

function problemOf(status: number, text: string): Problem {
  const fallback = `The server answered ${status}`;
  try {
    const problem = JSON.parse(text) as { title?: string; detail?: string; errors?: FieldError[] | null };
    return new Problem(status, problem.title ?? fallback, problem.detail ?? null, problem.errors ?? []);
  } catch {
    return new Problem(status, fallback, null, []);
  }
}

export type Query = Record<string, string | null | undefined>;

export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path;
}

/** The window event that says: a call was refused because the session has ended. */
export const SIGNED_OUT = "traceward-signed-out";

export interface Answer<T> {
  body: T;
  /** Address of the next page; null on the last one. */
  next: string | null;
}

/** The next page's address in a Link header; null without one. RFC 8288. */
export function nextLink(header: string | null): string | null {
  return /<([^<>]+)>\s*;\s*rel="?next"?/.exec(header ?? "")?.[1] ?? null;
}

/** The text of one answer and its next page. Throws Problem or Unreachable. */
async function send(method: string, path: string, body: unknown, accept: string): Promise<Answer<string>> {
  const headers: Record<string, string> = { Accept: accept };
  if (method !== "GET") headers["X-Traceward-Client"] = "web";
  const picture = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = picture ? body.type : "application/json";
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: body === undefined ? null : picture ? body : JSON.stringify(body),
    });
    text = await response.text();
  } catch {
    throw new Unreachable();
  }
  if (response.status === 401 && path !== "/session") dispatchEvent(new Event(SIGNED_OUT));
  if (!response.ok) throw problemOf(response.status, text);
  return { body: text, next: nextLink(response.headers.get("Link")) };
}

/** A file of the server's, and its name where the server gives it one. Throws Problem or Unreachable. RFC 6266. */
export async function fileOf(path: string): Promise<{ name: string | null; blob: Blob }> {
  let response: Response;
  let blob: Blob;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store" });
    blob = await response.blob();
  } catch {
    throw new Unreachable();
  }
  if (response.status === 401) dispatchEvent(new Event(SIGNED_OUT));
  if (!response.ok) throw problemOf(response.status, await blob.text());
  return { name: /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? null, blob };
}

/** The JSON answer of one call (null for 204) and its next page. Throws Problem or Unreachable. */
async function answerOf<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const { body: text, next } = await send(method, path, body, "application/json");
  return { body: (text ? JSON.parse(text) : null) as T, next };
}

/** The answer of one call as text of a media type. Throws Problem or Unreachable. */
export const textOf = async (method: string, path: string, body: unknown, accept: string): Promise<string> => (await send(method, path, body, accept)).body;

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await answerOf<T>(method, path, body)).body;
}

/** One page of a list, and the address of the next. Throws Problem or Unreachable. */
export const pageOf = <T>(path: string): Promise<Answer<T>> => answerOf<T>("GET", path);

/** Pages that are followed at most, so that a server that never ends its list cannot hang the browser. */
const MOST_PAGES = 100;

/** Every page of a list, oldest page first. Throws Problem or Unreachable. */
export async function allPages<T>(path: string): Promise<T[]> {
  const pages: T[] = [];
  for (let next: string | null = path; next !== null && pages.length < MOST_PAGES; ) {
    const answer: Answer<T> = await answerOf<T>("GET", next);
    pages.push(answer.body);
    next = answer.next;
  }
  return pages;
}

const DAY_MS = 86_400_000;
/** How far back to look for recent transfers, until there are enough of them; null: to the beginning. */
const TRANSFER_WINDOWS_DAYS = [31, 400, null] as const;

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
  /** The symbols of one label together. */
  judgeTogether: (symbols: { symbologyIdentifier: string; text: string }[]) => call<ScanAnswer>("POST", "/scan", { symbols }),
  /** Every symbol of a PNG, JPEG or WebP picture; where there seems to be none, every decoder tries everything. */
  judgePicture: async (picture: Blob) => {
    const found = await call<ScanAnswer>("POST", "/scan", picture);
    return found.symbols.length > 0 ? found : call<ScanAnswer>("POST", "/scan?thorough=true", picture);
  },
  act: (request: ActionRequest) => call<ActionAnswer>("POST", "/consignment/actions", request),
  /** Declare an action of one's own not to have happened. */
  takeBack: (eventID: string) => call<{ eventIDs: string[] }>("POST", "/consignment/actions/take-back", { eventID }),
  places: async () => (await call<{ places: Place[] }>("GET", "/consignment/places")).places,
  /** The whole stock of the caller, now or as it was at a time and as it was known at another. */
  stock: async (at: Moment = {}): Promise<StockAnswer> => {
    const pages = await allPages<StockAnswer>(withQuery("/consignment/stock", { ...at, perPage: "1000" }));
    return {
      asOf: pages[0]?.asOf ?? "",
      items: pages.flatMap(({ items }) => items),
      places: Object.assign({}, ...pages.map(({ places }) => places)) as Names,
      parties: Object.assign({}, ...pages.map(({ parties }) => parties)) as Names,
      products: Object.assign({}, ...pages.map(({ products }) => products)) as Names,
    };
  },
  /** The last `wanted` passings of ownership at least, oldest first. */
  recentTransfers: async (wanted: number): Promise<Transfer[]> => {
    let found: Transfer[] = [];
    for (const days of TRANSFER_WINDOWS_DAYS) {
      const from = days === null ? null : new Date(Date.now() - days * DAY_MS).toISOString();
      const path = withQuery("/consignment/ownership-transfers", { from, perPage: "1000" });
      found = (await allPages<{ transfers: Transfer[] }>(path)).flatMap(({ transfers }) => transfers);
      if (found.length >= wanted) break;
    }
    return found;
  },
  conflicts: async () => (await call<{ conflicts: Conflict[] }>("GET", "/consignment/conflicts?perPage=1000")).conflicts,
  organisations: async () => (await call<{ organisations: Organisation[] }>("GET", "/admin/organisations")).organisations,
  addOrganisation: (organisation: NewOrganisation) => call<Organisation>("POST", "/admin/organisations", organisation),
  finishSetup: (code: string, organisation: NewOrganisation) => call<{ key: string }>("POST", "/setup", { code, organisation }),
};

/** What to tell the reader about anything that was thrown. */
export function messagesOf(error: unknown): string[] {
  if (error instanceof Problem) return error.messages;
  return [error instanceof Error ? error.message : String(error)];
}
