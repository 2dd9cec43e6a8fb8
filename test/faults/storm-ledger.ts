/** What a storm was answered: the promises that a restarted server has to have kept. */

/** One ciphertext and what it has to become. */
export interface Blob {
  readonly keyArn: string;
  /** base64 */
  readonly ciphertext: string;
  /** base64 */
  readonly plaintext: string;
  readonly context: Readonly<Record<string, string>>;
}

export interface LedgerKey {
  readonly arn: string;
  /** Tags that were answered. */
  readonly tags: Map<string, string>;
  /**
   * - `kept`: no deletion was asked for;
   * - `asked`: a ScheduleKeyDeletion was sent and not answered, so either state is right;
   * - `scheduled`: it was answered.
   */
  deletion: "kept" | "asked" | "scheduled";
  readonly blobs: Blob[];
}

export interface LedgerRequest {
  readonly id: string;
  readonly operation: string;
}

/** The answered requests of one round and what they made. */
export class Ledger {
  readonly keys: LedgerKey[] = [];
  readonly requests: LedgerRequest[] = [];
  readonly #begun = Promise.withResolvers<void>();

  /** Resolves with the first answered request. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Notes a request that was answered. */
  note(request: LedgerRequest): void {
    this.requests.push(request);
    this.#begun.resolve();
  }

  addKey(arn: string): LedgerKey {
    const key: LedgerKey = { arn, tags: new Map(), deletion: "kept", blobs: [] };
    this.keys.push(key);
    return key;
  }

  /** How many requests of an operation were answered. */
  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }
}
