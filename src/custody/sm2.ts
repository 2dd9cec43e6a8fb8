/** SM2 keys (GB/T 32918) as AWS has them in its China Regions: what `node:crypto` sees of them, what is signed, and ECDH. */

import { createHash, type KeyObject } from "node:crypto";
import { Secret } from "./secret.ts";

/** SubjectPublicKeyInfo of id-ecPublicKey with the named curve sm2p256v1, up to the coordinates of an uncompressed point. */
const SPKI_PREFIX = Uint8Array.fromHex("3059301306072a8648ce3d020106082a811ccf5501822d03420004");
/** PKCS#8 of the same, as OpenSSL writes it with and without the public key, up to the scalar. */
const PKCS8_PREFIXES = [
  Uint8Array.fromHex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"),
  Uint8Array.fromHex("3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420"),
] as const;
const SCALAR_BYTES = 32;
const POINT_BYTES = 65;

/** ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG of the default distinguishing id (GM/T 0009-2012, 10; GB/T 32918.5 for the curve). */
const Z_PREFIX = Uint8Array.fromHex(
  `0080${Buffer.from("1234567812345678").toString("hex")}` +
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc" +
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93" +
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7" +
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
);

/** Whether a SubjectPublicKeyInfo is that of an SM2 key; `node:crypto` gives such keys no type and no details. */
export function isSm2Spki(spki: Uint8Array): boolean {
  return (
    spki.length === SPKI_PREFIX.length + 64 && Buffer.compare(spki.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX) === 0
  );
}

/**
 * What SM2DSA signs of a message: SM3(Z ‖ message), Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xA ‖ yA) (KMS guide, SM2 key spec).
 *
 * @param spki of an SM2 key
 * @returns 32 bytes
 */
export function sm2Digest(spki: Uint8Array, message: Uint8Array): Uint8Array {
  const z = createHash("sm3").update(Z_PREFIX).update(spki.subarray(SPKI_PREFIX.length)).digest();
  return new Uint8Array(createHash("sm3").update(z).update(message).digest());
}

/** OpenSSL's number of the curve. */
export const SM2_CURVE = 1172;

/**
 * The private scalar, for ECDH: `node:crypto` derives nothing with SM2 keys that were read.
 *
 * @param privateKey of an SM2 key that OpenSSL read
 * @returns 32 bytes, big-endian, the caller's to wipe
 */
export function sm2Scalar(privateKey: KeyObject): Secret {
  using der = new Secret(privateKey.export({ type: "pkcs8", format: "der" }));
  const prefix = PKCS8_PREFIXES.find((start) => Buffer.compare(der.bytes.subarray(0, start.length), start) === 0);
  if (prefix === undefined) throw new Error("Not an SM2 key");
  const at = prefix.length;
  return new Secret(new Uint8Array(der.bytes.subarray(at, at + SCALAR_BYTES)));
}

/** Whether bytes are one DER SEQUENCE and nothing behind it, which OpenSSL would read over (X.690, 8.1.3 and 10.1). */
export function isOneSequence(der: Uint8Array): boolean {
  const [tag, first = 0, second = 0, third = 0] = der;
  if (tag !== 0x30) return false;
  if (first < 0x80) return der.length === 2 + first;
  if (first === 0x81) return second >= 0x80 && der.length === 3 + second;
  return first === 0x82 && second > 0 && der.length === 4 + 256 * second + third;
}

/** The uncompressed point of an SM2 key's SubjectPublicKeyInfo. */
export function sm2Point(spki: Uint8Array): Uint8Array {
  return new Uint8Array(spki.subarray(-POINT_BYTES));
}
