import { useCallback, useEffect, useState } from "preact/hooks";
import { api, messagesOf } from "../api/client";
import type { Key, NewKey, Organisation } from "../api/types";
import { EMPTY_ORGANISATION, faultOfGln, organisationOf } from "../ui/organisation";
import { NewKeyText, OrganisationFields } from "../ui/OrganisationFields";
import { Messages, Notice, Scroller, Waiting } from "../ui/parts";
import { readableTime } from "../ui/words";
import { OnboardingDesk } from "./OnboardingDesk";

const ROLES: readonly (readonly [role: string, words: string])[] = [
  ["clinical", "Clinical: captures and reads, patient links included"],
  ["supply", "Supply: captures and reads, never patient links"],
  ["supplier", "Supplier: captures and reads its own and shared events"],
  ["reader", "Reader: reads only"],
];

/** Trading partners and their keys. The administrator reads no events here or elsewhere. */
export function AdminPage() {
  const [organisations, setOrganisations] = useState<Organisation[] | null>(null);
  const [keys, setKeys] = useState<Key[]>([]);
  const [failures, setFailures] = useState<string[]>([]);
  const [made, setMade] = useState<NewKey | null>(null);
  const attempt = useCallback(async (change: () => Promise<unknown>): Promise<boolean> => {
    try {
      await change();
      setOrganisations(await api.organisations());
      setKeys(await api.keys());
      setFailures([]);
      return true;
    } catch (error) {
      setFailures(messagesOf(error));
      return false;
    }
  }, []);
  useEffect(() => {
    void attempt(async () => undefined);
  }, [attempt]);
  return (
    <main class="wide">
      <h1>Partners and keys</h1>
      {failures.length > 0 && (
        <Notice tone="bad">
          <Messages messages={failures} />
        </Notice>
      )}
      {made && (
        <Notice tone="good" title={`New ${made.role} key`}>
          <NewKeyText text={made.key} />
          <button type="button" class="link" onClick={() => setMade(null)}>
            I have kept it
          </button>
        </Notice>
      )}
      {organisations === null && failures.length === 0 && <Waiting>Loading…</Waiting>}
      {organisations !== null && (
        <div class="columns">
          <div>
            <KeyTable keys={keys} organisations={organisations} onRevoke={(id) => void attempt(() => api.revokeKey(id))} />
            <OnboardingDesk organisations={organisations} />
          </div>
          <aside>
            <NewKeyForm organisations={organisations} onMake={(organisation, role, name) => attempt(async () => setMade(await api.addKey(organisation, role, name)))} />
            <NewOrganisationForm onFault={(fault) => setFailures([fault])} onAdd={(form) => attempt(() => api.addOrganisation(organisationOf(form)))} />
          </aside>
        </div>
      )}
    </main>
  );
}

function KeyTable({ keys, organisations, onRevoke }: { keys: Key[]; organisations: Organisation[]; onRevoke: (id: string) => void }) {
  const [asked, setAsked] = useState<string | null>(null);
  const names = Object.fromEntries(organisations.map(({ id, name }) => [id, name]));
  return (
    <section class="place-group">
      <h2>
        <span>Keys</span> <span class="total">{keys.length}</span>
      </h2>
      <Scroller name="Keys">
        <table>
          <thead>
            <tr>
              <th scope="col">Organisation</th>
              <th scope="col">Role</th>
              <th scope="col">Name</th>
              <th scope="col">Made</th>
              <th scope="col">
                <span class="sr-only">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <tr key={key.id}>
                <td>{names[key.organisation] ?? key.organisation}</td>
                <td>{key.role}</td>
                <td>
                  {key.name} <span class="quiet code">tw_{key.id}_…</span>
                </td>
                <td>{readableTime(key.createdAt)}</td>
                <td>
                  {asked === key.id ? (
                    <button type="button" class="primary" onClick={() => onRevoke(key.id)}>
                      Really revoke
                    </button>
                  ) : (
                    <button type="button" class="link" aria-label={`Revoke ${key.name || key.id}`} onClick={() => setAsked(key.id)}>
                      Revoke
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </section>
  );
}

function NewKeyForm({ organisations, onMake }: { organisations: Organisation[]; onMake: (organisation: string, role: string, name: string) => Promise<boolean> }) {
  const [organisation, setOrganisation] = useState(organisations[0]?.id ?? "");
  const [role, setRole] = useState("supply");
  const [name, setName] = useState("");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await onMake(organisation, role, name.trim())) setName("");
  };
  return (
    <section>
      <h2>New key</h2>
      <form onSubmit={(event) => void submit(event)}>
        <label for="key-organisation">Organisation</label>
        <select id="key-organisation" value={organisation} onChange={(event) => setOrganisation(event.currentTarget.value)}>
          {organisations.map(({ id, name: words }) => (
            <option key={id} value={id}>
              {words}
            </option>
          ))}
        </select>
        <label for="key-role">Role</label>
        <select id="key-role" value={role} onChange={(event) => setRole(event.currentTarget.value)}>
          {ROLES.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
        <label for="key-name">For whom or what</label>
        <input id="key-name" value={name} onInput={(event) => setName(event.currentTarget.value)} placeholder="Theatre 3 phone" />
        <button type="submit" class="primary" disabled={organisation === ""}>
          Make the key
        </button>
      </form>
    </section>
  );
}

function NewOrganisationForm({ onAdd, onFault }: { onAdd: (form: typeof EMPTY_ORGANISATION) => Promise<boolean>; onFault: (fault: string) => void }) {
  const [form, setForm] = useState(EMPTY_ORGANISATION);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wanted = { ...form, gln: form.gln.trim() };
    const fault = faultOfGln(wanted.gln);
    if (fault !== null) onFault(fault);
    else if (await onAdd(wanted)) setForm(EMPTY_ORGANISATION);
  };
  return (
    <section>
      <h2>New partner</h2>
      <form onSubmit={(event) => void submit(event)}>
        <OrganisationFields form={form} onChange={setForm} />
        <button type="submit" class="primary">
          Add the partner
        </button>
      </form>
    </section>
  );
}
