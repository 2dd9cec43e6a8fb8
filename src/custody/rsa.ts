/** RSA where `node:crypto` has no function for it: signatures of digests (RFC 8017, 8.1 and 8.2), and OAEP with its errors. */

import {
  constants,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  randomFillSync,
} from "node:crypto";
import { encodePss, verifyPss } from "./emsa-pss.ts";
import type { Pair } from "./key-pairs.ts";

const { RSA_NO_PADDING, RSA_PKCS1_OAEP_PADDING, RSA_PKCS1_PADDING } = constants;

/** The hashes that RSA signs with. */
export type RsaHash = "sha256" | "sha384" | "sha512";

/** DER of DigestInfo up to the digest (RFC 8017, 9.2, note 1). */
const digestInfoOf: Readonly<Record<RsaHash, Uint8Array>> = {
  sha256: Uint8Array.fromHex("3031300d060960864801650304020105000420"),
  sha384: Uint8Array.fromHex("3041300d060960864801650304020205000430"),
  sha512: Uint8Array.fromHex("3051300d060960864801650304020305000440"),
};

/** RSASSA-PKCS1-v1_5 over a digest. It has no asynchronous form in `node:crypto`. */
export function signPkcs1Digest(
  { privateKey }: Pick<Pair, "privateKey">,
  hash: RsaHash,
  digest: Uint8Array,
): Uint8Array {
  const info = Buffer.concat([digestInfoOf[hash], digest]);
  return new Uint8Array(privateEncrypt({ key: privateKey, padding: RSA_PKCS1_PADDING }, info));
}

/** Whether a signature is RSASSA-PKCS1-v1_5 over the digest: the encodings are compared whole (RFC 8017, 8.2.2). */
export function verifyPkcs1Digest(
  { publicKey }: Pick<Pair, "publicKey">,
  { hash, digest, signature }: { hash: RsaHash; digest: Uint8Array; signature: Uint8Array },
): boolean {
  const encoded = openSignature(publicKey, signature);
  if (encoded === undefined) return false;
  const info = Buffer.concat([digestInfoOf[hash], digest]);
  const expected = Buffer.alloc(encoded.length, 0xff);
  expected.set([0, 1]);
  expected[encoded.length - info.length - 1] = 0;
  expected.set(info, encoded.length - info.length);
  return expected.equals(encoded);
}

/** RSASSA-PSS over a digest, with MGF1 of the same hash and a salt as long as the digest, as AWS signs. */
export function signPssDigest({ privateKey }: Pick<Pair, "privateKey">, hash: RsaHash, digest: Uint8Array): Uint8Array {
  const salt = randomFillSync(new Uint8Array(digest.length));
  const encoded = encodePss({ hash, digest, salt, bits: modulusBits(privateKey) - 1 });
  return new Uint8Array(privateEncrypt({ key: privateKey, padding: RSA_NO_PADDING }, encoded));
}

/** Whether a signature is RSASSA-PSS over the digest, with a salt as long as the digest. */
export function verifyPssDigest(
  { publicKey }: Pick<Pair, "publicKey">,
  { hash, digest, signature }: { hash: RsaHash; digest: Uint8Array; signature: Uint8Array },
): boolean {
  const encoded = openSignature(publicKey, signature);
  return encoded !== undefined && verifyPss({ hash, digest, encoded, bits: modulusBits(publicKey) - 1 });
}

/** The hashes of RSAES-OAEP here; MGF1 takes the same one and the label is empty. */
export type OaepHash = "sha1" | "sha256";

/** RSAES-OAEP. The plaintext must fit (RFC 8017, 7.1.1). */
export function encryptOaep(
  { publicKey }: Pick<Pair, "publicKey">,
  oaepHash: OaepHash,
  plaintext: Uint8Array,
): Uint8Array {
  return new Uint8Array(publicEncrypt({ key: publicKey, padding: RSA_PKCS1_OAEP_PADDING, oaepHash }, plaintext));
}

/**
 * Opens an RSAES-OAEP ciphertext.
 *
 * @returns the plaintext in memory of its own, which the caller wipes; undefined when it does not open, whatever the reason
 */
export function decryptOaep(
  { privateKey }: Pick<Pair, "privateKey">,
  oaepHash: OaepHash,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  if (ciphertext.length !== modulusBits(privateKey) / 8) return undefined;
  try {
    const opened = privateDecrypt({ key: privateKey, padding: RSA_PKCS1_OAEP_PADDING, oaepHash }, ciphertext);
    const plaintext = new Uint8Array(opened);
    opened.fill(0);
    return plaintext;
  } catch (cause) {
    if (isOpenSslRefusal(cause)) return undefined;
    throw cause;
  }
}

/** The RSA public operation on a signature; undefined when it is of another length or not below the modulus. */
function openSignature(publicKey: KeyObject, signature: Uint8Array): Buffer | undefined {
  if (signature.length !== modulusBits(publicKey) / 8) return undefined;
  try {
    return publicDecrypt({ key: publicKey, padding: RSA_NO_PADDING }, signature);
  } catch (cause) {
    if (isOpenSslRefusal(cause)) return undefined;
    throw cause;
  }
}

function isOpenSslRefusal(cause: unknown): boolean {
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" && code.startsWith("ERR_OSSL_");
}

function modulusBits({ asymmetricKeyDetails }: KeyObject): number {
  const bits = asymmetricKeyDetails?.modulusLength;
  if (bits === undefined) throw new Error("Not an RSA key");
  return bits;
}
