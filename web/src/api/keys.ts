/** Keys of this server: the caller's own, and for the administrator all of them. */

import { call } from "./client";
import type { Key, NewKey } from "./types";

export const keyApi = {
  all: async () => (await call<{ keys: Key[] }>("GET", "/admin/keys")).keys,
  add: (organisation: string, role: string, name: string) => call<NewKey>("POST", "/admin/keys", { organisation, role, name }),
  rotate: (id: string, overlapSeconds: number) => call<NewKey>("POST", `/admin/keys/${encodeURIComponent(id)}/rotation`, { overlapSeconds }),
  revoke: (id: string) => call<null>("DELETE", `/admin/keys/${encodeURIComponent(id)}`),
  own: () => call<Key>("GET", "/session/key"),
  rotateOwn: (overlapSeconds: number) => call<NewKey>("POST", "/session/key/rotation", { overlapSeconds }),
};
