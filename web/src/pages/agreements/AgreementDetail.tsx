import { useState } from "preact/hooks";
import { type Agreement, agreementApi, keyOf, type Terms } from "../../api/agreements";
import type { AllNames } from "../../api/ledger";
import type { Session } from "../../api/types";
import { localDay } from "../../scan/clock";
import { Failures, useDoing } from "../../ui/loaded";
import { Notice } from "../../ui/parts";
import { AnswerBlock, type Column, Table } from "../../ui/Table";
import { nameOf, readableTime } from "../../ui/words";
import { STATE_WORDS } from "./words";
import { differences, type Naming } from "./diff";
import { download } from "./draft";
import { FIELDS, GROUPS, otherTerms, valueAt, wordsOf } from "./fields";

interface Props {
  /** Oldest first, one at least. */
  versions: readonly Agreement[];
  names: AllNames;
  session: Session;
  maySign: boolean;
  onChanged: () => Promise<void>;
  onRevise: (terms: Terms) => void;
}

/** One agreement: its versions, what differs between two, and the signatures. Nothing here changes a version. */
export function AgreementDetail({ versions, names, session, maySign, onChanged, onRevise }: Props) {
  const newest = versions[versions.length - 1] as Agreement;
  const [number, setNumber] = useState(newest.version);
  const [ending, setEnding] = useState<string | null>(null);
  const doing = useDoing();
  const shown = versions.find(({ version }) => version === number) ?? newest;
  const naming: Naming = {
    place: (id) => nameOf(id, names.places),
    party: (id) => nameOf(id, names.parties),
    product: (gtin) => names.products[gtin] ?? gtin,
  };
  const key = keyOf(shown, session.organisation);
  const signed = shown.signatures.some(({ party }) => party === session.organisation);
  const change = (work: () => Promise<unknown>): void =>
    void doing.run(async () => {
      await work();
      await onChanged();
    });
  return (
    <article>
      <h2>{shown.terms.title || shown.agreementID}</h2>
      <p class="lead">
        <span class={shown.state === "proposed" ? "tag warn" : "tag"}>{STATE_WORDS[shown.state]}</span> {naming.party(shown.terms.supplier)} for {naming.party(shown.terms.hospital)}, from{" "}
        {shown.terms.validFrom} {shown.terms.validTo ? `to ${shown.terms.validTo}` : "with no end"}
        {shown.endedOn && `; ended on ${shown.endedOn}`}
      </p>
      <div class="toolbar">
        <label for="version">Version</label>
        <select id="version" value={shown.version} onChange={(event) => setNumber(Number(event.currentTarget.value))}>
          {versions.map(({ version, state, proposedAt }) => (
            <option key={version} value={version}>
              {version}: {STATE_WORDS[state].toLowerCase()}, {readableTime(proposedAt)}
            </option>
          ))}
        </select>
        {maySign && !signed && (
          <button type="button" class="primary" disabled={doing.busy} onClick={() => change(() => agreementApi.sign(key, shown.version))}>
            Sign version {shown.version}
          </button>
        )}
        {maySign && (
          <button type="button" class="secondary" onClick={() => onRevise(shown.terms)}>
            Propose a change
          </button>
        )}
        <button type="button" class="secondary" onClick={() => download(`agreement-v${shown.version}.json`, shown.terms)}>
          Export
        </button>
        {maySign && (shown.state === "in_force" || shown.state === "signed") && ending === null && (
          <button type="button" class="link" onClick={() => setEnding(localDay(new Date()))}>
            End it
          </button>
        )}
      </div>
      {ending !== null && (
        <form
          class="toolbar"
          onSubmit={(event) => {
            event.preventDefault();
            change(() => agreementApi.end(key, ending));
          }}
        >
          <label for="last-day">Last day (UTC)</label>
          <input id="last-day" type="date" required value={ending} onInput={(event) => setEnding(event.currentTarget.value)} />
          <button type="submit" class="primary" disabled={doing.busy}>
            End the agreement on this day
          </button>
          <button type="button" class="secondary" onClick={() => setEnding(null)}>
            Keep it
          </button>
        </form>
      )}
      <Failures doing={doing} title="That was refused" />
      <p class="quiet">
        Proposed by {naming.party(shown.proposedBy)}, {readableTime(shown.proposedAt)} · <span class="code">{shown.agreementID}</span>
      </p>
      <Signatures agreement={shown} naming={naming} />
      {versions.length > 1 && <Comparison versions={versions} shown={shown} naming={naming} />}
      <Lines terms={shown.terms} naming={naming} />
      <TermTable terms={shown.terms} naming={naming} />
    </article>
  );
}

function Signatures({ agreement: { signatures, terms }, naming }: { agreement: Agreement; naming: Naming }) {
  const missing = [terms.supplier, terms.hospital].filter((party) => !signatures.some((one) => one.party === party));
  return (
    <ul class="cards" aria-label="Signatures">
      {signatures.map(({ party, principal, signedAt }) => (
        <li key={party}>
          <strong>{naming.party(party)}</strong> signed by {principal}, {readableTime(signedAt)}
        </li>
      ))}
      {missing.map((party) => (
        <li key={party} class="voided">
          <strong>{naming.party(party)}</strong> has not signed yet
        </li>
      ))}
    </ul>
  );
}

function Comparison({ versions, shown, naming }: { versions: readonly Agreement[]; shown: Agreement; naming: Naming }) {
  const others = versions.filter(({ version }) => version !== shown.version);
  const previous = [...others].reverse().find(({ version }) => version < shown.version) ?? others[0];
  const [wanted, setWanted] = useState<number | null>(null);
  const other = others.find(({ version }) => version === wanted) ?? previous;
  if (!other) return null;
  const found = differences(other.terms, shown.terms, naming);
  const columns: Column<(typeof found)[number]>[] = [
    { title: "Term", cell: ({ what }) => what },
    { title: `Version ${other.version}`, cell: ({ before }) => (before === null ? <span class="quiet">not there</span> : <del>{before}</del>) },
    { title: `Version ${shown.version}`, cell: ({ after }) => (after === null ? <span class="quiet">gone</span> : <ins>{after}</ins>) },
  ];
  return (
    <section aria-labelledby="comparison-title">
      <h3 id="comparison-title">What version {shown.version} changes</h3>
      <div class="toolbar">
        <label for="against">Compared with version</label>
        <select id="against" value={other.version} onChange={(event) => setWanted(Number(event.currentTarget.value))}>
          {others.map(({ version }) => (
            <option key={version} value={version}>
              {version}
            </option>
          ))}
        </select>
      </div>
      {found.length === 0 && <Notice tone="plain" title="Nothing differs" />}
      {found.length > 0 && <Table name="Differences" columns={columns} rows={found} keyOf={({ what }) => what} marks={() => ({ "data-testid": "difference" })} />}
    </section>
  );
}

function lineColumns(naming: Naming): Column<Terms["lines"][number]>[] {
  return [
    {
      title: "Product",
      cell: ({ gtin, implantable }) => (
        <>
          {naming.product(gtin) !== gtin && <div>{naming.product(gtin)}</div>}
          <div class="code">{gtin}</div>
          {implantable && <span class="tag">Implantable</span>}
        </>
      ),
    },
    {
      title: "Stock at",
      cell: ({ par }) =>
        par.map(({ place, minimum, maximum }) => (
          <div key={place}>
            {naming.place(place)}: {minimum} to {maximum}
          </div>
        )),
    },
    {
      title: "Price",
      cell: ({ prices }) =>
        prices.map(({ amount, currency, validFrom, validTo }) => (
          <div key={`${validFrom}${amount}`}>
            {amount} {currency}
            {validFrom && ` from ${validFrom}`}
            {validTo && ` to ${validTo}`}
          </div>
        )),
    },
    { title: "Order in", cell: ({ orderMultiple }) => orderMultiple ?? 1 },
    { title: "Billing", cell: ({ billMode }) => (billMode === "bill_only" ? "Bill only" : "Bill and replenish") },
    { title: "Tracked by", cell: ({ tracking }) => (tracking === "serial" ? "Serial" : "Lot") },
  ];
}

/** Lines that are drawn at once; a filter finds the others. */
const MOST_LINES = 100;

function Lines({ terms, naming }: { terms: Terms; naming: Naming }) {
  const [filter, setFilter] = useState("");
  const wanted = filter.toLowerCase();
  const fitting = terms.lines.filter(({ gtin, family, size }) => [gtin, naming.product(gtin), family, size].join(" ").toLowerCase().includes(wanted));
  return (
    <AnswerBlock title="Products" total={terms.lines.length} small>
      {terms.lines.length > 10 && (
        <div class="toolbar">
          <label for="line-filter">Find</label>
          <input id="line-filter" type="search" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
          {fitting.length > MOST_LINES && <p class="quiet">The first {MOST_LINES} of {fitting.length}</p>}
        </div>
      )}
      <Table name="Products" columns={lineColumns(naming)} rows={fitting.slice(0, MOST_LINES)} keyOf={({ gtin }) => gtin} />
    </AnswerBlock>
  );
}

function TermTable({ terms, naming }: { terms: Terms; naming: Naming }) {
  const others = otherTerms(terms);
  return (
    <section class="terms">
      <div class="term">
        <h3>Covers</h3>
        <ul class="plain">
          {terms.sites.map((site) => (
            <li key={site} title={site}>
              {naming.place(site)}
            </li>
          ))}
        </ul>
      </div>
      {GROUPS.map((group) => (
        <div key={group} class="term">
          <h3>{group}</h3>
          <dl>
            {FIELDS.filter((field) => field.group === group).map((field) => (
              <div key={field.path}>
                <dt>{field.label}</dt>
                <dd>{wordsOf(field, valueAt(terms, field.path))}</dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
      {others.length > 0 && (
        <div class="term">
          <h3>Further terms</h3>
          <dl>
            {others.map(([path, value]) => (
              <div key={path}>
                <dt class="code">{path}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </section>
  );
}
