import { useState } from "preact/hooks";
import { type AllNames, ledgerApi } from "../api/ledger";
import { type Order, type Position, type Proposal, replenishmentApi } from "../api/replenishment";
import type { Session } from "../api/types";
import { readableDate } from "../scan/items";
import { DownloadLink } from "../ui/DownloadLink";
import { type Doing, Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { NoteForm } from "../ui/NoteForm";
import { Nothing } from "../ui/parts";
import { type Column, TableBlock } from "../ui/Table";
import { nameOf, plainWords, readableTime, thingWords } from "../ui/words";

const ENDED: ReadonlySet<string> = new Set(["received", "cancelled"]);

/** What is short where, what to move first and what to order; and the orders with their state. */
export function ReplenishmentPage({ session }: { session: Session }) {
  const loaded = useLoaded(async () => {
    const [found, orders, names] = await Promise.all([replenishmentApi.proposals(), replenishmentApi.orders(), ledgerApi.names()]);
    return { ...found, orders, names };
  }, []);
  const doing = useDoing();
  const mayAct = session.rights.includes("capture");
  const change = (work: () => Promise<unknown>): Promise<boolean> =>
    doing.run(async () => {
      await work();
      await loaded.refresh();
    });
  return (
    <main class="wide">
      <h1>Replenishment</h1>
      <Failures doing={doing} title="That was refused" />
      <WhenLoaded loaded={loaded} what="what is to be replenished">
        {({ positions, proposals, orders, names }) => (
          <div class="columns halves">
            <section aria-labelledby="proposals-title">
              <h2 id="proposals-title">
                Proposals <span class="total">{proposals.length}</span>
              </h2>
              {proposals.length === 0 && (
                <Nothing title={positions.length === 0 ? "No agreement sets a stock level yet." : "Nothing more is to be moved or ordered."} />
              )}
              <ul class="cards">
                {[...proposals]
                  .sort((a, b) => Number(a.kind === "order") - Number(b.kind === "order"))
                  .map((proposal) => (
                    <ProposalCard key={proposal.id} proposal={proposal} names={names} doing={doing} onOrder={mayAct ? () => void change(() => replenishmentApi.order([proposal.id])) : null} />
                  ))}
              </ul>
              <Positions positions={positions} names={names} />
            </section>
            <section aria-labelledby="orders-title">
              <h2 id="orders-title">
                Orders <span class="total">{orders.length}</span>
              </h2>
              {orders.length === 0 && <Nothing title="No orders yet" />}
              <ul class="cards">
                {orders.map((order) => (
                  <OrderCard key={order.number} order={order} names={names} session={session} doing={doing} onChange={mayAct ? change : null} />
                ))}
              </ul>
            </section>
          </div>
        )}
      </WhenLoaded>
    </main>
  );
}

const productWords = (gtin: string, names: AllNames): string => (names.products[gtin] ? `${names.products[gtin]} (${gtin})` : gtin);

function ProposalCard({ proposal, names, doing, onOrder }: { proposal: Proposal; names: AllNames; doing: Doing; onOrder: (() => void) | null }) {
  const place = nameOf(proposal.place, names.places);
  return (
    <li data-testid="proposal" data-kind={proposal.kind}>
      <p>
        <span class="tag">{proposal.kind === "transfer" ? "Move" : "Order"}</span> <strong>{proposal.quantity}</strong> × {productWords(proposal.gtin, names)}
      </p>
      <p>{proposal.from ? `from ${nameOf(proposal.from, names.places)} to ${place}` : `for ${place}`}</p>
      {(proposal.items ?? []).map(({ item, quantity, expiry }) => (
        <p key={item} class="quiet">
          {quantity} of {thingWords(item).toLowerCase()}
          {expiry && `, use by ${readableDate(expiry)}`}
        </p>
      ))}
      {proposal.kind === "order" && onOrder && (
        <button type="button" class="secondary" disabled={doing.busy} onClick={onOrder}>
          Order {proposal.quantity}
        </button>
      )}
      {proposal.kind === "transfer" && <p class="quiet">It closes when the goods are booked at the new place.</p>}
    </li>
  );
}

interface OrderProps {
  order: Order;
  names: AllNames;
  session: Session;
  doing: Doing;
  onChange: ((work: () => Promise<unknown>) => Promise<boolean>) | null;
}

function OrderCard({ order, names, session, doing, onChange }: OrderProps) {
  const [cancelling, setCancelling] = useState(false);
  const cancel = async (reason: string): Promise<void> => {
    if (onChange && (await onChange(() => replenishmentApi.cancel(order.number, reason)))) setCancelling(false);
  };
  return (
    <li class={ENDED.has(order.state) ? "voided" : ""} data-testid="order">
      <p>
        <span class={order.state === "proposed" ? "tag warn" : "tag"}>{plainWords(order.state)}</span> <strong>{order.quantity}</strong> × {productWords(order.gtin, names)}
      </p>
      <p>
        for {nameOf(order.place, names.places)}, from {nameOf(order.supplier, names.parties)} · {order.shipped} shipped, {order.received} received
      </p>
      <p class="quiet">
        <span class="code">{order.number}</span> · {readableTime(order.createdAt)}
        {order.closedReason && ` · ${order.closedReason}`}
      </p>
      {onChange && !cancelling && (
        <div class="row wrap">
          {order.state === "proposed" && order.hospital === session.organisation && (
            <button type="button" class="primary" disabled={doing.busy} onClick={() => void onChange(() => replenishmentApi.send(order.number))}>
              Send the order
            </button>
          )}
          {(order.state === "proposed" || order.state === "sent") && (
            <button type="button" class="secondary" onClick={() => setCancelling(true)}>
              Cancel it
            </button>
          )}
          <DownloadLink class="quiet-link" href={`/replenishment/orders/${encodeURIComponent(order.number)}`} name={`order-${order.number}.json`} label={`Download order ${order.number}`} doing={doing}>
            Download
          </DownloadLink>
        </div>
      )}
      {cancelling && <NoteForm label="Why it is cancelled" words="Cancel the order" busy={doing.busy} onNote={(reason) => void cancel(reason)} onCancel={() => setCancelling(false)} />}
    </li>
  );
}

function Positions({ positions, names }: { positions: readonly Position[]; names: AllNames }) {
  const columns: Column<Position>[] = [
    { title: "Product", kind: "name", cell: ({ gtin }) => productWords(gtin, names) },
    { title: "Place", kind: "name", cell: ({ place }) => nameOf(place, names.places) },
    // What decides comes first: on a phone the rest is scrolled to.
    { title: "Short by", kind: "number", cell: ({ gap }) => (Number(gap) > 0 ? <strong>{gap}</strong> : gap) },
    { title: "Agreed", kind: "number", cell: ({ minimum, maximum }) => `${minimum} to ${maximum}` },
    { title: "Usable", kind: "number", cell: ({ usable }) => usable },
    { title: "On the way", kind: "number", cell: ({ inTransit }) => inTransit },
    { title: "Ordered", kind: "number", cell: ({ onOrder }) => onOrder },
  ];
  return <TableBlock title="Stock levels" small columns={columns} rows={positions} keyOf={({ gtin, place }) => gtin + place} />;
}
