/** What the pages of agreements call the states of one. */

import type { Agreement } from "../../api/agreements";

export const STATE_WORDS: Readonly<Record<Agreement["state"], string>> = {
  proposed: "Proposed",
  signed: "Signed, not yet in force",
  in_force: "In force",
  superseded: "Replaced by a later version",
  ended: "Ended",
};
