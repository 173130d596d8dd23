/** What tells of patients: always asked for by POST with a purpose, recorded by the server first, and never kept here. */

import { call, textOf } from "./client";

/** Whom or what is asked for: exactly one of a patient, an item, and a lot with its GTIN. */
export interface PatientQuestion {
  patient?: string;
  epc?: string;
  gtin?: string;
  lot?: string;
}

/** Units of an item with a patient, since a time and until they were taken out again. */
export interface PatientLink {
  patient: string;
  item: string;
  quantity: string;
  since: string;
  until: string | null;
  usageReport?: string | null;
  useDeclaredInError?: boolean;
}

/** One use of break-glass, as the privacy officer reads it. */
export interface Emergency {
  id: string;
  principal: string;
  concerns: string;
  reason: string;
  openedAt: string;
  expiresAt: string;
  reviewedAt: string | null;
  reviewedBy: string | null;
  review: string | null;
}

export interface QuarantinedEvent {
  id: string;
  receivedAt: string;
  principal: string;
  role: string;
  findings: { code: string; message: string }[];
}

export interface TrackingQuestion {
  purpose: string;
  epc?: string;
  gtin?: string;
  lot?: string;
  from?: string;
  to?: string;
}

/** One tracked implant; what the server does not hold is null, for the hospital to fill in. 21 CFR 821.30. */
export interface TrackingRow {
  manufacturer: string | null;
  deviceName: string | null;
  deviceIdentifier: string | null;
  lot: string | null;
  serial: string | null;
  providedAt: string | null;
  explantedAt: string | null;
  place: string | null;
  patientPseudonym: string;
  quantity: string;
}

const quarantined = (id: string): string => `/quarantine/${encodeURIComponent(id)}`;

export const patientApi = {
  search: async (question: PatientQuestion, purpose: string, asOf: string) =>
    (await call<{ links: PatientLink[] }>("POST", "/patients/search", { ...question, purpose, ...(asOf ? { asOf } : {}) })).links,
  breakGlass: (question: PatientQuestion, reason: string) => call<Emergency>("POST", "/patients/emergencies", { ...question, reason }),
  emergencies: async () => (await call<{ emergencies: Emergency[] }>("GET", "/patients/emergencies")).emergencies,
  review: (id: string, judgement: string) => call<Emergency>("POST", `/patients/emergencies/${encodeURIComponent(id)}/review`, { judgement }),
  tracking: async (question: TrackingQuestion) => (await call<{ rows: TrackingRow[] }>("POST", "/trace/device-tracking", question)).rows,
  trackingFile: (question: TrackingQuestion) => textOf("POST", "/trace/device-tracking", question, "text/csv"),
  erase: async (patient: string, reason: string) => (await call<{ events: number }>("POST", "/patients/erasures", { patient, reason })).events,
  quarantine: async () => (await call<{ events: QuarantinedEvent[] }>("GET", "/quarantine")).events,
  quarantinedContent: async (id: string) => (await call<{ event: unknown }>("GET", quarantined(id))).event,
  release: (id: string) => call<{ eventID: string }>("POST", `${quarantined(id)}/release`),
  remove: (id: string) => call<null>("DELETE", quarantined(id)),
};
