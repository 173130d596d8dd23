import { useEffect, useRef, useState } from "preact/hooks";
import { messagesOf, Problem } from "../../api/client";
import { type Custody, type Genealogy, type ItemTrace, lotIdentifier, traceApi } from "../../api/trace";
import type { LotTrace, Moment } from "../../api/types";
import { currentSearch, go, queryOf } from "../../router";
import { Messages, Nothing, Notice, Waiting } from "../../ui/parts";
import { GenealogyTree } from "./GenealogyTree";
import { ItemEvents, ItemHead } from "./ItemAnswer";
import { LotAnswer } from "./LotAnswer";
import { CustodyTimelines } from "./Timelines";

interface Found {
  lot: LotTrace | null;
  item: ItemTrace | null;
  custody: Custody | null;
  genealogies: Genealogy[];
}

type Result = { state: "none" } | { state: "asking" } | { state: "found"; found: Found } | { state: "unknown" } | { state: "failed"; messages: string[] };

interface Question {
  gtin: string;
  lot: string;
  epc: string;
  asOf: string;
  knownAt: string;
}

const EMPTY: Question = { gtin: "", lot: "", epc: "", asOf: "", knownAt: "" };
/** A patient's number must not stand in an address: it is looked up by other means. GS1 General Specifications 3.9.13. */
const PATIENT_NUMBER = /\(8018\)|\/8018\/|^\]?..?8018\d|gsrnp:/i;

function questionInAddress(): Question {
  const query = new URLSearchParams(location.search);
  const found = Object.keys(EMPTY).map((field) => [field, query.get(field) ?? ""]);
  return Object.fromEntries(found) as Question;
}

/** The answer of a call, or null where the caller sees nothing of the kind. */
async function orNothing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

async function trace({ gtin, lot, epc, asOf, knownAt }: Question): Promise<Found> {
  const at: Moment = { asOf, knownAt };
  const item = epc ? await traceApi.item(epc.trim(), at) : null;
  const whole = epc ? null : await traceApi.lot(gtin.trim().padStart(14, "0"), lot.trim(), at);
  const id = item?.epc ?? lotIdentifier(whole?.gtin ?? "", whole?.lot ?? "");
  const [custody, backward, forward] = await Promise.all([
    item === null ? null : orNothing(traceApi.custody(id, at)),
    orNothing(traceApi.genealogy(id, "backward", at)),
    orNothing(traceApi.genealogy(id, "forward", at)),
  ]);
  return { lot: whole, item, custody, genealogies: [backward, forward].filter((one) => one !== null) };
}

/** Where a lot or an item is and was, who had and owned it, what it was made of and went into. */
export function TracePage() {
  const [question, setQuestion] = useState<Question>(questionInAddress);
  const [result, setResult] = useState<Result>({ state: "none" });
  const ask = async (wanted: Question): Promise<void> => {
    if (PATIENT_NUMBER.test(wanted.epc)) {
      setResult({ state: "failed", messages: ["This is a patient's number (AI 8018). Patients are looked up by the clinical system, never by address."] });
      return;
    }
    newest.current += 1;
    const mine = newest.current;
    const tell = (answer: Result): void => {
      if (mine === newest.current) setResult(answer);
    };
    tell({ state: "asking" });
    try {
      tell({ state: "found", found: await trace(wanted) });
    } catch (error) {
      tell(error instanceof Problem && error.status === 404 ? { state: "unknown" } : { state: "failed", messages: messagesOf(error) });
    }
  };
  const newest = useRef(0);
  const search = currentSearch();
  // Each question is an address of its own, so that Back leads to the one before.
  useEffect(() => {
    const wanted = questionInAddress();
    setQuestion(wanted);
    if (wanted.epc || (wanted.gtin && wanted.lot)) void ask(wanted);
    else setResult({ state: "none" });
  }, [search]);
  const goTo = (wanted: Question): void => {
    const query = queryOf({ ...wanted });
    // A patient's number must not get into the address; the same question is asked again.
    if (PATIENT_NUMBER.test(wanted.epc) || query === location.search) void ask(wanted);
    else go("/trace", query);
  };
  const edit = (field: keyof Question) => (event: Event & { currentTarget: HTMLInputElement }) =>
    setQuestion({ ...question, [field]: event.currentTarget.value });
  const open = (epc: string): void => {
    goTo({ ...question, gtin: "", lot: "", ...partsOfLot(epc) });
  };
  const byItem = question.epc !== "";
  return (
    <main class="wide">
      <h1>Trace</h1>
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          goTo(question);
        }}
      >
        <span class="pair">
          <label for="gtin">GTIN</label>
          <input id="gtin" required={!byItem} disabled={byItem} inputMode="numeric" pattern="\s*\d{8,14}\s*" title="8 to 14 digits" value={question.gtin} onInput={edit("gtin")} placeholder="09521141045305" />
        </span>
        <span class="pair">
          <label for="lot">Lot</label>
          <input id="lot" required={!byItem} disabled={byItem} maxLength={20} value={question.lot} onInput={edit("lot")} placeholder="LOT77A" autocomplete="off" />
        </span>
        <span class="pair">
          <label for="epc">or item</label>
          <input id="epc" class="long" maxLength={2000} value={question.epc} onInput={edit("epc")} placeholder="https://id.gs1.org/01/…/21/…" autocomplete="off" spellcheck={false} />
        </span>
        <span class="pair">
          <label for="as-of">As of</label>
          <input id="as-of" type="date" value={question.asOf} onInput={edit("asOf")} />
        </span>
        <span class="pair">
          <label for="known-at">As known on</label>
          <input id="known-at" type="date" value={question.knownAt} onInput={edit("knownAt")} />
        </span>
        <button type="submit" class="primary" disabled={result.state === "asking"}>
          Trace
        </button>
      </form>
      {result.state === "none" && <Nothing title="Enter the GTIN and lot of a label, or an item, with a day to look back to it." />}
      {result.state === "asking" && <Waiting>Tracing…</Waiting>}
      {result.state === "unknown" && <Nothing title={`No event that you may see names this ${byItem ? "item" : "lot"}.`} />}
      {result.state === "failed" && (
        <Notice tone="bad" title="It could not be traced">
          <Messages messages={result.messages} />
        </Notice>
      )}
      {result.state === "found" && <Answer found={result.found} onOpen={open} />}
    </main>
  );
}

function Answer({ found: { lot, item, custody, genealogies }, onOpen }: { found: Found; onOpen: (id: string) => void }) {
  return (
    <>
      {lot && <LotAnswer trace={lot} />}
      {item && <ItemHead trace={item} onOpen={onOpen} />}
      {custody && <CustodyTimelines custody={custody} />}
      <div class="two">
        {genealogies.map((genealogy) => (
          <GenealogyTree key={genealogy.direction} genealogy={genealogy} onOpen={onOpen} />
        ))}
      </div>
      {item && <ItemEvents trace={item} />}
    </>
  );
}

/** The question about a thing: a lot by its GTIN and lot, anything else by its identifier. */
function partsOfLot(id: string): Pick<Question, "epc"> & Partial<Question> {
  const found = /\/01\/(\d{14})\/10\/([^/]+)$/.exec(id);
  return found ? { epc: "", gtin: found[1] ?? "", lot: decodeURIComponent(found[2] ?? "") } : { epc: id };
}
