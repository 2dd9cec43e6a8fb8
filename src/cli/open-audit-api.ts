/** Opens what CloudTrail's API needs, and joins it with the records of this process and the services above it. */

import { type EventIndex, openIndexToRead } from "../audit/history/event-index.ts";
import type { EventHistory } from "../audit/history/history.ts";
import { Indexer, indexPath } from "../audit/history/indexer.ts";
import { RingHistory } from "../audit/history/ring-history.ts";
import { SegmentHistory } from "../audit/history/segment-history.ts";
import type { MemorySink } from "../audit/memory-sink.ts";
import type { AuditRecorder } from "../audit/recorder.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../gateway/gateway.ts";

/** Event history of one process. */
export interface AuditApi {
  readonly history: EventHistory;
  /** Starts what one process does for all. */
  start(): void;
  stop(): Promise<void>;
}

export interface AuditApiOptions {
  /** Where records are: in memory, or in the segments of a data directory. */
  readonly records: MemorySink | string;
  readonly recorder: Pick<AuditRecorder, "flush">;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether another process writes the index. */
  readonly isWorker: boolean;
}

export function openAuditApi(options: AuditApiOptions): AuditApi {
  const { records, recorder, clock, log, isWorker } = options;
  if (typeof records !== "string") {
    const ring = new RingHistory(records);
    return {
      history: {
        async find(query) {
          await recorder.flush();
          return await ring.find(query);
        },
      },
      start() {},
      async stop() {},
    };
  }
  const directory = records;
  if (isWorker) {
    let index: EventIndex | undefined;
    const history = new SegmentHistory({
      directory,
      index: () => {
        index ??= openIndexToRead(indexPath(directory));
        return index;
      },
    });
    return { history, start() {}, stop: async () => index?.close() };
  }
  const indexer = new Indexer({
    directory,
    clock,
    uptime: () => performance.now(),
    onError: (cause) => log.error({ err: cause }, "Audit records could not be indexed for LookupEvents."),
  });
  const catchUp = async (): Promise<void> => {
    await recorder.flush();
    await indexer.catchUp();
  };
  return {
    history: new SegmentHistory({ directory, index: () => indexer.index, catchUp }),
    start: () => indexer.start(),
    stop: () => indexer.stop(),
  };
}
