import { useEffect, useRef, useState } from "preact/hooks";
import { CameraError, openCamera, type Torch, torchOf, watch } from "../../scan/camera";
import { type SeenSymbol, startDecoder } from "../../scan/decoder";
import { freshSymbols, type Sights } from "../../scan/fresh";
import { Notice, Waiting } from "../../ui/parts";

type View = { state: "starting" } | { state: "looking" } | { state: "failed"; message: string; advice: string };

const STARTING: View = { state: "starting" };

/** The live picture; exactly what it shows is what is decoded. Reports each symbol once while it stays in sight. */
export function Viewfinder({ onSymbol }: { onSymbol: (symbol: SeenSymbol) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const report = useRef(onSymbol);
  report.current = onSymbol;
  const [view, setView] = useState<View>(STARTING);
  const [attempt, setAttempt] = useState(0);
  const [outlines, setOutlines] = useState<SeenSymbol[]>([]);
  const [torch, setTorch] = useState<Torch | null>(null);
  const [lit, setLit] = useState(false);

  useEffect(() => {
    const decoder = startDecoder();
    const sights: Sights = new Map();
    let stream: MediaStream | null = null;
    let stop = (): void => {};
    let closed = false;
    const fail = (message: string, advice: string): void => setView({ state: "failed", message, advice });
    const begin = async (): Promise<void> => {
      setView(STARTING);
      try {
        stream = await openCamera();
      } catch (error) {
        if (!closed && error instanceof CameraError) fail(error.message, error.advice);
        return;
      }
      const element = video.current;
      if (closed || !element) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      element.srcObject = stream;
      // A browser may refuse to play until it is touched; the picture then starts with the next touch.
      await element.play().catch(() => undefined);
      setView({ state: "looking" });
      const light = torchOf(stream);
      setTorch(() => light);
      setLit(false);
      stop = watch(
        element,
        decoder,
        (symbols) => {
          setOutlines((before) => (before.length === 0 && symbols.length === 0 ? before : symbols));
          for (const symbol of freshSymbols(symbols, sights, performance.now())) report.current(symbol);
        },
        (error) => fail("The barcode reader stopped.", `${error.message} Try again, or type the label.`),
      );
    };
    void begin();
    return () => {
      closed = true;
      stop();
      decoder.close();
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
  }, [attempt]);

  return (
    <section class="viewfinder" aria-label="Camera">
      <video ref={video} playsInline muted aria-hidden="true" />
      <svg class="outlines" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
        {outlines.map((symbol) => (
          <polygon key={symbol.text} points={symbol.corners.map(({ x, y }) => `${x},${y}`).join(" ")} />
        ))}
      </svg>
      {view.state === "looking" && <p class="hint">Hold a GS1 barcode in the picture</p>}
      {view.state === "looking" && torch !== null && (
        <button
          type="button"
          class="torch"
          aria-pressed={lit}
          onClick={() =>
            void torch(!lit).then(
              () => setLit(!lit),
              // The device has changed its mind; without a light the page works all the same.
              () => setTorch(null),
            )
          }
        >
          Light
        </button>
      )}
      {view.state === "starting" && (
        <div class="curtain">
          <Waiting>Starting the camera…</Waiting>
        </div>
      )}
      {view.state === "failed" && (
        <div class="curtain">
          <Notice tone="bad" title={view.message}>
            <p>{view.advice}</p>
          </Notice>
          <button type="button" class="secondary" onClick={() => setAttempt(attempt + 1)}>
            Try the camera again
          </button>
        </div>
      )}
    </section>
  );
}
