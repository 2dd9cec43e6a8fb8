/** What custody's tests share: an owner, a held clock and an opened custody. */

import type { MaterialOwner } from "../../src/custody/custody.ts";
import { ephemeralRootKey, type RootKey } from "../../src/custody/root-key.ts";
import { openCustody, type SoftwareCustody } from "../../src/custody/software.ts";
import { MemoryDomainKeyStore } from "./memory-domain-key-store.ts";

export const owner: MaterialOwner = {
  account: "111122223333",
  region: "eu-west-1",
  keyId: "1234abcd-12ab-34cd-56ef-1234567890ab",
  spec: "SYMMETRIC_DEFAULT",
  usage: "ENCRYPT_DECRYPT",
  origin: "AWS_KMS",
};

/** A clock that stands still until a test moves it. */
export class HeldClock {
  time = Date.UTC(2030, 0, 1);
  now(): number {
    return this.time;
  }
}

/** A custody over a new store with one root key, and all that it was made of. */
export async function newCustody(): Promise<{
  custody: SoftwareCustody;
  store: MemoryDomainKeyStore;
  rootKey: RootKey;
  clock: HeldClock;
}> {
  const store = new MemoryDomainKeyStore();
  const rootKey = ephemeralRootKey();
  const clock = new HeldClock();
  const custody = await openCustody({ store, rootKeys: [rootKey], clock, singleRootKey: true });
  return { custody, store, rootKey, clock };
}

/** The same bytes with one bit of one byte turned. */
export function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
