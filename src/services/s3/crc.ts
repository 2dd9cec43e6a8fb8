/** The cyclic redundancy checks of S3 that `node:zlib` has not: CRC-32C (RFC 3720) and CRC-64/NVME (NVM Express, 5.2). */

/** Both are reflected, begin with ones and end inverted. */
const CRC32C = 0x82f63b78;
const CRC64_HIGH = 0x9a6c9329;
const CRC64_LOW = 0xac4bc9b5;

const table32c = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ CRC32C;
  return crc >>> 0;
});

const table64 = Array.from({ length: 256 }, (_, byte) => {
  let [high, low] = [0, byte];
  for (let bit = 0; bit < 8; bit += 1) {
    const isOdd = (low & 1) === 1;
    low = ((low >>> 1) | (high << 31)) >>> 0;
    high >>>= 1;
    if (isOdd) {
      low = (low ^ CRC64_LOW) >>> 0;
      high = (high ^ CRC64_HIGH) >>> 0;
    }
  }
  return [high, low] as const;
});
const high64 = Uint32Array.from(table64, ([high]) => high);
const low64 = Uint32Array.from(table64, ([, low]) => low);

/** A check that is computed piece by piece. */
export interface Crc {
  update(bytes: Uint8Array): void;
  /** Big-endian. */
  digest(): Uint8Array;
}

export class Crc32c implements Crc {
  #crc = 0xffffffff;

  update(bytes: Uint8Array): void {
    let crc = this.#crc;
    for (const byte of bytes) crc = (table32c[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
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
    let [high, low] = [this.#high, this.#low];
    for (const byte of bytes) {
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
