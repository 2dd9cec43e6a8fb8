/** Records of nodes that are gone: where several nodes share a database, another moves what they left in the outbox. */

import { sql } from "kysely";
import type { Store } from "../storage/store.ts";

/** How long the node of a slot has to be gone: it may come back and move its rows itself. */
const GONE_MS = 60_000;
/** How often a node looks for such rows. */
const PAUSE_MS = 30_000;

/**
 * Takes over the rows of slots whose nodes are gone. Whoever comes back finds them gone; what it had delivered and not
 * deleted is delivered twice, with the same `eventID`.
 *
 * @returns how many rows there were
 */
export async function adoptRecords(store: Pick<Store, "transaction">, slot: string): Promise<number> {
  return await store.transaction(async ({ db }) => {
    const living = db
      .selectFrom("node_lease")
      .select("slot")
      .where(
        "expires_at",
        ">",
        sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint - ${GONE_MS}::bigint`,
      );
    const adoption = db.updateTable("outbox").set({ slot }).where("slot", "<>", slot).where("slot", "not in", living);
    const { numUpdatedRows } = await adoption.executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  });
}

export interface AdoptionOptions {
  readonly store: Pick<Store, "transaction">;
  /** Whose rows they become. */
  readonly slot: string;
  /** Moves what is there. */
  readonly flush: () => Promise<void>;
  readonly onError: (cause: unknown) => void;
}

/** Looks for rows of nodes that are gone, from time to time, until it is disposed of. */
export class Adoption implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor({ store, slot, flush, onError }: AdoptionOptions) {
    const adopt = async (): Promise<void> => {
      if ((await adoptRecords(store, slot)) > 0) await flush();
    };
    this.#timer = setInterval(() => void adopt().catch(onError), PAUSE_MS).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
