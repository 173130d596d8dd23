import type { ComponentChildren } from "preact";
import { fileOf } from "../api/client";
import { saveBlob } from "./download";
import type { Doing } from "./loaded";

interface Props {
  href: string;
  class: string;
  /** The file's name, where the server gives it none. */
  name: string;
  label: string;
  /** Where a failure is told: a browser by itself would save the refusal as the file. */
  doing: Doing;
  children: ComponentChildren;
}

/** A file of the server's for the reader's own records. */
export function DownloadLink({ href, class: look, name, label, doing, children }: Props) {
  return (
    <a
      href={href}
      class={look}
      download={name}
      aria-label={label}
      aria-disabled={doing.busy}
      onClick={(event) => {
        event.preventDefault();
        void doing.run(async () => {
          const file = await fileOf(href);
          saveBlob(file.name ?? name, file.blob);
        });
      }}
    >
      {children}
    </a>
  );
}
