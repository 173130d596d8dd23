/**
 * The phone's work in hand: task, place, items and the one request that Save made.
 * Held in memory only, so nothing that was scanned outlives the page; the chosen place alone is remembered on the device,
 * and what was saved without a connection until the server has it.
 */

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { api, messagesOf, Problem, Unreachable } from "../api/client";
import type { Action, ActionAnswer, ActionItem, ActionRequest, CountScope, JudgedItem, JudgedSymbol, UseType } from "../api/types";
import { type AiTable, carriesElementStrings, splitElementStrings } from "../gs1/splitter";
import { judgeAlone } from "./alone";
import { eventTimeOf, localDay } from "./clock";
import {
  actionItem,
  type Item,
  identityOf,
  isBare,
  isKeyless,
  itemKey,
  labelledQuantity,
  reasonNotToSave,
  type Source,
  standsFor,
  titleOf,
  valueOf,
  verdictOn,
} from "./items";
import { createOutbox, type Outbox } from "./outbox";

export interface Saved {
  action: Action;
  eventID: string;
  items: number;
  /** Null while it waits on the phone for a connection. */
  answer: ActionAnswer | null;
  /** Saved before without a connection: it must not vanish because the camera has gone on. */
  late: boolean;
  /** The list as it was, for whoever takes the save back; empty after a restart of the page. */
  list: readonly Item[];
}

/** A line about what the scanner just saw; `tone` is its colour and its sound. */
export interface Notice {
  tone: "good" | "bad" | "plain" | "done";
  text: string;
}

export type Judge = typeof api.judge;
export type JudgePicture = typeof api.judgePicture;
export type JudgeTogether = typeof api.judgeTogether;
export type Act = typeof api.act;
export type TakeBack = typeof api.takeBack;

const NOT_GS1: Notice = { tone: "bad", text: "That is not a GS1 barcode, so it names no product here." };
const NO_SYMBOL: Notice = { tone: "bad", text: "No barcode was found in that photo. Go nearer, and keep it sharp." };
const SAVED_ALREADY: Notice = { tone: "plain", text: "Saved already." };
const TAKEN_BACK: Notice = { tone: "plain", text: "Taken back: it counts no longer." };
const PLACE_KEY = "traceward.place";

export interface Basket {
  action: ReadonlySignal<Action>;
  items: ReadonlySignal<readonly Item[]>;
  place: Signal<string>;
  useType: Signal<UseType>;
  countScope: Signal<CountScope>;
  /** The number of the order that a receipt belongs to; empty where nobody knows it. */
  orderNumber: Signal<string>;
  notice: ReadonlySignal<Notice | null>;
  /** What waits on the phone for a connection. */
  outbox: Outbox;
  /** The request that Save made and the server was too busy to confirm; it is sent again as it is, never made anew. */
  unsent: ReadonlySignal<ActionRequest | null>;
  sending: ReadonlySignal<boolean>;
  failures: ReadonlySignal<readonly string[]>;
  saved: ReadonlySignal<Saved | null>;
  reason: ReadonlySignal<string | null>;
  add(symbologyIdentifier: string, text: string, source: Source): Promise<void>;
  /** Add every item that the server finds in a picture. */
  addPicture(picture: Blob): Promise<void>;
  checkAgain(key: string): Promise<void>;
  remove(key: string): void;
  setQuantity(key: string, quantity: number): void;
  /** Change the task and empty the list. */
  start(action: Action): void;
  save(): Promise<void>;
  retry(): Promise<void>;
  discardUnsent(): void;
  dismissSaved(): void;
  /** Record an item that was used although it must not be. */
  insist(key: string): void;
  /** Take the last save back, and have its list again. */
  takeBack(): Promise<void>;
  /** The connection may be back: judge what the phone judged alone, and send what waits. */
  reconnect(): Promise<void>;
}

export function placeOf(text: string): ActionRequest["place"] {
  return /^\d{13}$/.test(text) ? { gln: text } : { id: text };
}

/** What a basket works with; the browser's own and the real server, unless a test says otherwise. */
export interface Surroundings {
  judge: Judge;
  judgePicture: JudgePicture;
  judgeTogether: JudgeTogether;
  act: Act;
  takeBack: TakeBack;
  now: () => Date;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

export function createBasket(table: AiTable, surroundings: Partial<Surroundings> = {}): Basket {
  const { judge = api.judge, judgePicture = api.judgePicture, judgeTogether = api.judgeTogether } = surroundings;
  const { act = api.act, takeBack = api.takeBack, now = () => new Date(), storage = localStorage } = surroundings;
  const action = signal<Action>("use");
  const items = signal<readonly Item[]>([]);
  const place = signal(storage.getItem(PLACE_KEY) ?? "");
  place.subscribe((value) => (value ? storage.setItem(PLACE_KEY, value) : storage.removeItem(PLACE_KEY)));
  const useType = signal<UseType>("implanted");
  const countScope = signal<CountScope>("partial");
  const orderNumber = signal("");
  const notice = signal<Notice | null>(null);
  const unsent = signal<ActionRequest | null>(null);
  const sending = signal(false);
  const failures = signal<readonly string[]>([]);
  const saved = signal<Saved | null>(null);
  const outbox = createOutbox(act, storage);
  const reason = computed(() => reasonNotToSave(items.value, action.value, localDay(now()), place.value !== "", useType.value));
  /** Tasks with labels and identities of single things that were saved here: seen again they are no second use. */
  const done = new Set<string>();

  const patch = (key: string, change: Partial<Item>): void => {
    items.value = items.value.map((item) => (item.key === key ? { ...item, ...change } : item));
  };
  const remove = (key: string): void => {
    items.value = items.value.filter((item) => item.key !== key);
  };

  const namesOf = (item: Item): string[] => [item.key, ...(item.also ?? []), ...(item.judged?.epc ? [item.judged.epc] : [])];
  const doneKey = (task: Action, key: string): string => `${task} ${key}`;

  /** Whether this label of a single thing was saved for this task, here or by what still waits on the phone. */
  function isDone(item: Item): boolean {
    if (valueOf(item, "21", "00") === null) return false;
    const labelsOf = ({ elementString, elementStrings }: ActionItem): readonly string[] => elementStrings ?? [elementString ?? ""];
    const waits = outbox.waiting.value.some(
      ({ request, refusals }) => refusals.length === 0 && request.action === action.value && request.items.some((one) => labelsOf(one).includes(item.key)),
    );
    return waits || done.has(doneKey(action.value, item.key));
  }

  /** What eye and ear are told once an item is judged; what was saved before is then no news any more. */
  function tell(key: string): void {
    const item = items.value.find((one) => one.key === key);
    if (!item) return;
    if (saved.value?.late === false) saved.value = null;
    const { blocking, warnings } = verdictOn(item, action.value, localDay(now()), useType.value);
    if (blocking.length > 0) notice.value = { tone: "bad", text: `${titleOf(item)}: ${blocking[0]}` };
    else notice.value = { tone: "good", text: warnings.length > 0 ? "Read. See what is noted beside it." : "Read." };
  }

  /** Put the server's judgement on an item; an item that is on the list under another barcode goes again. */
  function settle(item: Item, judged: JudgedSymbol, alone = false): void {
    const identity = judged.epc ?? judged.epcClass;
    if (identity !== null && items.value.some((other) => other.key !== item.key && identityOf(other) === identity)) {
      remove(item.key);
      notice.value = { tone: "plain", text: "Already on the list." };
      return;
    }
    if (judged.epc !== null && done.has(doneKey(action.value, judged.epc))) {
      remove(item.key);
      notice.value = SAVED_ALREADY;
      return;
    }
    const elementStrings = judged.elementStrings.length > 0 ? judged.elementStrings : item.elementStrings;
    // A number that was typed while there was no connection stays.
    const quantity = item.alone ? {} : { quantity: labelledQuantity(elementStrings) };
    patch(item.key, { judged, alone, failure: null, elementStrings, ...quantity });
    tell(item.key);
  }

  /** What several symbols of one label say together, on the item of the symbol that names the product. */
  function settleTogether(item: Item, also: readonly string[], together: JudgedItem): void {
    const { symbologyIdentifier, text } = item;
    patch(item.key, { also });
    settle({ ...item, also }, { ...together, symbologyIdentifier, text });
  }

  /** Two halves of one label, product in one barcode and lot or serial in another, become one item in either order. */
  async function joinHalves(): Promise<void> {
    const bare = items.value.filter(isBare);
    const keyless = items.value.filter(isKeyless);
    const [product, production] = [bare[0], keyless[0]];
    if (bare.length !== 1 || keyless.length !== 1 || !product || !production) return;
    try {
      const { items: found } = await judgeTogether([product, production].map(({ symbologyIdentifier, text }) => ({ symbologyIdentifier, text })));
      const together = found[0];
      if (found.length !== 1 || together?.symbols.length !== 2) return;
      remove(production.key);
      settleTogether(product, [production.key], together);
      notice.value = { tone: "good", text: "Both barcodes of the label are one item." };
    } catch (error) {
      patch(production.key, { failure: messagesOf(error).join(" ") });
    }
  }

  async function check(item: Item): Promise<void> {
    try {
      const judged = (await judge(item.symbologyIdentifier, item.text)).symbols[0];
      if (judged === undefined) throw new Error("The server does not know this kind of barcode.");
      settle(item, judged);
      await joinHalves();
    } catch (error) {
      if (error instanceof Unreachable) settle(item, judgeAlone(item.symbologyIdentifier, item.text, item.elementStrings, now()), true);
      else {
        patch(item.key, { failure: messagesOf(error).join(" ") });
        tell(item.key);
      }
    }
  }

  /** A new item on top of the list; null when it is there already, was saved just now, is not GS1, or the list waits for its answer. */
  function put(symbologyIdentifier: string, text: string, source: Source): Item | null {
    const key = itemKey(symbologyIdentifier, text);
    if (unsent.value !== null || items.value.some((item) => standsFor(item, key))) return null;
    if (!carriesElementStrings(symbologyIdentifier) && !symbologyIdentifier.startsWith("]E")) {
      notice.value = NOT_GS1;
      return null;
    }
    const { elementStrings } = splitElementStrings(text, table);
    const item: Item = { key, symbologyIdentifier, text, source, elementStrings, judged: null, failure: null, quantity: 1 };
    if (isDone(item)) {
      notice.value = SAVED_ALREADY;
      return null;
    }
    batch(() => {
      items.value = [item, ...items.value];
      notice.value = { tone: "plain", text: "Being checked…" };
      failures.value = [];
    });
    return item;
  }

  async function add(symbologyIdentifier: string, text: string, source: Source): Promise<void> {
    const item = put(symbologyIdentifier, text, source);
    if (item) await check(item);
  }

  async function addPicture(picture: Blob): Promise<void> {
    notice.value = { tone: "plain", text: "Reading the photo…" };
    try {
      const { symbols, items: found } = await judgePicture(picture);
      if (symbols.length === 0) notice.value = NO_SYMBOL;
      else if (found.length === 0) notice.value = NOT_GS1;
      for (const together of found) {
        const own = together.symbols.map((index) => symbols[index]).filter((symbol) => symbol !== undefined);
        // The symbol that names the product stands for the item.
        const first = own.find(({ epc, epcClass }) => epc !== null || epcClass !== null) ?? own[0];
        const item = first && put(first.symbologyIdentifier, first.text, "photo");
        if (!item) continue;
        const also = own.filter((symbol) => symbol !== first).map((symbol) => itemKey(symbol.symbologyIdentifier, symbol.text));
        settleTogether(item, also, together);
      }
      await joinHalves();
    } catch (error) {
      notice.value = { tone: "bad", text: messagesOf(error).join(" ") };
    }
  }

  /** The request stays on the phone as it is; the list is free for what comes next. False where the phone cannot keep it. */
  function leaveWaiting(request: ActionRequest): boolean {
    if (!outbox.keep(request)) return false;
    finish(request, null);
    return true;
  }

  /** The list is done with: its request is on the book, or waits on the phone (`answer` null). */
  function finish(request: ActionRequest, answer: ActionAnswer | null): void {
    for (const name of items.value.flatMap(namesOf)) done.add(doneKey(request.action, name));
    batch(() => {
      saved.value = { action: request.action, eventID: request.eventID, items: request.items.length, answer, late: false, list: items.value };
      items.value = [];
      orderNumber.value = "";
      unsent.value = null;
      notice.value = { tone: "done", text: "" };
    });
  }

  const flush = (): Promise<void> =>
    outbox.flush((request, answer) => {
      const list = saved.value?.eventID === request.eventID ? saved.value.list : [];
      saved.value = { action: request.action, eventID: request.eventID, items: request.items.length, answer, late: true, list };
    });

  async function send(request: ActionRequest): Promise<void> {
    batch(() => {
      sending.value = true;
      failures.value = [];
    });
    try {
      finish(request, await act(request));
    } catch (error) {
      if (error instanceof Unreachable && leaveWaiting(request)) return;
      batch(() => {
        failures.value = messagesOf(error);
        notice.value = { tone: "bad", text: "Not saved." };
        // A refusal will not change by sending again: the items are free to be changed, and Save makes a new event.
        if (error instanceof Problem && !error.retryable) unsent.value = null;
      });
    } finally {
      sending.value = false;
    }
  }

  return {
    action,
    items,
    outbox,
    place,
    useType,
    countScope,
    orderNumber,
    notice,
    unsent,
    sending,
    failures,
    saved,
    reason,
    add,
    addPicture,
    remove,
    async checkAgain(key) {
      const item = items.value.find((candidate) => candidate.key === key);
      if (!item) return;
      patch(key, { failure: null });
      await check(item);
    },
    setQuantity: (key, quantity) => patch(key, { quantity: Math.max(1, Math.min(9999, Math.trunc(quantity) || 1)) }),
    start(next) {
      batch(() => {
        action.value = next;
        items.value = [];
        notice.value = null;
        failures.value = [];
        saved.value = null;
        orderNumber.value = "";
      });
    },
    async save() {
      if (reason.value !== null || sending.value || unsent.value !== null) return;
      // Identity and time are made once, here: however often the request is sent, the server finds one event.
      const request: ActionRequest = {
        action: action.value,
        eventID: `urn:uuid:${crypto.randomUUID()}`,
        ...eventTimeOf(now()),
        place: placeOf(place.value),
        items: [...items.value].reverse().map(actionItem),
        ...(action.value === "use" ? { useType: useType.value } : {}),
        ...(action.value === "count" ? { countScope: countScope.value } : {}),
        ...(action.value === "receive" && orderNumber.value ? { purchaseOrder: orderNumber.value } : {}),
      };
      unsent.value = request;
      await send(request);
    },
    async retry() {
      if (unsent.value !== null && !sending.value) await send(unsent.value);
    },
    discardUnsent() {
      batch(() => {
        unsent.value = null;
        failures.value = [];
      });
    },
    async reconnect() {
      await flush();
      if (unsent.value === null) await Promise.all(items.value.filter(({ alone }) => alone).map(check));
    },
    dismissSaved: () => {
      saved.value = null;
    },
    insist(key) {
      batch(() => {
        patch(key, { insisted: true });
        notice.value = { tone: "plain", text: "Taken down as it happened." };
      });
    },
    async takeBack() {
      const last = saved.value;
      if (last === null || sending.value) return;
      batch(() => {
        sending.value = true;
        failures.value = [];
      });
      try {
        if (last.answer === null) outbox.forget(last.eventID);
        else await takeBack(last.eventID);
        for (const name of last.list.flatMap(namesOf)) done.delete(doneKey(last.action, name));
        batch(() => {
          saved.value = null;
          // What was scanned since stays; an item has one row.
          items.value = [...items.value, ...last.list.filter(({ key }) => last.action === action.value && !items.value.some((item) => standsFor(item, key)))];
          notice.value = TAKEN_BACK;
        });
      } catch (error) {
        batch(() => {
          failures.value = messagesOf(error);
          notice.value = { tone: "bad", text: "Not taken back." };
        });
      } finally {
        sending.value = false;
      }
    },
  };
}
