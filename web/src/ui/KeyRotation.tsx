import { useState } from "preact/hooks";
import { Segments } from "./Segments";

/** Seconds for which the old key goes on beside the new one. */
const OVERLAPS = [
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "1 week"],
] as const;

interface Props {
  busy: boolean;
  onRotate: (overlapSeconds: number) => void;
  onCancel?: () => void;
}

/** How a key gives way to its successor: both open the door for a while, so that nobody stands outside. */
export function KeyRotation({ busy, onRotate, onCancel }: Props) {
  const [overlap, setOverlap] = useState<(typeof OVERLAPS)[number][0]>("86400");
  return (
    <form
      class="note"
      onSubmit={(event) => {
        event.preventDefault();
        onRotate(Number(overlap));
      }}
    >
      <p>The old key goes on for</p>
      <Segments legend="The old key goes on for" options={OVERLAPS} value={overlap} onChange={setOverlap} />
      <div class="row wrap">
        <button type="submit" class="primary" disabled={busy}>
          Make the new key
        </button>
        {onCancel && (
          <button type="button" class="secondary" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}
