/** Buckets as folders that the operator has made (`--trail-directory`). */

import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TrailBuckets, TrailObject } from "./buckets.ts";
import { isBucketName } from "./names.ts";

/** Beside an object that has metadata. */
const METADATA_SUFFIX = ".metadata.json";

/**
 * `DIR/<bucket>/<key>`. A bucket is there when its folder is: trails make none, so that the operator says which there are. What a
 * trail's KMS key encrypts is a message of the AWS Encryption SDK.
 */
export class DirectoryBuckets implements TrailBuckets {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async has(bucket: string): Promise<boolean> {
    if (!isBucketName(bucket)) return false;
    try {
      return (await stat(join(this.#directory, bucket))).isDirectory();
    } catch {
      return false;
    }
  }

  /** Folders have no policies: who makes them lets all trails in. */
  async isOpen(): Promise<boolean> {
    return true;
  }

  async put({ bucket, key, bytes, metadata, encryption }: TrailObject): Promise<void> {
    if (!(await this.has(bucket))) throw new Error("NoSuchBucket");
    const path = join(this.#directory, bucket, key);
    const content = encryption === undefined ? bytes : await encryption.seal(bytes);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      if (Object.keys(metadata).length > 0) {
        await write(path + METADATA_SUFFIX, new TextEncoder().encode(`${JSON.stringify(metadata)}\n`));
      }
      await write(path, content);
    } catch (cause) {
      throw new Error((cause as NodeJS.ErrnoException).code ?? "InternalError", { cause });
    }
  }
}

/** A reader sees a whole file or none, after a power cut too. */
async function write(path: string, bytes: Uint8Array): Promise<void> {
  const made = `${path}.new`;
  const file = await open(made, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(made, path);
}
