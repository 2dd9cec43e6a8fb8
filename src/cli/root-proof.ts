/** What a process shows, while it lives, of the root keys that it opens the store with: no other is removed under it. */

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Clock } from "../base/clock.ts";
import { WrongRootKeyError } from "../custody/domain-keys.ts";
import type { Recipients } from "../custody/recipients.ts";
import { forgetProcess, noteProcess } from "../storage/recipients.ts";
import type { ProcessKind } from "../storage/schema.ts";
import { requireNoShred } from "../storage/shreds.ts";
import type { Store } from "../storage/store.ts";

/** How often a process renews what it shows. */
const RENEWAL_MS = 5_000;
/** After this time without a renewal a process is taken for dead. */
const LIFE_MS = 20_000;

export interface RootProofOptions {
  readonly store: Store;
  readonly recipients: Recipients;
  readonly clock: Clock;
  /** What the process is. No root key stays for the sake of a command, and `shred` alone may work on an unfinished shred. */
  readonly kind: ProcessKind;
  /** Called when a renewal failed; the next one comes all the same. */
  onError?(cause: unknown): void;
}

/** One process's note in the store. */
export class RootProof {
  /** Random: the name of this process in the store. */
  readonly process: string = randomUUID();
  readonly #options: RootProofOptions;
  #timer: NodeJS.Timeout | undefined;
  /** The renewal under way: one at a time, so that none is written after the end. */
  #renewal: Promise<void> = Promise.resolve();

  private constructor(options: RootProofOptions) {
    this.#options = options;
  }

  /**
   * Shows the root keys for the first time and goes on doing so.
   *
   * @throws WrongRootKeyError no root key at hand opens the store any more
   * @throws StoreRefusedError the store is being shredded
   */
  static async begin(options: RootProofOptions): Promise<RootProof> {
    const proof = new RootProof(options);
    await proof.renew();
    const failed = (cause: unknown): void => options.onError?.(cause);
    proof.#timer = setInterval(() => proof.renew().catch(failed), RENEWAL_MS).unref();
    return proof;
  }

  /** Opens the store with the root keys at hand and shows which of them do. Throws as `begin`. */
  renew(): Promise<void> {
    const renewal = this.#renewal.then(() => this.#renew());
    this.#renewal = renewal.catch(() => {});
    return renewal;
  }

  /** Takes back what was shown. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewal;
    await forgetProcess(this.#options.store, this.process);
  }

  async #renew(): Promise<void> {
    const { store, recipients, clock, kind } = this.#options;
    const held = await recipients.held();
    const now = clock.now();
    const noted = await store.transaction(async (tx) => {
      if (kind !== "shred") await requireNoShred(tx.db);
      return await noteProcess(tx, {
        process: this.process,
        kind,
        label: `${kind}, process ${process.pid} on ${hostname()}`,
        recipients: held,
        expiresAt: now + LIFE_MS,
        now,
      });
    });
    if (noted.length === 0) throw new WrongRootKeyError("No root key of this process opens the store any more");
  }
}
