/** Beside the stock: what passed lately, what counts missed, what does not agree. */

import type { Absence, Ghosts } from "../api/ledger";
import { gapApi } from "../api/gaps";
import type { Names, Transfer } from "../api/types";
import { Link } from "../router";
import { useLoaded } from "../ui/loaded";
import { ShortId } from "../ui/parts";
import { nameOf, readableQuantity, readableTime, thingWords, useWords } from "../ui/words";

export const RECENT_TRANSFERS = 10;

export function Transfers({ transfers, parties }: { transfers: Transfer[]; parties: Names }) {
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

/** Goods on the book that complete counts did not see, and goods that they saw beyond it. */
export function GhostCards({ ghosts }: { ghosts: Ghosts }) {
  if (ghosts.ghosts.length + ghosts.found.length === 0) return null;
  return (
    <section aria-labelledby="ghosts-title">
      <h2 id="ghosts-title">
        Not seen by counts <span class="total">{ghosts.ghosts.length}</span>
      </h2>
      <ol class="cards">
        {ghosts.ghosts.map((ghost) => (
          <GhostCard key={`${ghost.item} ${ghost.place} ${ghost.owner}`} ghost={ghost} words="missing" names={ghosts} />
        ))}
        {ghosts.found.map((found) => (
          <GhostCard key={`found ${found.item} ${found.place} ${found.owner}`} ghost={found} words="found beyond the book" names={ghosts} />
        ))}
      </ol>
    </section>
  );
}

/** That goods, places or parties lack a description, and where to read which; nothing while none does. */
export function GapsHint() {
  const { value: gaps } = useLoaded(() => gapApi.page(""), []);
  if (gaps === null || gaps.body.gaps.length === 0) return null;
  const count = `${gaps.body.gaps.length}${gaps.next === null ? "" : " or more"}`;
  return (
    <section aria-labelledby="gaps-title">
      <h2 id="gaps-title">
        Missing master data <span class="total">{gaps.body.gaps.length}{gaps.next !== null && "+"}</span>
      </h2>
      <p>
        {count} {count === "1" ? "thing" : "things"} in your events that nothing describes. <Link to="/gaps">See which</Link>
      </p>
    </section>
  );
}

function GhostCard({ ghost, words, names }: { ghost: Absence; words: string; names: Ghosts }) {
  return (
    <li data-testid="ghost">
      <p>
        <strong>{thingWords(ghost.item)}</strong> × {readableQuantity(ghost.quantity, ghost.uom)} <span class="tag warn">{words}</span>
      </p>
      <p class="quiet">
        {nameOf(ghost.place, names.places)}, of {nameOf(ghost.owner, names.parties)} · since {readableTime(ghost.firstMissed)}, {ghost.misses} {ghost.misses === 1 ? "count" : "counts"} · last seen {readableTime(ghost.lastSeen)}
      </p>
    </li>
  );
}
