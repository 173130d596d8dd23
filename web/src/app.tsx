import { useEffect, useState } from "preact/hooks";
import { api, messagesOf, Problem } from "./api/client";
import type { Config, Session } from "./api/types";
import type { AiTable } from "./gs1/splitter";
import { ScanPage } from "./pages/scan/ScanPage";
import { SignInPage } from "./pages/SignInPage";
import { StockPage } from "./pages/StockPage";
import { TracePage } from "./pages/TracePage";
import { currentPath, go, Link } from "./router";
import type { Basket } from "./scan/basket";
import { Messages, Notice, Nothing, Waiting } from "./ui/parts";

type SignedIn = { state: "asking" } | { state: "out" } | { state: "in"; session: Session } | { state: "failed"; messages: string[] };

const PAGES: readonly (readonly [path: string, words: string])[] = [
  ["/scan", "Scan"],
  ["/stock", "Stock"],
  ["/trace", "Trace"],
];

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
    if (path === "/") go(matchMedia("(max-width: 720px)").matches ? "/scan" : "/stock");
    const page = PAGES.find(([prefix]) => prefix === path);
    document.title = page ? `${page[1]} · Traceward` : "Traceward";
  }, [path]);

  const signOut = async (): Promise<void> => {
    await api.signOut().catch(() => undefined);
    basket.start("use");
    setSignedIn({ state: "out" });
  };
  return (
    <>
      {config?.demo && (
        <p class="demo" role="note">
          Demonstration: made-up data, deleted when the server stops.
        </p>
      )}
      <header class="top">
        <Link to="/">
          <span class="brand">Traceward</span>
        </Link>
        {signedIn.state === "in" && (
          <>
            <nav aria-label="Pages">
              {PAGES.map(([to, words]) => (
                <Link key={to} to={to} current={path === to}>
                  {words}
                </Link>
              ))}
            </nav>
            <div class="who">
              <span>
                {signedIn.session.name} <small>{signedIn.session.role}</small>
              </span>
              <button type="button" class="link" onClick={() => void signOut()}>
                Sign out
              </button>
            </div>
          </>
        )}
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
      {signedIn.state === "out" && (
        <SignInPage
          onSignedIn={(session) => {
            setSignedIn({ state: "in", session });
            if (path === "/sign-in") go("/");
          }}
        />
      )}
      {signedIn.state === "in" && <Page path={path} basket={basket} table={table} onSignedOut={() => setSignedIn({ state: "out" })} />}
    </>
  );
}

function Page({ path, basket, table, onSignedOut }: { path: string; basket: Basket; table: AiTable; onSignedOut: () => void }) {
  if (path === "/scan") return <ScanPage basket={basket} table={table} />;
  if (path === "/stock") return <StockPage onSignedOut={onSignedOut} />;
  if (path === "/trace") return <TracePage />;
  return (
    <main>
      <Nothing title="There is no such page">
        <Link to="/stock">Go to the stock</Link>
      </Nothing>
    </main>
  );
}
