/** Tells a page when the caller's stock changed: the server's event stream, or asking again every so often without one. */

const POLL_MS = 2000;
/** A stream that fails this often in a row is given up for polling. */
const FAILURES_BEFORE_POLLING = 2;

/** Calls `onChange` after each change until the returned function is called. */
export function onStockChange(onChange: () => void): () => void {
  let timer: number | undefined;
  let failures = 0;
  const poll = (): void => {
    timer ??= window.setInterval(() => {
      if (!document.hidden) onChange();
    }, POLL_MS);
  };
  const source = new EventSource("/live");
  source.addEventListener("stock", onChange);
  source.addEventListener("open", () => {
    // What changed while the stream was away was not announced.
    if (failures > 0) onChange();
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
  };
}
