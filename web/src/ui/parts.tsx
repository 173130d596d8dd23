/** Small parts that every page is made of: notices, waiting, nothing to show, chips. */

import type { ComponentChildren } from "preact";
import type { ElementString } from "../api/types";

export type Tone = "good" | "bad" | "warn" | "plain";

const MARKS: Readonly<Record<Tone, string>> = { good: "✓", bad: "✕", warn: "!", plain: "i" };

/** A message with a sign as well as a colour. Bad news is announced at once, the rest when the reader pauses. */
export function Notice({ tone, title, children }: { tone: Tone; title?: string; children?: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <span class="mark" aria-hidden="true">
        {MARKS[tone]}
      </span>
      <div>
        {title && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

export function Messages({ messages }: { messages: readonly string[] }) {
  if (messages.length < 2) return <p>{messages[0]}</p>;
  return (
    <ul>
      {messages.map((message) => (
        <li key={message}>{message}</li>
      ))}
    </ul>
  );
}

export function Waiting({ children }: { children: ComponentChildren }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" /> {children}
    </p>
  );
}

export function Nothing({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="nothing">
      <p class="nothing-title">{title}</p>
      {children}
    </div>
  );
}

/** The element strings of a label: application identifier, data title, value. */
export function Chips({ elementStrings }: { elementStrings: readonly ElementString[] }) {
  return (
    <ul class="chips" aria-label="Element strings">
      {elementStrings.map(({ ai, title, value }) => (
        <li key={ai + value} class="chip">
          <span class="heading" title={title}>
            <span class="ai">({ai})</span> <span class="title">{title}</span>
          </span>
          <span class="value">{value}</span>
        </li>
      ))}
    </ul>
  );
}

/** The end of an identifier, long enough to tell it from others; the whole one is in the tooltip and when copied. */
export function ShortId({ id }: { id: string }) {
  const short = id.length > 14 ? `…${id.slice(-8)}` : id;
  return (
    <abbr class="id" title={id}>
      {short}
    </abbr>
  );
}

/** A table that scrolls sideways by itself where the screen is narrower; the keyboard reaches it to scroll. */
export function Scroller({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="scroller" role="region" aria-label={name} tabIndex={0}>
      {children}
    </div>
  );
}
