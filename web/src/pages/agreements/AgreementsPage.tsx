import { useState } from "preact/hooks";
import { type Agreement, agreementApi, type Terms } from "../../api/agreements";
import { type AllNames, ledgerApi } from "../../api/ledger";
import type { Session } from "../../api/types";
import { useDoing, useLoaded, WhenLoaded } from "../../ui/loaded";
import { Failures } from "../../ui/loaded";
import { Nothing, Notice } from "../../ui/parts";
import { nameOf } from "../../ui/words";
import { AgreementDetail } from "./AgreementDetail";
import { AgreementForm } from "./AgreementForm";
import { newTerms, termsOfFile } from "./draft";
import { STATE_WORDS } from "./words";

interface Found {
  agreements: Agreement[];
  names: AllNames;
}

type View = { at: "list" } | { at: "one"; id: string } | { at: "form"; terms: Terms };

/** The agreements of the caller's side: every version, what differs, who signed; and proposals of new ones. */
export function AgreementsPage({ session }: { session: Session }) {
  const [view, setView] = useState<View>({ at: "list" });
  const loaded = useLoaded<Found>(async () => {
    const [agreements, names] = await Promise.all([agreementApi.all(), ledgerApi.names()]);
    return { agreements, names: { ...names, parties: { ...names.parties, [session.organisation]: session.organisationName } } };
  }, []);
  const maySign = session.rights.includes("capture") && session.place === null;
  const show = async (id: string): Promise<void> => {
    await loaded.refresh();
    setView({ at: "one", id });
    scrollTo(0, 0);
  };
  return (
    <main class="wide">
      <div class="titled">
        <h1>Agreements</h1>
        {view.at === "list" && maySign && <NewAgreement session={session} onStart={(terms) => setView({ at: "form", terms })} />}
        {view.at !== "list" && (
          <button type="button" class="secondary" onClick={() => setView({ at: "list" })}>
            Back to the list
          </button>
        )}
      </div>
      <WhenLoaded loaded={loaded} what="the agreements">
        {({ agreements, names }) => {
          if (view.at === "form") return <AgreementForm start={view.terms} session={session} names={names} onProposed={(id) => void show(id)} />;
          const versions = view.at === "one" ? agreements.filter(({ agreementID }) => agreementID === view.id) : [];
          if (versions.length > 0) {
            return <AgreementDetail key={versions.length} versions={versions} names={names} session={session} maySign={maySign} onChanged={show} onRevise={(terms) => setView({ at: "form", terms })} />;
          }
          return <AgreementList agreements={agreements} names={names} session={session} onOpen={(id) => setView({ at: "one", id })} />;
        }}
      </WhenLoaded>
    </main>
  );
}

function NewAgreement({ session, onStart }: { session: Session; onStart: (terms: Terms) => void }) {
  const doing = useDoing();
  return (
    <div class="row wrap">
      <button type="button" class="primary" onClick={() => onStart(newTerms(session))}>
        Propose an agreement
      </button>
      <label class="button secondary">
        From a file
        <input
          class="sr-only"
          type="file"
          accept="application/json,.json"
          onChange={async ({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            if (file) await doing.run(async () => onStart(await termsOfFile(file)));
            currentTarget.value = "";
          }}
        />
      </label>
      <Failures doing={doing} title="This file holds no agreement" />
    </div>
  );
}

interface ListProps {
  agreements: readonly Agreement[];
  names: AllNames;
  session: Session;
  onOpen: (id: string) => void;
}

function AgreementList({ agreements, names, session, onOpen }: ListProps) {
  const newest = [...new Map(agreements.map((one) => [one.agreementID, one])).values()];
  if (newest.length === 0) {
    return (
      <Nothing title="No agreements yet">
        <p>An agreement says what lies where on consignment, who pays when, and who answers for what. One side proposes it, the other signs.</p>
      </Nothing>
    );
  }
  const waiting = newest.filter((one) => one.state === "proposed" && !one.signatures.some(({ party }) => party === session.organisation));
  return (
    <>
      {waiting.length > 0 && <Notice tone="warn" title={`${waiting.length} ${waiting.length === 1 ? "agreement waits" : "agreements wait"} for your signature`} />}
      <ul class="cards">
        {newest.map((one) => (
          <li key={one.agreementID} data-testid="agreement">
            <p>
              <button type="button" class="link name" onClick={() => onOpen(one.agreementID)}>
                {one.terms.title || one.agreementID}
              </button>{" "}
              <span class={one.state === "proposed" ? "tag warn" : "tag"}>{STATE_WORDS[one.state]}</span> <span class="tag">Version {one.version}</span>
            </p>
            <p>
              {nameOf(one.terms.supplier, names.parties)} for {nameOf(one.terms.hospital, names.parties)} · {one.terms.lines.length} {one.terms.lines.length === 1 ? "product" : "products"} · from {one.terms.validFrom}
              {one.terms.validTo && ` to ${one.terms.validTo}`}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}
