/** The server's wire forms that the pages read; nothing here judges data. */

export interface Session {
  organisation: string;
  organisationName: string;
  role: string;
  name: string;
  /** The place that the key is bound to; null for the whole organisation. */
  place: string | null;
  rights: string[];
}

/** Two clocks: when things happened, and when the server knew of them. Dates or date-times; absent: now. */
export interface Moment {
  asOf?: string;
  knownAt?: string;
}

export interface Config {
  demo: boolean;
  version: string;
}

export interface ElementString {
  ai: string;
  title: string;
  value: string;
}

export interface Finding {
  code: string;
  severity: "error" | "warning";
  message: string;
  ai: string | null;
  position: number | null;
}

/** The facts of a UDI; dates are `YYYY-MM-DD`. */
export interface Udi {
  issuingAgency: string;
  di: string;
  lotNumber?: string | null;
  serialNumber?: string | null;
  expirationDate?: string | null;
  manufacturingDate?: string | null;
}

/** What the caller's own book says of a thing on a label, beside the label itself. */
export interface KnownThing {
  /** Its name in master data; null where there is none. */
  product: string | null;
  /** What stands against it in the caller's stock, such as `recalled`. */
  flags: string[];
  /** What became of a single thing that has left stock, such as `implanted`. */
  gone: string | null;
}

/** One symbol as the server judged it. */
export interface JudgedSymbol {
  symbologyIdentifier: string;
  text: string;
  confirmed: boolean;
  elementStrings: ElementString[];
  findings: Finding[];
  udi: Udi | null;
  epc: string | null;
  epcClass: string | null;
  /** Absent where nobody was asked. */
  known?: KnownThing | null;
}

/** One physical item and what its symbols say together; `symbols` are positions in the answer's list. */
export interface JudgedItem extends Pick<JudgedSymbol, "confirmed" | "elementStrings" | "findings" | "udi" | "epc" | "epcClass" | "known"> {
  symbols: number[];
}

export interface ScanAnswer {
  symbols: JudgedSymbol[];
  items: JudgedItem[];
}

export type Action = "receive" | "use" | "count";
export type UseType = "implanted" | "consumed" | "wasted";

export type CountScope = "complete" | "partial";

/** An item by the text of its label: the server takes identity, lot and expiry from it. */
export interface ActionItem {
  elementString?: string;
  /** Instead of it, where the label has several symbols that make one item. */
  elementStrings?: string[];
  /** False where the pixels left a doubt: the server then takes only a product that it knows. */
  confirmed?: boolean;
  /** Units of an item that is counted; absent for an instance. */
  quantity?: number;
  typed?: boolean;
}

export interface ActionRequest {
  action: Action;
  eventID: string;
  eventTime: string;
  eventTimeZoneOffset: string;
  place: { id: string } | { gln: string };
  items: ActionItem[];
  useType?: UseType;
  countScope?: CountScope;
  /** Which order what was received belongs to: its number, or the URI that events name it by. */
  purchaseOrder?: string;
}

export interface ActionAnswer {
  eventID: string;
  warnings?: { code: string; message: string }[];
}

export interface Place {
  id: string;
  name: string | null;
}

/** One balance: so many units of one item at one place with one owner, holder and status. */
export interface StockRow {
  item: string;
  gtin: string | null;
  lot: string | null;
  serial: string | null;
  expiry: string | null;
  place: string | null;
  container: string | null;
  owner: string | null;
  holder: string | null;
  status: string;
  quantity: string | number;
  uom: string | null;
  flags: string[];
  /** Whether its last day of use is over where it lies. */
  expired: boolean;
  lastEventID: string | null;
}

export type Names = Record<string, string>;

export interface StockAnswer {
  asOf: string;
  items: StockRow[];
  places: Names;
  parties: Names;
  /** By GTIN, where master data names the product. */
  products: Names;
}

export interface Transfer {
  eventTime: string;
  eventID: string;
  from: string;
  to: string;
  item: string;
  gtin: string | null;
  lot: string | null;
  serial: string | null;
  quantity: string | number;
  useType: string | null;
  usageReport: string | null;
  voided: boolean;
}

export interface Conflict {
  id: string;
  kind: string;
  severity: string;
  state: string;
  message: string;
  items: string[];
  eventIDs: string[];
  eventTime: string;
  closedAt?: string | null;
  closedBy?: string | null;
  closedByRole?: string | null;
  closedReason?: string | null;
}

export interface TraceUnit {
  place?: string | null;
  container?: string | null;
  owner?: string | null;
  holder?: string | null;
  status: string;
  quantity: string | number;
  flags?: string[];
  eventIDs: string[];
}

export interface TracePatient {
  patient: string;
  /** Whether the units are still there; undefined of older servers. */
  open?: boolean;
  /** Their use was declared in error and nothing stands in its place. */
  useDeclaredInError?: boolean;
  quantity: string | number | null;
  items?: string[];
  eventIDs: string[];
}

/** A statement on a whole lot, such as a recall. */
export interface LotNotice {
  time: string;
  set: string[];
  unset: string[];
  party: string | null;
  eventIDs: string[];
}

export interface LotTrace {
  gtin: string;
  lot: string;
  asOf: string;
  units: TraceUnit[];
  inTransit: TraceUnit[];
  sinks: TraceUnit[];
  serials: unknown[];
  patients: TracePatient[] | null;
  notices?: LotNotice[];
  conflicts: Conflict[];
  places?: Names;
  parties?: Names;
  products?: Names;
}

export interface Organisation {
  id: string;
  name: string;
  companyPrefixes: string[];
}

/** `takeOverPrefixes`: what another organisation holds of its prefixes becomes its own, and is the other's no longer. */
export type NewOrganisation = Organisation & { takeOverPrefixes?: boolean };

export interface Key {
  id: string;
  organisation: string;
  role: string;
  name: string;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  place: string | null;
  /** The key that takes over from this one. */
  successor: string | null;
}

export interface NewKey extends Key {
  key: string;
}
