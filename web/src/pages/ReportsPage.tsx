import { useState } from "preact/hooks";
import { agreementApi, keyOf, newestOf } from "../api/agreements";
import { ledgerApi } from "../api/ledger";
import { type Leak, type Leaks, moneyApi, reportAddress, type Settlement, type Span } from "../api/money";
import type { Session } from "../api/types";
import { localDay } from "../scan/clock";
import { DownloadLink } from "../ui/DownloadLink";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing, ShortId } from "../ui/parts";
import { type Column, Table } from "../ui/Table";
import { nameOf, plainWords, readableQuantity, readableTime, thingWords } from "../ui/words";

const REPORTS = [
  ["transfer-of-ownership", "Transfer of Ownership Report", "What ownership passed in the period."],
  ["consignment-stock-status", "Consignment Stock Status Report", "What lies where at the end of the period."],
] as const;
const FORMATS = ["pdf", "csv"] as const;

function lastMonth(): Span {
  const now = new Date();
  return { from: localDay(new Date(now.getFullYear(), now.getMonth() - 1, 1)), to: localDay(now) };
}

/** Reports to download, settlements to sign, and where charges leak. */
export function ReportsPage({ session }: { session: Session }) {
  const [span, setSpan] = useState(lastMonth);
  const doing = useDoing();
  const hospital = session.role === "supply";
  const seesMoney = hospital || session.role === "supplier";
  return (
    <main class="wide">
      <h1>Settlement and reports</h1>
      <div class="toolbar">
        <span class="pair">
          <label for="span-from">From</label>
          <input id="span-from" type="date" value={span.from} onInput={(event) => setSpan({ ...span, from: event.currentTarget.value })} />
        </span>
        <span class="pair">
          <label for="span-to">Before</label>
          <input id="span-to" type="date" value={span.to} onInput={(event) => setSpan({ ...span, to: event.currentTarget.value })} />
        </span>
      </div>
      <Failures doing={doing} title="The report could not be made" />
      <div class="two">
        {REPORTS.map(([report, title, words]) => (
          <section key={report} class="card">
            <h2>{title}</h2>
            <p class="quiet">{words}</p>
            <div class="row wrap">
              {FORMATS.map((format) => (
                <DownloadLink key={format} class="button inline" href={reportAddress(report, format, span)} name={`${report}.${format}`} label={`${title}, ${format.toUpperCase()}`} doing={doing}>
                  {format.toUpperCase()}
                </DownloadLink>
              ))}
            </div>
          </section>
        ))}
      </div>
      {seesMoney ? <Settlements session={session} /> : <p class="quiet spaced">Prices and settlements are for supply and suppliers: the role {session.role} sees none.</p>}
      {hospital && <LeakList span={span} />}
    </main>
  );
}

function Settlements({ session }: { session: Session }) {
  const loaded = useLoaded(async () => {
    const [settlements, agreements, names] = await Promise.all([moneyApi.settlements(), agreementApi.all(), ledgerApi.names()]);
    return { settlements, agreements: newestOf(agreements, session.organisation), names };
  }, []);
  const doing = useDoing();
  const [chosen, setChosen] = useState(0);
  const [period, setPeriod] = useState(localDay(new Date()).slice(0, 7));
  const mayAct = session.rights.includes("capture");
  const change = (work: () => Promise<unknown>): void =>
    void doing.run(async () => {
      await work();
      await loaded.refresh();
    });
  return (
    <section class="spaced">
      <h2>Settlements</h2>
      <Failures doing={doing} title="That was refused" />
      <WhenLoaded loaded={loaded} what="the settlements">
        {({ settlements, agreements, names }) => (
          <>
            {mayAct && agreements.length > 0 && (
              <form
                class="toolbar"
                onSubmit={(event) => {
                  event.preventDefault();
                  const agreement = agreements[chosen];
                  if (agreement) change(() => moneyApi.settle(keyOf(agreement, session.organisation), period.trim()));
                }}
              >
                <label for="settled">Agreement</label>
                <select id="settled" value={chosen} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
                  {agreements.map((one, index) => (
                    <option key={index} value={index}>
                      {one.terms.title || one.agreementID}, {nameOf(keyOf(one, session.organisation).counterparty, names.parties)}
                    </option>
                  ))}
                </select>
                <label for="period">Month, day or usage report</label>
                <input id="period" required value={period} onInput={(event) => setPeriod(event.currentTarget.value)} />
                <button type="submit" class="primary" disabled={doing.busy}>
                  Settle
                </button>
              </form>
            )}
            {settlements.length === 0 && <Nothing title="Nothing is settled yet." />}
            <ul class="cards">
              {settlements.map((one) => (
                <li key={one.id} data-testid="settlement">
                  <p>
                    <strong>{one.period}</strong> <span class="tag">{plainWords(one.state)}</span> {nameOf(one.supplier, names.parties)} and {nameOf(one.hospital, names.parties)}
                  </p>
                  <p class="quiet">
                    digest <ShortId id={one.digest} /> · {one.signatures.map(({ party, principal }) => `${nameOf(party, names.parties)} signed (${principal})`).join(", ") || "nobody signed yet"}
                  </p>
                  {mayAct && !signedBy(one, session.organisation) && (
                    <button type="button" class="secondary" disabled={doing.busy} onClick={() => change(() => moneyApi.sign(one))}>
                      Sign it for our side
                    </button>
                  )}
                </li>
              ))}
            </ul>
          </>
        )}
      </WhenLoaded>
    </section>
  );
}

const signedBy = ({ signatures }: Settlement, organisation: string): boolean => signatures.some(({ party }) => party === organisation);

function LeakList({ span }: { span: Span }) {
  const loaded = useLoaded(() => moneyApi.leaks(span), [span.from, span.to]);
  return (
    <section class="spaced">
      <h2>Where charges leak</h2>
      <WhenLoaded loaded={loaded} what="the leaks">
        {(found) => (found.leaks.length === 0 ? <Nothing title="No leak is known in this period." /> : <LeakTable found={found} />)}
      </WhenLoaded>
    </section>
  );
}

function LeakTable({ found: { leaks, totals, places } }: { found: Leaks }) {
  const columns: Column<Leak>[] = [
    { title: "What", cell: ({ says }) => says },
    { title: "Item", cell: ({ item }) => thingWords(item) },
    { title: "Place", cell: ({ place }) => nameOf(place, places) },
    { title: "Quantity", kind: "number", cell: ({ quantity, uom }) => readableQuantity(quantity, uom) },
    { title: "Value", kind: "number", cell: ({ value, currency }) => (value === null ? "—" : `${value} ${currency}`) },
    { title: "Since", cell: ({ since }) => readableTime(since) },
  ];
  return (
    <>
      <p class="lead">
        {leaks.length} {leaks.length === 1 ? "leak" : "leaks"}
        {Object.entries(totals).map(([currency, value]) => `, ${value} ${currency}`)}
      </p>
      <Table name="Leaks" columns={columns} rows={leaks} marks={() => ({ "data-testid": "leak" })} />
    </>
  );
}
