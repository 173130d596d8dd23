import { useState } from "preact/hooks";
import { api } from "../api/client";
import { keyApi } from "../api/keys";
import type { Key, NewKey, NewOrganisation, Organisation } from "../api/types";
import { EMPTY_ORGANISATION, faultOfGln, organisationOf } from "../ui/organisation";
import { NewKeyText, OrganisationFields } from "../ui/OrganisationFields";
import { KeyRotation } from "../ui/KeyRotation";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Notice } from "../ui/parts";
import { type Column, TableBlock } from "../ui/Table";
import { readableTime, roleWords } from "../ui/words";
import { OnboardingDesk } from "./OnboardingDesk";

const ROLES: readonly (readonly [role: string, words: string])[] = [
  ["clinical", "Clinical: captures and reads, patient links included"],
  ["supply", "Supply: captures and reads, never patient links"],
  ["supplier", "Supplier: captures and reads its own and shared events"],
  ["reader", "Reader: reads only"],
  ["privacy_officer", "Privacy officer: reads the audit log, judges emergencies, erases patients"],
];

/** Trading partners and their keys. The administrator reads no events here or elsewhere. */
export function AdminPage() {
  const loaded = useLoaded(async () => {
    const [organisations, keys] = await Promise.all([api.organisations(), keyApi.all()]);
    return { organisations, keys };
  }, []);
  const doing = useDoing();
  const [made, setMade] = useState<NewKey | null>(null);
  const attempt = (change: () => Promise<unknown>): Promise<boolean> =>
    doing.run(async () => {
      await change();
      await loaded.refresh();
    });
  return (
    <main class="wide">
      <h1>Partners and keys</h1>
      <Failures doing={doing} />
      {made && (
        <Notice tone="good" title={`New ${roleWords(made.role)} key`}>
          <NewKeyText text={made.key} />
          <button type="button" class="link" onClick={() => setMade(null)}>
            I have kept it
          </button>
        </Notice>
      )}
      <WhenLoaded loaded={loaded} what="the partners and keys">
        {({ organisations, keys }) => (
          <div class="columns">
            <div>
              <KeyTable
                keys={keys}
                organisations={organisations}
                busy={doing.busy}
                onRevoke={(id) => void attempt(() => keyApi.revoke(id))}
                onRotate={(id, overlap) => attempt(async () => setMade(await keyApi.rotate(id, overlap)))}
              />
              <OnboardingDesk organisations={organisations} />
            </div>
            <aside>
              <NewKeyForm organisations={organisations} onMake={(organisation, role, name) => attempt(async () => setMade(await keyApi.add(organisation, role, name)))} />
              <NewOrganisationForm busy={doing.busy} onFault={(fault) => doing.fail([fault])} onAdd={(wanted) => attempt(() => api.addOrganisation(wanted))} />
            </aside>
          </div>
        )}
      </WhenLoaded>
    </main>
  );
}

interface KeyTableProps {
  keys: readonly Key[];
  organisations: readonly Organisation[];
  busy: boolean;
  onRevoke: (id: string) => void;
  onRotate: (id: string, overlapSeconds: number) => Promise<boolean>;
}

function KeyTable({ keys, organisations, busy, onRevoke, onRotate }: KeyTableProps) {
  const [revoking, setRevoking] = useState<string | null>(null);
  const [rotating, setRotating] = useState<string | null>(null);
  const names = Object.fromEntries(organisations.map(({ id, name }) => [id, name]));
  const rotate = async (id: string, overlapSeconds: number): Promise<void> => {
    if (await onRotate(id, overlapSeconds)) setRotating(null);
  };
  const columns: Column<Key>[] = [
    {
      title: "Organisation and role",
      kind: "name",
      cell: ({ organisation, role }) => (
        <>
          {names[organisation] ?? organisation} <div class="quiet">{roleWords(role)}</div>
        </>
      ),
    },
    {
      title: "Name",
      cell: ({ name, id, successor }) => (
        <>
          {name} <span class="quiet code">tw_{id}_…</span> {successor && <span class="tag">Renewed</span>}
        </>
      ),
    },
    { title: "Made", kind: "whole", cell: ({ createdAt }) => readableTime(createdAt) },
    { title: "Last used", kind: "whole", cell: ({ lastUsedAt }) => (lastUsedAt === null ? "never" : readableTime(lastUsedAt)) },
    { title: "Ends", kind: "whole", cell: ({ expiresAt }) => (expiresAt === null ? "—" : readableTime(expiresAt)) },
    {
      title: "Renew or revoke",
      unseen: true,
      cell: ({ id, name, successor }) => (
        <>
          {successor === null && (
            <button type="button" class="link" aria-label={`Renew ${name || id}`} aria-expanded={rotating === id} onClick={() => setRotating(rotating === id ? null : id)}>
              Renew
            </button>
          )}
          {revoking === id ? (
            <button type="button" class="primary" disabled={busy} onClick={() => onRevoke(id)}>
              Really revoke
            </button>
          ) : (
            <button type="button" class="link" aria-label={`Revoke ${name || id}`} onClick={() => setRevoking(id)}>
              Revoke
            </button>
          )}
        </>
      ),
    },
  ];
  const renewed = keys.find(({ id }) => id === rotating);
  return (
    <>
      <TableBlock title="Keys" total={keys.length} columns={columns} rows={keys} keyOf={({ id }) => id} nothing="There are no keys." />
      {renewed && (
        <Notice tone="plain" title={`Renew ${renewed.name || renewed.id}`}>
          <KeyRotation busy={busy} onRotate={(overlapSeconds) => void rotate(renewed.id, overlapSeconds)} onCancel={() => setRotating(null)} />
        </Notice>
      )}
    </>
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

interface NewOrganisationProps {
  busy: boolean;
  onAdd: (wanted: NewOrganisation) => Promise<boolean>;
  onFault: (fault: string) => void;
}

function NewOrganisationForm({ busy, onAdd, onFault }: NewOrganisationProps) {
  const [form, setForm] = useState(EMPTY_ORGANISATION);
  const [takeOverPrefixes, setTakeOver] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wanted = { ...form, gln: form.gln.trim() };
    const fault = faultOfGln(wanted.gln);
    if (fault !== null) {
      onFault(fault);
      return;
    }
    if (!(await onAdd({ ...organisationOf(wanted), ...(takeOverPrefixes ? { takeOverPrefixes } : {}) }))) return;
    setForm(EMPTY_ORGANISATION);
    setTakeOver(false);
  };
  return (
    <section>
      <h2>New partner</h2>
      <form onSubmit={(event) => void submit(event)}>
        <OrganisationFields form={form} onChange={setForm} />
        {form.companyPrefix.trim() !== "" && (
          <>
            <label class="check">
              <input type="checkbox" checked={takeOverPrefixes} onChange={(event) => setTakeOver(event.currentTarget.checked)} />
              Another partner had it before
            </label>
            {takeOverPrefixes && <p class="quiet">The other loses the prefix, and with it the say over goods that carry it: recalls too. It is in the audit log.</p>}
          </>
        )}
        <button type="submit" class="primary" disabled={busy}>
          Add the partner
        </button>
      </form>
    </section>
  );
}
