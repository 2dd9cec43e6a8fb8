/** The recorder: brings the records of requests to the sinks before their answers, and those of changes into the outbox. */

import { onceBegun } from "../base/loop-turn.ts";
import type { Entry, InternalEntry, Recorder } from "../pipeline/operation.ts";
import type { Store, Tx } from "../storage/store.ts";
import { type RenderedRecord, renderRecords } from "./cloudtrail.ts";
import { insertRecords, OutboxMover } from "./outbox.ts";
import { type AuditRecord, RECORD_CHARACTERS_MAX, type Sink } from "./sink.ts";

export interface AuditRecorder extends Recorder {
  /**
   * Resolves when the records of all requests and changes begun before the call are in every sink and on the disk.
   *
   * @throws Error when a sink can't take them; those of changes stay in the outbox
   */
  flush(): Promise<void>;
  /** @throws Error a sink could not take records now, which would fail requests */
  probe(): void;
  /** Moves rows soon that another process has put into the outbox. */
  moveSoon(): void;
  /** Flushes, refuses what comes after, and closes the sinks, whatever the flush came to. */
  close(): Promise<void>;
}

export interface RecorderOptions {
  readonly store: Pick<Store, "transaction">;
  /** The writer slot of this process, where several share an outbox; empty if not given. */
  readonly slot?: string;
  /** In the order of writing, the one that lasts first: a request fails when any of them can't take its record. */
  readonly sinks: readonly Sink[];
  /** Waits for the disk before each answer (`--audit-sync`). */
  readonly syncEveryAppend?: boolean;
  /** Is told when moving the outbox failed; it is tried again. */
  readonly onError: (cause: unknown) => void;
  /** Is told of each appended entry once its records are written (last usage): it must not throw. */
  readonly appended?: (entry: Entry, records: readonly RenderedRecord[]) => void;
  /** Is told of the records of each change, in its transaction (events): what it throws undoes the change. */
  readonly enlisted?: (tx: Tx, entry: Entry | InternalEntry, records: readonly RenderedRecord[]) => Promise<void>;
  /** Whether this process moves the outbox, as one of each store does; a worker leaves that to the one above it. */
  readonly movesOutbox?: boolean;
  /** Makes event ids; random UUIDs if not given. */
  readonly newId?: () => string;
}

/** Opens a recorder and begins to move what an earlier process left in the outbox. */
export function createRecorder(options: RecorderOptions): AuditRecorder {
  return new SinkRecorder(options);
}

/** A recorder of changes alone, for commands: their records stay in the outbox until a server comes and moves them. */
export function outboxRecorder(): Pick<Recorder, "enlist"> {
  return {
    async enlist(tx, entry) {
      const records = renderRecords(entry).map(({ json }) => json);
      await insertRecords(tx, records, ""); // of a store that one server alone will have
    },
  };
}

/** The records of one turn of the event loop, and everybody who waits for them. */
interface Batch {
  readonly records: AuditRecord[];
  readonly entries: { readonly entry: Entry; readonly rendered: readonly RenderedRecord[] }[];
  readonly done: PromiseWithResolvers<void>;
}

class SinkRecorder implements AuditRecorder {
  readonly #sinks: readonly Sink[];
  readonly #syncEveryAppend: boolean;
  readonly #newId: (() => string) | undefined;
  readonly #appended: RecorderOptions["appended"];
  readonly #enlisted: RecorderOptions["enlisted"];
  readonly #mover: OutboxMover | undefined;
  readonly #slot: string;
  #batch: Batch | undefined;
  #isClosed = false;

  constructor(options: RecorderOptions) {
    const { store, slot = "", sinks, syncEveryAppend = false, onError, newId, appended, movesOutbox = true } = options;
    this.#slot = slot;
    this.#sinks = sinks;
    this.#syncEveryAppend = syncEveryAppend;
    this.#newId = newId;
    this.#appended = appended;
    this.#enlisted = options.enlisted;
    if (movesOutbox) {
      this.#mover = new OutboxMover({ store, slot, deliver: (records) => this.#deliver(records), onError });
    }
    this.moveSoon();
  }

  append(entry: Entry): Promise<void> {
    try {
      if (this.#isClosed) throw new Error("The recorder is closed.");
      const rendered = this.#render(entry);
      this.#batch ??= this.#begin();
      for (const { json } of rendered) this.#batch.records.push({ json, sequence: 0 });
      if (this.#appended !== undefined) this.#batch.entries.push({ entry, rendered });
      return this.#batch.done.promise;
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  async enlist(tx: Tx, entry: Entry | InternalEntry): Promise<void> {
    const records = this.#render(entry);
    const texts = records.map(({ json }) => json);
    await insertRecords(tx, texts, this.#slot);
    await this.#enlisted?.(tx, entry, records);
    this.moveSoon();
  }

  probe(): void {
    for (const sink of this.#sinks) sink.probe?.();
  }

  moveSoon(): void {
    this.#mover?.wake();
  }

  async flush(): Promise<void> {
    await this.#batch?.done.promise;
    await this.#mover?.flush();
    await this.#sync();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const finished = await Promise.allSettled([this.#finish()]);
    const closed = await Promise.allSettled(this.#sinks.map((sink) => sink.close()));
    for (const result of [...finished, ...closed]) if (result.status === "rejected") throw result.reason;
  }

  async #finish(): Promise<void> {
    await this.#batch?.done.promise;
    await this.#mover?.close();
  }

  #render(entry: Entry | InternalEntry): readonly RenderedRecord[] {
    const records = renderRecords(entry, this.#newId);
    for (const { json } of records) {
      const { length } = json;
      if (length > RECORD_CHARACTERS_MAX) throw new Error(`A record of ${length} characters is too long to keep.`);
    }
    return records;
  }

  /**
   * All requests that began in one turn of the loop share a write, and a lone request doesn't wait for others. A microtask would
   * write for each of them, a timer would wait a millisecond.
   */
  #begin(): Batch {
    onceBegun(() => this.#write());
    return { records: [], entries: [], done: Promise.withResolvers() };
  }

  #write(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    try {
      for (const sink of this.#sinks) sink.write(batch.records);
    } catch (cause) {
      batch.done.reject(cause);
      return;
    }
    for (const { entry, rendered } of batch.entries) this.#appended?.(entry, rendered);
    if (this.#syncEveryAppend) this.#sync().then(batch.done.resolve, batch.done.reject);
    else batch.done.resolve();
  }

  async #deliver(records: readonly AuditRecord[]): Promise<void> {
    for (const sink of this.#sinks) {
      const missing = records.filter(({ sequence }) => sequence === 0 || sequence > sink.highest);
      if (missing.length > 0) sink.write(missing);
    }
    await this.#sync();
  }

  async #sync(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.sync()));
  }
}
