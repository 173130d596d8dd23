import { countApi, type CountPart, type VarianceLine, writeOffApi } from "../../api/counts";
import { type AllNames, ledgerApi } from "../../api/ledger";
import type { Session } from "../../api/types";
import { Failures, useDoing, useLoaded, WhenLoaded } from "../../ui/loaded";
import { Nothing } from "../../ui/parts";
import { nameOf, readableTime, thingWords } from "../../ui/words";
import { WriteOffs } from "./WriteOffs";

const KIND_WORDS: Readonly<Record<string, string>> = {
  agrees: "agrees",
  missing: "missing",
  found: "more than the book has",
  unexpected: "not in the book",
  wrong_place: "belongs elsewhere",
  seen: "seen in part",
};

/** What finished counts said of the goods between the caller and its partners; both read the same. */
export function Variances({ session }: { session: Session }) {
  const loaded = useLoaded(async () => {
    const [variances, writeOffs, names] = await Promise.all([countApi.variances(), writeOffApi.all(), ledgerApi.names()]);
    return { variances, writeOffs, names };
  }, []);
  const doing = useDoing();
  const change = (work: () => Promise<unknown>): void =>
    void doing.run(async () => {
      await work();
      await loaded.refresh();
    });
  const propose = (part: CountPart): void => change(() => writeOffApi.propose(part.place, missingOf(part)));
  const mayPropose = session.rights.includes("capture");
  return (
    <section class="spaced">
      <h2>Finished counts</h2>
      <WhenLoaded loaded={loaded} what="the finished counts">
        {({ variances, writeOffs, names }) => (
          <>
            {variances.length === 0 && <Nothing title="No count is on record yet." />}
            {variances.map((part) => (
              <PartCard key={part.countID + part.supplier} part={part} names={names} onWriteOff={mayPropose && missingOf(part).length > 0 ? () => propose(part) : null} />
            ))}
            <Failures doing={doing} title="That was refused" />
            <WriteOffs writeOffs={writeOffs} names={names} session={session} doing={doing} onChange={change} />
          </>
        )}
      </WhenLoaded>
    </section>
  );
}

/** Items that a part found less of than the book has. */
function missingOf({ lines }: CountPart): string[] {
  return lines.filter(({ kind }) => kind === "missing").map(({ item }) => item);
}

export function PartCard({ part, names, onWriteOff = null }: { part: CountPart; names: AllNames | null; onWriteOff?: (() => void) | null }) {
  const differing = part.lines.filter(({ kind }) => kind !== "agrees");
  const agreeing = part.lines.length - differing.length;
  return (
    <article class="card" data-testid="part">
      <h3>
        {nameOf(part.supplier, names?.parties ?? {})} <span class={Number(part.variance) > 0 ? "tag bad" : "tag"}>{Number(part.variance) > 0 ? `${part.variance} differ` : "Agrees"}</span>
      </h3>
      <p class="quiet">
        {nameOf(part.place, names?.places ?? {})} · {readableTime(part.countedAt)} · {agreeing} {agreeing === 1 ? "line agrees" : "lines agree"}
      </p>
      <ul class="plain">
        {differing.map((line) => (
          <LineRow key={line.item + line.kind} line={line} names={names} />
        ))}
      </ul>
      {onWriteOff && (
        <button type="button" class="secondary" onClick={onWriteOff}>
          Propose to write off what is missing
        </button>
      )}
    </article>
  );
}

function LineRow({ line, names }: { line: VarianceLine; names: AllNames | null }) {
  const product = names?.products[line.gtin ?? ""];
  return (
    <li class="variance" data-testid="variance">
      <strong>{thingWords(line.item)}</strong> {product && <span class="quiet">{product} </span>}
      <span class={line.kind === "missing" ? "tag bad" : "tag warn"}>{KIND_WORDS[line.kind] ?? line.kind}</span>
      <div class="quiet">
        {line.counted} counted, {line.booked} in the book
        {line.places.length > 0 && `; booked at ${line.places.map((place) => nameOf(place, names?.places ?? {})).join(", ")}`}
      </div>
    </li>
  );
}
