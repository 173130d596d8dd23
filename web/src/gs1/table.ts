/** The server's table of application identifiers, as generate_ai.py wrote it for this build. */

import generated from "../generated/ai.json";
import type { AiTable } from "./splitter";

export const AI_TABLE = generated as unknown as AiTable;
