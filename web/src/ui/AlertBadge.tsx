import { useEffect } from "preact/hooks";
import { alertApi } from "../api/alerts";
import { onChange } from "../api/live";
import { useLoaded } from "./loaded";

export type Owed = Awaited<ReturnType<typeof alertApi.owed>>;

const NONE: Owed = { count: 0, more: false };

/** How many open alerts the reader's side has to act on, kept up to date; none for who may read none. */
export function useOwed(wanted: boolean): Owed {
  const { value, refresh } = useLoaded(async () => (wanted ? alertApi.owed() : NONE), [wanted]);
  useEffect(() => (wanted ? onChange(["alerts"], () => void refresh()) : undefined), [wanted, refresh]);
  return value ?? NONE;
}

export function AlertBadge({ owed: { count, more } }: { owed: Owed }) {
  if (count === 0) return null;
  return (
    <>
      {" "}
      <span class="badge" data-testid="alert-badge">
        {count}
        {more && "+"}
        <span class="sr-only"> {count === 1 ? "alert" : "alerts"} to act on</span>
      </span>
    </>
  );
}
