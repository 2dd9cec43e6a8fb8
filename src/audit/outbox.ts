/** The outbox: records of changes commit with them as rows, and are moved from there to where records are kept. */

import type { Store, Tx } from "../storage/store.ts";
import type { AuditRecord } from "./sink.ts";

const ROWS_PER_STEP = 256;
/** Changes of this long share a move, which costs two commits and a sync. */
const MOVE_DELAY_MS = 100;
const RETRY_DELAY_MS = 1_000;

/** Adds records to the transaction of the change that they are about. */
export async function insertRecords(tx: Tx, records: readonly string[], slot: string): Promise<void> {
  await tx.db
    .insertInto("outbox")
    .values(records.map((record) => ({ record, slot })))
    .execute();
}

export interface MoverOptions {
  readonly store: Pick<Store, "transaction">;
  /** Whose rows are moved: each slot's are written by one process, in the order of their sequences. */
  readonly slot: string;
  /** Resolves when the records are where they stay; those that it has already are told by their sequence. */
  readonly deliver: (records: readonly AuditRecord[]) => Promise<void>;
  readonly onError: (cause: unknown) => void;
}

/**
 * Moves outbox rows, in their order, and deletes them once they are delivered. Rests on sequences that are in commit
 * order, as one writer gives them.
 */
export class OutboxMover {
  readonly #store: MoverOptions["store"];
  readonly #slot: string;
  readonly #deliver: MoverOptions["deliver"];
  readonly #onError: MoverOptions["onError"];
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor({ store, slot, deliver, onError }: MoverOptions) {
    this.#store = store;
    this.#slot = slot;
    this.#deliver = deliver;
    this.#onError = onError;
  }

  /** Sees to it that rows of transactions begun until now are moved soon. */
  wake(delayMs = MOVE_DELAY_MS): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.flush().catch((cause: unknown) => {
        this.#onError(cause);
        this.wake(RETRY_DELAY_MS);
      });
    }, delayMs).unref(); // rows that no timer moved are moved at the next start
  }

  /**
   * Moves the rows of all transactions begun before the call. Never call it inside a transaction: it waits for its end.
   *
   * @throws Error when they can't be delivered; they stay in the outbox
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = this.#last.catch(() => undefined).then(() => this.#move());
    return this.#last;
  }

  /** Moves what is there, for the last time. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.flush();
  }

  /** Transactions run in the order of their calls, so the reading one comes after those that are under way. */
  async #move(): Promise<void> {
    for (let delivered = 0; ; ) {
      const rows = await this.#step(delivered);
      const last = rows.at(-1);
      if (last === undefined) return;
      await this.#deliver(rows.map(({ sequence, record }) => ({ sequence, json: record })));
      delivered = last.sequence;
    }
  }

  /** Deletes what was delivered and reads what comes next, in one commit. */
  #step(delivered: number): Promise<readonly { readonly sequence: number; readonly record: string }[]> {
    return this.#store.transaction(async ({ db }) => {
      const done = db.deleteFrom("outbox").where("slot", "=", this.#slot).where("sequence", "<=", delivered);
      if (delivered > 0) await done.execute();
      const waiting = db.selectFrom("outbox").select(["sequence", "record"]).where("slot", "=", this.#slot);
      return waiting.orderBy("sequence").limit(ROWS_PER_STEP).execute();
    });
  }
}
