/** The operator's log: JSON lines on standard error. */

import { pino } from "pino";
import type { OperatorLog } from "./server.ts";

/** Makes the log of a server. Errors are written with their stack and causes; bodies, headers and secrets never reach it. */
export function operatorLog(): OperatorLog {
  const logger = pino(
    { name: "keystead", timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  return {
    error: (facts, message) => logger.error(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
  };
}
