import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, messagesOf } from "../api/client";
import { onStockChange } from "../api/live";
import type { Conflict, Names, StockAnswer, StockRow, Transfer } from "../api/types";
import { isExpired, readableDate } from "../scan/items";
import { localDay } from "../scan/clock";
import { Messages, Nothing, Notice, Scroller, ShortId, Waiting } from "../ui/parts";
import { ALARMING_FLAGS, flagWords, nameOf, readableMessage, readableQuantity, readableTime, statusWords, useWords, worstFirst } from "../ui/words";
import { byPlace, filterRows, kindOf, totalOf } from "./stock-table";

interface Overview {
  stock: StockAnswer;
  transfers: Transfer[];
  conflicts: Conflict[];
}

const RECENT_TRANSFERS = 10;

async function overview(): Promise<Overview> {
  const [stock, transfers, conflicts] = await Promise.all([api.stock(), api.recentTransfers(RECENT_TRANSFERS), api.conflicts()]);
  return { stock, transfers, conflicts };
}

export function StockPage() {
  const [found, setFound] = useState<Overview | null>(null);
  const [failures, setFailures] = useState<string[]>([]);
  const [filter, setFilter] = useState("");
  const asking = useRef(false);
  const again = useRef(false);

  const refresh = useCallback(async (): Promise<void> => {
    if (asking.current) {
      again.current = true;
      return;
    }
    asking.current = true;
    try {
      do {
        again.current = false;
        setFound(await overview());
        setFailures([]);
      } while (again.current);
    } catch (error) {
      setFailures(messagesOf(error));
    } finally {
      asking.current = false;
    }
  }, []);
  useEffect(() => {
    void refresh();
    return onStockChange(() => void refresh());
  }, [refresh]);

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
        <div class="columns">
          <StockTables stock={found.stock} filter={filter} onFilter={setFilter} />
          <aside>
            <Transfers transfers={found.transfers} parties={found.stock.parties} />
            <Conflicts conflicts={found.conflicts} names={{ ...found.stock.parties, ...found.stock.places }} />
          </aside>
        </div>
      )}
    </main>
  );
}

function StockTables({ stock, filter, onFilter }: { stock: StockAnswer; filter: string; onFilter: (filter: string) => void }) {
  const shown = filterRows(stock.items, filter, stock);
  const groups = byPlace(shown, stock.places);
  return (
    <section aria-label="Stock by place">
      <div class="toolbar">
        <label for="filter">Filter</label>
        <input id="filter" type="search" value={filter} onInput={(event) => onFilter(event.currentTarget.value)} placeholder="Place, GTIN, lot, serial, owner, status…" />
        <p class="quiet" role="status" data-testid="stock-total">
          {totalOf(shown)} units in {groups.length} {groups.length === 1 ? "place" : "places"}
        </p>
      </div>
      {stock.items.length === 0 && (
        <Nothing title="No stock yet">
          <p>Stock appears here as soon as something is received, on the phone page or by a captured event.</p>
        </Nothing>
      )}
      {stock.items.length > 0 && shown.length === 0 && <Nothing title="Nothing matches the filter" />}
      {groups.map((group) => (
        <section key={`${group.name} ${group.place}`} class="place-group" data-testid="place">
          <h2>
            <span>{group.name}</span> <span class="total">{group.total}</span>
          </h2>
          {group.place !== null && group.place !== group.name && (
            <p class="quiet code" title={group.place}>
              {nameOf(group.place, {})}
            </p>
          )}
          <Scroller name={group.name}>
            <table class="stock-table">
              <thead>
                <tr>
                  <th scope="col">Product</th>
                  <th scope="col">Lot / serial</th>
                  <th scope="col">Expiry</th>
                  <th scope="col">Owner</th>
                  <th scope="col">Holder</th>
                  <th scope="col">Status</th>
                  <th scope="col" class="number">
                    Quantity
                  </th>
                </tr>
              </thead>
              <tbody>
                {group.rows.map((row) => (
                  <StockLine key={[row.item, row.container, row.owner, row.holder, row.status].join()} row={row} stock={stock} />
                ))}
              </tbody>
            </table>
          </Scroller>
        </section>
      ))}
    </section>
  );
}

function StockLine({ row, stock: { parties, products } }: { row: StockRow; stock: StockAnswer }) {
  const product = row.gtin === null ? undefined : products[row.gtin];
  const expired = isExpired(row.expiry?.slice(0, 10) ?? null, localDay(new Date()));
  const flags = expired && !row.flags.includes("expired") ? ["expired", ...row.flags] : row.flags;
  return (
    <tr class={flags.some((flag) => ALARMING_FLAGS.has(flag)) ? "alarming" : ""} data-item={row.item}>
      <td>
        {product && <div>{product}</div>}
        <div class={product ? "code quiet" : "code"}>{row.gtin ?? kindOf(row.item)}</div>
      </td>
      <td class="code">
        {row.serial && <div>{row.serial}</div>}
        {row.lot && <div class={row.serial ? "quiet" : ""}>Lot {row.lot}</div>}
        {row.gtin === null && <ShortId id={row.item} />}
        {row.container && (
          <div class="quiet">
            in <ShortId id={row.container} />
          </div>
        )}
      </td>
      <td>{row.expiry ? readableDate(row.expiry) : "—"}</td>
      <td>{nameOf(row.owner, parties)}</td>
      <td>{nameOf(row.holder, parties)}</td>
      <td>
        {statusWords(row.status)}{" "}
        {flags.map((flag) => (
          <span key={flag} class={ALARMING_FLAGS.has(flag) ? "tag bad" : "tag"}>
            {flagWords(flag)}
          </span>
        ))}
      </td>
      <td class="number">{readableQuantity(row.quantity, row.uom)}</td>
    </tr>
  );
}

function Transfers({ transfers, parties }: { transfers: Transfer[]; parties: Names }) {
  const recent = [...transfers].sort((a, b) => b.eventTime.localeCompare(a.eventTime)).slice(0, RECENT_TRANSFERS);
  return (
    <section aria-labelledby="transfers-title">
      <h2 id="transfers-title">Recent ownership transfers</h2>
      {recent.length === 0 && <p class="quiet">None yet. Ownership passes when an item is used.</p>}
      <ol class="cards">
        {recent.map((transfer) => (
          <li key={transfer.eventID + transfer.item} class={transfer.voided ? "voided" : ""} data-testid="transfer">
            <p>
              <strong class="code">{transfer.serial ?? transfer.lot ?? transfer.gtin ?? transfer.item}</strong> × {readableQuantity(transfer.quantity)}{" "}
              {transfer.useType && <span class="tag">{useWords(transfer.useType)}</span>}
              {transfer.voided && <span class="tag">Void</span>}
            </p>
            <p>
              {nameOf(transfer.from, parties)} → {nameOf(transfer.to, parties)}
            </p>
            <p class="quiet">
              <time dateTime={transfer.eventTime}>{readableTime(transfer.eventTime)}</time> · event <ShortId id={transfer.eventID} />
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Conflicts({ conflicts, names }: { conflicts: Conflict[]; names: Names }) {
  const open = worstFirst(conflicts.filter(({ state }) => state === "open"));
  return (
    <section aria-labelledby="conflicts-title">
      <h2 id="conflicts-title">
        Open conflicts {open.length > 0 && <span class="total">{open.length}</span>}
      </h2>
      {open.length === 0 && <p class="quiet">None: what was captured agrees.</p>}
      <ol class="cards">
        {open.map((conflict) => (
          <li key={conflict.id} class={`severity-${conflict.severity}`} data-testid="conflict">
            <p>
              <span class={["critical", "high"].includes(conflict.severity) ? "tag bad" : "tag"}>{flagWords(conflict.severity)}</span> {readableMessage(conflict.message, names)}
            </p>
            <p class="quiet">
              <time dateTime={conflict.eventTime}>{readableTime(conflict.eventTime)}</time>
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

