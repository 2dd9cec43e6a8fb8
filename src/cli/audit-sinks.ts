/** Where a server's records go. */

import { LineSink } from "../audit/line-sink.ts";
import type { MemorySink } from "../audit/memory-sink.ts";
import { SegmentSink } from "../audit/segment.ts";
import type { Sink } from "../audit/sink.ts";
import { OperatorError } from "../base/errors.ts";
import type { Store } from "../storage/store.ts";
import { PRIMARY_SLOT, slotDirectory } from "./audit-slots.ts";
import type { ServerConfig } from "./parts.ts";

/**
 * What lasts first: segments in a data directory, or memory; then the copy that the operator asked for.
 *
 * @throws OperatorError the copy can't be opened
 */
export function auditSinks(
  { directory, auditLog, worker, hasWorkers = false }: ServerConfig,
  { incarnation }: Store,
  memory: MemorySink | undefined,
): Sink[] {
  const shared = worker !== undefined || hasWorkers;
  const slot = worker?.slot ?? PRIMARY_SLOT;
  return [
    ...(memory === undefined ? [] : [memory]),
    ...(directory === undefined
      ? []
      : [new SegmentSink({ directory: slotDirectory(directory, slot), epoch: incarnation })]),
    ...(auditLog === undefined ? [] : [openAuditLog(auditLog, shared)]),
  ];
}

function openAuditLog(path: string, shared: boolean): LineSink {
  try {
    return new LineSink(path, { shared });
  } catch (cause) {
    throw new OperatorError(`The audit log ${path} can't be opened: ${(cause as NodeJS.ErrnoException).code}.`, {
      cause,
    });
  }
}
