import { useState } from "preact/hooks";
import { api, messagesOf, Problem } from "../api/client";
import type { Session } from "../api/types";
import { Messages, Notice } from "../ui/parts";

/** Exchanges a key for a session that only the server and the cookie hold; the key itself is not kept. */
interface Props {
  demo: boolean;
  /** Somebody was signed in, and is no longer. */
  ended: boolean;
  onSignedIn: (session: Session) => void;
}

export function SignInPage({ demo, ended, onSignedIn }: Props) {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [failures, setFailures] = useState<string[]>([]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailures([]);
    try {
      const session = await api.signIn(key.trim());
      setKey("");
      onSignedIn(session);
    } catch (error) {
      const refused = error instanceof Problem && [400, 401, 403, 422].includes(error.status);
      setFailures(refused ? ["This key was not accepted. Check that it is whole and has not been withdrawn."] : messagesOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="narrow">
      <h1>Sign in</h1>
      {ended && (
        <Notice tone="warn" title="Your session has ended">
          <p>Sign in again to go on where you were.</p>
        </Notice>
      )}
      <form onSubmit={(event) => void submit(event)}>
        <label for="key">Your key</label>
        <input
          id="key"
          type="password"
          autocomplete="current-password"
          required
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          placeholder="tw_…"
          aria-describedby="key-help"
        />
        <p id="key-help" class="quiet">
          {demo
            ? "It starts with tw_. The demonstration printed one for each role where it was started; northgate-clinical sees most."
            : "It starts with tw_ and came from whoever runs this server."}
        </p>
        {failures.length > 0 && (
          <Notice tone="bad">
            <Messages messages={failures} />
          </Notice>
        )}
        <button type="submit" class="primary" disabled={busy || key.trim() === ""}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
