/**
 * Tells pages when the caller's stock or alerts changed: one event stream of the server for all of them, since a browser
 * opens few connections to a host; or asking again every so often without one. It carries no data.
 */

export type Topic = "stock" | "alerts";

const POLL_MS = 2000;
/** A stream that fails this often in a row is given up for polling, and tried again after a while. */
const FAILURES_BEFORE_POLLING = 2;
const TRY_AGAIN_MS = 30_000;
const TOPICS: readonly Topic[] = ["stock", "alerts"];

type Listener = (topics: readonly Topic[]) => void;

const listeners = new Set<Listener>();
let close: (() => void) | null = null;

const tell = (topics: readonly Topic[]): void => {
  for (const listener of [...listeners]) listener(topics);
};

/** `missed`: something may have changed that no stream announced. */
function open(missed = false): () => void {
  let timer: number | undefined;
  let again: number | undefined;
  let failures = 0;
  const poll = (): void => {
    timer ??= window.setInterval(() => {
      if (!document.hidden) tell(TOPICS);
    }, POLL_MS);
    again ??= window.setTimeout(() => {
      close?.();
      close = open(true);
    }, TRY_AGAIN_MS);
  };
  const source = new EventSource("/live");
  for (const topic of TOPICS) source.addEventListener(topic, () => tell([topic]));
  source.addEventListener("open", () => {
    // What changed while the stream was away was not announced.
    if (failures > 0 || missed) tell(TOPICS);
    failures = 0;
  });
  source.addEventListener("error", () => {
    failures += 1;
    if (source.readyState !== EventSource.CLOSED && failures < FAILURES_BEFORE_POLLING) return;
    source.close();
    poll();
  });
  return () => {
    source.close();
    clearInterval(timer);
    clearTimeout(again);
  };
}

/** Calls `onNews` after each change of one of these until the returned function is called. */
export function onChange(wanted: readonly Topic[], onNews: () => void): () => void {
  const listener: Listener = (topics) => {
    if (topics.some((topic) => wanted.includes(topic))) onNews();
  };
  listeners.add(listener);
  close ??= open();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    close?.();
    close = null;
  };
}
