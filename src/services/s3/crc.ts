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
