/** What the recorder asks of a place that keeps records. */

/** Longer records are refused one by one, before they can fail the write that they would share with others. */
export const RECORD_CHARACTERS_MAX = 4 * 1024 * 1024;

export interface AuditRecord {
  /** One CloudTrail record, on one line. */
  readonly json: string;
  /** Its row in the outbox; 0 for records that were appended, and for rows whose number tells nothing. */
  readonly sequence: number;
}

export interface Sink {
  /** The highest outbox sequence that it holds; rows up to it are not written again. */
  readonly highest: number;
  /**
   * Hands records to the operating system in one synchronous write, all or none.
   *
   * @throws Error when they can't be written; the sink is usable again as soon as there is room
   */
  write(records: readonly AuditRecord[]): void;
  /**
   * Where it can be told without leaving anything: whether records could be written now.
   *
   * @throws Error as a write would
   */
  probe?(): void;
  /** Resolves when all that was written before the call is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The highest sequence among records and `highest`. */
export function highestOf(records: readonly AuditRecord[], highest: number): number {
  let result = highest;
  for (const { sequence } of records) if (sequence > result) result = sequence;
  return result;
}
