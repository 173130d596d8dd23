import { useState } from "preact/hooks";
import type { Action } from "../../api/types";
import { expiryOf, isCounted, isExpired, isUnconfirmed, type Item, readableDate, valueOf, verdictOn } from "../../scan/items";
import { Chips } from "../../ui/parts";

interface Props {
  item: Item;
  /** The newest item shows its element strings; older ones show them when tapped. */
  newest: boolean;
  action: Action;
  today: string;
  locked: boolean;
  onRemove: () => void;
  onCheckAgain: () => void;
  onQuantity: (quantity: number) => void;
}

function label(item: Item): string {
  const sscc = valueOf(item, "00");
  if (sscc) return `Container ${sscc}`;
  const gtin = valueOf(item, "01", "02");
  return gtin ? `GTIN ${gtin}` : "Unknown label";
}

/** Lot and serial, which tell one package from the next. */
function particulars(item: Item): string {
  const serial = valueOf(item, "21");
  const lot = valueOf(item, "10");
  return [serial && `Serial ${serial}`, lot && `Lot ${lot}`].filter(Boolean).join(" · ");
}

export function ItemRow({ item, newest, action, today, locked, onRemove, onCheckAgain, onQuantity }: Props) {
  const [chosen, setOpen] = useState<boolean | null>(null);
  const open = chosen ?? newest;
  const { blocking, warnings } = verdictOn(item, action, today);
  const waiting = item.judged === null && item.failure === null;
  const expiry = expiryOf(item);
  const expired = isExpired(expiry, today);
  const tone = waiting ? "waiting" : blocking.length > 0 || expired ? "bad" : warnings.length > 0 ? "warn" : "good";
  return (
    <li class={`item ${tone}`} data-testid="item">
      <div class="item-head">
        <button type="button" class="item-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span class="name">{label(item)}</span>
          <span class="particulars">{particulars(item)}</span>
        </button>
        <button type="button" class="icon" aria-label={`Remove ${label(item)} ${particulars(item)}`} disabled={locked} onClick={onRemove}>
          ✕
        </button>
      </div>
      <p class="facts">
        {expiry && !expired && <span class="expiry">Use by {readableDate(expiry)}</span>}
        {item.source === "typed" && <span class="tag">Typed</span>}
        {isUnconfirmed(item) && <span class="tag warn">Not confirmed</span>}
        {waiting && <span class="tag">Checking…</span>}
      </p>
      {open && <Chips elementStrings={item.elementStrings} />}
      {!waiting &&
        blocking.map((message) => (
          <p key={message} class="verdict bad">
            ✕ {message}
          </p>
        ))}
      {warnings.map((message) => (
        <p key={message} class={expired ? "verdict bad" : "verdict warn"}>
          ! {message}
        </p>
      ))}
      {item.failure !== null && (
        <button type="button" class="secondary" onClick={onCheckAgain}>
          Check again
        </button>
      )}
      {isCounted(item) && (
        <div class="stepper">
          <button type="button" class="icon" aria-label="One fewer" disabled={locked || item.quantity <= 1} onClick={() => onQuantity(item.quantity - 1)}>
            −
          </button>
          <label>
            <span class="sr-only">Quantity</span>
            <input
              type="number"
              inputMode="numeric"
              min="1"
              max="9999"
              value={item.quantity}
              disabled={locked}
              onChange={(event) => onQuantity(Number(event.currentTarget.value))}
            />
          </label>
          <button type="button" class="icon" aria-label="One more" disabled={locked} onClick={() => onQuantity(item.quantity + 1)}>
            +
          </button>
          <span>{item.quantity === 1 ? "unit" : "units"}</span>
        </div>
      )}
    </li>
  );
}
