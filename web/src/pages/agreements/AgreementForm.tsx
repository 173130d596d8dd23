import { useEffect, useState } from "preact/hooks";
import { type Agreement, agreementApi, type Terms } from "../../api/agreements";
import type { AllNames } from "../../api/ledger";
import type { Session } from "../../api/types";
import { Failures, useDoing } from "../../ui/loaded";
import { useUnsaved } from "../../ui/unsaved";
import { nameOf } from "../../ui/words";
import { type Drafts, EMPTY_LINE, finished, identifierOf, withLine } from "./draft";
import { type Field, FIELDS, GROUPS, valueAt, valueOfText, withValueAt } from "./fields";
import { LineFields } from "./LineFields";

interface Props {
  start: Terms;
  session: Session;
  names: AllNames;
  drafts: Drafts;
  onProposed: (proposed: Agreement) => void;
}

/** Writes terms and proposes them; proposing signs for the caller's side. The server judges them. */
export function AgreementForm({ start, session, names, drafts, onProposed }: Props) {
  const [terms, setTerms] = useState(start);
  const doing = useDoing();
  useUnsaved(terms !== start);
  // Back, or a session that ends in between, does not throw the form away.
  useEffect(() => drafts.keep(session.organisation, terms), [terms]);
  const set = (change: Partial<Terms>): void => setTerms((now) => ({ ...now, ...change }));
  const other = terms.supplier === session.organisation ? "hospital" : "supplier";
  const places = [...new Set([...terms.sites, ...Object.keys(names.places)])];
  return (
    <form
      class="wide-form"
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = finished(terms);
        void doing.run(async () => {
          const proposed = await agreementApi.propose(wanted);
          drafts.keep(session.organisation, null);
          onProposed(proposed);
        });
      }}
    >
      <fieldset>
        <legend>Who, and from when</legend>
        <div class="fields">
          <label>
            Title
            <input value={terms.title} maxLength={200} onInput={(event) => set({ title: event.currentTarget.value })} placeholder="Heart valves, theatre 3" />
          </label>
          <label>
            {other === "hospital" ? "Hospital" : "Supplier"}
            <input required list="parties" value={terms[other]} onInput={(event) => set({ [other]: event.currentTarget.value })} placeholder="GLN, or https://id.gs1.org/417/…" />
          </label>
          <datalist id="parties">
            {Object.entries(names.parties)
              .filter(([id]) => id !== session.organisation)
              .map(([id, name]) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
          </datalist>
          <label>
            First day
            <input type="date" required value={terms.validFrom} onInput={(event) => set({ validFrom: event.currentTarget.value })} />
          </label>
          <label>
            Last day, if any
            <input type="date" value={terms.validTo ?? ""} onInput={(event) => set({ validTo: event.currentTarget.value || null })} />
          </label>
          <label>
            Identifier
            <input required value={terms.agreementID} onInput={(event) => set({ agreementID: event.currentTarget.value.trim() })} />
          </label>
        </div>
      </fieldset>
      <Sites terms={terms} names={names} onChange={(sites) => set({ sites })} />
      <fieldset>
        <legend>Products</legend>
        {terms.lines.map((line, index) => (
          <LineFields
            key={index}
            number={index + 1}
            line={line}
            places={places}
            names={names}
            onChange={(change) => set({ lines: withLine(terms.lines, index, change) })}
            onRemove={terms.lines.length > 1 ? () => set({ lines: terms.lines.filter((_, at) => at !== index) }) : null}
          />
        ))}
        <button type="button" class="secondary" onClick={() => set({ lines: [...terms.lines, { ...EMPTY_LINE }] })}>
          Add a product
        </button>
      </fieldset>
      {GROUPS.map((group) => (
        <fieldset key={group}>
          <legend>{group}</legend>
          <div class="fields">
            {FIELDS.filter((field) => field.group === group).map((field) => (
              <TermField key={field.path} field={field} terms={terms} onChange={setTerms} />
            ))}
          </div>
        </fieldset>
      ))}
      <Failures doing={doing} title="The agreement was refused" />
      <button type="submit" class="primary" disabled={doing.busy}>
        {doing.busy ? "Proposing…" : "Propose and sign for my side"}
      </button>
    </form>
  );
}

function Sites({ terms, names, onChange }: { terms: Terms; names: AllNames; onChange: (sites: string[]) => void }) {
  const [text, setText] = useState("");
  const add = (): void => {
    const site = identifierOf(text, "414");
    if (site !== "" && !terms.sites.includes(site)) onChange([...terms.sites, site]);
    setText("");
  };
  return (
    <fieldset>
      <legend>Places covered, each with all below it</legend>
      <ul class="plain">
        {terms.sites.map((site) => (
          <li key={site}>
            {nameOf(site, names.places)}{" "}
            <button type="button" class="icon" aria-label={`Remove ${nameOf(site, names.places)}`} onClick={() => onChange(terms.sites.filter((one) => one !== site))}>
              ✕
            </button>
          </li>
        ))}
      </ul>
      <div class="row">
        <input aria-label="Another place" list="places" value={text} onInput={(event) => setText(event.currentTarget.value)} placeholder="GLN, or https://id.gs1.org/414/…" />
        <button type="button" class="secondary" onClick={add}>
          Add the place
        </button>
      </div>
      <datalist id="places">
        {Object.entries(names.places).map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </datalist>
    </fieldset>
  );
}

function TermField({ field, terms, onChange }: { field: Field; terms: Terms; onChange: (change: (terms: Terms) => Terms) => void }) {
  const value = valueAt(terms, field.path);
  const put = (given: Parameters<typeof withValueAt>[2]): void => onChange((now) => withValueAt(now, field.path, given));
  if (field.kind === "choice") {
    return (
      <label>
        {field.label}
        <select value={String(value ?? "")} onChange={(event) => put(event.currentTarget.value)}>
          {field.options?.map(([option, words]) => (
            <option key={option} value={option}>
              {words}
            </option>
          ))}
        </select>
      </label>
    );
  }
  if (field.kind === "yes") {
    return (
      <label class="check">
        <input type="checkbox" checked={value === true} onChange={(event) => put(event.currentTarget.checked)} />
        {field.label}
      </label>
    );
  }
  const list = field.kind === "days list";
  return (
    <label>
      {field.label}
      {field.kind === "hours" || field.kind === "days" ? `, ${field.kind}` : ""}
      <input
        inputMode="numeric"
        required={!field.optional && !list}
        pattern={list ? "[0-9]+([\\s,;]+[0-9]+)*" : "[0-9]+([.][0-9]+)?"}
        title={list ? "Numbers of days, parted by commas" : "A number"}
        value={Array.isArray(value) ? value.join(", ") : String(value ?? "")}
        onChange={(event) => put(valueOfText(field, event.currentTarget.value))}
      />
    </label>
  );
}
