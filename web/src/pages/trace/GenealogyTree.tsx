import type { Genealogy, GenealogyLink } from "../../api/trace";
import { ShortId } from "../../ui/parts";
import { plainWords, readableQuantity, readableTime, thingWords } from "../../ui/words";

const TITLES = { backward: "What it was made of or holds", forward: "What it went into" } as const;
/** Deeper levels and longer lists than these are left to the server's own answer. */
const MOST_LEVELS = 12;

interface Branch {
  link: GenealogyLink;
  thing: string;
}

function branchesOf({ links, direction }: Genealogy, thing: string): Branch[] {
  return direction === "backward"
    ? links.filter(({ whole }) => whole === thing).map((link) => ({ link, thing: link.part }))
    : links.filter(({ part }) => part === thing).map((link) => ({ link, thing: link.whole }));
}

/** Every level as a nested list, so that keyboards and screen readers walk it as eyes do. */
export function GenealogyTree({ genealogy, onOpen }: { genealogy: Genealogy; onOpen: (id: string) => void }) {
  if (genealogy.links.length === 0) return null;
  return (
    <section class="genealogy" data-testid={`genealogy-${genealogy.direction}`}>
      <h2>{TITLES[genealogy.direction]}</h2>
      <Level genealogy={genealogy} thing={genealogy.id} above={[genealogy.id]} onOpen={onOpen} />
      {genealogy.more.length > 0 && <p class="quiet">{genealogy.more.length} of these go on further than is shown; open one to follow it.</p>}
    </section>
  );
}

function Level({ genealogy, thing, above, onOpen }: { genealogy: Genealogy; thing: string; above: readonly string[]; onOpen: (id: string) => void }) {
  const branches = branchesOf(genealogy, thing);
  if (branches.length === 0 || above.length > MOST_LEVELS) return null;
  return (
    <ul>
      {branches.map(({ link, thing: next }) => (
        <li key={link.part + link.whole + link.since}>
          <button type="button" class="link" title={next} onClick={() => onOpen(next)}>
            {thingWords(next)}
          </button>{" "}
          <span class="quiet">
            {plainWords(link.relation)}
            {link.quantity !== null && ` × ${readableQuantity(link.quantity, link.uom)}`}, {readableTime(link.since)}
            {link.until !== null && ` to ${readableTime(link.until)}`} · event <ShortId id={link.eventIDs[0] ?? ""} />
          </span>
          {!above.includes(next) && <Level genealogy={genealogy} thing={next} above={[...above, next]} onOpen={onOpen} />}
        </li>
      ))}
    </ul>
  );
}
