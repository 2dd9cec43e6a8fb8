/** Key material from outside, wrapped by Node's OpenSSL or by its command line as the KMS guide's steps do, and imported. */

import assert from "node:assert/strict";
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from "node:crypto";
import type {
  AlgorithmSpec,
  CreateKeyCommandInput,
  ImportKeyMaterialCommandInput,
  ImportKeyMaterialCommandOutput,
  KMS,
  WrappingKeySpec,
} from "@aws-sdk/client-kms";
import { type Metadata, newKey, present } from "./kms-client.ts";
import { openssl } from "./openssl.ts";

/** Runs openssl and returns its output; fails with it. */
export function opensslOutput(args: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  const { ok, output } = openssl(args, files);
  assert.ok(ok, `openssl ${args[0]} failed`);
  return output;
}

/** Random bytes. */
export function randomMaterial(lengthBytes: number): Uint8Array {
  return new Uint8Array(randomBytes(lengthBytes));
}

/** A private key as DER PKCS#8, made with arguments of `openssl genpkey`. */
export function privateKeyMaterial(...args: readonly string[]): Uint8Array {
  return asPkcs8(opensslOutput(["genpkey", ...args]));
}

/** A private key in any form that openssl reads, as DER PKCS#8. */
export function asPkcs8(key: Uint8Array): Uint8Array {
  return opensslOutput(["pkcs8", "-topk8", "-outform", "der", "-nocrypt", "-in", "{key}"], { key });
}

/** How material is wrapped. */
export interface Wrapping {
  readonly WrappingAlgorithm: AlgorithmSpec;
  readonly WrappingKeySpec: WrappingKeySpec;
}

export const OAEP: Wrapping = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" };
export const KEY_WRAP: Wrapping = { WrappingAlgorithm: "RSA_AES_KEY_WRAP_SHA_256", WrappingKeySpec: "RSA_2048" };

/** Encrypts under a public key (DER SubjectPublicKeyInfo), and wraps under an AES key. */
export interface Wrapper {
  /** RSAES-OAEP with the hash that the algorithm names. */
  encryptOaep(bytes: Uint8Array, publicKey: Uint8Array, algorithm: string): Uint8Array;
  /** AES Key Wrap with Padding (RFC 5649). */
  keyWrap(material: Uint8Array, aesKey: Uint8Array): Uint8Array;
}

/** Node's own: a command of OpenSSL's costs a test's process forty milliseconds and more. */
const BY_NODE: Wrapper = { encryptOaep, keyWrap };

/** `openssl pkeyutl` and `openssl enc`, as the KMS guide's steps have them. */
export const BY_COMMAND: Wrapper = {
  encryptOaep(bytes, publicKey, algorithm) {
    const hash = hashOf(algorithm);
    const options = ["rsa_padding_mode:oaep", `rsa_oaep_md:${hash}`, `rsa_mgf1_md:${hash}`];
    return opensslOutput(
      [
        ...["pkeyutl", "-encrypt", "-in", "{bytes}", "-inkey", "{key}", "-keyform", "DER", "-pubin"],
        ...options.flatMap((option) => ["-pkeyopt", option]),
      ],
      { bytes, key: publicKey },
    );
  },
  keyWrap(material, aesKey) {
    const args = ["enc", "-id-aes256-wrap-pad", "-K", aesKey.toHex(), "-iv", KEY_WRAP_IV, "-in", "{material}"];
    return opensslOutput(args, { material });
  },
};

/** The alternative initial value of RFC 5649, in hexadecimal. */
const KEY_WRAP_IV = "A65959A6";

/** Wraps material under a public key as the algorithm asks (KMS guide, Encrypt the key material). */
export function wrap(material: Uint8Array, publicKey: Uint8Array, algorithm: string, by = BY_NODE): Uint8Array {
  if (!algorithm.startsWith("RSA_AES_KEY_WRAP_")) return by.encryptOaep(material, publicKey, algorithm);
  const aesKey = randomMaterial(32);
  const wrappedKey = by.encryptOaep(aesKey, publicKey, algorithm);
  return new Uint8Array(Buffer.concat([wrappedKey, by.keyWrap(material, aesKey)]));
}

/** AES Key Wrap with Padding, by Node. */
export function keyWrap(material: Uint8Array, aesKey: Uint8Array): Uint8Array {
  const cipher = createCipheriv("id-aes256-wrap-pad", aesKey, Buffer.from(KEY_WRAP_IV, "hex"));
  return new Uint8Array(Buffer.concat([cipher.update(material), cipher.final()]));
}

/** RSAES-OAEP with the hash that the algorithm names, by Node. */
export function encryptOaep(bytes: Uint8Array, publicKey: Uint8Array, algorithm: string): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return new Uint8Array(publicEncrypt({ key, padding, oaepHash: hashOf(algorithm) }, bytes));
}

function hashOf(algorithm: string): string {
  return algorithm.endsWith("SHA_1") ? "sha1" : "sha256";
}

/** Wrapped material with its token: what ImportKeyMaterial takes. */
export interface Wrapped {
  readonly ImportToken: Uint8Array;
  readonly EncryptedKeyMaterial: Uint8Array;
}

/** Asks for parameters and wraps material under them. */
export async function wrapFor(
  kms: KMS,
  KeyId: string,
  material: Uint8Array,
  wrapping = OAEP,
  by?: Wrapper,
): Promise<Wrapped> {
  const { ImportToken, PublicKey } = await kms.getParametersForImport({ KeyId, ...wrapping });
  const EncryptedKeyMaterial = wrap(material, present(PublicKey), wrapping.WrappingAlgorithm, by);
  return { ImportToken: present(ImportToken), EncryptedKeyMaterial };
}

const FOR_EVER = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" } as const;

/** Imports material into a key, for ever unless the rest of the input says otherwise. */
export async function importInto(
  kms: KMS,
  KeyId: string,
  material: Uint8Array,
  {
    wrapping = OAEP,
    by,
    ...input
  }: { readonly wrapping?: Wrapping; readonly by?: Wrapper } & Omit<
    Partial<ImportKeyMaterialCommandInput>,
    "KeyId" | "ImportToken" | "EncryptedKeyMaterial"
  > = {},
): Promise<ImportKeyMaterialCommandOutput> {
  const wrapped = await wrapFor(kms, KeyId, material, wrapping, by);
  return await kms.importKeyMaterial({ KeyId, ...wrapped, ...(input.ValidTo === undefined && FOR_EVER), ...input });
}

/** A key whose material comes from outside, pending import. */
export async function newExternalKey(kms: KMS, input: CreateKeyCommandInput = {}): Promise<Metadata> {
  return await newKey(kms, { Origin: "EXTERNAL", ...input });
}
