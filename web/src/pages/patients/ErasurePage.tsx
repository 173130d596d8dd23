import { useState } from "preact/hooks";
import { patientApi } from "../../api/patients";
import { Failures, useDoing } from "../../ui/loaded";
import { Notice } from "../../ui/parts";

const SHORTEST_REASON = 10;

/**
 * A patient's events made unreadable for good, by the privacy officer.
 * The number lives in this component alone until the server has answered: not in the address or on the device.
 */
export function ErasurePage() {
  const [patient, setPatient] = useState("");
  const [reason, setReason] = useState("");
  const [sure, setSure] = useState(false);
  const [erased, setErased] = useState<number | null>(null);
  const doing = useDoing();
  const edit = (set: (text: string) => void) => (event: Event & { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => {
    set(event.currentTarget.value);
    setSure(false);
    setErased(null);
    doing.fail([]);
  };
  const erase = async (): Promise<void> => {
    const done = await doing.run(async () => setErased(await patientApi.erase(patient.trim(), reason.trim())));
    setSure(false);
    if (!done) return;
    setPatient("");
    setReason("");
  };
  return (
    <main class="medium">
      <h1>Erase a patient</h1>
      <h2>What is destroyed</h2>
      <ul>
        <li>The key to every event of your organisation that names the patient. Nobody can read these events again, and nobody can undo it.</li>
        <li>Their entries in the clinical role's lists: look-ups, recalls and implant cards name the patient no more.</li>
      </ul>
      <h2>What stays</h2>
      <ul>
        <li>Numbers, times and items of these events, under a pseudonym that leads to nobody.</li>
        <li>Stock, ownership, counts, and what is told of other patients.</li>
        <li>The copy of another organisation that captured the same event, until that one erases it.</li>
        <li>Backups made before, until they are overwritten; and the audit log, which names no patient.</li>
      </ul>
      <p class="spaced">
        <strong>Before you go on:</strong> if a recalled implant is in this patient, nobody will find the patient through this server any more.
      </p>
      {erased !== null && (
        <Notice tone="good" title="The patient is erased">
          <p>
            {erased} {erased === 1 ? "event" : "events"} can be read no longer. Your reason is in the audit log.
          </p>
        </Notice>
      )}
      <Failures doing={doing} title="Nothing was erased" />
      <form
        class="ask spaced"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          setSure(true);
        }}
      >
        <label>
          Patient's number (GSRN)
          <input required maxLength={200} value={patient} onInput={edit(setPatient)} spellcheck={false} autocapitalize="off" />
        </label>
        <label class="spaced">
          Reason, for the audit log
          <textarea required minLength={SHORTEST_REASON} maxLength={1000} rows={2} value={reason} onInput={edit(setReason)} />
        </label>
        <p class="quiet">At least {SHORTEST_REASON} characters. It stays on record for good: name no patient.</p>
        {!sure && (
          <div class="row">
            <button type="submit" class="primary" disabled={doing.busy || patient.trim() === "" || reason.trim().length < SHORTEST_REASON}>
              Erase this patient
            </button>
          </div>
        )}
        {sure && (
          <Notice tone="warn" title={`Erase ${patient.trim()} for good?`}>
            <div class="row wrap">
              <button type="button" class="primary" disabled={doing.busy} onClick={() => void erase()}>
                {doing.busy ? "Erasing…" : "Yes, destroy the key"}
              </button>
              <button type="button" class="secondary" disabled={doing.busy} onClick={() => setSure(false)}>
                Keep the patient's events
              </button>
            </div>
          </Notice>
        )}
      </form>
    </main>
  );
}
