/** Writes CBOR (RFC 8949) in definite lengths, heads in their shortest form. */

const CHUNK_BYTES = 1_024;
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const EPOCH_TAG = 1;
const FALSE = 0xf4;
const TRUE = 0xf5;
const DOUBLE = 0xfb;

/** Collections are announced by their counts; what follows is what they hold. */
export class CborWriter {
  #buffer = new Uint8Array(CHUNK_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  /** What was written. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  map(pairs: number): void {
    this.#head(MAP, pairs);
  }

  array(items: number): void {
    this.#head(ARRAY, items);
  }

  text(text: string): void {
    const bytes = Buffer.from(text, "utf8");
    this.#head(TEXT, bytes.length);
    this.#append(bytes);
  }

  byteString(bytes: Uint8Array): void {
    this.#head(BYTES, bytes.length);
    this.#append(bytes);
  }

  boolean(value: boolean): void {
    this.#byte(value ? TRUE : FALSE);
  }

  /** @param value a safe integer */
  integer(value: number): void {
    if (value < 0) this.#head(NEGATIVE, -1 - value);
    else this.#head(UNSIGNED, value);
  }

  double(value: number): void {
    this.#byte(DOUBLE);
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** Seconds since the epoch under tag 1, a double where they have a fraction. */
  time(epochSeconds: number): void {
    this.#head(TAG, EPOCH_TAG);
    if (Number.isInteger(epochSeconds)) this.integer(epochSeconds);
    else this.double(epochSeconds);
  }

  /** RFC 8949, 3: major type and argument. */
  #head(major: number, argument: number): void {
    const initial = major << 5;
    if (argument < 24) {
      this.#byte(initial | argument);
      return;
    }
    this.#reserve(9);
    const at = this.#length + 1;
    if (argument < 0x100) {
      this.#byte(initial | 24);
      this.#view.setUint8(at, argument);
      this.#length += 1;
    } else if (argument < 0x1_0000) {
      this.#byte(initial | 25);
      this.#view.setUint16(at, argument);
      this.#length += 2;
    } else if (argument < 0x1_0000_0000) {
      this.#byte(initial | 26);
      this.#view.setUint32(at, argument);
      this.#length += 4;
    } else {
      this.#byte(initial | 27);
      this.#view.setBigUint64(at, BigInt(argument));
      this.#length += 8;
    }
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(lengthBytes: number): void {
    if (this.#length + lengthBytes <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + lengthBytes));
    grown.set(this.#buffer);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}
