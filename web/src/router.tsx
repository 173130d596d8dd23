/** The pages' addresses under /app/: reading them, changing them, and links that do so without a reload. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

const BASE = "/app";

const here = (): string => location.pathname.replace(BASE, "").replace(/\/+$/, "") || "/";

const path = signal(here());
const search = signal(location.search);
const read = (): void => {
  path.value = here();
  search.value = location.search;
};
addEventListener("popstate", read);

/** The address below /app, such as `/stock`; reading it in a component redraws that component when it changes. */
export function currentPath(): string {
  return path.value;
}

/** The value of a query parameter of the address, empty without one; read in a component like `currentPath`. */
export function currentQuery(name: string): string {
  return new URLSearchParams(search.value).get(name) ?? "";
}

/** The whole query string; read in a component like `currentPath`. */
export function currentSearch(): string {
  return search.value;
}

/** A query string of the values that are given: `?id=…`, or nothing. */
export function queryOf(given: Readonly<Record<string, string>>): string {
  const entries = Object.entries(given).filter(([, value]) => value !== "");
  return entries.length > 0 ? `?${new URLSearchParams(entries)}` : "";
}

/** Go to an address below /app, with an optional query string; the browser's Back returns. `instead`: it does not. */
export function go(to: string, query = "", instead = false): void {
  if (instead) history.replaceState(null, "", BASE + to + query);
  else history.pushState(null, "", BASE + to + query);
  read();
  scrollTo(0, 0);
}

interface LinkProps {
  to: string;
  query?: string;
  children: ComponentChildren;
  current?: boolean;
}

export function Link({ to, query = "", children, current }: LinkProps) {
  return (
    <a
      href={BASE + to + query}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to, query);
      }}
    >
      {children}
    </a>
  );
}
