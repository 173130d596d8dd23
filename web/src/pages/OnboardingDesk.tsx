import { useState } from "preact/hooks";
import { type Onboarding, onboardingApi, type PartnerRole } from "../api/onboarding";
import type { Organisation } from "../api/types";
import { NewKeyText } from "../ui/OrganisationFields";
import { type Doing, Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { Notice } from "../ui/parts";
import { plainWords } from "../ui/words";

const ROLES: readonly (readonly [role: PartnerRole, words: string])[] = [
  ["supplier", "Supplier"],
  ["hospital", "Hospital"],
  ["carrier", "Carrier"],
];

/** Partners on their way onto this server: what is done, who is next, and the line that does it. */
export function OnboardingDesk({ organisations }: { organisations: readonly Organisation[] }) {
  const loaded = useLoaded(onboardingApi.all, []);
  const doing = useDoing();
  const [wanted, setWanted] = useState<{ host: string; partner: string; role: PartnerRole }>({ host: organisations[0]?.id ?? "", partner: organisations[1]?.id ?? "", role: "supplier" });
  const [key, setKey] = useState<string | null>(null);
  const change = (work: () => Promise<unknown>): void =>
    void doing.run(async () => {
      await work();
      await loaded.refresh();
    });
  const choose = (field: "host" | "partner") => (event: Event & { currentTarget: HTMLSelectElement }) => setWanted({ ...wanted, [field]: event.currentTarget.value });
  const options = organisations.map(({ id, name }) => (
    <option key={id} value={id}>
      {name}
    </option>
  ));
  return (
    <section aria-labelledby="onboarding-title">
      <h2 id="onboarding-title">Onboarding</h2>
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          change(() => onboardingApi.begin(wanted.host, wanted.partner, wanted.role));
        }}
      >
        <label for="onboard-host">For</label>
        <select id="onboard-host" value={wanted.host} onChange={choose("host")}>
          {options}
        </select>
        <label for="onboard-partner">comes</label>
        <select id="onboard-partner" value={wanted.partner} onChange={choose("partner")}>
          {options}
        </select>
        <label for="onboard-role">as</label>
        <select id="onboard-role" value={wanted.role} onChange={(event) => setWanted({ ...wanted, role: event.currentTarget.value as PartnerRole })}>
          {ROLES.map(([role, words]) => (
            <option key={role} value={role}>
              {words}
            </option>
          ))}
        </select>
        <button type="submit" class="primary" disabled={doing.busy || wanted.host === wanted.partner}>
          Begin
        </button>
      </form>
      <Failures doing={doing} title="That was refused" />
      {key !== null && (
        <Notice tone="good" title="The partner's key">
          <NewKeyText text={key} />
          <button type="button" class="link" onClick={() => setKey(null)}>
            I have kept it
          </button>
        </Notice>
      )}
      <WhenLoaded loaded={loaded} what="the onboardings">
        {(found) => (
          <ul class="cards">
            {found.map((one) => (
              <Progress key={one.host + one.partner} onboarding={one} organisations={organisations} doing={doing} onKey={() => change(async () => setKey((await onboardingApi.key(one.host, one.partner)).key))} />
            ))}
          </ul>
        )}
      </WhenLoaded>
    </section>
  );
}

interface ProgressProps {
  onboarding: Onboarding;
  organisations: readonly Organisation[];
  doing: Doing;
  onKey: () => void;
}

function Progress({ onboarding: { host, partner, role, state, steps }, organisations, doing, onKey }: ProgressProps) {
  const nameOf = (id: string): string => organisations.find((one) => one.id === id)?.name ?? id;
  return (
    <li data-testid="onboarding">
      <p>
        <strong>{nameOf(partner)}</strong> as {role} for {nameOf(host)} <span class={state === "done" ? "tag" : "tag warn"}>{state === "done" ? "Done" : `Next: ${state}`}</span>
      </p>
      <ol class="plain">
        {steps.map((step) => (
          <li key={step.step}>
            {step.done ? "✓" : "○"} {plainWords(step.step)}: {step.detail}
            {step.step === state && (
              <>
                <p class="quiet">
                  {step.next} (by the {step.by})
                </p>
                {step.step === "key" ? (
                  <button type="button" class="secondary" disabled={doing.busy} onClick={onKey}>
                    Make the partner's key
                  </button>
                ) : (
                  step.command && <code class="new-key">{step.command}</code>
                )}
              </>
            )}
          </li>
        ))}
      </ol>
    </li>
  );
}
