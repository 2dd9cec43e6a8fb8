/** What commands that work on a `serve` store, beside a server or without one, open. */

import { type Clock, systemClock } from "../base/clock.ts";
import { openCustody, type SoftwareCustody } from "../custody/software.ts";
import { domainKeyStore } from "../storage/domain-keys.ts";
import type { Store } from "../storage/store.ts";
import { openStore, requireStoreAt } from "./open-store.ts";
import { databaseOf, openRootKey, type RootKeyOptions } from "./root-keys.ts";
import { RootProof } from "./root-proof.ts";

/** A store with what opens its sealed rows. */
export interface StoreParts {
  readonly store: Store;
  readonly custody: SoftwareCustody;
  readonly clock: Clock;
}

/**
 * Opens the store that the options name for the time of `body`.
 *
 * @throws StoreRefusedError there is none, or it is not this command's
 * @throws WrongRootKeyError the root key is not one of the store's
 */
export async function withStore<T>(options: RootKeyOptions, body: (parts: StoreParts) => Promise<T>): Promise<T> {
  const clock = systemClock;
  requireStoreAt(options);
  await using store = await openStore(
    { kind: "serve", directory: options.data, create: false, ...databaseOf(options) },
    { lock: "tool", clock },
  );
  const custody = await openCustody({
    store: domainKeyStore(store, clock),
    rootKeys: [await openRootKey(options)],
    clock,
  });
  const proof = await RootProof.begin({ store, recipients: custody.recipients, clock, kind: "command" });
  try {
    return await body({ store, custody, clock });
  } finally {
    await proof.close();
    custody.close();
  }
}
