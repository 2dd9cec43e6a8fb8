/** Where trails deliver to: buckets, wherever they are. */

/** What is put into a bucket. */
export interface TrailObject {
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
  /** Whether a trail of an account may name that bucket: it is there, and lets CloudTrail write. */
  exists(bucket: string, account: string): Promise<boolean>;
  /**
   * Puts an object in place, whole or not at all, over one of the same key.
   *
   * @throws Error it can't be written; the message is for the trail's owner
   */
  put(object: TrailObject): Promise<void>;
}

/** There are no buckets. */
export const NO_BUCKETS: TrailBuckets = {
  exists: async () => false,
  put: async ({ bucket }) => {
    throw new Error(`NoSuchBucket: ${bucket}`);
  },
};
