import { useState } from "preact/hooks";
import { type NewRecall, type NoticeKey, recallApi, type RecalledItem } from "../../api/recalls";
import type { Session } from "../../api/types";
import { currentQuery, go, queryOf } from "../../router";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../../ui/loaded";
import { Nothing } from "../../ui/parts";
import { nameOf, readableTime } from "../../ui/words";
import { RecallDetail } from "./RecallDetail";
import { recalledWords } from "./words";

const PATH = "/recalls";

/** Recall notices that concern the caller; its own side issues them where it makes the goods. */
export function RecallsPage({ session }: { session: Session }) {
  const notice = currentQuery("notice");
  const open: NoticeKey | null = notice === "" ? null : { notice, issuer: currentQuery("issuer") };
  const loaded = useLoaded(recallApi.all, []);
  const mayIssue = session.role === "supplier" && session.rights.includes("capture");
  const issuing = mayIssue && currentQuery("write") !== "";
  const show = (key: NoticeKey | null, instead = false): void => {
    go(PATH, key === null ? "" : queryOf({ notice: key.notice, issuer: key.issuer }), instead);
    if (key === null) void loaded.refresh();
  };
  return (
    <main class="wide">
      <div class="titled">
        <h1>Recalls</h1>
        {open !== null || issuing ? (
          <button type="button" class="secondary" onClick={() => show(null)}>
            Back to the list
          </button>
        ) : (
          mayIssue && (
            <button type="button" class="primary" onClick={() => go(PATH, queryOf({ write: "1" }))}>
              Issue a notice
            </button>
          )
        )}
      </div>
      {issuing && <IssueForm onIssued={(key) => show(key, true)} />}
      {open !== null && <RecallDetail key={open.notice + open.issuer} notice={open} session={session} />}
      {open === null && !issuing && (
        <WhenLoaded loaded={loaded} what="the recalls">
          {({ recalls, parties, products }) =>
            recalls.length === 0 ? (
              <Nothing title="No recall concerns you." />
            ) : (
              <ul class="cards">
                {recalls.map((one) => (
                  <li key={one.notice + one.issuer} class={one.withdrawnAt === null ? "severity-critical" : "voided"} data-testid="recall">
                    <p>
                      <button type="button" class="link name" onClick={() => show(one)}>
                        {one.items.map((item) => recalledWords(item, products)).join("; ") || one.notice}
                      </button>{" "}
                      {one.recallClass && <span class="tag bad">Class {one.recallClass}</span>} {one.withdrawnAt && <span class="tag">Withdrawn</span>}
                    </p>
                    {one.reason && <p>{one.reason}</p>}
                    <p class="quiet">
                      {nameOf(one.issuer, parties)}, {readableTime(one.issuedAt)} · <span class="code">{one.notice}</span>
                    </p>
                  </li>
                ))}
              </ul>
            )
          }
        </WhenLoaded>
      )}
    </main>
  );
}

const CLASSES = ["I", "II", "III"] as const;

function IssueForm({ onIssued }: { onIssued: (key: NoticeKey) => void }) {
  const [wanted, setWanted] = useState({ recallClass: "II", reason: "", gtin: "", lots: "", from: "", to: "" });
  const doing = useDoing();
  const edit = (field: keyof typeof wanted) => (event: Event & { currentTarget: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement }) =>
    setWanted({ ...wanted, [field]: event.currentTarget.value });
  const submit = (event: Event): void => {
    event.preventDefault();
    const gtin = wanted.gtin.trim();
    const lots = wanted.lots.split(/[\s,;]+/).filter(Boolean);
    const serials = wanted.from.trim() ? { serials: { from: wanted.from.trim(), to: wanted.to.trim() || wanted.from.trim() } } : {};
    const items: RecalledItem[] = lots.length > 0 ? lots.map((lot) => ({ gtin, lot })) : [{ gtin, ...serials }];
    const notice: NewRecall = { recallClass: wanted.recallClass, reason: wanted.reason.trim(), items };
    void doing.run(async () => onIssued(await recallApi.issue(notice)));
  };
  return (
    <form class="wide-form" onSubmit={submit}>
      <fieldset>
        <legend>Notice</legend>
        <div class="fields">
          <label>
            GTIN
            <input required inputMode="numeric" pattern="\d{8,14}" title="8 to 14 digits" value={wanted.gtin} onInput={edit("gtin")} />
          </label>
          <label>
            Lots, parted by commas
            <input value={wanted.lots} onInput={edit("lots")} autocomplete="off" />
          </label>
          <label>
            or serials from
            <input value={wanted.from} maxLength={20} disabled={wanted.lots.trim() !== ""} onInput={edit("from")} autocomplete="off" />
          </label>
          <label>
            to
            <input value={wanted.to} maxLength={20} disabled={wanted.lots.trim() !== ""} onInput={edit("to")} autocomplete="off" />
          </label>
          <label>
            Class
            <select value={wanted.recallClass} onChange={edit("recallClass")}>
              {CLASSES.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </div>
        <label>
          Reason
          <textarea required rows={2} maxLength={1000} value={wanted.reason} onInput={edit("reason")} />
        </label>
        <p class="quiet">Without lots and serials the notice is about all units of the product.</p>
      </fieldset>
      <Failures doing={doing} title="The notice was refused" />
      <button type="submit" class="primary" disabled={doing.busy}>
        {doing.busy ? "Issuing…" : "Issue the notice"}
      </button>
    </form>
  );
}
