/** Where trails deliver to: buckets, wherever they are. */

import type { TrailIdentity } from "./kms.ts";

/** What is put into a bucket. */
export interface TrailObject {
  readonly trail: TrailIdentity;
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The object's own metadata (`x-amz-meta-…`): the signature of a digest file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How it is to be encrypted at rest (SSE-KMS); absent: as the bucket does by itself. */
  readonly encryption?: ObjectEncryption;
}

/** SSE-KMS of one object. */
export interface ObjectEncryption {
  /** Encrypts the bytes under a data key that KMS gives to CloudTrail, for places that don't encrypt by themselves. */
  seal(bytes: Uint8Array): Promise<Uint8Array>;
  /** ARN of the KMS key. */
  readonly keyArn: string;
  readonly context: Readonly<Record<string, string>>;
}

/** Takes log files and digest files. */
export interface TrailBuckets {
  /** Whether there is a bucket of that name. */
  has(bucket: string, partition: string): Promise<boolean>;
  /**
   * Whether a bucket that is there lets CloudTrail write for a trail.
   *
   * @param folder the beginning of keys, with a slash at its end
   */
  isOpen(trail: TrailIdentity, bucket: string, folder: string): Promise<boolean>;
  /**
   * Puts an object in place, whole or not at all, over one of the same key.
   *
   * @throws Error it can't be written; the message, a code of S3's, is for the trail's owner
   */
  put(object: TrailObject): Promise<void>;
}

/** The buckets of several places: the first place that has one of a name counts. */
export class BucketPlaces implements TrailBuckets {
  readonly #places: readonly TrailBuckets[];

  constructor(places: readonly TrailBuckets[]) {
    this.#places = places;
  }

  async has(bucket: string, partition: string): Promise<boolean> {
    return (await this.#find(bucket, partition)) !== undefined;
  }

  async isOpen(trail: TrailIdentity, bucket: string, folder: string): Promise<boolean> {
    const place = await this.#find(bucket, trail.partition);
    return place !== undefined && (await place.isOpen(trail, bucket, folder));
  }

  async put(object: TrailObject): Promise<void> {
    const place = await this.#find(object.bucket, object.trail.partition);
    if (place === undefined) throw new Error("NoSuchBucket");
    await place.put(object);
  }

  async #find(bucket: string, partition: string): Promise<TrailBuckets | undefined> {
    for (const place of this.#places) if (await place.has(bucket, partition)) return place;
    return undefined;
  }
}
