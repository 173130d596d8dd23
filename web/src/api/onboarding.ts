/** How far a partner is with coming onto this server, and the administrator's steps. */

import { call } from "./client";

export interface OnboardingStep {
  step: string;
  done: boolean;
  by: string;
  detail: string;
  next: string;
  command: string;
}

export interface Onboarding {
  host: string;
  partner: string;
  role: string;
  state: string;
  steps: OnboardingStep[];
}

export type PartnerRole = "supplier" | "hospital" | "carrier";

export const onboardingApi = {
  all: async () => (await call<{ onboardings: Onboarding[] }>("GET", "/onboarding")).onboardings,
  begin: (host: string, partner: string, role: PartnerRole) => call<Onboarding>("POST", "/onboarding", { host, partner, role }),
  key: (host: string, partner: string) => call<{ key: string }>("POST", "/onboarding/key", { host, partner }),
};
