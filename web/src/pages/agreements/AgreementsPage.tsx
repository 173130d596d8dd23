import { type Agreement, agreementApi, keyOf, newestOf, sameAgreement, type Terms } from "../../api/agreements";
import { type AllNames, ledgerApi } from "../../api/ledger";
import type { Session } from "../../api/types";
import { currentQuery, go, queryOf } from "../../router";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../../ui/loaded";
import { Nothing, Notice } from "../../ui/parts";
import { nameOf } from "../../ui/words";
import { AgreementDetail } from "./AgreementDetail";
import { AgreementForm } from "./AgreementForm";
import { type Drafts, newTerms, termsOfFile } from "./draft";
import { STATE_WORDS } from "./words";

interface Found {
  agreements: Agreement[];
  names: AllNames;
}

const PATH = "/agreements";

/** Roles that see prices, which terms are agreed on with. */
const NEGOTIATORS: readonly string[] = ["supply", "supplier"];

/** The agreements of the caller's side: every version, what differs, who signed; and proposals of new ones. */
export function AgreementsPage({ session, drafts }: { session: Session; drafts: Drafts }) {
  // What is looked at stands in the address, so that Back and a reload do what they should; what is written does not.
  const shown = { agreementID: currentQuery("id"), counterparty: currentQuery("with") };
  const writing = currentQuery("write") !== "";
  const loaded = useLoaded<Found>(async () => {
    const [agreements, names] = await Promise.all([agreementApi.all(), ledgerApi.names()]);
    return { agreements, names: { ...names, parties: { ...names.parties, [session.organisation]: session.organisationName } } };
  }, []);
  const maySign = session.rights.includes("capture") && session.place === null && NEGOTIATORS.includes(session.role);
  const open = (one: Agreement, instead = false): void => {
    const { agreementID, counterparty } = keyOf(one, session.organisation);
    go(PATH, queryOf({ id: agreementID, with: counterparty }), instead);
  };
  const write = (terms: Terms): void => {
    drafts.keep(session.organisation, terms);
    go(PATH, queryOf({ write: "1" }));
  };
  return (
    <main class="wide">
      <div class="titled">
        <h1>Agreements</h1>
        {shown.agreementID === "" && !writing && maySign && <NewAgreement session={session} onStart={write} />}
        {(shown.agreementID !== "" || writing) && (
          <button type="button" class="secondary" onClick={() => go(PATH)}>
            Back to the list
          </button>
        )}
      </div>
      <WhenLoaded loaded={loaded} what="the agreements">
        {({ agreements, names }) => {
          if (writing && maySign) {
            const proposed = (one: Agreement): void => void loaded.refresh().then(() => open(one, true));
            return <AgreementForm start={drafts.of(session.organisation) ?? newTerms(session)} session={session} names={names} drafts={drafts} onProposed={proposed} />;
          }
          if (shown.agreementID === "") return <AgreementList agreements={agreements} names={names} session={session} onOpen={(one) => open(one)} />;
          const versions = agreements.filter((one) => sameAgreement(keyOf(one, session.organisation), shown));
          if (versions.length === 0) return <Nothing title="There is no such agreement of yours." />;
          return <AgreementDetail key={versions.length} versions={versions} names={names} session={session} maySign={maySign} onChanged={loaded.refresh} onRevise={write} />;
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
  onOpen: (one: Agreement) => void;
}

function AgreementList({ agreements, names, session, onOpen }: ListProps) {
  const newest = newestOf(agreements, session.organisation);
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
          <li key={one.agreementID + one.terms.supplier + one.terms.hospital} data-testid="agreement">
            <p>
              <button type="button" class="link name" onClick={() => onOpen(one)}>
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
