import { useEffect, useMemo, useState } from "preact/hooks";
import type { AiTable } from "../../gs1/splitter";
import { splitElementStrings } from "../../gs1/splitter";
import type { CountRead, CountSession } from "../../scan/count";
import { createSounder } from "../../scan/signals";
import { thingWords } from "../../ui/words";
import { ManualEntry } from "../scan/ManualEntry";
import { Viewfinder } from "../scan/Viewfinder";

/** Reads of one label: a serial number once, a lot as often as it was read or added. */
interface Row {
  elementString: string;
  reads: CountRead[];
  title: string;
  particulars: string;
  serial: boolean;
  refused: string | null;
  notes: string[];
}

/** The rows of the list, the newest label first. */
export function rowsOf(reads: readonly CountRead[], table: AiTable): Row[] {
  const rows = new Map<string, CountRead[]>();
  for (const read of reads) {
    if (!read.undone) rows.set(read.elementString, [...(rows.get(read.elementString) ?? []), read]);
  }
  return [...rows].reverse().map(([elementString, own]) => {
    // The symbology identifier is three characters. ISO/IEC 15424.
    const { elementStrings: elements } = splitElementStrings(elementString.slice(3), table);
    const valueOf = (...ais: string[]): string | undefined => elements.find(({ ai }) => ais.includes(ai))?.value;
    const [serial, lot, sscc, gtin] = [valueOf("21"), valueOf("10"), valueOf("00"), valueOf("01", "02")];
    const last = own[own.length - 1]?.result;
    return {
      elementString,
      reads: own,
      title: sscc ? `Container ${sscc}` : gtin ? `GTIN ${gtin}` : "Unknown label",
      particulars: [serial && `Serial ${serial}`, lot && `Lot ${lot}`].filter(Boolean).join(" · "),
      serial: serial !== undefined || sscc !== undefined,
      refused: last?.outcome === "refused" ? (last.findings[0]?.message ?? "It was not counted.") : null,
      notes: last?.outcome === "refused" ? [] : (last?.findings ?? []).map(({ message }) => message),
    };
  });
}

/** Units of a row: what the server took of each read, or one while it has not answered. */
export function unitsOf({ reads, refused }: Row): number {
  return refused !== null ? 0 : reads.reduce((sum, { result }) => sum + (result?.outcome === "counted_before" ? 0 : Number(result?.quantity ?? 1)), 0);
}

export function CountReads({ counting, table }: { counting: CountSession; table: AiTable }) {
  const [typing, setTyping] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const [empty, setEmpty] = useState(false);
  const sound = useMemo(createSounder, []);
  const notice = counting.notice.value;
  const kept = counting.kept.value;
  const count = counting.count.value;
  useEffect(() => {
    if (notice) sound(notice.tone);
  }, [notice, sound]);
  if (kept === null) return null;
  const rows = rowsOf(kept.reads, table);
  const total = rows.reduce((sum, row) => sum + unitsOf(row), 0);
  const waiting = counting.waiting.value;
  const recounting = count?.state === "recounting";
  return (
    <>
      {recounting && (
        <p class="lead">
          Second round. Count again: {(count?.recount ?? []).join(", ")}
        </p>
      )}
      <Viewfinder onSymbol={({ symbologyIdentifier, text }) => void counting.add(symbologyIdentifier, text, false)} />
      <div class="under-camera">
        <p class={`status ${notice?.tone ?? ""}`} role="status">
          {notice?.text ?? ""}
        </p>
        <button type="button" class="link" aria-expanded={typing} onClick={() => setTyping(!typing)}>
          {typing ? "Close" : "Type it"}
        </button>
      </div>
      {typing && <ManualEntry table={table} onText={(text) => void counting.add("]d2", text, true)} />}
      <h2 class="list-title" data-testid="count-total">
        {total} {total === 1 ? "unit" : "units"} counted
        {waiting > 0 && <span class="tag warn waiting-tag">{waiting} wait for the connection</span>}
      </h2>
      <ul class="items">
        {rows.map((row) => (
          <ReadRow key={row.elementString} row={row} counting={counting} />
        ))}
      </ul>
      {count?.book && <Expected book={count.book} rows={rows} />}
      {leaving ? (
        <div class="row wrap">
          <button type="button" class="secondary" onClick={() => void counting.step("abandon")}>
            Really throw the count away
          </button>
          <button type="button" class="link" onClick={() => setLeaving(false)}>
            Go on counting
          </button>
        </div>
      ) : (
        <button type="button" class="link" onClick={() => setLeaving(true)}>
          Throw this count away
        </button>
      )}
      {empty && total === 0 ? (
        <div class="save-bar">
          <p>Nothing was read. Was everything looked for, and is nothing there?</p>
          <button type="button" class="secondary" onClick={() => setEmpty(false)}>
            Go on counting
          </button>
          <button type="button" class="primary" disabled={counting.busy.value} onClick={() => void counting.step("close", true)}>
            Nothing is there
          </button>
        </div>
      ) : (
        <div class="save-bar">
          <button
            type="button"
            class="primary"
            disabled={counting.busy.value}
            onClick={() => (total === 0 ? setEmpty(true) : void counting.step("close"))}
          >
            {counting.busy.value ? "Comparing…" : "Everything is read"}
          </button>
        </div>
      )}
    </>
  );
}

function ReadRow({ row, counting }: { row: Row; counting: CountSession }) {
  const units = unitsOf(row);
  const last = row.reads[row.reads.length - 1];
  const again = (): void => void counting.add(row.elementString.slice(0, 3), row.elementString.slice(3), false, true);
  const waiting = row.reads.some(({ result }) => result === null);
  const tone = row.refused !== null ? "bad" : waiting ? "waiting" : row.notes.length > 0 ? "warn" : "good";
  return (
    <li class={`item ${tone}`} data-testid="read">
      <div class="item-head">
        <p class="item-title">
          <span class="name">{row.title}</span>
          <span class="particulars">{row.particulars}</span>
        </p>
        {!row.serial && row.refused === null && (
          <button type="button" class="icon" aria-label={`One more of ${row.title} ${row.particulars}`} onClick={again}>
            +
          </button>
        )}
        <span class="units" data-testid="units">
          {units}
        </span>
        <button type="button" class="icon" aria-label={`Take back ${row.title} ${row.particulars}`} onClick={() => last && void counting.undo(last.readID)}>
          ↶
        </button>
      </div>
      {row.refused !== null && <p class="verdict bad">✕ {row.refused}</p>}
      {row.notes.map((note) => (
        <p key={note} class="verdict warn">
          ! {note}
        </p>
      ))}
    </li>
  );
}

/** What the book has here, with a tick for what was read; only in a count that is not blind. */
function Expected({ book, rows }: { book: readonly { item: string; quantity: string; uom: string | null }[]; rows: readonly Row[] }) {
  const read = new Set(rows.flatMap(({ reads }) => reads.map(({ result }) => result?.item)));
  return (
    <section>
      <h2>Should be here</h2>
      <ul class="cards">
        {book.map(({ item, quantity, uom }) => (
          <li key={item}>
            {read.has(item) ? "✓ " : ""}
            {thingWords(item)} × {quantity} {uom}
          </li>
        ))}
      </ul>
    </section>
  );
}
