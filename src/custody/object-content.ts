/** The content of S3 objects at rest: files in chunks that can be read from any place and can't be altered, moved or cut off unseen. */

import { createSecretKey, type KeyObject, randomFillSync } from "node:crypto";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";
import { deriveKey } from "./kdf.ts";

/** Plaintext of every chunk but the last, which may have less. */
export const CONTENT_CHUNK_BYTES = 64 * 1024;
/** What a full chunk takes in a file: tag(16) ‖ data. */
export const SEALED_CONTENT_CHUNK_BYTES = CONTENT_CHUNK_BYTES + TAG_BYTES;
const FILE_ID_BYTES = 16;
const KEY_BYTES = 32;
const LABEL = "keystead/object/1";
const NOTHING = new Uint8Array(0);

/** A new name of a file: what its key is derived for, in hex, and so never given twice. */
export function newContentFile(): string {
  return randomFillSync(new Uint8Array(FILE_ID_BYTES)).toHex();
}

/** A data key in use. Each file has a key of its own, derived for its random name (SP 800-108), so that one data key may serve many. */
export class ContentKey {
  readonly #key: KeyObject;

  /** @param dataKey 32 bytes, borrowed */
  constructor(dataKey: Uint8Array) {
    if (dataKey.length !== KEY_BYTES) throw new RangeError("A data key has 32 bytes");
    this.#key = createSecretKey(dataKey);
  }

  /** @param file of `newContentFile`; a file is written once */
  forFile(file: string): ContentFileKey {
    const derived = deriveKey(this.#key, LABEL, Uint8Array.fromHex(file), KEY_BYTES);
    try {
      return new ContentFileKey(createSecretKey(derived));
    } finally {
      derived.fill(0);
    }
  }
}

/**
 * Seals and opens the chunks of one file: AES-256-GCM under the file's key, the nonce the chunk's number (11 bytes big-endian) and a byte
 * that says whether it is the last, as in `backup-stream.ts`.
 */
export class ContentFileKey {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** @returns tag(16) ‖ data */
  seal(index: number, isLast: boolean, plaintext: Uint8Array): Uint8Array {
    if (plaintext.length > CONTENT_CHUNK_BYTES || (!isLast && plaintext.length < CONTENT_CHUNK_BYTES)) {
      throw new RangeError("Only the last chunk of a file is shorter than the others");
    }
    const sealed = new Uint8Array(TAG_BYTES + plaintext.length);
    const parts = { iv: nonceOf(index, isLast), aad: NOTHING, plaintext };
    encryptGcm(this.#key, parts, { target: sealed, tagAt: 0, dataAt: TAG_BYTES });
    return sealed;
  }

  /** @returns the plaintext, or undefined when the chunk was altered, or is another one than that */
  open(index: number, isLast: boolean, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < TAG_BYTES) return undefined;
    const parts = { tag: sealed.subarray(0, TAG_BYTES), data: sealed.subarray(TAG_BYTES), aad: NOTHING };
    return decryptGcm(this.#key, { iv: nonceOf(index, isLast), ...parts });
  }
}

function nonceOf(index: number, isLast: boolean): Uint8Array {
  const iv = new Uint8Array(IV_BYTES);
  new DataView(iv.buffer).setUint32(IV_BYTES - 5, index);
  iv[IV_BYTES - 1] = isLast ? 1 : 0;
  return iv;
}
