import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem, Unreachable } from "../src/api/client";
import type { ActionRequest, ScanAnswer } from "../src/api/types";
import { AI_TABLE } from "../src/gs1/table";
import { type Basket, createBasket } from "../src/scan/basket";
import { answer, judged, judgedScrew, judgedValve, SCREW, VALVE } from "./judged";

const NOW = new Date("2026-06-30T08:00:00Z");
let kept: Map<string, string>;
let sent: ActionRequest[];
let fate: (() => Error | null)[];
let taken: string[];
let basket: Basket;

const judge = async (_identifier: string, text: string) => answer(text === SCREW ? judgedScrew() : judgedValve({ text }));

type Answer = Promise<ScanAnswer>;

function make(judgeWith: (identifier: string, text: string) => Answer = judge, judgePicture: () => Answer = async () => answer(), judgeTogether: () => Answer = async () => answer()): Basket {
  return createBasket(AI_TABLE, {
    judge: judgeWith,
    judgePicture,
    judgeTogether,
    act: async (request) => {
      sent.push(structuredClone(request));
      const failure = fate.shift()?.() ?? null;
      if (failure) throw failure;
      return { eventID: request.eventID };
    },
    takeBack: async (eventID) => {
      taken.push(eventID);
      const failure = fate.shift()?.() ?? null;
      if (failure) throw failure;
      return { eventIDs: [eventID] };
    },
    now: () => NOW,
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
  });
}

beforeEach(() => {
  kept = new Map();
  sent = [];
  taken = [];
  fate = [];
  basket = make();
  basket.place.value = "https://id.gs1.org/414/4012345000016/254/OR3";
});

describe("the list", () => {
  it("takes a symbol once, however many frames show it", async () => {
    await Promise.all([1, 2, 3].map(() => basket.add("]d2", VALVE, "camera")));
    await basket.add("]d2", VALVE, "camera");
    expect(basket.items.value).toHaveLength(1);
  });
  it("takes one item once, whichever of its barcodes is read", async () => {
    await basket.add("]d2", VALVE, "camera");
    await basket.add("]C1", "010952114101023521V23-0007", "camera");
    expect(basket.items.value).toHaveLength(1);
    expect(basket.notice.value?.text).toContain("Already");
  });
  it("refuses a barcode that is not GS1 in words and asks no server", async () => {
    const asked = vi.fn(judge);
    basket = make(asked);
    await basket.add("]d1", "+A123BJC5D6E71G", "camera");
    expect(basket.items.value).toHaveLength(0);
    expect(basket.notice.value?.tone).toBe("bad");
    expect(asked).not.toHaveBeenCalled();
  });
  it("keeps an item that could not be checked, blocked, and checks it again on demand", async () => {
    let well = false;
    basket = make(async (identifier, text) => {
      if (!well) throw new Problem(503, "Service Unavailable", "the scanner is busy", []);
      return judge(identifier, text);
    });
    await basket.add("]d2", VALVE, "camera");
    expect(basket.items.value[0]?.failure).toContain("busy");
    expect(basket.reason.value).not.toBeNull();
    well = true;
    await basket.checkAgain(basket.items.value[0]?.key ?? "");
    expect(basket.items.value[0]?.failure).toBeNull();
  });
  it("is emptied by another task", async () => {
    await basket.add("]d2", VALVE, "camera");
    basket.start("count");
    expect(basket.items.value).toHaveLength(0);
  });
});

describe("a photo", () => {
  it("gives one item for each product in it, and keeps the doubt about a read", async () => {
    const symbols = [judgedValve({ symbologyIdentifier: "]C1", confirmed: false }), judgedScrew(), judgedValve()];
    basket = make(judge, async () => answer(...symbols));
    await basket.addPicture(new Blob());
    expect(basket.items.value.map(({ judged }) => judged?.confirmed)).toEqual([true, false]);
  });
  it("without a symbol says so", async () => {
    basket = make(judge, async () => answer());
    await basket.addPicture(new Blob());
    expect(basket.items.value).toHaveLength(0);
    expect(basket.notice.value?.text).toContain("No barcode");
  });
});

describe("saving", () => {
  it("sends the items in the order of scanning, with what the task needs and nothing more", async () => {
    await basket.add("]d2", VALVE, "camera");
    await basket.add("]d2", SCREW, "camera");
    basket.setQuantity(basket.items.value[0]?.key ?? "", 2);
    await basket.save();
    expect(sent[0]).toMatchObject({
      action: "use",
      useType: "implanted",
      place: { id: "https://id.gs1.org/414/4012345000016/254/OR3" },
      items: [{ elementString: `]d2${VALVE}` }, { elementString: `]d2${SCREW}`, quantity: 2 }],
    });
    expect(sent[0]).not.toHaveProperty("countScope");
    expect(new Date(sent[0]?.eventTime ?? "").toISOString()).toBe(NOW.toISOString());
    expect(basket.items.value).toHaveLength(0);
    expect(basket.saved.value?.items).toBe(2);
  });
  it("sends the very same request again after a gateway's word, so that the server finds one event", async () => {
    fate = [() => new Problem(504, "Gateway Timeout", null, []), () => new Problem(502, "Bad Gateway", null, []), () => null];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    expect(basket.unsent.value).not.toBeNull();
    await basket.retry();
    await basket.retry();
    expect(sent).toHaveLength(3);
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[2]).toEqual(sent[0]);
    expect(basket.unsent.value).toBeNull();
    expect(basket.items.value).toHaveLength(0);
  });
  it("cannot be pressed twice for one list", async () => {
    await basket.add("]d2", VALVE, "camera");
    await Promise.all([basket.save(), basket.save()]);
    expect(sent).toHaveLength(1);
  });
  it("takes nothing into a list that waits for its answer", async () => {
    fate = [() => new Problem(503, "Service Unavailable", null, [])];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.add("]d2", SCREW, "camera");
    expect(basket.items.value).toHaveLength(1);
  });
  it("shows every reason of a refusal and frees the list for changes, which make a new event", async () => {
    const errors = [{ message: "not in your stock" }, { message: "recalled" }];
    fate = [() => new Problem(400, "Bad Request", "two mistakes", errors)];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    expect(basket.failures.value).toEqual(["not in your stock", "recalled"]);
    expect(basket.unsent.value).toBeNull();
    await basket.save();
    expect(sent[1]?.eventID).not.toBe(sent[0]?.eventID);
  });
  it("keeps the place on the device and nothing that was scanned", async () => {
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    expect([...kept.values()]).toEqual(["https://id.gs1.org/414/4012345000016/254/OR3"]);
  });
});

describe("what was saved", () => {
  it("is no second use when the camera sees its label again, by whichever of its barcodes", async () => {
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.add("]d2", VALVE, "camera");
    await basket.add("]C1", "010952114101023521V23-0007", "camera");
    expect(basket.items.value).toHaveLength(0);
    expect(basket.notice.value?.text).toBe("Saved already.");
    expect(basket.saved.value?.items).toBe(1);
  });
  it("is one more where the label is of a lot", async () => {
    await basket.add("]d2", SCREW, "camera");
    await basket.save();
    await basket.add("]d2", SCREW, "camera");
    expect(basket.items.value).toHaveLength(1);
  });
  it("can be taken back: the list is as it was, and can be saved again as another event", async () => {
    await basket.add("]d2", SCREW, "camera");
    basket.setQuantity(basket.items.value[0]?.key ?? "", 4);
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.takeBack();
    expect(taken).toEqual([sent[0]?.eventID]);
    expect(basket.saved.value).toBeNull();
    expect(basket.items.value.map(({ quantity }) => quantity)).toEqual([1, 4]);
    await basket.save();
    expect(sent[1]?.items).toEqual(sent[0]?.items);
    expect(sent[1]?.eventID).not.toBe(sent[0]?.eventID);
  });
  it("stays saved, with its Undo, where taking it back found no answer", async () => {
    fate = [() => null, () => new Unreachable(), () => null];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.takeBack();
    expect(basket.failures.value[0]).toContain("cannot be reached");
    expect(basket.saved.value).not.toBeNull();
    await basket.takeBack();
    expect(basket.items.value).toHaveLength(1);
    expect(basket.failures.value).toEqual([]);
  });
});

describe("an item that must not be used", () => {
  const known = { product: "Aortic valve", flags: ["recalled"], gone: null };
  it.each([
    [judgedValve({ known }), "Recalled. It must not be used."],
    [judgedValve({ known: { ...known, flags: [], gone: "implanted" } }), "The book has it as implanted already."],
  ])("is refused by its name, and recorded all the same where it has happened", async (symbol, words) => {
    basket = make(async () => answer(symbol));
    basket.place.value = "https://id.gs1.org/414/4012345000016/254/OR3";
    await basket.add("]d2", VALVE, "camera");
    expect(basket.notice.value).toEqual({ tone: "bad", text: `Aortic valve: ${words}` });
    expect(basket.reason.value).toContain("marked in red");
    basket.insist(basket.items.value[0]?.key ?? "");
    expect(basket.reason.value).toBeNull();
  });
  it("may be opened and wasted", async () => {
    basket = make(async () => answer(judgedValve({ known })));
    basket.place.value = "https://id.gs1.org/414/4012345000016/254/OR3";
    basket.useType.value = "wasted";
    await basket.add("]d2", VALVE, "camera");
    expect(basket.reason.value).toBeNull();
  });
});

describe("without a connection", () => {
  const NURSE = { organisation: "https://id.gs1.org/417/4012345000009", role: "clinical", name: "theatre 3" };
  const away = async (): Answer => {
    throw new Unreachable();
  };
  beforeEach(() => basket.outbox.belongTo(NURSE));

  it("takes a whole label down with a word that nobody has judged it", async () => {
    basket = make(away);
    basket.outbox.belongTo(NURSE);
    basket.place.value = "https://id.gs1.org/414/4012345000016/254/OR3";
    await basket.add("]d2", VALVE, "camera");
    expect(basket.items.value[0]?.judged?.findings[0]?.message).toContain("No connection");
    expect(basket.reason.value).toBeNull();
  });
  it("judges it again when the server is back, and keeps the number that was set", async () => {
    let reachable = false;
    basket = make(async (identifier, text) => (reachable ? judge(identifier, text) : away()));
    basket.outbox.belongTo(NURSE);
    await basket.add("]d2", SCREW, "camera");
    basket.setQuantity(basket.items.value[0]?.key ?? "", 3);
    reachable = true;
    await basket.reconnect();
    expect(basket.items.value[0]?.judged?.findings).toEqual([]);
    expect(basket.items.value[0]?.quantity).toBe(3);
  });
  it("keeps what was saved, frees the list, and sends the very same request when the server is back", async () => {
    fate = [() => new Unreachable(), () => new Unreachable(), () => null];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    expect(basket.items.value).toHaveLength(0);
    expect(basket.saved.value?.answer).toBeNull();
    await basket.reconnect();
    expect(basket.outbox.waiting.value).toHaveLength(1);
    await basket.reconnect();
    expect(basket.outbox.waiting.value).toHaveLength(0);
    expect(sent).toHaveLength(3);
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[2]).toEqual(sent[0]);
    await basket.reconnect();
    expect(sent).toHaveLength(3);
    expect([...kept.keys()]).toEqual(["traceward.place"]);
  });
  it("does not take a label that waits on the phone for another use, also after a reload", async () => {
    fate = [() => new Unreachable()];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    const reloaded = make();
    reloaded.outbox.belongTo(NURSE);
    await reloaded.add("]d2", VALVE, "camera");
    expect(reloaded.items.value).toHaveLength(0);
  });
  it("says what arrived until somebody closes it, however much the camera sees", async () => {
    fate = [() => new Unreachable(), () => null];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.reconnect();
    await basket.add("]d2", SCREW, "camera");
    expect(basket.saved.value?.answer).not.toBeNull();
    expect(basket.items.value).toHaveLength(1);
  });
  it("takes back what was not sent yet without asking anybody", async () => {
    fate = [() => new Unreachable()];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.takeBack();
    expect(basket.outbox.waiting.value).toEqual([]);
    expect(basket.items.value).toHaveLength(1);
    expect(taken).toEqual([]);
  });
  it("holds the list where the device has no room to keep it, and sends the same request again", async () => {
    fate = [() => new Unreachable(), () => null];
    kept.set = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    expect(basket.unsent.value).not.toBeNull();
    expect(basket.failures.value[0]).toContain("cannot be reached");
    await basket.retry();
    expect(sent[1]).toEqual(sent[0]);
    expect(basket.items.value).toHaveLength(0);
  });
  it("sends in the order of saving, for the one who saved it alone, also after a reload", async () => {
    fate = [() => new Unreachable(), () => new Unreachable()];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.add("]d2", SCREW, "camera");
    await basket.save();
    const reloaded = make();
    reloaded.outbox.belongTo({ ...NURSE, name: "somebody else" });
    await reloaded.reconnect();
    expect(reloaded.outbox.waiting.value).toHaveLength(0);
    expect(sent).toHaveLength(2);
    reloaded.outbox.belongTo(NURSE);
    await reloaded.reconnect();
    expect(sent.slice(2)).toEqual(sent.slice(0, 2));
  });
  it("shows what the server would not have, sends it no more, and goes on with the rest", async () => {
    fate = [() => new Unreachable(), () => new Unreachable(), () => new Problem(400, "Bad Request", "recalled", []), () => null];
    await basket.add("]d2", VALVE, "camera");
    await basket.save();
    await basket.add("]d2", SCREW, "camera");
    await basket.save();
    await basket.reconnect();
    await basket.reconnect();
    expect(sent).toHaveLength(4);
    const [refused, ...others] = basket.outbox.waiting.value;
    expect(others).toEqual([]);
    expect(refused?.refusals).toEqual(["recalled"]);
    basket.outbox.forget(refused?.request.eventID ?? "");
    expect(basket.outbox.waiting.value).toEqual([]);
  });
});

describe("a label with two barcodes", () => {
  const DI = "0109521141010235";
  const PI = "10L23-A\u001d21V23-0007";
  const bare = judged(DI, { symbologyIdentifier: "]C1", epcClass: "https://id.gs1.org/01/09521141010235" });
  const keyless = judged(PI, { symbologyIdentifier: "]C1" });
  const together: ScanAnswer = { symbols: [bare, keyless], items: [{ ...judgedValve(), symbols: [0, 1] }] };
  const judgeHalf = async (_identifier: string, text: string) => answer(text === DI ? bare : keyless);

  it.each([[DI, PI], [PI, DI]])("is one item in either order of its barcodes", async (first, second) => {
    basket = make(judgeHalf, undefined, async () => together);
    await basket.add("]C1", first, "camera");
    await basket.add("]C1", second, "camera");
    await basket.add("]C1", second, "camera");
    expect(basket.items.value.map((item) => item.judged?.epc)).toEqual([judgedValve().epc]);
    await basket.save();
    expect(sent[0]?.items).toEqual([{ elementStrings: [`]C1${DI}`, `]C1${PI}`] }]);
  });
  it("stays two where the server says that they do not belong together", async () => {
    basket = make(judgeHalf, undefined, async () => answer(bare, keyless));
    await basket.add("]C1", DI, "camera");
    await basket.add("]C1", PI, "camera");
    expect(basket.items.value).toHaveLength(2);
  });
  it("is one item in a photo", async () => {
    basket = make(judge, async () => together);
    await basket.addPicture(new Blob());
    expect(basket.items.value).toHaveLength(1);
    await basket.save();
    expect(sent[0]?.items).toEqual([{ elementStrings: [`]C1${DI}`, `]C1${PI}`] }]);
  });
});

describe("a doubtful read", () => {
  it("is told to the server, which decides", async () => {
    basket = make(judge, async () => answer(judgedValve({ confirmed: false })));
    await basket.addPicture(new Blob());
    await basket.save();
    expect(sent[0]?.items).toEqual([{ elementString: `]d2${VALVE}`, confirmed: false }]);
  });
});
