/** CMS EnvelopedData (RFC 5652, 6) to one RSA public key: how plaintexts leave for an attested recipient. */

import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  type KeyObject,
  publicEncrypt,
  randomFillSync,
} from "node:crypto";
import {
  CMSVersion,
  KeyEncryptionAlgorithmIdentifier,
  KeyTransRecipientInfo,
  RecipientIdentifier,
  RecipientInfo,
  RecipientInfos,
} from "@peculiar/asn1-cms";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { SubjectKeyIdentifier } from "@peculiar/asn1-x509";
import { Secret } from "./secret.ts";

/** Who can open an envelope. */
export interface Recipient {
  readonly publicKey: KeyObject;
  /** SHA-256 of the DER SubjectPublicKeyInfo, as recorded answers of AWS KMS name their recipients. */
  readonly keyIdentifier: Uint8Array;
}

const RSAES_OAEP = "1.2.840.113549.1.1.7";
/** RSAES-OAEP-params (RFC 4055, 4.1): SHA-256, MGF1 with SHA-256, empty label. */
const OAEP_SHA_256 = Uint8Array.fromHex(
  "302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500",
);
/** ContentInfo with id-envelopedData, [0], EnvelopedData and its version, 2 where a key identifier names the recipient (RFC 5652, 6.1). */
const START = Uint8Array.fromHex("308006092a864886f70d010703a0803080020102");
/** EncryptedContentInfo with id-data and aes256-CBC (RFC 3565, 4.1), up to the IV. */
const CONTENT_START = Uint8Array.fromHex("308006092a864886f70d010701301d060960864801650304012a0410");
/** encryptedContent, [0] IMPLICIT: octet strings follow. */
const SEGMENTS_START = Uint8Array.fromHex("a080");
/** End-of-contents of the five that are open by then. */
const ENDS = new Uint8Array(10);
const KEY_BYTES = 32;
const IV_BYTES = 16;

const MODULUS_BITS_MIN = 2_048;
const MODULUS_BITS_MAX = 4_096;
/** Smaller exponents are weak (FIPS 186-5, A.1.1); larger ones are slow, and nobody's. */
const EXPONENT_MIN = 65_537n;
const EXPONENT_MAX = 0xffff_ffffn;

/**
 * Reads the public key of a recipient.
 *
 * @param spki DER SubjectPublicKeyInfo
 * @returns undefined when it is not an RSA key of 2,048 to 4,096 bits with a usual exponent, or bytes follow it
 */
export function findRecipient(spki: Uint8Array): Recipient | undefined {
  const publicKey = rsaKeyOf(spki);
  if (publicKey === undefined) return undefined;
  const { modulusLength = 0, publicExponent = 0n } = publicKey.asymmetricKeyDetails ?? {};
  if (modulusLength < MODULUS_BITS_MIN || modulusLength > MODULUS_BITS_MAX) return undefined;
  if (publicExponent < EXPONENT_MIN || publicExponent > EXPONENT_MAX) return undefined;
  return { publicKey, keyIdentifier: new Uint8Array(createHash("sha256").update(spki).digest()) };
}

function rsaKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    const isWhole = Buffer.compare(publicKey.export({ format: "der", type: "spki" }), spki) === 0;
    return isWhole && publicKey.asymmetricKeyType === "rsa" ? publicKey : undefined;
  } catch {
    return undefined; // bytes that OpenSSL can't read are no key, whatever it says of them
  }
}

/**
 * Encrypts a plaintext to a recipient: AES-256-CBC under a new key, which RSAES-OAEP with SHA-256 brings.
 *
 * @param plaintext borrowed
 * @returns BER of a ContentInfo, framed as recorded answers of AWS KMS are: with indefinite lengths (X.690, 8.1.3.6), since
 *   readers were written against those
 */
export function envelop({ publicKey, keyIdentifier }: Recipient, plaintext: Uint8Array): Uint8Array {
  using key = Secret.random(KEY_BYTES);
  const iv = randomFillSync(new Uint8Array(IV_BYTES));
  const cipher = createCipheriv("aes-256-cbc", key.bytes, iv);
  const content = der(new OctetString(Buffer.concat([cipher.update(plaintext), cipher.final()])));
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const encryptedKey = publicEncrypt({ key: publicKey, padding, oaepHash: "sha256" }, key.bytes);
  const recipients = der(new RecipientInfos([recipientInfo(keyIdentifier, encryptedKey)]));
  return new Uint8Array(Buffer.concat([START, recipients, CONTENT_START, iv, SEGMENTS_START, content, ENDS]));
}

function recipientInfo(keyIdentifier: Uint8Array, encryptedKey: Uint8Array): RecipientInfo {
  return new RecipientInfo({
    ktri: new KeyTransRecipientInfo({
      version: CMSVersion.v2,
      rid: new RecipientIdentifier({ subjectKeyIdentifier: new SubjectKeyIdentifier(keyIdentifier) }),
      keyEncryptionAlgorithm: new KeyEncryptionAlgorithmIdentifier({
        algorithm: RSAES_OAEP,
        parameters: OAEP_SHA_256.slice().buffer,
      }),
      encryptedKey: new OctetString(encryptedKey),
    }),
  });
}

function der(value: unknown): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(value));
}
