import { useState } from "preact/hooks";
import { api, messagesOf } from "../api/client";
import { EMPTY_ORGANISATION, faultOfGln, organisationOf } from "../ui/organisation";
import { NewKeyText, OrganisationFields } from "../ui/OrganisationFields";
import { Messages, Notice } from "../ui/parts";

/** Finishes a first run with the one-time code behind the # of the link, which no server log ever holds. */
export function SetupPage() {
  const [code] = useState(() => location.hash.slice(1));
  const [form, setForm] = useState(EMPTY_ORGANISATION);
  const [failures, setFailures] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const [key, setKey] = useState<string | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const fault = faultOfGln(form.gln.trim());
    if (fault !== null) {
      setFailures([fault]);
      return;
    }
    setBusy(true);
    setFailures([]);
    try {
      setKey((await api.finishSetup(code, organisationOf({ ...form, gln: form.gln.trim() }))).key);
      // The code is spent; it need not stay in the address.
      history.replaceState(null, "", location.pathname);
    } catch (error) {
      setFailures(messagesOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="narrow">
      <p class="brand">Traceward</p>
      <h1>Set up this server</h1>
      {key !== null && (
        <>
          <Notice tone="good" title="Done. This is the administrator's key">
            <NewKeyText text={key} />
          </Notice>
          <a class="button" href="/app/sign-in">
            Go to sign in
          </a>
        </>
      )}
      {key === null && code === "" && (
        <Notice tone="bad" title="The link is not whole">
          <p>Open the link that the server printed when it started, with everything after the #.</p>
        </Notice>
      )}
      {key === null && code !== "" && (
        <form onSubmit={(event) => void submit(event)}>
          <p class="quiet">Name the organisation that runs it. You get the administrator's key, with which you add trading partners and their keys.</p>
          <OrganisationFields form={form} onChange={setForm} />
          {failures.length > 0 && (
            <Notice tone="bad">
              <Messages messages={failures} />
            </Notice>
          )}
          <button type="submit" class="primary" disabled={busy}>
            {busy ? "Setting up…" : "Set up"}
          </button>
        </form>
      )}
    </main>
  );
}
