/**
 * HMAC and AES-256-GCM of the OpenSSL inside Node, reached through `node:ffi`, for what every request does: `node:crypto` makes
 * an object for each use, which costs more than the primitive (docs/performance.md).
 */

import { findFfi } from "./ffi.ts";

/** `size_t` has 64 bits on every platform that there is a package of Node for. */
const definitions = {
  EVP_MAC_fetch: { return: "pointer", arguments: ["pointer", "string", "pointer"] },
  EVP_MAC_CTX_new: { return: "pointer", arguments: ["pointer"] },
  EVP_MAC_CTX_free: { return: "void", arguments: ["pointer"] },
  EVP_MAC_init: { return: "i32", arguments: ["pointer", "pointer", "u64", "pointer"] },
  EVP_MAC_update: { return: "i32", arguments: ["pointer", "pointer", "u64"] },
  EVP_MAC_final: { return: "i32", arguments: ["pointer", "pointer", "pointer", "u64"] },
  EVP_CIPHER_fetch: { return: "pointer", arguments: ["pointer", "string", "pointer"] },
  EVP_CIPHER_CTX_new: { return: "pointer", arguments: [] },
  EVP_CIPHER_CTX_ctrl: { return: "i32", arguments: ["pointer", "i32", "i32", "pointer"] },
  EVP_EncryptInit_ex: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "pointer"] },
  EVP_EncryptUpdate: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "i32"] },
  EVP_EncryptFinal_ex: { return: "i32", arguments: ["pointer", "pointer", "pointer"] },
  EVP_DecryptInit_ex: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "pointer"] },
  EVP_DecryptUpdate: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "i32"] },
  EVP_DecryptFinal_ex: { return: "i32", arguments: ["pointer", "pointer", "pointer"] },
  ERR_clear_error: { return: "void", arguments: [] },
} as const;

type Ffi = NonNullable<ReturnType<typeof findFfi>>;

/** The hashes that MACs are made with here. */
export type MacHash = "sha256" | "sha512";

export const MAC_BYTES: Readonly<Record<MacHash, number>> = { sha256: 32, sha512: 64 };

const NULL = 0n;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** openssl/evp.h */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
/** OSSL_PARAM_UTF8_STRING (openssl/core.h). */
const UTF8_STRING = 4;

/** A box of AES-256-GCM: an IV of 12 bytes, what is authenticated beside the data, a tag of 16 bytes, and the data in place. */
export interface Box {
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
  readonly tag: Uint8Array;
  readonly data: Uint8Array;
}

/** An HMAC key that libcrypto holds, until `freeMacKey`. */
export type MacKey = bigint;

/**
 * Functions that are synchronous throughout, so that a context is used by one at a time. Arrays of up to 64 bytes that are new
 * cost an allocation when they are passed: V8 has them in its heap, and libcrypto must not.
 */
export class SymmetricLibcrypto {
  readonly #ffi: Ffi;
  readonly #c: ReturnType<typeof load>;
  readonly #hmac: bigint;
  readonly #encryption: bigint;
  readonly #decryption: bigint;
  readonly #length = new Int32Array(1);
  readonly #last = new Uint8Array(TAG_BYTES);
  readonly #zeros = new Uint8Array(KEY_BYTES);

  /** @throws Error a function or an algorithm is missing */
  constructor(ffi: Ffi) {
    this.#ffi = ffi;
    this.#c = load(ffi);
    this.#hmac = required(this.#c.EVP_MAC_fetch(NULL, "HMAC", NULL));
    const gcm = required(this.#c.EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
    this.#encryption = required(this.#c.EVP_CIPHER_CTX_new());
    this.#decryption = required(this.#c.EVP_CIPHER_CTX_new());
    this.#require(this.#c.EVP_EncryptInit_ex(this.#encryption, gcm, NULL, NULL, NULL));
    this.#require(this.#c.EVP_DecryptInit_ex(this.#decryption, gcm, NULL, NULL, NULL));
  }

  /** Takes a copy of `key`. */
  newMacKey(hash: MacHash, key: Uint8Array): MacKey {
    const { params, held } = digestParams(this.#ffi, hash);
    const context = required(this.#c.EVP_MAC_CTX_new(this.#hmac));
    this.#require(this.#c.EVP_MAC_init(context, key, BigInt(key.length), params));
    for (const text of held) text.fill(0); // lives until here: `params` points at it
    return context;
  }

  /** What libcrypto holds is wiped. */
  freeMacKey(key: MacKey): void {
    this.#c.EVP_MAC_CTX_free(key);
  }

  /** Writes the MAC of the first `length` bytes of `data` to `target`, which has as many bytes as the hash. */
  mac(key: MacKey, data: Uint8Array, length: number, target: Uint8Array): void {
    const c = this.#c;
    this.#require(c.EVP_MAC_init(key, NULL, 0n, NULL));
    this.#require(c.EVP_MAC_update(key, data, BigInt(length)));
    this.#require(c.EVP_MAC_final(key, target, NULL, BigInt(target.length)));
  }

  /** Puts ciphertext in the place of the data, and writes the tag. The key is wiped from the context. */
  encrypt(key: Uint8Array, { iv, aad, tag, data }: Box): void {
    const [c, context] = [this.#c, this.#encryption];
    this.#require(c.EVP_EncryptInit_ex(context, NULL, NULL, key, iv));
    if (aad.length > 0) this.#require(c.EVP_EncryptUpdate(context, NULL, this.#length, aad, aad.length));
    if (data.length > 0) this.#require(c.EVP_EncryptUpdate(context, data, this.#length, data, data.length));
    this.#require(c.EVP_EncryptFinal_ex(context, this.#last, this.#length));
    this.#require(c.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag));
    this.#require(c.EVP_EncryptInit_ex(context, NULL, NULL, this.#zeros, NULL));
  }

  /** Puts plaintext in the place of the data, or zeros where the tag does not fit. @returns whether it fits */
  decrypt(key: Uint8Array, { iv, aad, tag, data }: Box): boolean {
    const [c, context] = [this.#c, this.#decryption];
    this.#require(c.EVP_DecryptInit_ex(context, NULL, NULL, key, iv));
    if (aad.length > 0) this.#require(c.EVP_DecryptUpdate(context, NULL, this.#length, aad, aad.length));
    if (data.length > 0) this.#require(c.EVP_DecryptUpdate(context, data, this.#length, data, data.length));
    this.#require(c.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag));
    const fits = c.EVP_DecryptFinal_ex(context, this.#last, this.#length) === 1;
    if (!fits) {
      data.fill(0);
      c.ERR_clear_error();
    }
    this.#require(c.EVP_DecryptInit_ex(context, NULL, NULL, this.#zeros, NULL));
    return fits;
  }

  #require(result: number): void {
    if (result === 1) return;
    this.#c.ERR_clear_error();
    throw new Error("OpenSSL failed at an HMAC or at AES-256-GCM");
  }
}

let found: { readonly libcrypto: SymmetricLibcrypto | undefined } | undefined;

/**
 * The libcrypto of this process, once it has given published answers; undefined where `node:ffi` or one of its functions is
 * missing, or an answer is wrong: `node:crypto` does it all then.
 */
export function findSymmetricLibcrypto(): SymmetricLibcrypto | undefined {
  found ??= { libcrypto: findTrusted() };
  return found.libcrypto;
}

function findTrusted(): SymmetricLibcrypto | undefined {
  try {
    const ffi = findFfi();
    const libcrypto = ffi === undefined ? undefined : new SymmetricLibcrypto(ffi);
    return libcrypto !== undefined && givesKnownAnswers(libcrypto) ? libcrypto : undefined;
  } catch {
    return undefined; // a build without these symbols, or a process that may not use them
  }
}

/** RFC 4231, test case 2, and test case 15 of the GCM specification (McGrew, Viega). */
export function givesKnownAnswers(libcrypto: SymmetricLibcrypto): boolean {
  const text = new TextEncoder().encode("what do ya want for nothing?");
  for (const [hash, answer] of Object.entries(macAnswers) as [MacHash, string][]) {
    const key = libcrypto.newMacKey(hash, new TextEncoder().encode("Jefe"));
    const mac = new Uint8Array(MAC_BYTES[hash]);
    for (const _again of [1, 2]) libcrypto.mac(key, text, text.length, mac); // a context goes on after its first use
    libcrypto.freeMacKey(key);
    if (mac.toHex() !== answer) return false;
  }
  const { key, iv, plaintext, ciphertext, tag } = gcmAnswer;
  const box = { iv, aad: new Uint8Array(0), tag: new Uint8Array(TAG_BYTES), data: plaintext.slice() };
  libcrypto.encrypt(key, box);
  if (box.data.toHex() !== ciphertext.toHex() || box.tag.toHex() !== tag.toHex()) return false;
  const spoiled = { ...box, data: ciphertext.slice(), tag: tag.with(0, (tag[0] ?? 0) ^ 1) };
  if (libcrypto.decrypt(key, spoiled) || spoiled.data.some(Boolean)) return false;
  return libcrypto.decrypt(key, box) && box.data.toHex() === plaintext.toHex();
}

const macAnswers: Readonly<Record<MacHash, string>> = {
  sha256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  sha512:
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
};

const gcmAnswer = {
  key: Uint8Array.fromHex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
  iv: Uint8Array.fromHex("cafebabefacedbaddecaf888"),
  plaintext: Uint8Array.fromHex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
  ),
  ciphertext: Uint8Array.fromHex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
  ),
  tag: Uint8Array.fromHex("b094dac5d93471bdec1a502270e3cc6c"),
};

function load(ffi: Ffi) {
  return ffi.dlopen(null, definitions).functions;
}

function required(pointer: bigint): bigint {
  if (pointer === NULL) throw new Error("OpenSSL lacks an algorithm or memory");
  return pointer;
}

/** `{ "digest": hash }` as OSSL_PARAM (openssl/core.h): key(8) ‖ data type(4) ‖ padding(4) ‖ data(8) ‖ size(8) ‖ return size(8), and an end of zeros. */
function digestParams(ffi: Ffi, hash: MacHash): { readonly params: Uint8Array; readonly held: readonly Uint8Array[] } {
  const ENTRY_BYTES = 40;
  const name = new TextEncoder().encode("digest\0");
  const value = new TextEncoder().encode(`${hash}\0`);
  const params = new Uint8Array(2 * ENTRY_BYTES);
  const view = new DataView(params.buffer);
  view.setBigUint64(0, ffi.getRawPointer(name), true);
  view.setUint32(8, UTF8_STRING, true);
  view.setBigUint64(16, ffi.getRawPointer(value), true);
  view.setBigUint64(24, BigInt(hash.length), true);
  return { params, held: [name, value] };
}
