import { useEffect } from "preact/hooks";
import { type AllNames, ledgerApi } from "../api/ledger";
import { onChange } from "../api/live";
import type { Session } from "../api/types";
import { useLoaded } from "../ui/loaded";
import { AlertDesk } from "./AlertDesk";
import { ConflictDesk } from "./ConflictDesk";
import { PendingCorrections } from "./PendingCorrections";

const NO_NAMES: AllNames = { places: {}, parties: {}, products: {} };

/** What wants somebody's attention: it must not hide from either side what the other is told. */
export function AlertsPage({ session }: { session: Session }) {
  const names = useLoaded(ledgerApi.names, []);
  const corrections = useLoaded(ledgerApi.corrections, []);
  useEffect(() => onChange(["stock"], () => void corrections.refresh()), []);
  const known = names.value ?? NO_NAMES;
  return (
    <main class="wide">
      <h1>Alerts</h1>
      <div class="columns halves">
        <AlertDesk names={known} session={session} />
        <div>
          <ConflictDesk names={known} mayDecide={session.rights.includes("capture")} />
          <PendingCorrections loaded={corrections} />
        </div>
      </div>
    </main>
  );
}
