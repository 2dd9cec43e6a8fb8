/**
 * CBOR (RFC 8949): as attestation documents use it (integers, bytes, text, arrays, maps and null), and as the protocol RPC v2 does,
 * which has booleans, floats and times, too.
 */

/** Integers are safe ones; bytes are views into what was decoded. */
export type CborValue = number | string | Uint8Array | null | readonly CborValue[] | CborMap;
export type CborMap = ReadonlyMap<number | string, CborValue>;

/** What RPC v2 has beside: a time is told apart from a number by its tag. */
export type CborDocument =
  | CborScalar
  | readonly CborDocument[]
  | ReadonlyMap<number | string, CborDocument>
  | { readonly epochSeconds: number };
type CborScalar = number | string | boolean | Uint8Array | null | undefined;

/** The bytes are not one data item of the kinds that are read here. */
export class CborError extends Error {
  override readonly name = "CborError";
}

/** Arrays and maps inside each other; attestation documents have two. */
const DEPTH_MAX = 4;
const DOCUMENT_DEPTH_MAX = 32;
const FALSE = 0xf4;
const TRUE = 0xf5;
const UNDEFINED = 0xf7;
const HALF = 0xf9;
const SINGLE = 0xfa;
const DOUBLE = 0xfb;
/** Tag 1: seconds since the epoch. */
const EPOCH = 0xc1;
const NULL = 0xf6;
const OPEN_ARRAY = 0x9f;
const OPEN_MAP = 0xbf;
const BREAK = 0xff;
/** The count of what ends with a break. */
const UNTIL_BREAK = Number.POSITIVE_INFINITY;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads one data item that is all of `bytes`.
 *
 * The work is bounded by the length of `bytes`: nothing is made ahead of the bytes that it is made of, and nesting has a limit.
 *
 * Arrays and maps may have an indefinite length, as the Nitro hypervisor gives the map of a document one; strings may not.
 *
 * @throws CborError bytes are missing or left over; nesting is too deep; a string in segments, a tag, a float, a simple value but
 *   null, an integer that isn't safe, text that is no UTF-8; a map key that is no integer or text, or comes twice
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (!reader.isAtEnd) throw new CborError("Bytes follow the data item");
  return value;
}

/**
 * Reads one data item of the protocol RPC v2 (Smithy 2.0, RPC v2 CBOR: data model) that is all of `bytes`; the same as `decodeCbor`,
 * and booleans, undefined, floats and tag 1.
 *
 * @throws CborError as `decodeCbor`
 */
export function decodeCborDocument(bytes: Uint8Array): CborDocument {
  const reader = new Reader(bytes, true);
  const value = reader.document(0);
  if (!reader.isAtEnd) throw new CborError("Bytes follow the data item");
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isWide: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, isWide = false) {
    this.#isWide = isWide;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  document(depth: number): CborDocument {
    return this.value(depth) as CborDocument;
  }

  value(depth: number): CborValue {
    const initial = this.#bytes[this.#skip(1)] ?? 0;
    if (initial === NULL) return null;
    if (initial === OPEN_ARRAY) return this.#array(UNTIL_BREAK, depth + 1);
    if (initial === OPEN_MAP) return this.#map(UNTIL_BREAK, depth + 1);
    if (this.#isWide && initial >= EPOCH) return this.#wide(initial, depth) as CborValue;
    const argument = this.#argument(initial & 0x1f);
    switch (initial >> 5) {
      case 0:
        return argument;
      case 1:
        return requireSafe(-1 - argument);
      case 2:
        return this.#take(argument);
      case 3:
        return textOf(this.#take(argument));
      case 4:
        return this.#array(argument, depth + 1);
      case 5:
        return this.#map(argument, depth + 1);
      default:
        throw new CborError("A tag, a float or a simple value");
    }
  }

  /** What attestation documents don't have. */
  #wide(initial: number, depth: number): CborDocument {
    switch (initial) {
      case FALSE:
      case TRUE:
        return initial === TRUE;
      case UNDEFINED:
        return undefined;
      case HALF:
        return this.#view.getFloat16(this.#skip(2));
      case SINGLE:
        return this.#view.getFloat32(this.#skip(4));
      case DOUBLE:
        return this.#view.getFloat64(this.#skip(8));
      case EPOCH: {
        requireDepth(depth + 1, DOCUMENT_DEPTH_MAX);
        const epochSeconds = this.document(depth + 1);
        if (typeof epochSeconds !== "number") throw new CborError("A time that is no number");
        return { epochSeconds };
      }
      default:
        throw new CborError("A tag or a simple value");
    }
  }

  /** RFC 8949, 3: the argument of a head. */
  #argument(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#view.getUint8(this.#skip(1));
      case 25:
        return this.#view.getUint16(this.#skip(2));
      case 26:
        return this.#view.getUint32(this.#skip(4));
      case 27:
        return requireSafe(Number(this.#view.getBigUint64(this.#skip(8))));
      default:
        throw new CborError("A string in segments, or a reserved argument");
    }
  }

  #array(count: number, depth: number): readonly CborValue[] {
    requireDepth(depth, this.#isWide ? DOCUMENT_DEPTH_MAX : DEPTH_MAX);
    const items: CborValue[] = [];
    while (!this.#isComplete(items.length, count)) items.push(this.value(depth));
    return items;
  }

  #map(count: number, depth: number): CborMap {
    requireDepth(depth, this.#isWide ? DOCUMENT_DEPTH_MAX : DEPTH_MAX);
    const entries = new Map<number | string, CborValue>();
    while (!this.#isComplete(entries.size, count)) {
      const key = this.value(depth);
      if (typeof key !== "number" && typeof key !== "string") throw new CborError("A key that is no integer or text");
      if (entries.has(key)) throw new CborError("A key twice");
      entries.set(key, this.value(depth));
    }
    return entries;
  }

  /** Whether all that was counted is read, or, without a count, a break comes: it is skipped. */
  #isComplete(read: number, count: number): boolean {
    if (count !== UNTIL_BREAK) return read >= count;
    if (this.#bytes[this.#at] !== BREAK) return false;
    this.#skip(1);
    return true;
  }

  #take(lengthBytes: number): Uint8Array {
    const start = this.#skip(lengthBytes);
    return this.#bytes.subarray(start, start + lengthBytes);
  }

  /** Moves on and returns where it was. */
  #skip(lengthBytes: number): number {
    const start = this.#at;
    if (lengthBytes > this.#bytes.length - start) throw new CborError("Bytes are missing");
    this.#at = start + lengthBytes;
    return start;
  }
}

function requireSafe(integer: number): number {
  if (!Number.isSafeInteger(integer)) throw new CborError("An integer that isn't safe");
  return integer;
}

function requireDepth(depth: number, depthMax: number): void {
  if (depth > depthMax) throw new CborError("Nested too deeply");
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new CborError("Text that is no UTF-8", { cause });
  }
}

/** The head of a byte string (major type 2) of up to 65,535 bytes, in its shortest form. */
export function byteStringHead(lengthBytes: number): Uint8Array {
  if (lengthBytes < 24) return Uint8Array.of(0x40 | lengthBytes);
  if (lengthBytes < 0x100) return Uint8Array.of(0x58, lengthBytes);
  if (lengthBytes > 0xffff) throw new RangeError(`A byte string of ${lengthBytes} bytes`);
  return Uint8Array.of(0x59, lengthBytes >> 8, lengthBytes & 0xff);
}
