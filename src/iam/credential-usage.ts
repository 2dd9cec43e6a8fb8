/** The last use of each access key: kept in memory by the requests, written behind them. */

import type { Call } from "../pipeline/operation.ts";
import { type CredentialUsageRow, findCredentialUsage, upsertCredentialUsage } from "../storage/credential-usage.ts";
import { LatestUses } from "../storage/latest-uses.ts";
import type { Store } from "../storage/store.ts";

export class CredentialUsages {
  readonly #store: Store;
  readonly #uses: LatestUses<CredentialUsageRow>;

  /** @param options.onError is told when a flush failed; its uses are tried again */
  constructor({ store, onError }: { readonly store: Store; readonly onError: (cause: unknown) => void }) {
    this.#store = store;
    this.#uses = new LatestUses({ store, write: upsertCredentialUsage, onError });
  }

  /** Notes that a request was signed with an access key, allowed or not; temporary credentials don't count. */
  note({ principal, now, region, service }: Call): void {
    if (principal.session !== undefined) return;
    const { accessKeyId } = principal;
    this.#uses.note(accessKeyId, { access_key_id: accessKeyId, used_at: now, region, service });
  }

  /** The last use of an access key: as fresh as the last request of this process, and as the last flush of any other. */
  async find(accessKeyId: string): Promise<CredentialUsageRow | undefined> {
    return this.#uses.latest(accessKeyId, await findCredentialUsage(this.#store.db, accessKeyId));
  }

  /** As `LatestUses.flush`. */
  flush(): Promise<void> {
    return this.#uses.flush();
  }

  /** Writes what there is; call it after the last request. */
  close(): Promise<void> {
    return this.#uses.close();
  }
}
