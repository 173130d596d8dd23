import type { ProductLine } from "../../api/agreements";
import type { AllNames } from "../../api/ledger";
import { nameOf } from "../../ui/words";
import { withMember } from "./draft";

interface Props {
  number: number;
  line: ProductLine;
  places: readonly string[];
  names: AllNames;
  onChange: (change: Partial<ProductLine>) => void;
  onRemove: (() => void) | null;
}

const BILLING = [
  ["bill_and_replenish", "Bill and replenish"],
  ["bill_only", "Bill only"],
] as const;
const TRACKING = [
  ["lot", "Lot"],
  ["serial", "Serial number"],
] as const;

/** One product: how much lies where, and what one costs. */
export function LineFields({ number, line, places, names, onChange, onRemove }: Props) {
  return (
    <fieldset class="line" data-testid="line">
      <legend>
        Product {number} {names.products[line.gtin] && <span class="quiet">{names.products[line.gtin]}</span>}
      </legend>
      <div class="fields">
        <label>
          GTIN
          <input required inputMode="numeric" pattern="\d{8,14}" title="8 to 14 digits" list="products" value={line.gtin} onInput={(event) => onChange({ gtin: event.currentTarget.value })} />
        </label>
        <label>
          Order in multiples of
          <input type="number" min="1" required value={line.orderMultiple ?? 1} onChange={(event) => onChange({ orderMultiple: Number(event.currentTarget.value) })} />
        </label>
        <label>
          Least shelf life on receipt, days
          <input type="number" min="0" required value={line.minRemainingShelfLifeDays ?? 0} onChange={(event) => onChange({ minRemainingShelfLifeDays: Number(event.currentTarget.value) })} />
        </label>
        <Choice label="Billing" options={BILLING} value={line.billMode} onChange={(billMode) => onChange({ billMode })} />
        <Choice label="Tracked by" options={TRACKING} value={line.tracking} onChange={(tracking) => onChange({ tracking })} />
        <label class="check">
          <input type="checkbox" checked={line.implantable === true} onChange={(event) => onChange({ implantable: event.currentTarget.checked })} />
          Implantable
        </label>
      </div>
      {line.par.map((par, index) => (
        <div key={index} class="fields">
          <label>
            Stock at
            <select required value={par.place} onChange={(event) => onChange({ par: withMember(line.par, index, { place: event.currentTarget.value }) })}>
              <option value="">Choose…</option>
              {[...new Set([...places, ...(par.place ? [par.place] : [])])].map((place) => (
                <option key={place} value={place}>
                  {nameOf(place, names.places)}
                </option>
              ))}
            </select>
          </label>
          <label>
            Replenish at
            <input type="number" min="0" required value={par.minimum} onChange={(event) => onChange({ par: withMember(line.par, index, { minimum: Number(event.currentTarget.value) }) })} />
          </label>
          <label>
            Up to
            <input type="number" min="1" required value={par.maximum} onChange={(event) => onChange({ par: withMember(line.par, index, { maximum: Number(event.currentTarget.value) }) })} />
          </label>
          <button type="button" class="link" onClick={() => onChange({ par: withMember(line.par, index, null) })}>
            Remove this stock level
          </button>
        </div>
      ))}
      {line.prices.map((price, index) => (
        <div key={index} class="fields">
          <label>
            Price of one
            <input required inputMode="decimal" pattern="[0-9]+([.][0-9]+)?" title="Such as 1250.00" value={price.amount} onInput={(event) => onChange({ prices: withMember(line.prices, index, { amount: event.currentTarget.value }) })} />
          </label>
          <label>
            Currency
            <input required pattern="[A-Z]{3}" title="Three letters, such as EUR" value={price.currency} onInput={(event) => onChange({ prices: withMember(line.prices, index, { currency: event.currentTarget.value.toUpperCase() }) })} />
          </label>
          <label>
            From, if not from the start
            <input type="date" value={price.validFrom ?? ""} onInput={(event) => onChange({ prices: withMember(line.prices, index, { validFrom: event.currentTarget.value || null }) })} />
          </label>
          <label>
            To, if it ends
            <input type="date" value={price.validTo ?? ""} onInput={(event) => onChange({ prices: withMember(line.prices, index, { validTo: event.currentTarget.value || null }) })} />
          </label>
          <button type="button" class="link" onClick={() => onChange({ prices: withMember(line.prices, index, null) })}>
            Remove this price
          </button>
        </div>
      ))}
      <div class="row wrap">
        <button type="button" class="secondary" onClick={() => onChange({ par: [...line.par, { place: "", minimum: 1, maximum: 2 }] })}>
          Add a stock level
        </button>
        <button type="button" class="secondary" onClick={() => onChange({ prices: [...line.prices, { amount: "", currency: line.prices[0]?.currency ?? "EUR" }] })}>
          Add a price
        </button>
        {onRemove && (
          <button type="button" class="link" onClick={onRemove}>
            Remove product {number}
          </button>
        )}
      </div>
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  options: readonly (readonly [value: string, words: string])[];
  value: string | undefined;
  onChange: (value: string) => void;
}

function Choice({ label, options, value, onChange }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value ?? options[0]?.[0]} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
