import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, messagesOf } from "../api/client";
import { onChange } from "../api/live";
import { type Ghosts, ledgerApi } from "../api/ledger";
import type { Conflict, Moment, Names, StockAnswer, StockRow, Transfer } from "../api/types";
import { readableDate } from "../scan/items";
import { localDay } from "../scan/clock";
import { Link, queryOf } from "../router";
import { Messages, Nothing, Notice, ShortId, Waiting } from "../ui/parts";
import { type Column, type RowMarks, Table } from "../ui/Table";
import { ALARMING_FLAGS, nameOf, readableQuantity, readableTime, worstFirst } from "../ui/words";
import { ConflictCards } from "../ui/ConflictCards";
import { Flags, StatusAndFlags } from "../ui/Units";
import { GapsHint, GhostCards, RECENT_TRANSFERS, Transfers } from "./StockAside";
import { byPlace, expiringWithin, filterRows, isUnderway, kindOf, ownersOf, totalOf } from "./stock-table";

interface Overview {
  stock: StockAnswer;
  transfers: Transfer[];
  conflicts: Conflict[];
  ghosts: Ghosts;
}

/** What the stock is looked at through: two clocks for the server, the rest for the rows that came. */
interface View extends Required<Moment> {
  words: string;
  owner: string;
  /** Days until expiry; `0` for what is expired, empty for all. */
  expiring: string;
}

const EVERYTHING: View = { asOf: "", knownAt: "", words: "", owner: "", expiring: "" };
const EXPIRY = [
  ["", "Any expiry"],
  ["0", "Expired"],
  ["30", "Expires in 30 days"],
  ["90", "Expires in 90 days"],
  ["180", "Expires in 180 days"],
] as const;

async function overview(at: Moment): Promise<Overview> {
  const [stock, transfers, conflicts, ghosts] = await Promise.all([api.stock(at), api.recentTransfers(RECENT_TRANSFERS), api.conflicts(), ledgerApi.ghosts(at)]);
  return { stock, transfers, conflicts, ghosts };
}

export function StockPage() {
  const [found, setFound] = useState<Overview | null>(null);
  const [failures, setFailures] = useState<string[]>([]);
  const [view, setView] = useState(EVERYTHING);
  const { asOf, knownAt } = view;
  const at = useRef<Moment>({});
  at.current = { asOf, knownAt };
  const asking = useRef(false);
  const again = useRef(false);

  const [late, setLate] = useState(false);
  const refresh = useCallback(async (): Promise<void> => {
    if (asking.current) {
      again.current = true;
      return;
    }
    asking.current = true;
    try {
      do {
        again.current = false;
        setFound(await overview(at.current));
        setFailures([]);
      } while (again.current);
    } catch (error) {
      setFailures(messagesOf(error));
    } finally {
      asking.current = false;
      setLate(false);
    }
  }, []);
  useEffect(() => {
    setLate(true);
    void refresh();
  }, [asOf, knownAt]);
  useEffect(() => onChange(["stock"], () => void refresh()), [refresh]);

  return (
    <main class="wide">
      <h1>Stock</h1>
      {failures.length > 0 && (
        <Notice tone="bad" title={found ? "This list may be out of date" : "The stock could not be loaded"}>
          <Messages messages={failures} />
          <button type="button" class="secondary" onClick={() => void refresh()}>
            Try again
          </button>
        </Notice>
      )}
      {!found && failures.length === 0 && <Waiting>Loading the stock…</Waiting>}
      {found && (
        <div class="columns" aria-busy={late}>
          <StockTables stock={found.stock} view={view} late={late} onView={(change) => setView((now) => ({ ...now, ...change }))} />
          <aside>
            <Transfers transfers={found.transfers} parties={found.stock.parties} />
            <GhostCards ghosts={found.ghosts} />
            <GapsHint />
            <OpenConflicts conflicts={found.conflicts} names={{ ...found.stock.parties, ...found.stock.places }} />
          </aside>
        </div>
      )}
    </main>
  );
}

/** Conflicts beside the stock: the worst of them, the rest on their own page. */
const MOST_CONFLICTS = 10;

function OpenConflicts({ conflicts, names }: { conflicts: readonly Conflict[]; names: Names }) {
  const open = worstFirst(conflicts.filter(({ state }) => state === "open"));
  return (
    <>
      <ConflictCards title="Open conflicts" conflicts={open.slice(0, MOST_CONFLICTS)} names={names} />
      {open.length > MOST_CONFLICTS && (
        <p>
          The worst {MOST_CONFLICTS} of {open.length}. <Link to="/alerts">See all</Link>
        </p>
      )}
    </>
  );
}

interface TablesProps {
  stock: StockAnswer;
  view: View;
  /** Another moment was asked for, and what is shown is still of the one before. */
  late: boolean;
  onView: (change: Partial<View>) => void;
}

function StockTables({ stock, view, late, onView }: TablesProps) {
  const today = view.asOf || localDay(new Date());
  const fitting = filterRows(stock.items, view.words, stock).filter(({ owner }) => view.owner === "" || owner === view.owner);
  const shown = view.expiring === "" ? fitting : expiringWithin(fitting, Number(view.expiring), today);
  const groups = byPlace(shown, stock.places);
  const lying = shown.filter((row) => !isUnderway(row));
  const underway = shown.filter(isUnderway);
  const settled = groups.filter((group) => !group.underway).length;
  const columns = stockColumns(stock);
  const marks = (row: StockRow): RowMarks => ({ class: flagsOf(row).some((flag) => ALARMING_FLAGS.has(flag)) ? "alarming" : "", "data-item": row.item });
  const edit = (field: keyof View) => (event: Event & { currentTarget: HTMLInputElement | HTMLSelectElement }) => onView({ [field]: event.currentTarget.value });
  return (
    <section aria-label="Stock by place">
      <div class="toolbar">
        <label for="filter">Filter</label>
        <input id="filter" type="search" value={view.words} onInput={edit("words")} placeholder="Place, GTIN, lot, serial, owner, status…" />
        <select aria-label="Owner" value={view.owner} onChange={edit("owner")}>
          <option value="">Any owner</option>
          {ownersOf(stock.items).map((owner) => (
            <option key={owner} value={owner}>
              {nameOf(owner, stock.parties)}
            </option>
          ))}
        </select>
        <select aria-label="Expiry" value={view.expiring} onChange={edit("expiring")}>
          {EXPIRY.map(([days, words]) => (
            <option key={days} value={days}>
              {words}
            </option>
          ))}
        </select>
        <span class="pair">
          <label for="stock-as-of">As of</label>
          <input id="stock-as-of" type="date" value={view.asOf} onInput={edit("asOf")} />
        </span>
        <span class="pair">
          <label for="stock-known-at">As known on</label>
          <input id="stock-known-at" type="date" value={view.knownAt} onInput={edit("knownAt")} />
        </span>
        <p class="quiet" role="status" data-testid="stock-total">
          {late && "Loading… "}
          {totalOf(lying)} units in {settled} {settled === 1 ? "place" : "places"}
          {underway.length > 0 && `, ${totalOf(underway)} on the way`}
          {(view.asOf || view.knownAt) && !late && `, as of ${readableTime(stock.asOf)}`}
        </p>
      </div>
      {stock.items.length === 0 && (
        <Nothing title="No stock yet">
          <p>Stock appears here as soon as something is received, on the phone page or by a captured event.</p>
        </Nothing>
      )}
      {stock.items.length > 0 && shown.length === 0 && <Nothing title="Nothing matches the filter" />}
      {groups.map((group) => (
        <section key={`${group.name} ${group.place}`} class={group.underway ? "place-group underway" : "place-group"} data-testid="place">
          <h2>
            <span>{group.name}</span> {group.underway && <span class="tag warn">not received yet</span>} <span class="total">{group.total}</span>
          </h2>
          {group.place !== null && group.place !== group.name && (
            <p class="quiet code" title={group.place}>
              {nameOf(group.place, {})}
            </p>
          )}
          <Table name={group.name} class="stock-table" columns={columns} rows={group.rows} keyOf={({ item, container, owner, holder, status }) => [item, container, owner, holder, status].join()} marks={marks} />
        </section>
      ))}
    </section>
  );
}

/** What stands against a row: what the ledger said, and that its date is over where it lies, as the server judges it. */
function flagsOf(row: StockRow): string[] {
  return row.expired && !row.flags.includes("expired") ? ["expired", ...row.flags] : row.flags;
}

/** What the trace page is asked for a row: its lot, or what it is. */
function traceOf({ gtin, lot, serial, item }: StockRow): Record<string, string> {
  return gtin !== null && lot !== null && serial === null ? { gtin, lot } : { epc: item };
}

function stockColumns({ parties, products }: StockAnswer): Column<StockRow>[] {
  return [
    {
      title: "Product",
      cell: (row) => {
        const { gtin, item } = row;
        const product = gtin === null ? undefined : products[gtin];
        return (
          <>
            {product && (
              <div class="product" title={product}>
                {product}
              </div>
            )}
            <div class={product ? "code quiet" : "code"}>{gtin ?? kindOf(item)}</div>
            <Flags flags={flagsOf(row).filter((flag) => ALARMING_FLAGS.has(flag))} />
          </>
        );
      },
    },
    {
      title: "Lot / serial",
      kind: "code",
      cell: (row) => (
        <>
          <Link to="/trace" query={queryOf(traceOf(row))}>
            {row.serial ?? (row.lot ? `Lot ${row.lot}` : row.gtin === null ? <ShortId id={row.item} /> : "Trace")}
          </Link>
          {row.serial && row.lot && <div class="quiet">Lot {row.lot}</div>}
          {row.container && (
            <div class="quiet">
              in <ShortId id={row.container} />
            </div>
          )}
        </>
      ),
    },
    // How many comes before who: on a phone the rest is scrolled to.
    { title: "Quantity", kind: "number", cell: ({ quantity, uom }) => readableQuantity(quantity, uom) },
    { title: "Expiry", cell: ({ expiry }) => (expiry ? readableDate(expiry) : "—") },
    { title: "Status", cell: (row) => <StatusAndFlags status={row.status} flags={row.flags.filter((flag) => !ALARMING_FLAGS.has(flag))} /> },
    { title: "Owner", cell: ({ owner }) => nameOf(owner, parties) },
    { title: "Holder", cell: ({ holder }) => nameOf(holder, parties) },
  ];
}
