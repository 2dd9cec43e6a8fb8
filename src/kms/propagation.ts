/** How changes lag where a development server is told to let them (KMS guide, Eventual consistency). */

import type { Call } from "../pipeline/operation.ts";

/** Whether what was made or changed at `since` is known to the call. */
export function isPropagated(since: number, { now, propagationMs = 0 }: Call): boolean {
  return propagationMs === 0 || since + propagationMs <= now;
}
