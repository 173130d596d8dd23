import { useState } from "preact/hooks";

import { type WriteOff, writeOffApi } from "../../api/counts";
import type { AllNames } from "../../api/ledger";
import type { Session } from "../../api/types";
import type { Doing } from "../../ui/loaded";
import { NoteForm } from "../../ui/NoteForm";
import { nameOf, plainWords, readableQuantity, readableTime, thingWords } from "../../ui/words";

interface Props {
  writeOffs: readonly WriteOff[];
  names: AllNames;
  session: Session;
  doing: Doing;
  onChange: (work: () => Promise<unknown>) => void;
}

/** What one side proposed to take off the book: the other accepts or declines, the proposer may take it back. */
export function WriteOffs({ writeOffs, names, session, doing, onChange }: Props) {
  if (writeOffs.length === 0) return null;
  const mayAct = session.rights.includes("capture");
  return (
    <section class="spaced">
      <h2>Write-offs</h2>
      <ul class="cards">
        {writeOffs.map((one) => {
          const own = one.proposedBy === session.organisation;
          return (
            <li key={one.id + one.proposedBy} class={one.state === "proposed" ? "" : "voided"} data-testid="write-off">
              <p>
                <span class={one.state === "proposed" ? "tag warn" : "tag"}>{plainWords(one.state)}</span> {nameOf(one.place, names.places)}, {one.reason}
              </p>
              {one.items.map((item) => (
                <p key={item.item}>
                  {thingWords(item.item)} × {readableQuantity(item.quantity, item.uom)}, {item.charged} charged
                </p>
              ))}
              <p class="quiet">
                {one.explanation} · proposed by {nameOf(one.proposedBy, names.parties)}, {readableTime(one.proposedAt)}
              </p>
              {mayAct && one.state === "proposed" && (
                <div class="row wrap">
                  {!own && (
                    <button type="button" class="primary" disabled={doing.busy} onClick={() => onChange(() => writeOffApi.accept(one))}>
                      Accept
                    </button>
                  )}
                  {own && (
                    <button type="button" class="secondary" disabled={doing.busy} onClick={() => onChange(() => writeOffApi.decline(one, ""))}>
                      Take it back
                    </button>
                  )}
                </div>
              )}
              {mayAct && one.state === "proposed" && !own && <Refusal busy={doing.busy} onDecline={(reason) => onChange(() => writeOffApi.decline(one, reason))} />}
              {one.answerReason && <p class="quiet">“{one.answerReason}”</p>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Declining takes a reason, which both sides read. */
function Refusal({ busy, onDecline }: { busy: boolean; onDecline: (reason: string) => void }) {
  const [asking, setAsking] = useState(false);
  if (asking) return <NoteForm label="Why it is not written off" words="Decline" busy={busy} onNote={onDecline} onCancel={() => setAsking(false)} />;
  return (
    <button type="button" class="secondary" onClick={() => setAsking(true)}>
      Decline
    </button>
  );
}
