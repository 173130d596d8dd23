import { useEffect, useState } from "preact/hooks";
import { api, messagesOf, Problem, SIGNED_OUT } from "./api/client";
import type { Config, Session } from "./api/types";
import type { AiTable } from "./gs1/splitter";
import { AdminPage } from "./pages/AdminPage";
import { ScanPage } from "./pages/scan/ScanPage";
import { SignInPage } from "./pages/SignInPage";
import { StockPage } from "./pages/StockPage";
import { TracePage } from "./pages/TracePage";
import { currentPath, go, Link } from "./router";
import type { Basket } from "./scan/basket";
import { Messages, Notice, Nothing, Waiting } from "./ui/parts";

type SignedIn = { state: "asking" } | { state: "out" } | { state: "in"; session: Session } | { state: "failed"; messages: string[] };

interface PageLink {
  path: string;
  words: string;
  /** Whether a role may see the page; the server decides in any case. */
  suits: (role: string) => boolean;
}

const PAGES: readonly PageLink[] = [
  { path: "/scan", words: "Scan", suits: (role) => role !== "admin" && role !== "reader" },
  { path: "/stock", words: "Stock", suits: (role) => role !== "admin" },
  { path: "/trace", words: "Trace", suits: (role) => role !== "admin" },
  { path: "/admin", words: "Partners and keys", suits: (role) => role === "admin" },
];

const NARROW = "(max-width: 720px)";

function pagesFor(role: string): PageLink[] {
  return PAGES.filter(({ suits }) => suits(role));
}

/** Where a reader starts: a phone scans, a desk looks. */
function startFor(role: string): string {
  const paths = pagesFor(role).map(({ path }) => path);
  const wanted = matchMedia(NARROW).matches ? "/scan" : "/stock";
  return paths.includes(wanted) ? wanted : (paths[0] ?? "/stock");
}

export function App({ basket, table }: { basket: Basket; table: AiTable }) {
  const [signedIn, setSignedIn] = useState<SignedIn>({ state: "asking" });
  const [config, setConfig] = useState<Config | null>(null);
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
    if (signedIn.state === "in" && (path === "/" || path === "/sign-in")) go(startFor(signedIn.session.role));
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
              <nav aria-label="Pages">
                {pagesFor(signedIn.session.role).map((page) => (
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
      {signedIn.state === "in" && <Page path={path} basket={basket} table={table} />}
    </>
  );
}

function Page({ path, basket, table }: { path: string; basket: Basket; table: AiTable }) {
  if (path === "/" || path === "/sign-in") return null;
  if (path === "/scan") return <ScanPage basket={basket} table={table} />;
  if (path === "/stock") return <StockPage />;
  if (path === "/trace") return <TracePage />;
  if (path === "/admin") return <AdminPage />;
  return (
    <main>
      <h1>There is no such page</h1>
      <Nothing title="The address may be mistyped.">
        <Link to="/">Go to the start</Link>
      </Nothing>
    </main>
  );
}
