import { beforeEach, describe, expect, it } from "vitest";
import { Problem, Unreachable } from "../src/api/client";
import type { CountScan, ReadResult } from "../src/api/counts";
import { AI_TABLE } from "../src/gs1/table";
import { type CountApi, type CountSession, createCountSession } from "../src/scan/count";

const NORTHGATE = "https://id.gs1.org/417/4012345000009";
const LOT = "010952114104530510LOT77A";
const SERIAL = "010952114101023521V23-0007";

let kept: Map<string, string>;
let online: boolean;
/** What the server holds: reads by id, each once however often it is sent. */
let held: Map<string, CountScan>;
let undone: string[];
let steps: string[];
let ids: number;
let counting: CountSession;

function reachable<T>(answer: () => T): Promise<T> {
  return online ? Promise.resolve(answer()) : Promise.reject(new Unreachable());
}

const server = {
  begin: ({ id }: { id: string }) => reachable(() => ({ id, state: "open" as const, place: "P" })),
  get: (id: string) => reachable(() => ({ id, state: "open" as const, place: "P" })),
  scans: (_id: string, scans: readonly CountScan[]) =>
    reachable(() =>
      scans.map((scan): ReadResult => {
        held.set(scan.readID, scan);
        return { readID: scan.readID, outcome: "counted", quantity: "1", findings: [] };
      }),
    ),
  undo: (_id: string, readID: string) =>
    reachable(() => {
      if (!held.has(readID)) throw new Problem(404, "Not found", null, []);
      held.delete(readID);
      undone.push(readID);
      return null;
    }),
  close: (id: string) =>
    reachable(() => {
      steps.push("close");
      return { id, state: "closed" as const, place: "P" };
    }),
} as unknown as CountApi;

function open(): CountSession {
  return createCountSession(NORTHGATE, AI_TABLE, {
    server,
    newId: () => `id-${(ids += 1)}`,
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
  });
}

beforeEach(async () => {
  [kept, held, undone, steps, ids, online] = [new Map(), new Map(), [], [], 0, true];
  counting = open();
  await counting.begin("https://id.gs1.org/414/4012345000016/254/OR3", "complete", true);
});

describe("a count", () => {
  it("takes a label once, and once more only where that is asked for", async () => {
    for (let frame = 0; frame < 3; frame += 1) await counting.add("]d2", LOT, false);
    expect(held.size).toBe(1);
    await counting.add("]d2", LOT, false, true);
    expect(held.size).toBe(2);
  });
  it("keeps no label of a person, on the device or elsewhere", async () => {
    await counting.add("]d2", "8018401234500000123452", false);
    expect(held.size).toBe(0);
    expect([...kept.values()].join()).not.toContain("401234500000123452");
    expect(counting.notice.value?.tone).toBe("bad");
  });
  it("keeps what is read without a connection over a reload, and sends each read once", async () => {
    online = false;
    await counting.add("]d2", LOT, false);
    await counting.add("]d2", SERIAL, false);
    expect(counting.waiting.value).toBe(2);
    expect(counting.failures.value).toEqual([]);
    const reloaded = open();
    expect(reloaded.waiting.value).toBe(2);
    online = true;
    await Promise.all([reloaded.flush(), reloaded.flush(), reloaded.resume()]);
    expect(reloaded.waiting.value).toBe(0);
    expect([...held.values()].map(({ elementString }) => elementString)).toEqual([`]d2${LOT}`, `]d2${SERIAL}`]);
  });
  it("withdraws a read at the server, and needs no withdrawal for one that never went", async () => {
    await counting.add("]d2", LOT, false);
    const [sent] = [...held.keys()];
    await counting.undo(sent ?? "");
    expect(undone).toEqual([sent]);
    online = false;
    await counting.add("]d2", SERIAL, false);
    const waiting = counting.kept.value?.reads.find(({ result }) => result === null);
    await counting.undo(waiting?.readID ?? "");
    online = true;
    await counting.flush();
    expect(held.size).toBe(0);
    expect(undone).toHaveLength(1);
  });
  it("is not closed while a read waits", async () => {
    online = false;
    await counting.add("]d2", LOT, false);
    await counting.step("close");
    expect(steps).toEqual([]);
    expect(counting.failures.value.join()).toContain("cannot be reached");
    online = true;
    await counting.step("close");
    expect(steps).toEqual(["close"]);
    expect(counting.count.value?.state).toBe("closed");
  });
  it("is not shown to another organisation that signs in on the device", () => {
    const other = createCountSession("https://id.gs1.org/417/9521141000007", AI_TABLE, { server, storage: { getItem: (key) => kept.get(key) ?? null, setItem: () => undefined, removeItem: () => undefined } });
    expect(other.kept.value).toBeNull();
  });
});
