import { useEffect, useState } from "preact/hooks";
import { api, messagesOf, Problem, SIGNED_OUT } from "./api/client";
import type { Config, Session } from "./api/types";
import type { AiTable } from "./gs1/splitter";
import { AdminPage } from "./pages/AdminPage";
import { ScanPage } from "./pages/scan/ScanPage";
import { AgreementsPage } from "./pages/agreements/AgreementsPage";
import { AlertsPage } from "./pages/AlertsPage";
import { CountPage } from "./pages/count/CountPage";
import { AuditPage } from "./pages/AuditPage";
import { SubscriptionsPage } from "./pages/SubscriptionsPage";
import { RecallsPage } from "./pages/recalls/RecallsPage";
import { ImportsPage } from "./pages/ImportsPage";
import { ReplenishmentPage } from "./pages/ReplenishmentPage";
import { ReportsPage } from "./pages/ReportsPage";
import { SignInPage } from "./pages/SignInPage";
import { StockPage } from "./pages/StockPage";
import { TracePage } from "./pages/trace/TracePage";
import { currentPath, go, Link } from "./router";
import type { Basket } from "./scan/basket";
import { Messages, Notice, Nothing, Waiting } from "./ui/parts";

type SignedIn = { state: "asking" } | { state: "out" } | { state: "in"; session: Session } | { state: "failed"; messages: string[] };

interface PageLink {
  path: string;
  words: string;
  /** The right without which the page would be empty; the server decides in any case. */
  right: string;
}

const READ = "read events";
const PAGES: readonly PageLink[] = [
  { path: "/scan", words: "Scan", right: "scan" },
  { path: "/alerts", words: "Alerts", right: READ },
  { path: "/stock", words: "Stock", right: READ },
  { path: "/count", words: "Count", right: READ },
  { path: "/trace", words: "Trace", right: READ },
  { path: "/replenishment", words: "Replenishment", right: READ },
  { path: "/recalls", words: "Recalls", right: READ },
  { path: "/agreements", words: "Agreements", right: READ },
  { path: "/reports", words: "Reports", right: READ },
  { path: "/imports", words: "Imports", right: "capture" },
  { path: "/subscriptions", words: "Subscriptions", right: READ },
  { path: "/audit", words: "Audit log", right: "read the audit log" },
  { path: "/admin", words: "Partners and keys", right: "administer" },
];

const NARROW = "(max-width: 720px)";

function pagesFor({ rights }: Session): PageLink[] {
  return PAGES.filter(({ right }) => rights.includes(right));
}

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
  const path = currentPath();

  const ask = (): void => {
    setSignedIn({ state: "asking" });
    api.session().then(
      (session) => setSignedIn({ state: "in", session }),
      (error: unknown) =>
        setSignedIn(error instanceof Problem && error.status === 401 ? { state: "out" } : { state: "failed", messages: messagesOf(error) }),
    );
  };
  useEffect(() => {
    ask();
    // The banner is a courtesy: without it the pages work all the same.
    api.config().then(setConfig, () => undefined);
  }, []);
  useEffect(() => {
    const out = (): void => setSignedIn({ state: "out" });
    addEventListener(SIGNED_OUT, out);
    return () => removeEventListener(SIGNED_OUT, out);
  }, []);
  useEffect(() => {
    if (signedIn.state === "in" && (path === "/" || path === "/sign-in")) go(startFor(signedIn.session));
    setMenu(false);
    const page = PAGES.find((candidate) => candidate.path === path);
    document.title = page ? `${page.words} · Traceward` : "Traceward";
  }, [path, signedIn]);

  const signOut = async (): Promise<void> => {
    await api.signOut().catch(() => undefined);
    basket.start("use");
    setSignedIn({ state: "out" });
  };
  return (
    <>
      <header>
        {config?.demo && <p class="demo">Demonstration with made-up data</p>}
        <div class="top">
          <Link to="/">
            <span class="brand">Traceward</span>
          </Link>
          {signedIn.state === "in" && (
            <>
              <button type="button" class="menu" aria-expanded={menu} aria-controls="pages" onClick={() => setMenu(!menu)}>
                {PAGES.find((page) => page.path === path)?.words ?? "Menu"} <span aria-hidden="true">▾</span>
              </button>
              <nav id="pages" class={menu ? "open" : ""} aria-label="Pages">
                {pagesFor(signedIn.session).map((page) => (
                  <Link key={page.path} to={page.path} current={path === page.path}>
                    {page.words}
                  </Link>
                ))}
              </nav>
              <div class="who">
                <span>
                  {signedIn.session.organisationName} <small>{signedIn.session.role}</small>
                </span>
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
      {signedIn.state === "out" && <SignInPage demo={config?.demo === true} onSignedIn={(session) => setSignedIn({ state: "in", session })} />}
      {signedIn.state === "in" && <Page path={path} session={signedIn.session} basket={basket} table={table} />}
    </>
  );
}

interface PageProps {
  path: string;
  session: Session;
  basket: Basket;
  table: AiTable;
}

function Page({ path, session, basket, table }: PageProps) {
  if (path === "/" || path === "/sign-in") return null;
  if (!pagesFor(session).some((page) => page.path === path)) return <Absent known={PAGES.some((page) => page.path === path)} />;
  if (path === "/scan") return <ScanPage basket={basket} table={table} />;
  if (path === "/alerts") return <AlertsPage session={session} />;
  if (path === "/stock") return <StockPage />;
  if (path === "/count") return <CountPage session={session} table={table} />;
  if (path === "/trace") return <TracePage />;
  if (path === "/replenishment") return <ReplenishmentPage session={session} />;
  if (path === "/reports") return <ReportsPage session={session} />;
  if (path === "/imports") return <ImportsPage />;
  if (path === "/recalls") return <RecallsPage session={session} />;
  if (path === "/agreements") return <AgreementsPage session={session} />;
  if (path === "/subscriptions") return <SubscriptionsPage />;
  if (path === "/audit") return <AuditPage />;
  return <AdminPage />;
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
