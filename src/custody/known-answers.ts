/** Published answers that primitives reached by pointer must give before anything is signed with them. */

import { createHash, createPrivateKey, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Primitives } from "./primitives.ts";
import { sm2Digest, sm2Point } from "./sm2.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.fromHex(hex);
const text = (message: string): Uint8Array => new TextEncoder().encode(message);

/** RFC 6979, A.2.5: P-256, SHA-256, message "sample". These keys are published, and are no secrets. */
const ecdsa = {
  pkcs8: bytes(
    "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
  ),
  message: text("sample"),
  signature: bytes(
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
  ),
};

/** RFC 8032, 7.3, TEST abc. */
const ed25519ph = {
  pkcs8: bytes("302e020100300506032b657004220420833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"),
  message: text("abc"),
  signature: bytes(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
  ),
};

/** GB/T 32918.5-2017, A and C: the recommended curve, with the default distinguishing id. */
const sm2 = {
  pkcs8: bytes(
    "3041020100301306072a8648ce3d020106082a811ccf5501822d0427302502010104203945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8",
  ),
  message: text("message digest"),
  signature: bytes(
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
  ),
  plaintext: "encryption standard",
  ciphertext: bytes(
    "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766041321886ca989ca9c7d58087307ca93092d651efa",
  ),
};

/** SubjectPublicKeyInfo of the generator of SM2's curve. */
const GENERATOR = bytes(
  "3059301306072a8648ce3d020106082a811ccf5501822d0342000432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
);

/** An ML-DSA-44 seed of zeros; what is signed with it is verified by `node:crypto`, from the message. */
const mlDsaPkcs8 = bytes(`3034020100300b060960864801650304031104228020${"00".repeat(32)}`);

/** Whether the primitives sign, verify, open and agree as published, and refuse what was altered. */
export function passesKnownAnswers(primitives: Primitives): boolean {
  try {
    return signsEcdsa(primitives) && signsEd25519ph(primitives) && signsMu(primitives) && knowsSm2(primitives);
  } catch {
    return false;
  }
}

function signsEcdsa({ ecdsa: scheme }: Primitives): boolean {
  const { privateKey, publicKey } = pairOf(ecdsa.pkcs8);
  const digest = createHash("sha256").update(ecdsa.message).digest();
  const signature = scheme.sign(privateKey, digest);
  return (
    scheme.verify(publicKey, digest, ecdsa.signature) &&
    !scheme.verify(publicKey, altered(digest), ecdsa.signature) &&
    verify("sha256", ecdsa.message, publicKey, signature)
  );
}

function signsEd25519ph({ ed25519ph: scheme }: Primitives): boolean {
  const { privateKey, publicKey } = pairOf(ed25519ph.pkcs8);
  return (
    Buffer.compare(scheme.sign(privateKey, ed25519ph.message), ed25519ph.signature) === 0 &&
    scheme.verify(publicKey, ed25519ph.message, ed25519ph.signature) &&
    !scheme.verify(publicKey, altered(ed25519ph.message), ed25519ph.signature)
  );
}

function signsMu({ externalMu: scheme }: Primitives): boolean {
  const { privateKey, publicKey } = pairOf(mlDsaPkcs8);
  const message = text("abc");
  const mu = externalMuOf(publicKey.export({ format: "raw-public" }), message);
  const signature = scheme.sign(privateKey, mu);
  return (
    verify(null, message, publicKey, signature) &&
    scheme.verify(publicKey, mu, signature) &&
    !scheme.verify(publicKey, altered(mu), signature)
  );
}

/** mu of a message with an empty context: SHAKE256(SHAKE256(public key, 64) ‖ 0 ‖ 0 ‖ message, 64) (FIPS 204, 5.2 and 6.2). */
function externalMuOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const tr = createHash("shake256", { outputLength: 64 }).update(publicKey).digest();
  return createHash("shake256", { outputLength: 64 }).update(tr).update(new Uint8Array(2)).update(message).digest();
}

/** What the published key agrees on with the generator of the curve is the x coordinate of its public key. */
function knowsSm2({ sm2: scheme }: Primitives): boolean {
  if (scheme === undefined) return false;
  const { privateKey, publicKey } = pairOf(sm2.pkcs8);
  const digest = sm2Digest(spkiOf(publicKey), sm2.message);
  const generator = createPublicKey({ key: Buffer.from(GENERATOR), format: "der", type: "spki" });
  const opened = scheme.decrypt(privateKey, sm2.ciphertext) ?? new Uint8Array(0);
  return (
    scheme.verify(publicKey, digest, sm2.signature) &&
    !scheme.verify(publicKey, altered(digest), sm2.signature) &&
    new TextDecoder().decode(opened) === sm2.plaintext &&
    scheme.decrypt(privateKey, altered(sm2.ciphertext)) === undefined &&
    Buffer.compare(scheme.agree(privateKey, generator), sm2Point(spkiOf(publicKey)).subarray(1, 33)) === 0
  );
}

function pairOf(pkcs8: Uint8Array): { privateKey: KeyObject; publicKey: KeyObject } {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function spkiOf(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ type: "spki", format: "der" });
}

function altered(whole: Uint8Array): Uint8Array {
  return whole.with(-1, (whole.at(-1) ?? 0) ^ 1);
}
