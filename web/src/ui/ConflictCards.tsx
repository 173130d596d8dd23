import type { Conflict, Names } from "../api/types";
import { ALARMING_SEVERITIES, capitalised, conflictWords, flagWords, readableMessage, readableTime, worstFirst } from "./words";

/** Conflicts as a list of cards, the worst first; nothing where there are none. */
export function ConflictCards({ conflicts, names, title = "Conflicts" }: { conflicts: readonly Conflict[]; names: Names; title?: string }) {
  if (conflicts.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ol class="cards">
        {worstFirst(conflicts).map((conflict) => (
          <li key={conflict.id} class={`severity-${conflict.severity}`} data-testid="conflict">
            <p>
              <SeverityTag severity={conflict.severity} /> <span class="tag">{conflictWords(conflict.kind)}</span>
            </p>
            <p>{capitalised(readableMessage(conflict.message, names))}</p>
            <p class="quiet">
              <time dateTime={conflict.eventTime}>{readableTime(conflict.eventTime)}</time>
              {conflict.state !== "open" && ` · ${flagWords(conflict.state)}`}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function SeverityTag({ severity }: { severity: string }) {
  return <span class={ALARMING_SEVERITIES.has(severity) ? "tag bad" : "tag"}>{flagWords(severity)}</span>;
}
