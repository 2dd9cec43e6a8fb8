/** Secret bytes with one owner, who wipes them. */

import { randomFillSync } from "node:crypto";
import { inspect } from "node:util";

/**
 * Owns secret bytes for a moment: `using secret = new Secret(bytes)` wipes them at the end of the block.
 *
 * It prints as `[secret]` everywhere: in strings, in JSON and under `util.inspect`.
 */
export class Secret {
  readonly #bytes: Uint8Array;
  #wiped = false;

  /** Takes `bytes` over: from now on they are this object's to wipe. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** `lengthBytes` bytes of the system's generator, in memory of their own. */
  static random(lengthBytes: number): Secret {
    return new Secret(randomFillSync(new Uint8Array(lengthBytes)));
  }

  /**
   * The bytes themselves, borrowed: they are zero once the owner is done with them.
   *
   * @throws Error when they have been wiped, so that nobody computes with zeros
   */
  get bytes(): Uint8Array {
    if (this.#wiped) throw new Error("A secret was used after it had been wiped");
    return this.#bytes;
  }

  /** Overwrites the bytes with zeros. */
  [Symbol.dispose](): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
