/** The records of this process's slots, as deliveries read them: in order, from a place on. */

import { basename, join } from "node:path";
import type { Progress } from "../../storage/trails.ts";
import type { EventIndex } from "../history/event-index.ts";
import type { MemorySink } from "../memory-sink.ts";
import { readRecordsFrom } from "../segment-files.ts";
import { segmentDirectories } from "../trail.ts";

/** Some records, and where they end. */
export interface RecordPiece {
  readonly records: readonly string[];
  readonly next: Progress;
}

/** Records that lie in one order. */
export interface RecordSource {
  /** Never that of others' records, whatever becomes of the store. */
  readonly id: string;
  readonly end: Progress;
  /** Up to `count` records from a place on; none at the end. */
  read(from: Progress, count: number): RecordPiece;
}

/** The sources that there are now, each up to its present end. */
export type RecordSources = () => readonly RecordSource[];

/**
 * Segments of a data directory, up to where they are indexed: there a record ends.
 *
 * @param prefix tells this directory and this incarnation of the store from others
 */
export function segmentSources(directory: string, index: EventIndex, prefix: string): RecordSources {
  return () =>
    segmentDirectories(join(directory, "audit")).map((path) => {
      const slot = basename(path);
      const { number, offset } = index.progressOf(slot);
      return {
        id: `${prefix}/${slot}`,
        end: { number, position: offset },
        read(from, count) {
          const { records, next } = readRecordsFrom(path, { number: from.number, offset: from.position }, count);
          return { records: records.map(({ json }) => json), next: { number: next.number, position: next.offset } };
        },
      };
    });
}

/** Records in memory; what is no longer kept is passed over. */
export function ringSources(sink: MemorySink, prefix: string): RecordSources {
  return () => {
    const end = (sink.texts().at(-1)?.sequence ?? -1) + 1;
    return [
      {
        id: `${prefix}/memory`,
        end: { number: 0, position: end },
        read({ position }, count) {
          const texts = sink.texts(position).slice(0, count);
          const next = (texts.at(-1)?.sequence ?? end - 1) + 1;
          return { records: texts.map(({ json }) => json), next: { number: 0, position: next } };
        },
      },
    ];
  };
}
