/**
 * Pixels to symbols, off the page's own thread: zxing-cpp as WebAssembly, served by this server.
 * Text is always the plain data with its 0x1D separators; the default human-readable form loses them.
 */

import { prepareZXingModule, readBarcodes, type ReaderOptions } from "zxing-wasm/reader";
import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url";
import type { DecodeAnswer, DecodeRequest, SeenSymbol } from "./decoder";

interface WorkerScope {
  onmessage: ((message: MessageEvent<DecodeRequest>) => void) | null;
  postMessage(answer: DecodeAnswer): void;
}

const scope = self as unknown as WorkerScope;

// Without this the package fetches its wasm from a third party's host, which the Content-Security-Policy forbids.
prepareZXingModule({
  overrides: { locateFile: (path: string, prefix: string) => (path.endsWith(".wasm") ? wasmUrl : prefix + path) },
});

const COMMON: ReaderOptions = {
  formats: ["DataMatrix", "QRCode", "Code128", "DataBar", "DataBarLtd", "DataBarExp", "EAN13", "UPCA", "ITF14"],
  textMode: "Plain",
  // One symbol only would drop the rule of two agreeing scan lines for linear symbols, and miss tilted ones.
  maxNumberOfSymbols: 8,
};
const QUICK: ReaderOptions = { ...COMMON, tryHarder: true, tryRotate: false, tryInvert: false };
const THOROUGH: ReaderOptions = { ...COMMON, tryHarder: true, tryRotate: true, tryInvert: true };

let canvas: OffscreenCanvas | null = null;

function pixels(frame: ImageBitmap): ImageData {
  if (canvas?.width !== frame.width || canvas.height !== frame.height) {
    canvas = new OffscreenCanvas(frame.width, frame.height);
  }
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser gives no 2D drawing in a worker");
  context.drawImage(frame, 0, 0);
  return context.getImageData(0, 0, frame.width, frame.height);
}

async function decode({ frame, thorough }: DecodeRequest): Promise<SeenSymbol[]> {
  try {
    const results = await readBarcodes(pixels(frame), thorough ? THOROUGH : QUICK);
    return results
      .filter((result) => result.isValid && result.text)
      .map(({ symbologyIdentifier, text, position }) => ({
        symbologyIdentifier,
        text,
        corners: [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft].map(({ x, y }) => ({
          x: x / frame.width,
          y: y / frame.height,
        })),
      }));
  } finally {
    frame.close();
  }
}

scope.onmessage = async ({ data }) => {
  const started = performance.now();
  try {
    scope.postMessage({ symbols: await decode(data), elapsedMs: performance.now() - started });
  } catch (error) {
    scope.postMessage({ symbols: [], elapsedMs: performance.now() - started, failure: String(error) });
  }
};
