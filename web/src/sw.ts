/**
 * The service worker: the pages' own files, so that they open without a network. It keeps the files of its build, which
 * are the same for everybody, and nothing else: no answer of the server's interfaces ever enters its cache, nor an address.
 */

/** Filled in by the build: the files of the client, and a name that changes with any of them. */
declare const __TRACEWARD_FILES__: readonly string[];
declare const __TRACEWARD_BUILD__: string;

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Event {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}

interface WorkerScope {
  addEventListener(kind: "install" | "activate", work: (event: Extendable) => void): void;
  addEventListener(kind: "fetch", work: (event: Fetching) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}

const scope = self as unknown as WorkerScope;

const PREFIX = "traceward-pages-";
const CACHE = PREFIX + __TRACEWARD_BUILD__;
const SHELL = "/app/";
/** Pages of the build before may still be open and want files of theirs. */
const BUILDS_KEPT = 2;
/** A network that is there and does not answer is as good as none. */
const PATIENCE_MS = 3000;

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || !pathname.startsWith(SHELL)) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (pathname.startsWith(`${SHELL}assets/`)) event.respondWith(file(request));
});

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(__TRACEWARD_FILES__.map((path) => new Request(path, { cache: "reload", credentials: "omit" })));
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  const builds = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  await Promise.all(builds.filter((name) => name !== CACHE).slice(0, -(BUILDS_KEPT - 1)).map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** The server's page, so that a new build is taken up at once; the kept one where there is no answer, or no good one. */
async function page(request: Request): Promise<Response> {
  const kept = await (await caches.open(CACHE)).match(SHELL);
  const asked = fetch(request);
  if (kept === undefined) return asked;
  const patience = new Promise<Response>((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([asked.then((answer) => (answer.status < 500 ? answer : kept)).catch(() => kept), patience]);
}

/** A file of a build never changes under its name. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}
