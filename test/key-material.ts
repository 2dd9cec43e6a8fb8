/** Key material from outside, made and wrapped by OpenSSL's command line as the KMS guide's steps do, and imported. */

import assert from "node:assert/strict";
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

/** Random bytes of OpenSSL's. */
export function randomMaterial(lengthBytes: number): Uint8Array {
  return opensslOutput(["rand", String(lengthBytes)]);
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

/** Wraps material under a public key as the algorithm asks (KMS guide, Encrypt the key material). */
export function wrap(material: Uint8Array, publicKey: Uint8Array, algorithm: string): Uint8Array {
  if (!algorithm.startsWith("RSA_AES_KEY_WRAP_")) return encryptOaep(material, publicKey, algorithm);
  const aesKey = randomMaterial(32);
  return new Uint8Array(Buffer.concat([encryptOaep(aesKey, publicKey, algorithm), keyWrap(material, aesKey)]));
}

/** AES Key Wrap with Padding, by `openssl enc`. */
export function keyWrap(material: Uint8Array, aesKey: Uint8Array): Uint8Array {
  const args = ["enc", "-id-aes256-wrap-pad", "-K", aesKey.toHex(), "-iv", "A65959A6", "-in", "{material}"];
  return opensslOutput(args, { material });
}

/** RSAES-OAEP with the hash that the algorithm names, by `openssl pkeyutl`. */
export function encryptOaep(bytes: Uint8Array, publicKey: Uint8Array, algorithm: string): Uint8Array {
  const hash = algorithm.endsWith("SHA_1") ? "sha1" : "sha256";
  const options = ["rsa_padding_mode:oaep", `rsa_oaep_md:${hash}`, `rsa_mgf1_md:${hash}`];
  return opensslOutput(
    [
      ...["pkeyutl", "-encrypt", "-in", "{bytes}", "-inkey", "{key}", "-keyform", "DER", "-pubin"],
      ...options.flatMap((option) => ["-pkeyopt", option]),
    ],
    { bytes, key: publicKey },
  );
}

/** Wrapped material with its token: what ImportKeyMaterial takes. */
export interface Wrapped {
  readonly ImportToken: Uint8Array;
  readonly EncryptedKeyMaterial: Uint8Array;
}

/** Asks for parameters and wraps material under them. */
export async function wrapFor(kms: KMS, KeyId: string, material: Uint8Array, wrapping = OAEP): Promise<Wrapped> {
  const { ImportToken, PublicKey } = await kms.getParametersForImport({ KeyId, ...wrapping });
  const EncryptedKeyMaterial = wrap(material, present(PublicKey), wrapping.WrappingAlgorithm);
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
    ...input
  }: { readonly wrapping?: Wrapping } & Omit<
    Partial<ImportKeyMaterialCommandInput>,
    "KeyId" | "ImportToken" | "EncryptedKeyMaterial"
  > = {},
): Promise<ImportKeyMaterialCommandOutput> {
  const wrapped = await wrapFor(kms, KeyId, material, wrapping);
  return await kms.importKeyMaterial({ KeyId, ...wrapped, ...(input.ValidTo === undefined && FOR_EVER), ...input });
}

/** A key whose material comes from outside, pending import. */
export async function newExternalKey(kms: KMS, input: CreateKeyCommandInput = {}): Promise<Metadata> {
  return await newKey(kms, { Origin: "EXTERNAL", ...input });
}
