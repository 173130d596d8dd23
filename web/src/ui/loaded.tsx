/** How a page gets what it shows: asks, waits, fails in words, asks again. A late answer never replaces a newer one. */

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { messagesOf } from "../api/client";
import { Messages, Notice, Waiting } from "./parts";

export interface Loaded<T> {
  /** The last answer; null before the first. */
  value: T | null;
  failures: readonly string[];
  /** Something else was asked for, and `value` is still the answer to what was asked before. */
  late: boolean;
  refresh: () => Promise<void>;
}

/** What `ask` answers; asked again whenever one of the inputs changes. */
export function useLoaded<T>(ask: () => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [failures, setFailures] = useState<readonly string[]>([]);
  const [late, setLate] = useState(false);
  const newest = useRef(0);
  const question = useRef(ask);
  question.current = ask;
  const refresh = useCallback(async (): Promise<void> => {
    newest.current += 1;
    const mine = newest.current;
    try {
      const answer = await question.current();
      if (mine !== newest.current) return;
      setValue(answer);
      setFailures([]);
    } catch (error) {
      if (mine === newest.current) setFailures(messagesOf(error));
    }
    if (mine === newest.current) setLate(false);
  }, []);
  useEffect(() => {
    setLate(true);
    void refresh();
    return () => {
      newest.current += 1;
    };
  }, inputs);
  return { value, failures, late, refresh };
}

interface Props<T> {
  loaded: Loaded<T>;
  /** What is being loaded, as in "the alerts". */
  what: string;
  children: (value: T) => ComponentChildren;
}

/** The answer, or that it is awaited, or why it did not come. An older answer stays visible beside its failure. */
export function WhenLoaded<T>({ loaded: { value, failures, late, refresh }, what, children }: Props<T>) {
  return (
    <>
      {failures.length > 0 && (
        <Notice tone="bad" title={value === null ? `Could not load ${what}` : "This may be out of date"}>
          <Messages messages={failures} />
          <button type="button" class="secondary" onClick={() => void refresh()}>
            Try again
          </button>
        </Notice>
      )}
      {value === null && failures.length === 0 && <Waiting>Loading {what}…</Waiting>}
      {value !== null && <div aria-busy={late}>{children(value)}</div>}
    </>
  );
}

export interface Doing {
  busy: boolean;
  failures: readonly string[];
  /** Do it; whether it went well. A second call while one is under way does nothing. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  fail: (messages: readonly string[]) => void;
}

/** One thing at a time that the reader asked for, and what went wrong with it. */
export function useDoing(): Doing {
  const [busy, setBusy] = useState(false);
  const [failures, fail] = useState<readonly string[]>([]);
  const working = useRef(false);
  const run = useCallback(async (work: () => Promise<unknown>): Promise<boolean> => {
    if (working.current) return false;
    working.current = true;
    setBusy(true);
    fail([]);
    try {
      await work();
      return true;
    } catch (error) {
      fail(messagesOf(error));
      return false;
    } finally {
      working.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, failures, run, fail };
}

/** What went wrong with what was asked; nothing while nothing did. */
export function Failures({ doing, title }: { doing: Doing; title?: string }) {
  if (doing.failures.length === 0) return null;
  return (
    <Notice tone="bad" {...(title === undefined ? {} : { title })}>
      <Messages messages={doing.failures} />
    </Notice>
  );
}
