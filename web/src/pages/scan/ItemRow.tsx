import { useState } from "preact/hooks";
import type { Action, UseType } from "../../api/types";
import { expiryOf, isCounted, isExpired, isUnconfirmed, type Item, readableDate, titleOf, valueOf, verdictOn } from "../../scan/items";
import { Chips } from "../../ui/parts";

interface Props {
  item: Item;
  /** The newest item shows its element strings; older ones show them when tapped. */
  newest: boolean;
  action: Action;
  useType: UseType;
  today: string;
  locked: boolean;
  onRemove: () => void;
  onCheckAgain: () => void;
  onQuantity: (quantity: number) => void;
  onInsist: () => void;
}

/** Lot and serial, which tell one package from the next. */
function particulars(item: Item): string {
  const serial = valueOf(item, "21");
  const lot = valueOf(item, "10");
  return [serial && `Serial ${serial}`, lot && `Lot ${lot}`].filter(Boolean).join(" · ");
}

export function ItemRow({ item, newest, action, useType, today, locked, onRemove, onCheckAgain, onQuantity, onInsist }: Props) {
  const [chosen, setOpen] = useState<boolean | null>(null);
  const open = chosen ?? newest;
  const { blocking, warnings, mayInsist } = verdictOn(item, action, today, useType);
  const waiting = item.judged === null && item.failure === null;
  const expiry = expiryOf(item);
  const expired = isExpired(expiry, today);
  const tone = waiting ? "waiting" : blocking.length > 0 || expired ? "bad" : warnings.length > 0 ? "warn" : "good";
  return (
    <li class={`item ${tone}`} data-testid="item">
      <div class="item-head">
        <button type="button" class="item-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span class="name">{titleOf(item)}</span>
          <span class="particulars">{particulars(item)}</span>
        </button>
        <button type="button" class="icon" aria-label={`Remove ${titleOf(item)} ${particulars(item)}`} disabled={locked} onClick={onRemove}>
          ✕
        </button>
      </div>
      <p class="facts">
        {expiry && !expired && <span class="expiry">Use by {readableDate(expiry)}</span>}
        {item.source === "typed" && <span class="tag">Typed</span>}
        {isUnconfirmed(item) && <span class="tag warn">Not confirmed</span>}
        {waiting && <span class="tag">Checking…</span>}
      </p>
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
      {mayInsist && !locked && (
        <button type="button" class="link" onClick={onInsist}>
          It was used all the same
        </button>
      )}
      {item.failure !== null && (
        <button type="button" class="secondary" onClick={onCheckAgain}>
          Check again
        </button>
      )}
      {open && <Chips elementStrings={item.elementStrings} />}
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
