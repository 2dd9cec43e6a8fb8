/** HMAC (RFC 2104) under keys that are used again and again. */

import { createHmac, type KeyObject } from "node:crypto";
import { findSymmetricLibcrypto, type MacHash, type MacKey, type SymmetricLibcrypto } from "./libcrypto-symmetric.ts";

/** Longer texts are rare, and `node:crypto` does them. */
const TEXT_BYTES_MAX = 4096;
const text = Buffer.alloc(TEXT_BYTES_MAX);

/** What libcrypto holds of each key, as long as somebody here holds the key. */
const known: Readonly<Record<MacHash, WeakMap<KeyObject, MacKey>>> = { sha256: new WeakMap(), sha512: new WeakMap() };
const released = new FinalizationRegistry<MacKey>((key) => findSymmetricLibcrypto()?.freeMacKey(key));

/**
 * Writes HMAC under `key` to `target`, which has as many bytes as the hash.
 *
 * @param key of at least one byte
 * @param data bytes, or a text in ASCII
 */
export function hmac(hash: MacHash, key: KeyObject, data: Uint8Array | string, target: Uint8Array): void {
  const libcrypto = findSymmetricLibcrypto();
  if (libcrypto === undefined || data.length > TEXT_BYTES_MAX) {
    target.set(createHmac(hash, key).update(data).digest());
    return;
  }
  const isText = typeof data === "string";
  const length = isText ? text.write(data, "latin1") : data.length;
  libcrypto.mac(macKey(libcrypto, hash, key), isText ? text : data, length, target);
}

function macKey(libcrypto: SymmetricLibcrypto, hash: MacHash, key: KeyObject): MacKey {
  const held = known[hash].get(key);
  if (held !== undefined) return held;
  const bytes = key.export();
  const made = libcrypto.newMacKey(hash, bytes);
  bytes.fill(0);
  known[hash].set(key, made);
  released.register(key, made);
  return made;
}
