/** The body of a backup: chunks that can't be altered, moved, left out or cut off unseen (docs/backup-format.md). */

import type { KeyObject } from "node:crypto";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";

/** Plaintext of every chunk but the last, which may have less. */
export const CHUNK_BYTES = 64 * 1024;
/** What a full chunk takes in the file. */
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
const CHUNKS_MAX = 2 ** 32;
const COUNTER_AT = 7;
const LAST_AT = 11;
const NOTHING = new Uint8Array(0);

/**
 * STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO
 * 2015) with AES-256-GCM: the nonce of a chunk is its number, 11 bytes big-endian, and a byte that says whether it is the
 * last, as in the age file format. The key is of one file alone, so the number needs no random part.
 */
class ChunkNonces {
  readonly #iv = new Uint8Array(IV_BYTES);
  #next = 0;
  #ended = false;

  /** The nonce of the next chunk, borrowed until the one after it. */
  next(isLast: boolean): Uint8Array {
    if (this.#ended) throw new Error("The backup's last chunk was before this one");
    if (this.#next >= CHUNKS_MAX) throw new Error("A backup has at most 2^32 chunks");
    new DataView(this.#iv.buffer).setUint32(COUNTER_AT, this.#next);
    this.#iv[LAST_AT] = isLast ? 1 : 0;
    this.#next += 1;
    this.#ended = isLast;
    return this.#iv;
  }
}

/** Seals the chunks of one file, in their order. */
export class BackupSealer {
  readonly #key: KeyObject;
  readonly #nonces = new ChunkNonces();

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** @returns tag(16) ‖ data */
  seal(plaintext: Uint8Array, isLast: boolean): Uint8Array {
    if (plaintext.length > CHUNK_BYTES || (!isLast && plaintext.length < CHUNK_BYTES)) {
      throw new Error("Only the last chunk of a backup is shorter than the others");
    }
    const sealed = new Uint8Array(TAG_BYTES + plaintext.length);
    const iv = this.#nonces.next(isLast);
    encryptGcm(this.#key, { iv, aad: NOTHING, plaintext }, { target: sealed, tagAt: 0, dataAt: TAG_BYTES });
    return sealed;
  }
}

/** Opens the chunks of one file, in their order. */
export class BackupOpener {
  readonly #key: KeyObject;
  readonly #nonces = new ChunkNonces();

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** @returns the plaintext, or undefined when the chunk was altered, or is not the next one, or not the last */
  open(sealed: Uint8Array, isLast: boolean): Uint8Array | undefined {
    if (sealed.length < TAG_BYTES) return undefined;
    const parts = { tag: sealed.subarray(0, TAG_BYTES), data: sealed.subarray(TAG_BYTES) };
    return decryptGcm(this.#key, { iv: this.#nonces.next(isLast), aad: NOTHING, ...parts });
  }
}
