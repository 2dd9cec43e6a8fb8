/** S3 Bucket Keys: data keys of a bucket, used again for some minutes by the one who got them from KMS. */

import type { Clock } from "../../base/clock.ts";
import { AgedCache } from "../../custody/aged-cache.ts";
import type { ContentKey } from "../../custody/object-content.ts";
import type { Call } from "../../pipeline/operation.ts";

/** S3 says of its own no more than that their time is limited (S3 user guide, Amazon S3 Bucket Keys). */
const LIMITS = { entriesMax: 1_000, ageMsMax: 300_000 } as const;

/** A bucket key in use, with what names and opens it later. */
export interface BucketKey {
  readonly key: ContentKey;
  readonly keyArn: string;
  readonly dataKey: Uint8Array;
}

/**
 * Bucket keys by requester: each gets a key from KMS at least once, which is decided and recorded there; only what he does with it in the
 * next minutes is not.
 */
export class BucketKeys {
  readonly #toWrite: AgedCache<BucketKey>;
  readonly #toRead: AgedCache<ContentKey>;

  constructor(clock: Clock) {
    this.#toWrite = new AgedCache(LIMITS, clock, () => {}); // a KeyObject is released, it can't be wiped
    this.#toRead = new AgedCache(LIMITS, clock, () => {});
  }

  /** The key under which one caller writes to a bucket, by what names the KMS key and by the encryption context. */
  async toWrite(call: Call, name: readonly string[], make: () => Promise<BucketKey>): Promise<BucketKey> {
    const found = this.#toWrite.find(nameOf(call, name));
    if (found !== undefined) return found;
    const made = await make();
    this.#toWrite.put(nameOf(call, name), made, call.principal.account);
    return made;
  }

  /** The opened key of a sealed one. */
  async toRead(call: Call, dataKey: Uint8Array, open: () => Promise<ContentKey>): Promise<ContentKey> {
    const name = nameOf(call, [dataKey.toHex()]);
    const found = this.#toRead.find(name);
    if (found !== undefined) return found;
    const opened = await open();
    this.#toRead.put(name, opened, call.principal.account);
    return opened;
  }
}

function nameOf({ principal, region }: Call, parts: readonly string[]): string {
  return JSON.stringify([principal.arn, principal.uniqueId, region, ...parts]);
}
