import { useState } from "preact/hooks";
import { type Trend, trendApi } from "../api/trends";
import { useLoaded, WhenLoaded } from "../ui/loaded";
import { Nothing } from "../ui/parts";
import { type Column, Table } from "../ui/Table";
import { readableTime } from "../ui/words";

const SPANS = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["180", "180 days"],
  ["365", "365 days"],
] as const;

const DIRECTIONS: Readonly<Record<Trend["direction"], string>> = { up: "↑ more", down: "↓ less", flat: "→ as before" };

/** `+25 %`; what was not used before has no share to grow by. */
const changeWords = (change: string | null): string => (change === null ? "new" : `${Number(change) > 0 ? "+" : ""}${(Number(change) * 100).toFixed(0)} %`);

/** Which families and sizes are used more than before: what to stock more of, and what to send back. */
export function TrendsPage() {
  const [days, setDays] = useState<string>("90");
  const [to, setTo] = useState("");
  const loaded = useLoaded(() => trendApi.of(days, to), [days, to]);
  return (
    <main class="wide">
      <h1>Trends of use</h1>
      <div class="toolbar">
        <span class="pair">
          <label for="trend-days">Uses of</label>
          <select id="trend-days" value={days} onChange={(event) => setDays(event.currentTarget.value)}>
            {SPANS.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </span>
        <span class="pair">
          <label for="trend-to">up to</label>
          <input id="trend-to" type="date" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        </span>
      </div>
      <WhenLoaded loaded={loaded} what="the trends">
        {(found) =>
          found.trends.length === 0 ? (
            <Nothing title="Nothing was used in this time, nor in the time before." />
          ) : (
            <>
              <p class="lead" role="status">
                {readableTime(found.from)} to {readableTime(found.to)}, against the {found.days} days before
              </p>
              <Table name="Trends" columns={columnsOf(found.trends)} rows={found.trends} keyOf={({ family, size }) => `${family} ${size}`} marks={() => ({ "data-testid": "trend" })} />
            </>
          )
        }
      </WhenLoaded>
    </main>
  );
}

function columnsOf(trends: readonly Trend[]): Column<Trend>[] {
  const most = Math.max(1, ...trends.flatMap(({ uses, usesBefore }) => [Number(uses), Number(usesBefore)]));
  return [
    {
      title: "Family and size",
      cell: ({ family, size, gtins }) => (
        <>
          {family} {size}
          {gtins.some((gtin) => gtin !== family) && <div class="quiet code">{gtins.join(", ")}</div>}
        </>
      ),
    },
    { title: "Uses", kind: "number", cell: ({ uses }) => uses },
    { title: "Before", kind: "number", cell: ({ usesBefore }) => usesBefore },
    { title: "Compared", cell: ({ uses, usesBefore }) => <Bars now={Number(uses) / most} before={Number(usesBefore) / most} /> },
    { title: "Change", kind: "number", cell: ({ change }) => changeWords(change) },
    { title: "Trend", cell: ({ direction }) => <span class={direction === "up" ? "tag warn" : "tag"}>{DIRECTIONS[direction]}</span> },
  ];
}

/** Both figures as shares of the greatest; the numbers beside them say the same. */
function Bars({ now, before }: { now: number; before: number }) {
  return (
    <svg class="bars" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <rect class="now" x="0" y="1" height="8" width={now * 100} />
      <rect class="before" x="0" y="11" height="8" width={before * 100} />
    </svg>
  );
}
