import type { Signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messagesOf } from "../../api/client";
import type { Action, CountScope, Place, UseType } from "../../api/types";
import type { AiTable } from "../../gs1/splitter";
import type { Basket, Saved } from "../../scan/basket";
import { localDay } from "../../scan/clock";
import { knownPlaces } from "../../scan/kept";
import { fitPicture } from "../../scan/picture";
import { createSounder } from "../../scan/signals";
import { Messages, Notice } from "../../ui/parts";
import { nameOf, readableMessage, readableTime } from "../../ui/words";
import { ItemRow } from "./ItemRow";
import { ManualEntry } from "./ManualEntry";
import { Viewfinder } from "./Viewfinder";

interface Task {
  action: Action;
  tab: string;
  save: string;
  done: string;
  place: string;
  empty: string;
}

const TASKS: readonly Task[] = [
  { action: "receive", tab: "Receive", save: "Receive", done: "received", place: "Received at", empty: "Scan what has arrived." },
  { action: "use", tab: "Use", save: "Use", done: "used", place: "Used at", empty: "Scan what was used." },
  { action: "count", tab: "Count", save: "Save count of", done: "counted", place: "Counted at", empty: "Scan everything that lies here." },
];

const USE_TYPES: readonly (readonly [UseType, string])[] = [
  ["implanted", "Implanted"],
  ["consumed", "Consumed"],
  ["wasted", "Opened, wasted"],
];

const COUNT_SCOPES: readonly (readonly [CountScope, string])[] = [
  ["partial", "Part of the place"],
  ["complete", "The whole place"],
];

const things = (count: number): string => `${count} ${count === 1 ? "item" : "items"}`;

export function ScanPage({ basket, table }: { basket: Basket; table: AiTable }) {
  const action = basket.action.value;
  const task = TASKS.find((candidate) => candidate.action === action) ?? TASKS[1];
  const [asked, setAsked] = useState<Action | null>(null);
  const [typing, setTyping] = useState(false);
  const sound = useMemo(createSounder, []);
  const today = localDay(new Date());
  const items = basket.items.value;
  const locked = basket.unsent.value !== null;
  const notice = basket.notice.value;

  useEffect(() => {
    if (notice) sound(notice.tone);
  }, [notice, sound]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent): void => {
      if (basket.items.value.length > 0) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [basket]);

  if (!task) return null;
  const choose = (next: Action): void => {
    if (next === action || locked) return;
    if (items.length > 0) setAsked(next);
    else basket.start(next);
  };
  return (
    <main class="scan">
      <h1 class="sr-only">Scan: {task.tab}</h1>
      <nav class="tabs" aria-label="Task">
        {TASKS.map(({ action: key, tab }) => (
          <button key={key} type="button" aria-pressed={key === action} disabled={locked} onClick={() => choose(key)}>
            {tab}
          </button>
        ))}
      </nav>
      {asked && (
        <Notice tone="warn" title={`Leave ${things(items.length)} unsaved?`}>
          <p>Changing the task empties the list.</p>
          <div class="row">
            <button
              type="button"
              class="secondary"
              onClick={() => {
                basket.start(asked);
                setAsked(null);
              }}
            >
              Empty the list
            </button>
            <button type="button" class="primary" onClick={() => setAsked(null)}>
              Keep the list
            </button>
          </div>
        </Notice>
      )}
      <Viewfinder onSymbol={({ symbologyIdentifier, text }) => void basket.add(symbologyIdentifier, text, "camera")} />
      <div class="under-camera">
        <p class={`status ${notice?.tone ?? ""}`} role="status">
          {notice?.text ?? ""}
        </p>
        <PhotoButton onPicture={(picture) => void basket.addPicture(picture)} />
        <button type="button" class="link" aria-expanded={typing} onClick={() => setTyping(!typing)}>
          {typing ? "Close" : "Type it"}
        </button>
      </div>
      {typing && <ManualEntry table={table} onText={(text) => void basket.add("]d2", text, "typed")} />}
      <PlacePicker basket={basket} title={task.place} locked={locked} />
      {action === "receive" && (
        <div class="place">
          <label for="order-number">Order number, if the papers name one</label>
          <input
            id="order-number"
            value={basket.orderNumber.value}
            disabled={locked}
            maxLength={100}
            autocomplete="off"
            placeholder="RO-000001"
            onInput={({ currentTarget }) => (basket.orderNumber.value = currentTarget.value.trim())}
          />
        </div>
      )}
      {action === "use" && <Choice legend="How" options={USE_TYPES} value={basket.useType} locked={locked} />}
      {action === "count" && <Choice legend="Scope" options={COUNT_SCOPES} value={basket.countScope} locked={locked} />}
      {basket.saved.value && <SavedNotice saved={basket.saved.value} busy={basket.sending.value} onUndo={() => void basket.takeBack()} onClose={basket.dismissSaved} />}
      <WaitingNotice basket={basket} />
      {basket.failures.value.length > 0 && (
        <Notice tone="bad" title={locked ? "Not confirmed yet" : "The server refused this"}>
          <Messages messages={basket.failures.value} />
          {locked && <p>Trying again is safe: it is booked once, however often it is sent.</p>}
          {locked && <p>If you change the list instead, look at the stock first: this may have arrived.</p>}
        </Notice>
      )}
      <h2 class="list-title">
        {items.length > 0 ? things(items.length) : "No items yet"}
      </h2>
      {items.length === 0 && !basket.saved.value && <p class="quiet">{task.empty}</p>}
      <ul class="items">
        {items.map((item, index) => (
          <ItemRow
            key={item.key}
            item={item}
            newest={index === 0}
            action={action}
            useType={basket.useType.value}
            today={today}
            locked={locked}
            onRemove={() => basket.remove(item.key)}
            onCheckAgain={() => void basket.checkAgain(item.key)}
            onQuantity={(quantity) => basket.setQuantity(item.key, quantity)}
            onInsist={() => basket.insist(item.key)}
          />
        ))}
      </ul>
      <SaveBar basket={basket} words={`${task.save} ${things(items.length)}`} />
    </main>
  );
}

/** A photo from the device's own camera app or its files: works where the page may not use the camera. */
function PhotoButton({ onPicture }: { onPicture: (picture: Blob) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        class="sr-only"
        type="file"
        accept="image/jpeg,image/png,image/webp"
        aria-label="Photo of a label"
        tabIndex={-1}
        onChange={async ({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          if (file) onPicture(await fitPicture(file));
          // The same file may be chosen again.
          currentTarget.value = "";
        }}
      />
      <button type="button" class="link" onClick={() => input.current?.click()}>
        Photo
      </button>
    </>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  options: readonly (readonly [T, string])[];
  value: Signal<T>;
  locked: boolean;
}

function Choice<T extends string>({ legend, options, value, locked }: ChoiceProps<T>) {
  return (
    <fieldset class="choice" disabled={locked}>
      <legend class="sr-only">{legend}</legend>
      {options.map(([option, words]) => (
        <label key={option}>
          <input type="radio" name={legend} value={option} checked={value.value === option} onChange={() => (value.value = option)} />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface SavedProps {
  saved: Saved;
  busy: boolean;
  onUndo: () => void;
  onClose: () => void;
}

function SavedNotice({ saved, busy, onUndo, onClose }: SavedProps) {
  const task = TASKS.find(({ action }) => action === saved.action);
  const warnings = saved.answer?.warnings ?? [];
  const title = `${things(saved.items)} ${task?.done ?? ""}`;
  const buttons = (
    <div class="row">
      <button type="button" class="secondary" disabled={busy} onClick={onUndo}>
        Undo
      </button>
      <button type="button" class="link" onClick={onClose}>
        Close
      </button>
    </div>
  );
  if (saved.answer === null) {
    return (
      <Notice tone="plain" title={`Kept on this phone: ${title}`}>
        <p>No connection. It is sent as it is when there is one; you can go on.</p>
        {buttons}
      </Notice>
    );
  }
  return (
    <Notice tone={warnings.length > 0 ? "warn" : "good"} title={`Saved: ${title}`}>
      {warnings.length > 0 && <Messages messages={warnings.map(({ message }) => readableMessage(message, {}))} />}
      {buttons}
    </Notice>
  );
}

/** What waits on the phone, and what the server would not have of it. */
function WaitingNotice({ basket }: { basket: Basket }) {
  const kept = basket.outbox.waiting.value;
  const refused = kept.filter(({ refusals }) => refusals.length > 0);
  const waiting = kept.length - refused.length;
  return (
    <>
      {waiting > 0 && (
        <p class="waiting-line" data-testid="outbox">
          <span class="tag warn">{waiting} to be sent</span>
          <button type="button" class="link" onClick={() => void basket.reconnect()}>
            Send now
          </button>
        </p>
      )}
      {refused.map(({ request, refusals }) => (
        <Notice key={request.eventID} tone="bad" title={`Refused: ${things(request.items.length)} of ${readableTime(request.eventTime)}`}>
          <Messages messages={refusals} />
          <p class="code">{request.items.flatMap(({ elementString, elementStrings }) => elementString ?? elementStrings ?? []).map((text) => text.slice(3)).join(", ")}</p>
          <button type="button" class="secondary" onClick={() => basket.outbox.forget(request.eventID)}>
            Take it off this phone
          </button>
        </Notice>
      ))}
    </>
  );
}

function SaveBar({ basket, words }: { basket: Basket; words: string }) {
  const reason = basket.reason.value;
  if (basket.unsent.value !== null) {
    return (
      <div class="save-bar">
        <button type="button" class="primary" disabled={basket.sending.value} onClick={() => void basket.retry()}>
          {basket.sending.value ? "Sending…" : "Try again"}
        </button>
        {!basket.sending.value && (
          <button type="button" class="secondary" onClick={basket.discardUnsent}>
            Change the list
          </button>
        )}
      </div>
    );
  }
  return (
    <div class="save-bar">
      <button type="button" class="primary" disabled={reason !== null} aria-describedby="save-reason" onClick={() => void basket.save()}>
        {words}
      </button>
      <p id="save-reason" class="reason">
        {reason ?? ""}
      </p>
    </div>
  );
}

function PlacePicker({ basket, title, locked }: { basket: Basket; title: string; locked: boolean }) {
  const [places, setPlaces] = useState<Place[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    knownPlaces().then(
      (found) => {
        setPlaces(found);
        const known = found.some(({ id }) => id === basket.place.value);
        if (found.length > 0 && !known) basket.place.value = "";
      },
      (error: unknown) => setFailure(messagesOf(error).join(" ")),
    );
  }, [basket]);
  const chosen = basket.place.value;
  const choose = (event: Event & { currentTarget: HTMLInputElement | HTMLSelectElement }): void => {
    basket.place.value = event.currentTarget.value.trim();
  };
  return (
    <div class="place">
      <label for="place">{title}</label>
      {places === null || places.length > 0 ? (
        <select id="place" value={chosen} disabled={locked || places === null} onChange={choose}>
          <option value="">{places === null && failure === null ? "Loading the places…" : "Choose a place"}</option>
          {(places ?? []).map(({ id, name }) => (
            <option key={id} value={id}>
              {nameOf(id, name === null ? {} : { [id]: name })}
            </option>
          ))}
        </select>
      ) : (
        <input id="place" value={chosen} disabled={locked} onChange={choose} placeholder="GLN (13 digits)" autocomplete="off" />
      )}
      {failure && <p class="verdict bad">✕ {failure}</p>}
    </div>
  );
}
