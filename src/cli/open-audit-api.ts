/** Opens what CloudTrail's API needs: event history and trails, over the records of this process. */

import { setTimeout as delay } from "node:timers/promises";
import { BackgroundIndexer } from "../audit/history/background-indexer.ts";
import { type EventIndex, openIndexToRead } from "../audit/history/event-index.ts";
import type { EventHistory } from "../audit/history/history.ts";
import { indexPath } from "../audit/history/indexer.ts";
import { RingHistory } from "../audit/history/ring-history.ts";
import { SegmentHistory } from "../audit/history/segment-history.ts";
import type { MemorySink } from "../audit/memory-sink.ts";
import type { AuditRecorder } from "../audit/recorder.ts";
import { BucketPlaces, type TrailBuckets } from "../audit/trails/buckets.ts";
import { Delivery } from "../audit/trails/delivery.ts";
import { DigestKeys } from "../audit/trails/digest-keys.ts";
import { Digests } from "../audit/trails/digests.ts";
import { DirectoryBuckets } from "../audit/trails/directory-buckets.ts";
import type { TrailKms } from "../audit/trails/kms.ts";
import { type RecordSources, ringSources, segmentSources } from "../audit/trails/record-source.ts";
import type { Clock } from "../base/clock.ts";
import type { Custody } from "../custody/custody.ts";
import type { Log } from "../gateway/gateway.ts";
import type { Store } from "../storage/store.ts";

/** How long a lookup waits for the index; an index that is made anew takes longer. */
const LOOKUP_WAIT_MS = 2_000;

/** What CloudTrail's API rests on in one process. */
export interface AuditApi {
  readonly history: EventHistory;
  readonly buckets: TrailBuckets;
  readonly digestKeys: DigestKeys;
  /** Starts what one process does for all: the index and deliveries. */
  start(): void;
  /** Delivers what is due, where this process delivers. */
  deliver(): Promise<void>;
  stop(): Promise<void>;
}

export interface AuditApiOptions {
  /** Where records are: in memory, or in the segments of a data directory. */
  readonly records: MemorySink | string;
  /** Tells the records of this process's place from those of others. */
  readonly slot: string;
  readonly recorder: Pick<AuditRecorder, "flush">;
  readonly store: Store;
  readonly custody: Custody;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether another process writes the index and delivers. */
  readonly isWorker: boolean;
  /** Where buckets are beside those of S3. */
  readonly trailDirectory: string | undefined;
  /** The services that trails use, made when the first one does. */
  readonly services: () => Promise<TrailServices>;
}

/** What trails use of other services. */
export interface TrailServices {
  readonly kms: TrailKms;
  /** Those of S3. */
  readonly buckets: TrailBuckets;
}

/** The records of one process, as history finds them and deliveries read them. */
interface Records {
  readonly history: EventHistory;
  readonly sources: RecordSources;
  /** Brings all that was recorded before the call to both. */
  readonly catchUp: () => Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** @throws Error the index of the data directory can't be written */
export function openAuditApi(options: AuditApiOptions): AuditApi {
  const { records: place, store, custody, clock, log, isWorker, trailDirectory } = options;
  const { kms, buckets: objectBuckets } = whenUsed(options.services);
  const folders = trailDirectory === undefined ? [] : [new DirectoryBuckets(trailDirectory)];
  const buckets = new BucketPlaces([...folders, objectBuckets]);
  const digestKeys = new DigestKeys(store, custody);
  if (isWorker && typeof place === "string") return { ...workerHistory(place), buckets, digestKeys };
  const records = typeof place === "string" ? recordsOnDisk(place, options) : recordsInMemory(place, options);
  const { history, sources, catchUp } = records;
  const onError = (cause: unknown): void =>
    log.error({ err: cause }, "A trail could not be delivered and will be tried again.");
  const digests = new Digests({ store, clock, keys: digestKeys, buckets, onError });
  const delivery = new Delivery({ store, clock, sources, catchUp, buckets, kms, digests, onError });
  return {
    ...{ history, buckets, digestKeys },
    start() {
      records.start();
      delivery.start();
    },
    deliver: () => delivery.run(),
    async stop() {
      await delivery.stop();
      await records.stop();
    },
  };
}

/** Services that are made with the first call. */
function whenUsed(make: () => Promise<TrailServices>): TrailServices {
  let made: Promise<TrailServices> | undefined;
  const services = (): Promise<TrailServices> => {
    made ??= make();
    return made;
  };
  return {
    kms: {
      requireKey: async (...asked) => (await services()).kms.requireKey(...asked),
      seal: async (...asked) => (await services()).kms.seal(...asked),
    },
    buckets: {
      has: async (...asked) => (await services()).buckets.has(...asked),
      isOpen: async (...asked) => (await services()).buckets.isOpen(...asked),
      put: async (object) => (await services()).buckets.put(object),
    },
  };
}

function workerHistory(directory: string) {
  let index: EventIndex | undefined;
  const history = new SegmentHistory({
    directory,
    index: () => {
      index ??= openIndexToRead(indexPath(directory));
      return index;
    },
  });
  return { history, start() {}, deliver: async () => {}, stop: async () => index?.close() };
}

function recordsInMemory(sink: MemorySink, { recorder, store, slot }: AuditApiOptions): Records {
  const ring = new RingHistory(sink);
  const catchUp = () => recorder.flush();
  return {
    history: {
      async find(query) {
        await catchUp();
        return await ring.find(query);
      },
    },
    sources: ringSources(sink, `${store.incarnation}/${slot}`),
    catchUp,
    start() {},
    stop: async () => {},
  };
}

function recordsOnDisk(directory: string, { recorder, store, slot, clock, log }: AuditApiOptions): Records {
  const indexer = new BackgroundIndexer({
    directory,
    clock,
    onError: (cause) => log.error({ err: cause }, "Audit records could not be indexed for LookupEvents."),
  });
  const catchUp = async (): Promise<void> => {
    await recorder.flush();
    await indexer.catchUp();
  };
  /** A lookup is answered from what is indexed where all of it takes too long, or fails. */
  const catchUpSoon = async (): Promise<void> => {
    await Promise.race([catchUp().catch(() => undefined), delay(LOOKUP_WAIT_MS, undefined, { ref: false })]);
  };
  return {
    history: new SegmentHistory({ directory, index: () => indexer.index, catchUp: catchUpSoon }),
    sources: segmentSources(directory, indexer.index, `${store.incarnation}/${slot}`),
    catchUp,
    start: () => indexer.start(),
    stop: () => indexer.stop(),
  };
}
