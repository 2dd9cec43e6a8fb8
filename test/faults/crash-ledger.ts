/** What changes were sent and answered, and when: what a store that was cut off at some place must have kept. */

import { isAtMost, type Mark } from "./write-ahead-log.ts";

/** One value that something was given. */
export interface Version {
  /** Null: it was taken away. */
  readonly value: string | null;
  /** How far the store had been written when the answer came; absent while there is none. */
  mark?: Mark;
}

/** Something that is changed again and again, by one client alone, and how it is read. */
export interface Subject {
  readonly name: string;
  /** Selects the value as `value`, or no row. */
  readonly sql: string;
  readonly parameters: readonly string[];
  /** In the order in which they were sent. */
  readonly versions: Version[];
}

/** A ciphertext. Its key and material were there when it was made. */
export interface CrashBlob {
  readonly region: string;
  readonly bytes: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly mark: Mark;
}

/** An answered change. */
export interface AnsweredChange {
  readonly requestId: string;
  readonly operation: string;
  readonly mark: Mark;
}

/** Everything that clients were answered. */
export class CrashLedger {
  readonly subjects: Subject[] = [];
  readonly blobs: CrashBlob[] = [];
  readonly changes: AnsweredChange[] = [];

  /** Something new, which has no value before the first one that is sent. */
  add(subject: Omit<Subject, "versions">): Subject {
    const added: Subject = { ...subject, versions: [] };
    this.subjects.push(added);
    return added;
  }

  /** Where the store was, and its segments, at the first answer from a place on; undefined when none came. */
  firstMarkFrom(place: Pick<Mark, "generation" | "end">): Mark | undefined {
    return this.changes.find(({ mark }) => isAtMost(place, mark))?.mark;
  }
}

/**
 * The values that a subject may have in a store that was cut off: the last one that was answered before that, and those that
 * were sent after it. Undefined when nothing of it was answered by then.
 */
export function allowedValues(
  { versions }: Subject,
  place: Pick<Mark, "generation" | "end">,
): readonly (string | null)[] | undefined {
  const last = versions.findLastIndex(({ mark }) => mark !== undefined && isAtMost(mark, place));
  return last < 0 ? undefined : versions.slice(last).map(({ value }) => value);
}
