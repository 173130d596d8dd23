import { useState } from "preact/hooks";
import type { CardQuestion } from "../../api/implants";
import { patientApi, type TrackingQuestion, type TrackingRow } from "../../api/patients";
import type { Session } from "../../api/types";
import { save } from "../../ui/download";
import { Failures, useDoing } from "../../ui/loaded";
import { patientWords } from "../../ui/patients";
import { Segments } from "../../ui/Segments";
import { type Column, TableBlock } from "../../ui/Table";
import { nameOf, readableTime } from "../../ui/words";
import { CardsOf } from "./ImplantCards";

/** Papers about implants: cards for patients, and for the clinical role the export of device tracking. */
export function ImplantsPage({ session }: { session: Session }) {
  return (
    <main class="wide">
      <h1>Implants</h1>
      <Cards />
      {["know patients", "export"].every((right) => session.rights.includes(right)) && <Tracking />}
    </main>
  );
}

const CARD_BY = [
  ["usageReport", "Usage report"],
  ["epc", "Item"],
] as const;

function Cards() {
  const [by, setBy] = useState<(typeof CARD_BY)[number][0]>("usageReport");
  const [text, setText] = useState("");
  const [question, setQuestion] = useState<CardQuestion | null>(null);
  return (
    <section aria-labelledby="cards-title">
      <h2 id="cards-title">Implant cards</h2>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          setQuestion(by === "epc" ? { epc: text.trim() } : { usageReport: text.trim() });
        }}
      >
        <Segments
          legend="Cards of"
          options={CARD_BY}
          value={by}
          onChange={(next) => {
            setBy(next);
            setQuestion(null);
          }}
        />
        <div class="fields">
          <label class="wider">
            {by === "epc" ? "Item with its serial number" : "Number of the usage report"}
            <input required maxLength={2000} autocomplete="off" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
        </div>
        <div class="row">
          <button type="submit" class="primary">
            Show the cards
          </button>
        </div>
      </form>
      {question === null ? <p class="quiet">A card says which device was implanted, when and where. It names no patient.</p> : <CardsOf question={question} />}
    </section>
  );
}

const NOT_ASKED = { purpose: "", epc: "", gtin: "", lot: "", from: "", to: "" };

/** Implants of an item, a product, a lot or a period with their patients: 21 CFR 821.30. */
function Tracking() {
  const [form, setForm] = useState(NOT_ASKED);
  const [rows, setRows] = useState<readonly TrackingRow[] | null>(null);
  const doing = useDoing();
  const question = (): TrackingQuestion => {
    const given = Object.entries(form).flatMap(([name, text]) => (text.trim() === "" ? [] : [[name, text.trim()] as const]));
    return { purpose: "", ...Object.fromEntries(given) };
  };
  const field = (name: keyof typeof NOT_ASKED) => ({
    value: form[name],
    onInput: (event: Event & { currentTarget: HTMLInputElement }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  const show = (): void => void doing.run(async () => setRows(await patientApi.tracking(question())));
  const download = (): void => void doing.run(async () => save("device-tracking.csv", "text/csv", await patientApi.trackingFile(question())));
  return (
    <section class="spaced" aria-labelledby="tracking-title">
      <h2 id="tracking-title">Device tracking</h2>
      <form
        class="ask"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (event.submitter?.getAttribute("value") === "file") download();
          else show();
        }}
      >
        <div class="fields">
          <label>
            GTIN
            <input inputMode="numeric" pattern="\s*\d{8,14}\s*" title="8 to 14 digits" disabled={form.epc !== ""} {...field("gtin")} />
          </label>
          <label>
            Lot
            <input maxLength={20} disabled={form.epc !== ""} {...field("lot")} />
          </label>
          <label>
            or item
            <input maxLength={2000} disabled={form.gtin !== ""} spellcheck={false} placeholder="https://id.gs1.org/01/…/21/…" {...field("epc")} />
          </label>
          <label>
            From
            <input type="date" {...field("from")} />
          </label>
          <label>
            Before
            <input type="date" {...field("to")} />
          </label>
          <label class="wider">
            Purpose, for the privacy officer
            <input required minLength={10} maxLength={1000} {...field("purpose")} />
          </label>
        </div>
        <p class="quiet">The list names patients by pseudonym; names, addresses and physicians are yours to add. Each export is recorded.</p>
        <div class="row wrap">
          <button type="submit" class="primary" value="rows" disabled={doing.busy}>
            {doing.busy ? "Collecting…" : "Show the list"}
          </button>
          <button type="submit" class="secondary" value="file" disabled={doing.busy}>
            Download as CSV
          </button>
        </div>
      </form>
      <Failures doing={doing} title="It could not be exported" />
      {rows !== null && <TableBlock title="Implants" total={rows.length} columns={COLUMNS} rows={rows} marks={() => ({ "data-testid": "tracked" })} nothing="No implant of yours fits." />}
    </section>
  );
}

const COLUMNS: readonly Column<TrackingRow>[] = [
  {
    title: "Device",
    cell: ({ deviceName, deviceIdentifier }) => (
      <>
        {deviceName} <div class="quiet code">{deviceIdentifier}</div>
      </>
    ),
  },
  { title: "Lot / serial", kind: "code", cell: ({ lot, serial }) => [serial, lot && `Lot ${lot}`].filter(Boolean).join(", ") },
  { title: "Quantity", kind: "number", cell: ({ quantity }) => quantity },
  { title: "Provided", cell: ({ providedAt }) => (providedAt === null ? "—" : readableTime(providedAt)) },
  { title: "Explanted", cell: ({ explantedAt }) => (explantedAt === null ? "—" : readableTime(explantedAt)) },
  { title: "Patient (pseudonym)", kind: "code", cell: ({ patientPseudonym }) => patientWords(patientPseudonym) },
  { title: "Place", cell: ({ place }) => (place?.startsWith("https://") ? nameOf(place, {}) : (place ?? "—")) },
];
