/** Implant cards: what Art. 18 of Regulation (EU) 2017/745 asks for of each implant, without its patient. */

import { call } from "./client";

export interface Contact {
  name: string | null;
  gln: string | null;
  address: string | null;
  website: string | null;
}

export interface ImplantCard {
  deviceName: string | null;
  gtin: string | null;
  lot: string | null;
  serial: string | null;
  expiry: string | null;
  quantity: string;
  uom: string | null;
  udi: string | null;
  manufacturer: Contact;
  implantedOn: string;
  institution: Contact;
  usageReport: string | null;
  eventID: string;
}

export interface ImplantCards {
  cards: ImplantCard[];
  exempt: string;
  filledByHand: string[];
}

/** The use whose cards are wanted: exactly one of its report and an item with a serial number. */
export type CardQuestion = { usageReport: string } | { epc: string };

export const implantApi = {
  cards: (question: CardQuestion) => call<ImplantCards>("POST", "/trace/implant-card", question),
};
