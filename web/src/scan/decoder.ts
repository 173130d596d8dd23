/** The page's side of the decoder worker: one frame in flight, the answer as a promise. */

export interface Point {
  x: number;
  y: number;
}

/** A symbol in one frame; corners are shares (0 to 1) of the frame's width and height, clockwise from top left. */
export interface SeenSymbol {
  symbologyIdentifier: string;
  text: string;
  corners: Point[];
}

export interface DecodeRequest {
  frame: ImageBitmap;
  thorough: boolean;
}

export interface DecodeAnswer {
  symbols: SeenSymbol[];
  elapsedMs: number;
  failure?: string;
}

export interface Decoder {
  /** Decode one frame, which the decoder then owns. Call again only after the answer. Rejects when the worker failed. */
  decode(frame: ImageBitmap, thorough: boolean): Promise<SeenSymbol[]>;
  close(): void;
}

export function startDecoder(): Decoder {
  const worker = new Worker(new URL("./decoder.worker.ts", import.meta.url), { type: "module" });
  return {
    decode: (frame, thorough) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<DecodeAnswer>) =>
          data.failure === undefined ? resolve(data.symbols) : reject(new Error(data.failure));
        worker.onerror = (event) => reject(new Error(event.message || "The barcode reader could not be started"));
        worker.postMessage({ frame, thorough } satisfies DecodeRequest, [frame]);
      }),
    close: () => worker.terminate(),
  };
}
