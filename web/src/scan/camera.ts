/** The camera: opens it, says in words why it cannot, and feeds frames to the decoder, one at a time. It stores no picture. */

import type { Decoder, SeenSymbol } from "./decoder";

/** Why there is no picture, in words for the person who holds the phone. */
export class CameraError extends Error {
  constructor(
    message: string,
    readonly advice: string,
  ) {
    super(message);
  }
}

const MANUAL = "You can type the label instead.";

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  NotAllowedError: ["Camera permission is denied.", `Allow the camera for this site in the browser's settings, then try again. ${MANUAL}`],
  NotFoundError: ["This device has no camera.", MANUAL],
  NotReadableError: ["Another app is using the camera.", `Close it, then try again. ${MANUAL}`],
  OverconstrainedError: ["This camera cannot give a usable picture.", MANUAL],
};

/** Open the rear camera. Throws CameraError. */
export async function openCamera(): Promise<MediaStream> {
  if (!window.isSecureContext || !navigator.mediaDevices) {
    throw new CameraError(
      "The camera works over HTTPS only.",
      `Open this page with an https:// address, or on the server's own machine. ${MANUAL}`,
    );
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    const [message, advice] = REASONS[name] ?? ["The camera did not start.", MANUAL];
    throw new CameraError(message, advice);
  }
}

/** Turns the camera's light on or off. Rejects where the device does not do it. */
export type Torch = (on: boolean) => Promise<void>;

/** The light beside the camera; null where there is none. W3C MediaStream Image Capture 5, which few typings know. */
export function torchOf(stream: MediaStream): Torch | null {
  const [track] = stream.getVideoTracks();
  const able = track?.getCapabilities?.() as (MediaTrackCapabilities & { torch?: boolean }) | undefined;
  if (track === undefined || able?.torch !== true) return null;
  return (on) => track.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
}

/** The part of the video that an `object-fit: cover` box of this shape shows, in video pixels. */
export function visiblePart(videoWidth: number, videoHeight: number, boxWidth: number, boxHeight: number): DOMRect {
  const scale = Math.max(boxWidth / videoWidth, boxHeight / videoHeight);
  const width = Math.min(videoWidth, Math.round(boxWidth / scale));
  const height = Math.min(videoHeight, Math.round(boxHeight / scale));
  return new DOMRect(Math.round((videoWidth - width) / 2), Math.round((videoHeight - height) / 2), width, height);
}

/** Every this many frames the decoder also looks for rotated and inverted symbols. */
const THOROUGH_EVERY = 4;
/** Pause between frames where the browser cannot announce them. */
const FRAME_PAUSE_MS = 80;

function nextFrame(video: HTMLVideoElement, then: () => void): void {
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(then);
  else setTimeout(then, FRAME_PAUSE_MS);
}

/**
 * Decode what the box shows until `stop` is called; frames that come while one is being decoded are dropped.
 * `onFrame` gets the symbols of each frame, none included.
 */
export function watch(
  video: HTMLVideoElement,
  decoder: Decoder,
  onFrame: (symbols: SeenSymbol[]) => void,
  onFailure: (error: Error) => void,
): () => void {
  let stopped = false;
  let frames = 0;
  const look = async (): Promise<void> => {
    if (stopped) return;
    if (!document.hidden && video.videoWidth > 0 && video.clientWidth > 0) {
      const { x, y, width, height } = visiblePart(video.videoWidth, video.videoHeight, video.clientWidth, video.clientHeight);
      try {
        const frame = await createImageBitmap(video, x, y, width, height);
        frames += 1;
        const symbols = await decoder.decode(frame, frames % THOROUGH_EVERY === 0);
        if (!stopped) onFrame(symbols);
      } catch (error) {
        if (!stopped) onFailure(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
    if (!stopped) nextFrame(video, look);
  };
  nextFrame(video, look);
  return () => {
    stopped = true;
  };
}
