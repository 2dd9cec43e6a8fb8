/** The cyclic redundancy checks of S3 that `node:zlib` has not: CRC-32C (RFC 3720) and CRC-64/NVME (NVM Express, 5.2). */

/** Both are reflected, begin with ones and end inverted. */
const CRC32C = 0x82f63b78;
const CRC64_HIGH = 0x9a6c9329;
const CRC64_LOW = 0xac4bc9b5;

const TABLES = 8;

/** Eight tables, so that eight bytes take one step: each answers for a byte that one more zero follows than in the table before it. */
function tablesOf(polynomialHigh: number, polynomialLow: number) {
  const high = new Uint32Array(TABLES * 256);
  const low = new Uint32Array(TABLES * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let [upper, lower] = [0, byte];
    for (let bit = 0; bit < 8; bit += 1) {
      const isOdd = (lower & 1) === 1;
      lower = (lower >>> 1) | (upper << 31);
      upper >>>= 1;
      if (isOdd) [upper, lower] = [upper ^ polynomialHigh, lower ^ polynomialLow];
    }
    high[byte] = upper;
    low[byte] = lower;
  }
  for (let at = 256; at < TABLES * 256; at += 1) {
    const [upper, lower] = [high[at - 256] ?? 0, low[at - 256] ?? 0];
    high[at] = (upper >>> 8) ^ (high[lower & 0xff] ?? 0);
    low[at] = (lower >>> 8) ^ (upper << 24) ^ (low[lower & 0xff] ?? 0);
  }
  return { high, low };
}

/** Where the table for a word's lowest byte begins, for the first and the second word of a step. */
const FIRST = 7 * 256;
const SECOND = 3 * 256;

const { low: table32c } = tablesOf(0, CRC32C);
const { high: high64, low: low64 } = tablesOf(CRC64_HIGH, CRC64_LOW);

/** A check that is computed piece by piece. */
export interface Crc {
  update(bytes: Uint8Array): void;
  /** Big-endian. */
  digest(): Uint8Array;
}

export class Crc32c implements Crc {
  #crc = 0xffffffff;

  update(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const steps = bytes.length - (bytes.length % TABLES);
    let crc = this.#crc;
    for (let at = 0; at < steps; at += TABLES) {
      const first = crc ^ view.getInt32(at, true);
      const second = view.getInt32(at + 4, true);
      crc =
        (table32c[FIRST + (first & 0xff)] ?? 0) ^
        (table32c[FIRST - 256 + ((first >>> 8) & 0xff)] ?? 0) ^
        (table32c[FIRST - 512 + ((first >>> 16) & 0xff)] ?? 0) ^
        (table32c[FIRST - 768 + (first >>> 24)] ?? 0) ^
        (table32c[SECOND + (second & 0xff)] ?? 0) ^
        (table32c[SECOND - 256 + ((second >>> 8) & 0xff)] ?? 0) ^
        (table32c[SECOND - 512 + ((second >>> 16) & 0xff)] ?? 0) ^
        (table32c[second >>> 24] ?? 0);
    }
    for (const byte of bytes.subarray(steps)) crc = (table32c[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
    this.#crc = crc;
  }

  digest(): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, ~this.#crc >>> 0);
    return bytes;
  }
}

export class Crc64Nvme implements Crc {
  #high = 0xffffffff;
  #low = 0xffffffff;

  update(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const steps = bytes.length - (bytes.length % TABLES);
    let [high, low] = [this.#high, this.#low];
    for (let at = 0; at < steps; at += TABLES) {
      const first = low ^ view.getInt32(at, true);
      const second = high ^ view.getInt32(at + 4, true);
      const a = FIRST + (first & 0xff);
      const b = FIRST - 256 + ((first >>> 8) & 0xff);
      const c = FIRST - 512 + ((first >>> 16) & 0xff);
      const d = FIRST - 768 + (first >>> 24);
      const e = SECOND + (second & 0xff);
      const f = SECOND - 256 + ((second >>> 8) & 0xff);
      const g = SECOND - 512 + ((second >>> 16) & 0xff);
      const h = second >>> 24;
      low = (low64[a] ?? 0) ^ (low64[b] ?? 0) ^ (low64[c] ?? 0) ^ (low64[d] ?? 0);
      low ^= (low64[e] ?? 0) ^ (low64[f] ?? 0) ^ (low64[g] ?? 0) ^ (low64[h] ?? 0);
      high = (high64[a] ?? 0) ^ (high64[b] ?? 0) ^ (high64[c] ?? 0) ^ (high64[d] ?? 0);
      high ^= (high64[e] ?? 0) ^ (high64[f] ?? 0) ^ (high64[g] ?? 0) ^ (high64[h] ?? 0);
    }
    for (const byte of bytes.subarray(steps)) {
      const index = (low ^ byte) & 0xff;
      low = (low >>> 8) ^ (high << 24) ^ (low64[index] ?? 0);
      high = (high >>> 8) ^ (high64[index] ?? 0);
    }
    this.#high = high;
    this.#low = low;
  }

  digest(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, ~this.#high >>> 0);
    view.setUint32(4, ~this.#low >>> 0);
    return bytes;
  }
}

/** Polynomials as reflected CRCs have them, without their highest term. */
const POLYNOMIALS = {
  CRC32: 0xedb88320n,
  CRC32C: BigInt(CRC32C),
  CRC64NVME: (BigInt(CRC64_HIGH) << 32n) | BigInt(CRC64_LOW),
} as const;

export type CrcName = keyof typeof POLYNOMIALS;

/** Whether a CRC of a whole follows from those of its parts: it does for all of them. */
export function isCrc(name: string): name is CrcName {
  return Object.hasOwn(POLYNOMIALS, name);
}

/**
 * The CRC of parts that follow each other, from theirs: what is before a part counts as if as many zeros followed as that has bytes, which
 * is a multiplication by x^(8 × bytes) modulo the polynomial.
 */
export function joinedCrc(
  name: CrcName,
  parts: readonly { readonly crc: Uint8Array; readonly size: number }[],
): Uint8Array {
  const bytes = name === "CRC64NVME" ? 8 : 4;
  const field = new ReflectedField(POLYNOMIALS[name], BigInt(8 * bytes));
  let joined = 0n;
  for (const { crc, size } of parts) joined = field.multiply(field.shift(size), joined) ^ BigInt(`0x${crc.toHex()}`);
  return Uint8Array.fromHex(joined.toString(16).padStart(2 * bytes, "0"));
}

/** Polynomials modulo another, their lowest terms in the highest bits. */
class ReflectedField {
  readonly #modulus: bigint;
  readonly #one: bigint;
  /** Parts mostly have one length. */
  readonly #shifts = new Map<number, bigint>();

  constructor(modulus: bigint, bits: bigint) {
    this.#modulus = modulus;
    this.#one = 1n << (bits - 1n);
  }

  multiply(left: bigint, right: bigint): bigint {
    let product = 0n;
    let shifted = right;
    for (let term = this.#one; term !== 0n; term >>= 1n) {
      if ((left & term) !== 0n) product ^= shifted;
      shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ this.#modulus;
    }
    return product;
  }

  /** x^(8 × bytes). */
  shift(bytes: number): bigint {
    const known = this.#shifts.get(bytes);
    if (known !== undefined) return known;
    let power = this.#one;
    let square = this.#one >> 1n;
    for (let exponent = BigInt(8 * bytes); exponent !== 0n; exponent >>= 1n) {
      if ((exponent & 1n) === 1n) power = this.multiply(power, square);
      square = this.multiply(square, square);
    }
    this.#shifts.set(bytes, power);
    return power;
  }
}
