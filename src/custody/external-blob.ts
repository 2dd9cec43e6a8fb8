/** Blobs of keys in external key stores: encrypted by us, and around that by the external key (docs/ciphertext.md, algorithm 3). */

import { createHash } from "node:crypto";
import { encodeContext } from "../base/encryption-context.ts";
import { InvalidCiphertextException } from "../base/errors.ts";
import { TAG_BYTES } from "./aes-gcm.ts";
import { type BlobKey, EXTERNAL_ALGORITHM, encryptBlob, INNER_BYTES_MIN, openBlob, PREFIX_BYTES } from "./blob.ts";
import type { EncryptionContext, ExternalCiphertext, OuterLayer, SealedMaterial } from "./custody.ts";
import type { Nonces } from "./nonces.ts";

/** Lengths that an initialization vector may have (XKS proxy API specification, Encrypt). */
const IV_LENGTHS: readonly number[] = [12, 16];

/** The most bytes of `ciphertextMetadata` (XKS proxy API specification, Encrypt). */
export const METADATA_BYTES_MAX = 20;

/** Whether blobs of a key are encrypted twice. */
export function isExternal({ prefix }: BlobKey): boolean {
  return prefix[1] === EXTERNAL_ALGORITHM;
}

/**
 * Encrypts under the material and then under the external key.
 *
 * @throws whatever the outer layer throws
 */
export async function encryptTwice(
  key: BlobKey,
  { outer }: SealedMaterial,
  input: { readonly plaintext: Uint8Array; readonly context: EncryptionContext; readonly nonces: Nonces },
): Promise<Uint8Array> {
  const inner = encryptBlob(key, input).subarray(PREFIX_BYTES);
  return encodeExternal(key.prefix, await requireOuter(outer).encrypt(inner, outerAad(key, input.context)));
}

/**
 * Opens what `encryptTwice` made.
 *
 * @returns the plaintext, which the caller wipes
 * @throws InvalidCiphertextException it is no such blob, or another key's
 * @throws whatever the outer layer throws, and its `corrupted` where what it gives doesn't open
 */
export async function openTwice(
  key: BlobKey,
  { outer }: SealedMaterial,
  { blob, context }: { readonly blob: Uint8Array; readonly context: EncryptionContext },
): Promise<Uint8Array> {
  const layer = requireOuter(outer);
  const parts = isOfKey(blob, key) ? parseExternal(blob) : undefined;
  if (parts === undefined) throw new InvalidCiphertextException();
  const inner = await layer.decrypt(parts, outerAad(key, context));
  const whole = new Uint8Array(PREFIX_BYTES + inner.length);
  whole.set(key.prefix);
  whole.set(inner, PREFIX_BYTES);
  const plaintext = openBlob(key, { blob: whole, context });
  if (plaintext === undefined) throw layer.corrupted();
  return plaintext;
}

/** prefix(51) ‖ iv length(1) ‖ iv ‖ tag(16) ‖ metadata length(1) ‖ metadata ‖ data */
export function encodeExternal(prefix: Uint8Array, { iv, tag, metadata, ciphertext }: ExternalCiphertext): Uint8Array {
  if (!IV_LENGTHS.includes(iv.length) || tag.length !== TAG_BYTES || metadata.length > METADATA_BYTES_MAX) {
    throw new Error("Not an external ciphertext");
  }
  const lengths = [Uint8Array.of(iv.length), Uint8Array.of(metadata.length)] as const;
  return new Uint8Array(Buffer.concat([prefix, lengths[0], iv, tag, lengths[1], metadata, ciphertext]));
}

/** The outer layer of a blob, or undefined when it has none that is well formed. */
export function parseExternal(blob: Uint8Array): ExternalCiphertext | undefined {
  const ivBytes = blob[PREFIX_BYTES] ?? 0;
  if (!IV_LENGTHS.includes(ivBytes)) return undefined;
  const tagAt = PREFIX_BYTES + 1 + ivBytes;
  const metadataAt = tagAt + TAG_BYTES + 1;
  const metadataBytes = blob[metadataAt - 1] ?? 0;
  const dataAt = metadataAt + metadataBytes;
  if (metadataBytes > METADATA_BYTES_MAX || blob.length < dataAt + INNER_BYTES_MIN) return undefined;
  return {
    iv: blob.subarray(PREFIX_BYTES + 1, tagAt),
    tag: blob.subarray(tagAt, tagAt + TAG_BYTES),
    metadata: blob.subarray(metadataAt, dataAt),
    ciphertext: blob.subarray(dataAt),
  };
}

/** Nothing of a prefix is secret. */
function isOfKey(blob: Uint8Array, { prefix }: BlobKey): boolean {
  return Buffer.from(blob.subarray(0, PREFIX_BYTES)).equals(prefix);
}

/**
 * What the external key authenticates: key and material, and a digest of the context, so that it is short whatever the context is,
 * and the proxy's owner is not told it.
 */
function outerAad({ prefix }: BlobKey, context: EncryptionContext): Uint8Array {
  const digest = createHash("sha256").update(encodeContext(context)).digest();
  return new Uint8Array(Buffer.concat([prefix, digest]));
}

function requireOuter(outer: OuterLayer | undefined): OuterLayer {
  if (outer === undefined) throw new Error("Material of an external key store would be used without its external key");
  return outer;
}
