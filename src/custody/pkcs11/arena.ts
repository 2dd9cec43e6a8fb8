/** Memory that is handed to a PKCS #11 library: one block that does not move, cut into rooms, and wiped after each call. */

/** Several times what any call needs: a plaintext of 4 KB, twice, and a list of slots. */
const ARENA_BYTES = 65_536;
const ALIGNMENT = 8;

/** A part of an arena. */
export interface Room {
  readonly pointer: bigint;
  /** The n-th CK_ULONG in it. */
  word(index?: number): bigint;
  setWord(value: bigint): void;
  fill(bytes: Uint8Array): void;
  /** Its first bytes, in memory of their own. */
  copy(lengthBytes: number): Uint8Array;
}

/** What it hands out holds until `wipe`. */
export class Arena {
  readonly #memory = new Uint8Array(new ArrayBuffer(ARENA_BYTES));
  readonly #view = new DataView(this.#memory.buffer);
  readonly #base: bigint;
  #used = 0;

  /** @param pointerTo the address of an array's memory */
  constructor(pointerTo: (bytes: Uint8Array) => bigint) {
    this.#base = pointerTo(this.#memory);
  }

  /** @throws RangeError there is not so much room */
  room(lengthBytes: number): Room {
    const at = this.#used;
    if (at + lengthBytes > ARENA_BYTES) throw new RangeError("More than a call of a PKCS #11 library may need");
    this.#used = Math.ceil((at + lengthBytes) / ALIGNMENT) * ALIGNMENT;
    const part = this.#memory.subarray(at, at + lengthBytes);
    return {
      pointer: this.#base + BigInt(at),
      word: (index = 0) => this.#view.getBigUint64(at + ALIGNMENT * index, true),
      setWord: (value) => this.#view.setBigUint64(at, value, true),
      fill: (bytes) => part.set(bytes),
      copy: (count) => part.slice(0, count),
    };
  }

  /** Puts bytes into a room of their own and returns where. */
  bytes(bytes: Uint8Array): bigint {
    const room = this.room(bytes.length);
    room.fill(bytes);
    return room.pointer;
  }

  /** Puts numbers side by side and returns where: a structure of CK_ULONG and pointers. */
  words(values: readonly bigint[]): bigint {
    const room = this.room(ALIGNMENT * values.length);
    room.fill(new Uint8Array(BigUint64Array.from(values).buffer));
    return room.pointer;
  }

  wipe(): void {
    this.#memory.fill(0, 0, this.#used);
    this.#used = 0;
  }
}
