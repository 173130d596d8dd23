import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { onChange } from "../src/api/live";

/** The browser's end of an event stream, in the hands of the test. */
class Stream {
  static readonly CLOSED = 2;
  static all: Stream[] = [];
  readyState = 1;
  private readonly heard = new Map<string, (() => void)[]>();

  constructor(readonly address: string) {
    Stream.all.push(this);
  }
  addEventListener(kind: string, work: () => void): void {
    this.heard.set(kind, [...(this.heard.get(kind) ?? []), work]);
  }
  close(): void {
    this.readyState = Stream.CLOSED;
  }
  say(kind: string): void {
    for (const work of this.heard.get(kind) ?? []) work();
  }
}

const news: string[] = [];
let ends: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { hidden: false });
  Stream.all = [];
  news.length = 0;
  ends = [onChange(["stock"], () => news.push("stock")), onChange(["alerts"], () => news.push("alerts"))];
});

afterEach(() => {
  for (const end of ends) end();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("opens one stream for all who listen and closes it with the last of them", () => {
  expect(Stream.all.map(({ address }) => address)).toEqual(["/live"]);
  ends[0]?.();
  expect(Stream.all[0]?.readyState).toBe(1);
  ends[1]?.();
  expect(Stream.all[0]?.readyState).toBe(Stream.CLOSED);
});

it("tells each of what it listens for", () => {
  Stream.all[0]?.say("alerts");
  expect(news).toEqual(["alerts"]);
  Stream.all[0]?.say("stock");
  expect(news).toEqual(["alerts", "stock"]);
});

it("asks again every so often where streams are cut off, and goes back to a stream that tells what was missed", () => {
  const [first] = Stream.all;
  first?.say("error");
  first?.say("error");
  expect(first?.readyState).toBe(Stream.CLOSED);
  vi.advanceTimersByTime(4100);
  expect(news).toEqual(["stock", "alerts", "stock", "alerts"]);
  vi.advanceTimersByTime(26_000);
  expect(Stream.all).toHaveLength(2);
  news.length = 0;
  vi.advanceTimersByTime(10_000);
  expect(news).toEqual([]);
  Stream.all[1]?.say("open");
  expect(news).toEqual(["stock", "alerts"]);
});
