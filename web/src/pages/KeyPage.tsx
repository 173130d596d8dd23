import { useState } from "preact/hooks";
import { Problem } from "../api/client";
import { keyApi } from "../api/keys";
import type { Key, NewKey, Session } from "../api/types";
import { KeyRotation } from "../ui/KeyRotation";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../ui/loaded";
import { NewKeyText } from "../ui/OrganisationFields";
import { Nothing, Notice } from "../ui/parts";
import { nameOf, readableTime, roleWords } from "../ui/words";

/** The key that this session was opened with, null where it was opened without one. */
async function ownKey(): Promise<{ key: Key | null }> {
  try {
    return { key: await keyApi.own() };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return { key: null };
    throw error;
  }
}

/** What the reader's own key is and may do, and its successor. */
export function KeyPage({ session }: { session: Session }) {
  const loaded = useLoaded(ownKey, []);
  const doing = useDoing();
  const [made, setMade] = useState<NewKey | null>(null);
  const rotate = (overlapSeconds: number): void =>
    void doing.run(async () => {
      setMade(await keyApi.rotateOwn(overlapSeconds));
      await loaded.refresh();
    });
  return (
    <main class="medium">
      <h1>My key</h1>
      {made && (
        <Notice tone="good" title="Your new key">
          <NewKeyText text={made.key} />
          <p>Sign in with it before the old one ends: this session ends with the old key.</p>
          <button type="button" class="link" onClick={() => setMade(null)}>
            I have kept it
          </button>
        </Notice>
      )}
      <Failures doing={doing} title="The key was not renewed" />
      <WhenLoaded loaded={loaded} what="your key">
        {({ key }) =>
          key === null ? (
            <Nothing title="You signed in without a key of this server; your organisation's sign-in renews it." />
          ) : (
            <>
              <Facts value={key} session={session} />
              <h2>New key</h2>
              {key.successor === null ? (
                <>
                  <p class="quiet">A new key has the same rights. If somebody else has seen yours, have the administrator revoke it instead: that holds at once.</p>
                  <KeyRotation busy={doing.busy} onRotate={rotate} />
                </>
              ) : (
                <p data-testid="successor">
                  This key has a successor, <span class="code">tw_{key.successor}_…</span>, and ends {key.expiresAt ? readableTime(key.expiresAt) : "soon"}.
                </p>
              )}
            </>
          )
        }
      </WhenLoaded>
    </main>
  );
}

function Facts({ value: key, session }: { value: Key; session: Session }) {
  const rows: [string, string | null][] = [
    ["Organisation", session.organisationName],
    ["Role", roleWords(session.role)],
    ["For", key.name],
    ["Place", key.place && nameOf(key.place, {})],
    ["Made", readableTime(key.createdAt)],
    ["Ends", key.expiresAt === null ? "never by itself" : readableTime(key.expiresAt)],
    ["May", session.rights.join(", ")],
  ];
  return (
    <section class="terms one" aria-label="The key">
      <dl>
        <div>
          <dt>Key</dt>
          <dd class="code">tw_{key.id}_…</dd>
        </div>
        {rows
          .filter(([, words]) => words)
          .map(([name, words]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{words}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
