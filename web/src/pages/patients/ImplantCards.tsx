import { type CardQuestion, type Contact, type ImplantCard, implantApi } from "../../api/implants";
import { readableDate } from "../../scan/items";
import { useLoaded, WhenLoaded } from "../../ui/loaded";
import { Nothing } from "../../ui/parts";
import { partsOfItem } from "./questions";

interface Props {
  question: CardQuestion;
  /** The one item of the use whose card is wanted; all of them without it. */
  only?: string;
}

/** The implant cards of one use, to print: the patient's name is written by hand, since the server does not know it. */
export function CardsOf({ question, only }: Props) {
  const loaded = useLoaded(() => implantApi.cards(question), [JSON.stringify(question)]);
  return (
    <WhenLoaded loaded={loaded} what="the implant card">
      {({ cards, exempt }) => {
        const wanted = only === undefined ? cards : cards.filter((card) => isOf(card, only));
        if (wanted.length === 0) return <Nothing title="No use that stands says that this was implanted: it may have been corrected since, or be no implant." />;
        return (
          <section class="implant-cards" aria-label="Cards to print">
            {wanted.map((card) => (
              <Card key={card.eventID + (card.serial ?? card.lot)} card={card} />
            ))}
            <p class="quiet">{exempt}</p>
            <button type="button" class="secondary" onClick={() => print()}>
              Print
            </button>
          </section>
        );
      }}
    </WhenLoaded>
  );
}

function isOf(card: ImplantCard, item: string): boolean {
  const parts = partsOfItem(item);
  if (parts === null || parts.gtin !== card.gtin) return false;
  return parts.serial !== null ? parts.serial === card.serial : parts.lot === card.lot && card.serial === null;
}

const contactWords = ({ name, address, gln }: Contact): string => [name, address, gln && `GLN ${gln}`].filter(Boolean).join(", ");

function rowsOf(card: ImplantCard): [string, string | null][] {
  return [
    ["Date of implantation", readableDate(card.implantedOn)],
    ["Institution", contactWords(card.institution)],
    ["Device", card.deviceName],
    ["Quantity", card.quantity === "1" ? null : [card.quantity, card.uom].filter(Boolean).join(" ")],
    ["GTIN", card.gtin],
    ["Lot", card.lot],
    ["Serial number", card.serial],
    ["Expiry", card.expiry === null ? null : readableDate(card.expiry)],
    ["UDI", card.udi],
    ["Manufacturer", contactWords(card.manufacturer)],
    ["Information for patients", card.manufacturer.website],
  ];
}

function Card({ card }: { card: ImplantCard }) {
  return (
    <article class="card implant-card" data-testid="implant-card">
      <h3>{card.deviceName ?? card.gtin}</h3>
      <dl>
        <div>
          <dt>Patient name or ID</dt>
          <dd class="by-hand">
            <span class="sr-only">to be written by hand</span>
          </dd>
        </div>
        {rowsOf(card)
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </article>
  );
}
