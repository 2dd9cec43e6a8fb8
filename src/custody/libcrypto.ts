/** The OpenSSL inside Node, reached through `node:ffi`: what its public keys can do and `node:crypto` has no function for. */

import type { KeyObject } from "node:crypto";
import { findFfi } from "./ffi.ts";
import { Secret } from "./secret.ts";

type Ffi = NonNullable<ReturnType<typeof findFfi>>;

/** `long` and `size_t` have 64 bits on every platform that there is a package of Node for. */
const definitions = {
  d2i_AutoPrivateKey_ex: { return: "pointer", arguments: ["pointer", "pointer", "i64", "pointer", "pointer"] },
  d2i_PUBKEY_ex: { return: "pointer", arguments: ["pointer", "pointer", "i64", "pointer", "pointer"] },
  EVP_PKEY_free: { return: "void", arguments: ["pointer"] },
  EVP_PKEY_CTX_new_from_pkey: { return: "pointer", arguments: ["pointer", "pointer", "pointer"] },
  EVP_PKEY_CTX_free: { return: "void", arguments: ["pointer"] },
  EVP_SIGNATURE_fetch: { return: "pointer", arguments: ["pointer", "string", "pointer"] },
  EVP_PKEY_sign_init: { return: "i32", arguments: ["pointer"] },
  EVP_PKEY_sign_message_init: { return: "i32", arguments: ["pointer", "pointer", "pointer"] },
  EVP_PKEY_sign: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "u64"] },
  EVP_PKEY_verify_init: { return: "i32", arguments: ["pointer"] },
  EVP_PKEY_verify_message_init: { return: "i32", arguments: ["pointer", "pointer", "pointer"] },
  EVP_PKEY_verify: { return: "i32", arguments: ["pointer", "pointer", "u64", "pointer", "u64"] },
  EVP_PKEY_encrypt_init: { return: "i32", arguments: ["pointer"] },
  EVP_PKEY_encrypt: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "u64"] },
  EVP_PKEY_decrypt_init: { return: "i32", arguments: ["pointer"] },
  EVP_PKEY_decrypt: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "u64"] },
  EC_GROUP_new_by_curve_name: { return: "pointer", arguments: ["i32"] },
  EC_GROUP_free: { return: "void", arguments: ["pointer"] },
  EC_POINT_new: { return: "pointer", arguments: ["pointer"] },
  EC_POINT_clear_free: { return: "void", arguments: ["pointer"] },
  EC_POINT_oct2point: { return: "i32", arguments: ["pointer", "pointer", "pointer", "u64", "pointer"] },
  EC_POINT_mul: { return: "i32", arguments: ["pointer", "pointer", "pointer", "pointer", "pointer", "pointer"] },
  EC_POINT_point2oct: { return: "u64", arguments: ["pointer", "pointer", "i32", "pointer", "u64", "pointer"] },
  BN_bin2bn: { return: "pointer", arguments: ["pointer", "i32", "pointer"] },
  BN_clear_free: { return: "void", arguments: ["pointer"] },
  ERR_clear_error: { return: "void", arguments: [] },
} as const;

/** A signature scheme by OpenSSL's name; without one, the key's own scheme over the bytes as they are. */
export interface MessageScheme {
  readonly name: string;
  /** Of ML-DSA: what is signed is mu (FIPS 204, algorithm 7, line 6), made outside. */
  readonly externalMu?: boolean;
}

/** Longer than any signature of ours: ML-DSA-87's have 4,627 bytes. */
const SIGNATURE_BYTES_MAX = 8_192;
const NULL = 0n;
const UNCOMPRESSED = 4;

/** A pointer that is given back at the end of the block. */
interface Held extends Disposable {
  readonly pointer: bigint;
}

/**
 * Operations of libcrypto's `EVP_PKEY`, each of which takes a copy of its key and gives it back: nothing is kept.
 *
 * The copy of a private key that is written in JavaScript's memory is wiped; libcrypto wipes its own.
 */
export class Libcrypto {
  readonly #ffi: Ffi;
  readonly #c: ReturnType<typeof load>;
  readonly #schemes = new Map<string, bigint>();
  /** `{ "mu": 1 }` as OSSL_PARAM (openssl/core.h), with what it points at. */
  readonly #muParams: ReturnType<typeof muParams>;

  /** Use `find`. */
  protected constructor(ffi: Ffi) {
    this.#ffi = ffi;
    this.#c = load(ffi);
    this.#muParams = muParams(ffi);
  }

  /** The libcrypto of this process, or undefined where `node:ffi` or one of its functions is missing. */
  static find(): Libcrypto | undefined {
    try {
      const ffi = findFfi();
      return ffi === undefined ? undefined : new this(ffi);
    } catch {
      return undefined; // a build without these symbols, or a process that may not use them
    }
  }

  /**
   * Signs: with a scheme the message, without one the digest that `tbs` is.
   *
   * @throws Error the key can't sign that
   */
  sign(privateKey: KeyObject, tbs: Uint8Array, scheme?: MessageScheme): Uint8Array {
    using key = this.#privateKey(privateKey);
    using context = this.#context(key);
    const begun =
      scheme === undefined
        ? this.#c.EVP_PKEY_sign_init(context.pointer)
        : this.#c.EVP_PKEY_sign_message_init(context.pointer, this.#scheme(scheme), this.#params(scheme));
    this.#require(begun, "sign");
    const signature = new Uint8Array(SIGNATURE_BYTES_MAX);
    const length = BigUint64Array.of(BigInt(signature.length));
    this.#require(this.#c.EVP_PKEY_sign(context.pointer, signature, length, tbs, BigInt(tbs.length)), "sign");
    return signature.slice(0, Number(length[0]));
  }

  /** Whether a signature is one of `tbs`; whatever can't be parsed is none. */
  verify(
    publicKey: KeyObject,
    { tbs, signature, scheme }: { tbs: Uint8Array; signature: Uint8Array; scheme?: MessageScheme },
  ): boolean {
    using key = this.#publicKey(publicKey);
    using context = this.#context(key);
    const begun =
      scheme === undefined
        ? this.#c.EVP_PKEY_verify_init(context.pointer)
        : this.#c.EVP_PKEY_verify_message_init(context.pointer, this.#scheme(scheme), this.#params(scheme));
    this.#require(begun, "verify");
    const lengths = [BigInt(signature.length), BigInt(tbs.length)] as const;
    const verified = this.#c.EVP_PKEY_verify(context.pointer, signature, lengths[0], tbs, lengths[1]);
    if (verified !== 1) this.#c.ERR_clear_error();
    return verified === 1;
  }

  /** Encrypts under the public key's own scheme (SM2PKE). */
  encrypt(publicKey: KeyObject, plaintext: Uint8Array): Uint8Array {
    using key = this.#publicKey(publicKey);
    using context = this.#context(key);
    this.#require(this.#c.EVP_PKEY_encrypt_init(context.pointer), "encrypt");
    const length = new BigUint64Array(1);
    const input = [plaintext, BigInt(plaintext.length)] as const;
    this.#require(this.#c.EVP_PKEY_encrypt(context.pointer, null, length, ...input), "encrypt");
    const ciphertext = new Uint8Array(Number(length[0]));
    this.#require(this.#c.EVP_PKEY_encrypt(context.pointer, ciphertext, length, ...input), "encrypt");
    return ciphertext.slice(0, Number(length[0]));
  }

  /** Opens what `encrypt` makes; undefined when it does not open. The plaintext is the caller's to wipe. */
  decrypt(privateKey: KeyObject, ciphertext: Uint8Array): Uint8Array | undefined {
    using key = this.#privateKey(privateKey);
    using context = this.#context(key);
    this.#require(this.#c.EVP_PKEY_decrypt_init(context.pointer), "decrypt");
    // No plaintext is longer than its ciphertext.
    using opened = new Secret(new Uint8Array(ciphertext.length));
    const length = BigUint64Array.of(BigInt(ciphertext.length));
    const done = this.#c.EVP_PKEY_decrypt(context.pointer, opened.bytes, length, ciphertext, BigInt(ciphertext.length));
    if (done === 1) return opened.bytes.slice(0, Number(length[0]));
    this.#c.ERR_clear_error();
    return undefined;
  }

  /**
   * The ECDH primitive of SP 800-56A (5.7.1.2) on a curve of cofactor 1: the x coordinate of scalar × peer.
   *
   * It is for SM2, whose keys have no key agreement under `EVP_PKEY`. OpenSSL multiplies one secret scalar in constant time.
   *
   * @param curve OpenSSL's number (NID)
   * @param scalar big-endian, as long as the field
   * @param peer an uncompressed point
   * @returns as long as the field, the caller's to wipe
   * @throws Error the peer is no point of the curve
   */
  agree(curve: number, scalar: Uint8Array, peer: Uint8Array): Uint8Array {
    const what = "agree on a secret";
    const c = this.#c;
    using group = this.#held(c.EC_GROUP_new_by_curve_name(curve), c.EC_GROUP_free);
    using theirs = this.#held(c.EC_POINT_new(group.pointer), c.EC_POINT_clear_free);
    using common = this.#held(c.EC_POINT_new(group.pointer), c.EC_POINT_clear_free);
    using factor = this.#held(c.BN_bin2bn(scalar, scalar.length, null), c.BN_clear_free);
    this.#require(c.EC_POINT_oct2point(group.pointer, theirs.pointer, peer, BigInt(peer.length), null), what);
    this.#require(c.EC_POINT_mul(group.pointer, common.pointer, null, theirs.pointer, factor.pointer, null), what);
    using point = new Secret(new Uint8Array(1 + 2 * scalar.length));
    const length = BigInt(point.bytes.length);
    const written = c.EC_POINT_point2oct(group.pointer, common.pointer, UNCOMPRESSED, point.bytes, length, null);
    this.#require(written === length ? 1 : 0, what);
    return point.bytes.slice(1, 1 + scalar.length);
  }

  #privateKey(privateKey: KeyObject): Held {
    using der = new Secret(privateKey.export({ type: "pkcs8", format: "der" }));
    const at = BigUint64Array.of(this.#ffi.getRawPointer(der.bytes));
    return this.#held(
      this.#c.d2i_AutoPrivateKey_ex(null, at, BigInt(der.bytes.length), null, null),
      this.#c.EVP_PKEY_free,
    );
  }

  #publicKey(publicKey: KeyObject): Held {
    const der = publicKey.export({ type: "spki", format: "der" });
    const at = BigUint64Array.of(this.#ffi.getRawPointer(der));
    return this.#held(this.#c.d2i_PUBKEY_ex(null, at, BigInt(der.length), null, null), this.#c.EVP_PKEY_free);
  }

  #context({ pointer }: Held): Held {
    return this.#held(this.#c.EVP_PKEY_CTX_new_from_pkey(null, pointer, null), this.#c.EVP_PKEY_CTX_free);
  }

  #held(pointer: bigint, free: (pointer: bigint) => void): Held {
    this.#require(pointer === NULL ? 0 : 1, "read a key");
    return { pointer, [Symbol.dispose]: () => free(pointer) };
  }

  /** Fetched once for each name and kept for the life of the process. */
  #scheme({ name }: MessageScheme): bigint {
    const fetched = this.#schemes.get(name) ?? this.#c.EVP_SIGNATURE_fetch(null, name, null);
    this.#require(fetched === NULL ? 0 : 1, "find a scheme");
    this.#schemes.set(name, fetched);
    return fetched;
  }

  #params({ externalMu }: MessageScheme): Uint8Array | null {
    return externalMu === true ? this.#muParams.block : null;
  }

  /** Errors that OpenSSL queues are dropped: `node:crypto` would take them for its own, and they are not ours to show. */
  #require(outcome: number, what: string): void {
    if (outcome === 1) return;
    this.#c.ERR_clear_error();
    throw new Error(`OpenSSL could not ${what}`);
  }
}

function load(ffi: Ffi) {
  return ffi.dlopen(null, definitions).functions;
}

/** key(8) ‖ data type(4) ‖ padding(4) ‖ data(8) ‖ size(8) ‖ return size(8), and an entry of zeros as the end. */
function muParams(ffi: Ffi): { readonly block: Uint8Array; readonly held: readonly Uint8Array[] } {
  const ENTRY_BYTES = 40;
  const INTEGER = 1;
  const name = new TextEncoder().encode("mu\0");
  const value = new Uint8Array(Int32Array.of(1).buffer);
  const block = new Uint8Array(2 * ENTRY_BYTES);
  const view = new DataView(block.buffer);
  view.setBigUint64(0, ffi.getRawPointer(name), true);
  view.setUint32(8, INTEGER, true);
  view.setBigUint64(16, ffi.getRawPointer(value), true);
  view.setBigUint64(24, BigInt(value.length), true);
  return { block, held: [name, value] };
}
