/** Digest files: every hour, which log files were delivered and what is in them, signed, each with the signature of the one before. */

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../../base/clock.ts";
import type { Store } from "../../storage/store.ts";
import type { TrailChainRow, TrailFileRow, TrailRow } from "../../storage/trail-schema.ts";
import {
  advanceChain,
  claimChain,
  deleteChain,
  deleteChains,
  findTrail,
  listDueChains,
  listFiles,
  updateTrail,
} from "../../storage/trails.ts";
import type { TrailBuckets } from "./buckets.ts";
import type { DigestKeys } from "./digest-keys.ts";
import { identityOf } from "./kms.ts";
import { digestKey } from "./names.ts";

const HOUR_MS = 3_600_000;
/** Who has taken a digest and is gone leaves it to the next one after this time. */
const CLAIM_MS = 60_000;
const SIGNATURE_ALGORITHM = "SHA256withRSA";
const HASH_ALGORITHM = "SHA-256";

/** What the next digest says of the last one. */
interface Previous {
  readonly bucket: string;
  readonly object: string;
  readonly hash: string;
  readonly signature: string;
}

export interface DigestOptions {
  readonly store: Pick<Store, "db" | "transaction">;
  readonly clock: Clock;
  readonly keys: DigestKeys;
  readonly buckets: TrailBuckets;
  readonly onError: (cause: unknown) => void;
}

/** Several may run on one database: each digest is made by one of them. */
export class Digests {
  readonly #options: DigestOptions;

  constructor(options: DigestOptions) {
    this.#options = options;
  }

  /** Makes every digest that is due. One digest stands for all hours since the last one. */
  async run(): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    for (const chain of await listDueChains(store.db, now - HOUR_MS)) await this.#makeOne(chain, now);
  }

  async #makeOne(chain: TrailChainRow, now: number): Promise<void> {
    const { store } = this.#options;
    const claimed = await store.transaction((tx) => claimChain(tx, chain, now, now + CLAIM_MS));
    if (!claimed) return;
    const trail = await findTrail(store.db, chain);
    if (trail === undefined) {
      await store.transaction((tx) => deleteChains(tx, chain)); // of a trail that was removed during a delivery
      return;
    }
    try {
      const fromAt = chain.from_at + Math.floor((now - chain.from_at) / HOUR_MS) * HOUR_MS;
      const files = await listFiles(store.db, chain, fromAt);
      const previous = await this.#put(trail, { chain, files, end: fromAt, now });
      await store.transaction(async (tx) => {
        await advanceChain(tx, chain, { fromAt, previous: JSON.stringify(previous) });
        if (trail.logging === 0) await deleteChain(tx, chain);
        await updateTrail(tx, trail, { digested_at: now, digest_error: null });
      });
    } catch (cause) {
      this.#options.onError(cause);
      const digest_error = cause instanceof Error ? cause.message : String(cause);
      await store.transaction((tx) => updateTrail(tx, trail, { digest_error }));
    }
  }

  async #put(trail: TrailRow, digest: Digest): Promise<Previous> {
    const { keys, buckets } = this.#options;
    const { bucket } = trail;
    const region = digest.chain.source_region;
    const { row: key, fingerprint } = await keys.current(region, digest.now);
    const object = digestKey(trail, { region, end: digest.end });
    const text = Buffer.from(JSON.stringify(contentOf(trail, digest, { object, fingerprint })), "utf8");
    const hash = createHash("sha256").update(text).digest("hex");
    const signed = [isoSeconds(digest.end), `${bucket}/${object}`, hash, previousOf(digest.chain)?.signature ?? "null"];
    const signature = (await keys.sign(key, Buffer.from(signed.join("\n"), "utf8"))).toHex();
    const metadata = { signature, "signature-algorithm": SIGNATURE_ALGORITHM };
    const bytes = await promisify(gzip)(text);
    await buckets.put({ trail: identityOf(trail, digest.now), bucket, key: object, bytes, metadata });
    return { bucket, object, hash, signature };
  }
}

interface Digest {
  readonly chain: TrailChainRow;
  readonly files: readonly TrailFileRow[];
  readonly end: number;
  readonly now: number;
}

/** The members of a digest file (CloudTrail user guide, Digest file structure). */
function contentOf(
  { account, bucket }: TrailRow,
  { chain, files, end }: Digest,
  { object, fingerprint }: { readonly object: string; readonly fingerprint: string },
): object {
  const previous = previousOf(chain);
  const newest = files
    .map(({ newest_at }) => newest_at)
    .reduce<number | null>((left, right) => Math.max(left ?? right, right), null);
  const oldest = files
    .map(({ oldest_at }) => oldest_at)
    .reduce<number | null>((left, right) => Math.min(left ?? right, right), null);
  return {
    awsAccountId: account,
    digestStartTime: isoSeconds(chain.from_at),
    digestEndTime: isoSeconds(end),
    digestS3Bucket: bucket,
    digestS3Object: object,
    digestPublicKeyFingerprint: fingerprint,
    digestSignatureAlgorithm: SIGNATURE_ALGORITHM,
    newestEventTime: newest === null ? null : isoSeconds(newest),
    oldestEventTime: oldest === null ? null : isoSeconds(oldest),
    previousDigestS3Bucket: previous?.bucket ?? null,
    previousDigestS3Object: previous?.object ?? null,
    previousDigestHashValue: previous?.hash ?? null,
    previousDigestHashAlgorithm: previous === undefined ? null : HASH_ALGORITHM,
    previousDigestSignature: previous?.signature ?? null,
    logFiles: files.map((file) => ({
      s3Bucket: file.bucket,
      s3Object: file.object,
      hashValue: file.hash,
      hashAlgorithm: HASH_ALGORITHM,
      newestEventTime: isoSeconds(file.newest_at),
      oldestEventTime: isoSeconds(file.oldest_at),
    })),
  };
}

function previousOf({ previous }: TrailChainRow): Previous | undefined {
  return previous === null ? undefined : (JSON.parse(previous) as Previous);
}

/** Such as `2031-01-03T04:05:06Z`. */
function isoSeconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
