/** The pages' addresses under /app/: reading them, changing them, and links that do so without a reload. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

const BASE = "/app";

const here = (): string => location.pathname.replace(BASE, "").replace(/\/+$/, "") || "/";

const path = signal(here());
addEventListener("popstate", () => {
  path.value = here();
});

/** The address below /app, such as `/stock`; reading it in a component redraws that component when it changes. */
export function currentPath(): string {
  return path.value;
}

/** Go to an address below /app, with an optional query string. */
export function go(to: string, query = ""): void {
  history.pushState(null, "", BASE + to + query);
  path.value = here();
  scrollTo(0, 0);
}

export function Link({ to, children, current }: { to: string; children: ComponentChildren; current?: boolean }) {
  return (
    <a
      href={BASE + to}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
