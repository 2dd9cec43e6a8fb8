/** Ciphertext blobs: what Encrypt answers and Decrypt takes, byte for byte as docs/ciphertext.md says. */

import { type KeyObject, timingSafeEqual } from "node:crypto";
import { encodeContext } from "../base/encryption-context.ts";
import { asKeyId } from "../base/ids.ts";
import { decryptGcm, encryptGcm, type GcmCipher, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";
import type { BlobHeader, EncryptionContext } from "./custody.ts";
import { hmac } from "./hmac.ts";
import type { Nonces } from "./nonces.ts";

const VERSION = 1;

/** Of keys in external key stores: what is in such a blob after its prefix is encrypted once more (external-blob.ts). */
export const EXTERNAL_ALGORITHM = 3;

/** SYMMETRIC_DEFAULT, by the algorithm that a blob names: a key for each blob, derived with HMAC-SHA-512. */
interface Algorithm {
  readonly cipher: GcmCipher;
  /** Of the material and of each blob's key. */
  readonly keyBytes: number;
  /** The KDF's only input block; what is not constant of it is written for each blob. */
  readonly kdfInput: Uint8Array;
}
const UUID_FORM = 0;
const MULTI_REGION_FORM = 1;

const KEY_ID_AT = 2;
const MATERIAL_ID_AT = KEY_ID_AT + 17;
const NONCE_AT = MATERIAL_ID_AT + 32;
const IV_AT = NONCE_AT + 16;
const TAG_AT = IV_AT + IV_BYTES;
const DATA_AT = TAG_AT + TAG_BYTES;

/** Version, algorithm, key id and material id. */
export const PREFIX_BYTES = NONCE_AT;

/** What follows the prefix of a blob of an empty plaintext. */
export const INNER_BYTES_MIN = DATA_AT - NONCE_AT;

/** Key id ‖ material id ‖ nonce. */
const CONTEXT_BYTES = IV_AT - KEY_ID_AT;

const algorithms: ReadonlyMap<number, Algorithm> = new Map<number, Algorithm>([
  [1, { cipher: "aes-256-gcm", keyBytes: 32, kdfInput: layOutKdfInput("keystead/blob/1", 32) }],
  [2, { cipher: "sm4-gcm", keyBytes: 16, kdfInput: layOutKdfInput("keystead/blob/sm4", 16) }],
  [EXTERNAL_ALGORITHM, { cipher: "aes-256-gcm", keyBytes: 32, kdfInput: layOutKdfInput("keystead/blob/external", 32) }],
]);

/** The KDF's only output block, outside V8's heap. */
const keyBlock = Buffer.alloc(64);

/** What encrypts and opens the blobs of one material. */
export interface BlobKey {
  /** The material, as key of the KDF. */
  readonly material: KeyObject;
  /** The first 51 bytes of each of its blobs: version, algorithm, key id, material id. */
  readonly prefix: Uint8Array;
}

/**
 * The first 51 bytes of every blob of a material.
 *
 * @param materialBytes 32, as when not given: the material is an AES key; 16: an SM4 key
 * @param external whether the key is in an external key store
 * @throws Error when the ids are not a key id and 64 hex digits, or there is no such material, which is our bug
 */
export function blobPrefix({ keyId, materialId }: BlobHeader, materialBytes = 32, external = false): Uint8Array {
  if (asKeyId(keyId) === undefined) throw new Error("Not a key id");
  const multiRegion = keyId.startsWith("mrk-");
  const prefix = new Uint8Array(NONCE_AT);
  prefix[0] = VERSION;
  prefix[1] = external ? EXTERNAL_ALGORITHM : algorithmOf(materialBytes);
  prefix[KEY_ID_AT] = multiRegion ? MULTI_REGION_FORM : UUID_FORM;
  prefix.set(Uint8Array.fromHex(multiRegion ? keyId.slice(4) : keyId.replaceAll("-", "")), KEY_ID_AT + 1);
  const id = Uint8Array.fromHex(materialId);
  if (id.length !== 32) throw new Error("Not a material id");
  prefix.set(id, MATERIAL_ID_AT);
  return prefix;
}

/** The ids that a blob names, or undefined when its version, algorithm or form is unknown or it is too short. */
export function parseBlob(blob: Uint8Array): BlobHeader | undefined {
  if (!isBlob(blob)) return undefined;
  const hex = blob.subarray(KEY_ID_AT + 1, MATERIAL_ID_AT).toHex();
  const keyId = blob[KEY_ID_AT] === MULTI_REGION_FORM ? `mrk-${hex}` : asUuid(hex);
  return { keyId, materialId: blob.subarray(MATERIAL_ID_AT, NONCE_AT).toHex() };
}

/** Encrypts `plaintext` into a new blob. The AAD is the 67 bytes before the IV, then the canonical encryption context. */
export function encryptBlob(
  { material, prefix }: BlobKey,
  { plaintext, context, nonces }: { plaintext: Uint8Array; context: EncryptionContext; nonces: Nonces },
): Uint8Array {
  const blob = unfilled(DATA_AT + plaintext.length);
  blob.set(prefix);
  nonces.fill(blob.subarray(NONCE_AT, TAG_AT)); // nonce and IV lie side by side
  const header = blob.subarray(0, IV_AT);
  const iv = blob.subarray(IV_AT, TAG_AT);
  const algorithm = requireAlgorithm(prefix);
  const key = blobKey(material, header, algorithm);
  const aad = blobAad(header, context);
  const place = { target: blob, tagAt: TAG_AT, dataAt: DATA_AT };
  encryptGcm(key, { iv, aad, plaintext }, place, algorithm.cipher);
  keyBlock.fill(0);
  return blob;
}

/**
 * Opens a blob.
 *
 * Whatever is wrong with it (no blob at all, another key's, altered, another context), the same work is done, so that the
 * time tells nothing.
 *
 * @returns the plaintext in memory of its own, which the caller wipes, or undefined
 */
export function openBlob(
  { material, prefix }: BlobKey,
  { blob, context }: { blob: Uint8Array; context: EncryptionContext },
): Uint8Array | undefined {
  const parts = isBlob(blob) ? blob : new Uint8Array(Math.max(blob.length, DATA_AT));
  const ours = timingSafeEqual(parts.subarray(0, NONCE_AT), prefix);
  const header = parts.subarray(0, IV_AT);
  const algorithm = requireAlgorithm(prefix);
  const key = blobKey(material, header, algorithm);
  const box = {
    iv: parts.subarray(IV_AT, TAG_AT),
    aad: blobAad(header, context),
    tag: parts.subarray(TAG_AT, DATA_AT),
    data: parts.subarray(DATA_AT),
  };
  const plaintext = decryptGcm(key, box, algorithm.cipher);
  keyBlock.fill(0);
  if (ours) return plaintext;
  plaintext?.fill(0);
  return undefined;
}

/** Bytes of node's pool, which cost no allocation of their own and hold anything: every one of them has to be written. */
function unfilled(lengthBytes: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(lengthBytes);
  return new Uint8Array(buffer, byteOffset, lengthBytes);
}

function isBlob(bytes: Uint8Array): boolean {
  const form = bytes[KEY_ID_AT];
  if (bytes.length < DATA_AT || bytes[0] !== VERSION || !algorithms.has(bytes[1] ?? 0)) return false;
  return form === UUID_FORM || form === MULTI_REGION_FORM;
}

/** The constant parts of the KDF's only input block (kdf.ts): counter 1, the label, a zero, room for the context, L. */
function layOutKdfInput(label: string, keyBytes: number): Uint8Array {
  const name = new TextEncoder().encode(label);
  const input = Buffer.alloc(4 + name.length + 1 + CONTEXT_BYTES + 4);
  input.writeUInt32BE(1);
  input.set(name, 4);
  input.writeUInt32BE(keyBytes * 8, input.length - 4);
  return input;
}

/**
 * `deriveKey(material, label, key id ‖ material id ‖ nonce, keyBytes)`, laid out once; a test holds the two equal. It lies in
 * `keyBlock`: whoever is done with it wipes that.
 */
function blobKey(material: KeyObject, header: Uint8Array, { keyBytes, kdfInput }: Algorithm): Uint8Array {
  kdfInput.set(header.subarray(KEY_ID_AT), kdfInput.length - 4 - CONTEXT_BYTES);
  hmac("sha512", material, kdfInput, keyBlock);
  return keyBlock.subarray(0, keyBytes);
}

function algorithmOf(materialBytes: number): number {
  for (const [algorithm, { keyBytes }] of algorithms) if (keyBytes === materialBytes) return algorithm;
  throw new Error("Not a material of blobs");
}

function requireAlgorithm(prefix: Uint8Array): Algorithm {
  const algorithm = algorithms.get(prefix[1] ?? 0);
  if (algorithm === undefined) throw new Error("Not a prefix of blobs");
  return algorithm;
}

function blobAad(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const encoded = encodeContext(context);
  if (encoded.length === 0) return header;
  const aad = unfilled(header.length + encoded.length);
  aad.set(header);
  aad.set(encoded, header.length);
  return aad;
}

function asUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
