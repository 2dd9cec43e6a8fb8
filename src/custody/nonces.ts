/** Random nonces and IVs, fetched from the system's generator in blocks. */

import { randomFillSync } from "node:crypto";

const BLOCK_BYTES = 4096;

/**
 * Hands out random bytes that become public at once: nonces and IVs, never keys.
 *
 * One call of the generator costs as much as a whole HMAC, so it is asked for a block at a time. No byte is handed out
 * twice.
 */
export class Nonces {
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #used = BLOCK_BYTES;

  /** Fills `target` (up to 4,096 bytes). */
  fill(target: Uint8Array): void {
    if (this.#used + target.length > BLOCK_BYTES) {
      randomFillSync(this.#block);
      this.#used = 0;
    }
    target.set(this.#block.subarray(this.#used, this.#used + target.length));
    this.#used += target.length;
  }
}
