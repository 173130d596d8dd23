import type { ComponentChildren, JSX } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { api, messagesOf, Problem, SIGNED_OUT } from "./api/client";
import type { Config, Session } from "./api/types";
import type { AiTable } from "./gs1/splitter";
import { AdminPage } from "./pages/AdminPage";
import { ScanPage } from "./pages/scan/ScanPage";
import { createDrafts, type Drafts } from "./pages/agreements/draft";
import { AgreementsPage } from "./pages/agreements/AgreementsPage";
import { AlertsPage } from "./pages/AlertsPage";
import { CountPage } from "./pages/count/CountPage";
import { AuditPage } from "./pages/AuditPage";
import { SubscriptionsPage } from "./pages/SubscriptionsPage";
import { RecallsPage } from "./pages/recalls/RecallsPage";
import { ImplantsPage } from "./pages/patients/ImplantsPage";
import { PatientsPage } from "./pages/patients/PatientsPage";
import { ImportsPage } from "./pages/ImportsPage";
import { KeyPage } from "./pages/KeyPage";
import { ErasurePage } from "./pages/patients/ErasurePage";
import { GapsPage } from "./pages/GapsPage";
import { QuarantinePage } from "./pages/QuarantinePage";
import { TrendsPage } from "./pages/TrendsPage";
import { ReplenishmentPage } from "./pages/ReplenishmentPage";
import { ReportsPage } from "./pages/ReportsPage";
import { SignInPage } from "./pages/SignInPage";
import { StockPage } from "./pages/StockPage";
import { TracePage } from "./pages/trace/TracePage";
import { currentPath, go, Link } from "./router";
import { askOrRecall, CONFIG, forgetKept, SESSION } from "./scan/kept";
import type { Basket } from "./scan/basket";
import { AlertBadge, useOwed } from "./ui/AlertBadge";
import { Messages, Notice, Nothing, Waiting } from "./ui/parts";
import { roleWords } from "./ui/words";

type SignedIn = { state: "asking" } | { state: "out"; ended?: boolean } | { state: "in"; session: Session; offline: boolean } | { state: "failed"; messages: string[] };

interface PageProps {
  session: Session;
  basket: Basket;
  drafts: Drafts;
  table: AiTable;
}

interface PageLink {
  path: string;
  words: string;
  /** The right without which the page would be empty; null for what everybody has. The server decides in any case. */
  right: string | null;
  show: (props: PageProps) => JSX.Element;
}

const READ = "read events";
const PAGES: readonly PageLink[] = [
  { path: "/scan", words: "Scan", right: "scan", show: ({ basket, table }) => <ScanPage basket={basket} table={table} /> },
  { path: "/alerts", words: "Alerts", right: READ, show: ({ session }) => <AlertsPage session={session} /> },
  { path: "/stock", words: "Stock", right: READ, show: () => <StockPage /> },
  { path: "/count", words: "Count", right: READ, show: ({ session, table }) => <CountPage session={session} table={table} /> },
  { path: "/trace", words: "Trace", right: READ, show: () => <TracePage /> },
  { path: "/patients", words: "Patients", right: "know patients", show: ({ session }) => <PatientsPage session={session} /> },
  { path: "/implants", words: "Implants", right: READ, show: ({ session }) => <ImplantsPage session={session} /> },
  { path: "/replenishment", words: "Replenishment", right: READ, show: ({ session }) => <ReplenishmentPage session={session} /> },
  { path: "/trends", words: "Trends", right: READ, show: () => <TrendsPage /> },
  { path: "/recalls", words: "Recalls", right: READ, show: ({ session }) => <RecallsPage session={session} /> },
  { path: "/agreements", words: "Agreements", right: READ, show: ({ session, drafts }) => <AgreementsPage session={session} drafts={drafts} /> },
  { path: "/reports", words: "Reports", right: READ, show: ({ session }) => <ReportsPage session={session} /> },
  { path: "/imports", words: "Imports", right: "capture", show: () => <ImportsPage /> },
  { path: "/quarantine", words: "Quarantine", right: "release or delete what is quarantined", show: ({ session }) => <QuarantinePage session={session} /> },
  { path: "/erasure", words: "Erasure", right: "erase patients", show: () => <ErasurePage /> },
  { path: "/subscriptions", words: "Subscriptions", right: READ, show: () => <SubscriptionsPage /> },
  { path: "/audit", words: "Audit log", right: "read the audit log", show: () => <AuditPage /> },
  { path: "/admin", words: "Partners and keys", right: "administer", show: () => <AdminPage /> },
];
/** Not in the menu: reached by the reader's own name beside it, and from the stock. */
const FURTHER: readonly PageLink[] = [
  { path: "/key", words: "My key", right: null, show: ({ session }) => <KeyPage session={session} /> },
  { path: "/gaps", words: "Missing master data", right: READ, show: ({ session }) => <GapsPage session={session} /> },
];
const EVERY: readonly PageLink[] = [...PAGES, ...FURTHER];

/** What waits is tried again this often, besides when the browser says that it is online. */
const RETRY_MS = 15_000;

const NARROW = "(max-width: 720px)";

const pagesFor = ({ rights }: Session, pages = PAGES): PageLink[] => pages.filter(({ right }) => right === null || rights.includes(right));

/** Where a reader starts: a phone scans, a desk looks. */
function startFor(session: Session): string {
  const paths = pagesFor(session).map(({ path }) => path);
  const wanted = matchMedia(NARROW).matches ? "/scan" : "/stock";
  return paths.includes(wanted) ? wanted : (paths[0] ?? "/nothing");
}

export function App({ basket, table }: { basket: Basket; table: AiTable }) {
  const [signedIn, setSignedIn] = useState<SignedIn>({ state: "asking" });
  const [config, setConfig] = useState<Config | null>(null);
  const [menu, setMenu] = useState(false);
  const [drafts] = useState(createDrafts);
  const path = currentPath();
  const owed = useOwed(signedIn.state === "in" && signedIn.session.rights.includes(READ));

  const ask = (): void => {
    setSignedIn((now) => (now.state === "in" ? now : { state: "asking" }));
    askOrRecall(SESSION, api.session).then(
      ({ value, fresh }) => setSignedIn({ state: "in", session: value, offline: !fresh }),
      (error: unknown) => {
        const refused = error instanceof Problem && error.status === 401;
        if (refused) forgetKept();
        setSignedIn(refused ? { state: "out" } : { state: "failed", messages: messagesOf(error) });
      },
    );
  };
  useEffect(() => {
    ask();
    // The banner is a courtesy: without it the pages work all the same.
    askOrRecall(CONFIG, api.config).then(({ value }) => setConfig(value), () => undefined);
  }, []);
  useEffect(() => {
    const out = (): void => {
      forgetKept();
      // A page may ask for several things at once: the first refusal says it all.
      setSignedIn((now) => (now.state === "out" ? now : { state: "out", ended: true }));
    };
    addEventListener(SIGNED_OUT, out);
    return () => removeEventListener(SIGNED_OUT, out);
  }, []);
  // What waits on the phone is sent by whichever page is open, for whoever saved it.
  const session = signedIn.state === "in" ? signedIn.session : null;
  const offline = signedIn.state === "in" && signedIn.offline;
  useEffect(() => basket.outbox.belongTo(session), [basket, session]);
  useEffect(() => {
    if (session === null) return;
    const again = (): void => {
      if (offline) ask();
      void basket.reconnect();
    };
    const timer = setInterval(() => {
      if (offline || basket.outbox.waiting.value.length > 0) again();
    }, RETRY_MS);
    const lost = (): void => setSignedIn((now) => (now.state === "in" ? { ...now, offline: true } : now));
    addEventListener("offline", lost);
    addEventListener("online", again);
    if (!offline) void basket.reconnect();
    return () => {
      clearInterval(timer);
      removeEventListener("offline", lost);
      removeEventListener("online", again);
    };
  }, [basket, session, offline]);
  useEffect(() => {
    if (signedIn.state === "in" && (path === "/" || path === "/sign-in")) go(startFor(signedIn.session), "", true);
    setMenu(false);
    const page = EVERY.find((candidate) => candidate.path === path);
    document.title = page ? `${page.words} · Traceward` : "Traceward";
  }, [path, signedIn]);

  const signOut = async (): Promise<void> => {
    const { length } = basket.outbox.waiting.value;
    if (length > 0 && !confirm(`${length} saved on this phone could not be sent yet. It is sent when you sign in here again. Sign out?`)) return;
    await api.signOut().catch(() => undefined);
    forgetKept();
    basket.start("use");
    setSignedIn({ state: "out" });
  };
  return (
    <>
      <header>
        {config?.demo && <p class="demo">Demonstration with made-up data</p>}
        {offline && (
          <p class="demo" role="status">
            No connection
          </p>
        )}
        <div class="top">
          <Link to="/">
            <span class="brand">Traceward</span>
          </Link>
          {signedIn.state === "in" && (
            <>
              <button type="button" class="menu" aria-expanded={menu} aria-controls="pages" onClick={() => setMenu(!menu)}>
                {EVERY.find((page) => page.path === path)?.words ?? "Menu"} <span aria-hidden="true">▾</span>
                <AlertBadge owed={owed} />
              </button>
              <nav id="pages" class={menu ? "open" : ""} aria-label="Pages">
                {pagesFor(signedIn.session).map((page) => (
                  <Link key={page.path} to={page.path} current={path === page.path}>
                    {page.words}
                    {page.path === "/alerts" && <AlertBadge owed={owed} />}
                  </Link>
                ))}
              </nav>
              <div class="who">
                <Link to="/key" current={path === "/key"}>
                  <span class="wide-sr-only">My key </span>
                  <span class="long">
                    {signedIn.session.organisationName} <small>{roleWords(signedIn.session.role)}</small>
                  </span>
                </Link>
                <button type="button" class="link" onClick={() => void signOut()}>
                  Sign out
                </button>
              </div>
            </>
          )}
        </div>
      </header>
      {signedIn.state === "asking" && (
        <main>
          <Waiting>Loading…</Waiting>
        </main>
      )}
      {signedIn.state === "failed" && (
        <main>
          <Notice tone="bad" title="The pages could not be loaded">
            <Messages messages={signedIn.messages} />
          </Notice>
          <button type="button" class="primary" onClick={ask}>
            Try again
          </button>
        </main>
      )}
      {signedIn.state === "out" && <SignInPage demo={config?.demo === true} ended={signedIn.ended === true} onSignedIn={(now) => setSignedIn({ state: "in", session: now, offline: false })} />}
      {signedIn.state === "in" && (
        <Guarded key={path}>
          <Page path={path} session={signedIn.session} basket={basket} drafts={drafts} table={table} />
        </Guarded>
      )}
      {signedIn.state === "in" && path !== "/scan" && path !== "/count" && <Foot version={config?.version ?? null} />}
    </>
  );
}

function Page({ path, ...props }: PageProps & { path: string }) {
  if (path === "/" || path === "/sign-in") return null;
  const page = pagesFor(props.session, EVERY).find((candidate) => candidate.path === path);
  if (page === undefined) return <Absent known={EVERY.some((candidate) => candidate.path === path)} />;
  const { show: Show } = page;
  return <Show {...props} />;
}

/** A fault of a page must not take the menu with it. */
function Guarded({ children }: { children: ComponentChildren }) {
  const [fault, again] = useErrorBoundary();
  if (fault === undefined) return <>{children}</>;
  return (
    <main>
      <h1>This page has failed</h1>
      <Notice tone="bad" title="It is a fault of the program, not of yours">
        <p>What was saved is saved. Try again, or go to another page; whoever runs this server wants to know of it.</p>
        <p class="code">{String(fault)}</p>
      </Notice>
      <button type="button" class="primary" onClick={again}>
        Try again
      </button>
    </main>
  );
}

/** In which zone times are told, and what the pages are made with. */
function Foot({ version }: { version: string | null }) {
  return (
    <footer>
      <span>Times are in this device's zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}.</span> <span>Traceward {version}</span>
      <a href="/app/licences.txt">Licences</a>
    </footer>
  );
}

function Absent({ known }: { known: boolean }) {
  return (
    <main>
      <h1>{known ? "This page is not for your role" : "There is no such page"}</h1>
      <Nothing title={known ? "Your key has no right to what it shows." : "The address may be mistyped."}>
        <Link to="/">Go to the start</Link>
      </Nothing>
    </main>
  );
}
