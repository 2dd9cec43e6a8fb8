/** Key derivation: the counter-mode KDF of NIST SP 800-108 with HMAC-SHA-512. */

import { createHmac, type KeyObject } from "node:crypto";

const PRF_BYTES = 64;
/** Far more than any key needs; the standard would allow 2³² − 1 blocks. */
const LENGTH_BYTES_MAX = 1024;
const utf8 = new TextEncoder();

/**
 * Derives a key: K(i) = HMAC-SHA-512(key, [i] ‖ Label ‖ 0x00 ‖ Context ‖ [L]), counter and L in bits as u32be
 * (SP 800-108r1, 4.1).
 *
 * @param label what the key is for, as UTF-8 without a zero byte
 * @param context whose key it is: of a fixed length for its label, or written lengths first
 * @returns the key in memory of its own; the caller wipes it
 * @throws RangeError the length is not between 1 and 1,024 bytes
 */
export function deriveKey(key: KeyObject, label: string, context: Uint8Array, lengthBytes: number): Uint8Array {
  const name = utf8.encode(label);
  const fixedInput = new Uint8Array(name.length + 1 + context.length + 4);
  fixedInput.set(name);
  fixedInput.set(context, name.length + 1);
  new DataView(fixedInput.buffer).setUint32(fixedInput.length - 4, lengthBytes * 8);
  return counterMode(key, fixedInput, lengthBytes);
}

/**
 * The construction under `deriveKey`, over fixed input data that is already encoded: what NIST's vectors test.
 *
 * @throws RangeError the length is not between 1 and 1,024 bytes
 */
export function counterMode(key: KeyObject, fixedInput: Uint8Array, lengthBytes: number): Uint8Array {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > LENGTH_BYTES_MAX) {
    throw new RangeError("A derived key has between 1 and 1,024 bytes");
  }
  const input = new Uint8Array(4 + fixedInput.length);
  input.set(fixedInput, 4);
  const counter = new DataView(input.buffer);
  const derived = new Uint8Array(lengthBytes);
  for (let offset = 0, i = 1; offset < lengthBytes; offset += PRF_BYTES, i += 1) {
    counter.setUint32(0, i);
    const block = createHmac("sha512", key).update(input).digest();
    derived.set(block.subarray(0, lengthBytes - offset), offset);
    block.fill(0);
  }
  return derived;
}
