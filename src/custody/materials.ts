/** What the material of each key spec is: random bytes or a key pair, how it is made, and what it is in use. */

import { createSecretKey, type KeyObject } from "node:crypto";
import { isPairSpec, newPair, type Pair, readPair, WrongMaterialError } from "./key-pairs.ts";
import { Secret } from "./secret.ts";

/** Lengths of secret material; HMAC keys are as long as their tags (spec 05, HMAC keys). */
const bytesOfSpec: ReadonlyMap<string, number> = new Map([
  ["SYMMETRIC_DEFAULT", 32],
  ["HMAC_224", 28],
  ["HMAC_256", 32],
  ["HMAC_384", 48],
  ["HMAC_512", 64],
]);

/** Material in use. */
export type OpenedMaterial =
  | { readonly kind: "symmetric"; readonly material: KeyObject }
  | { readonly kind: "mac"; readonly material: KeyObject }
  | ({ readonly kind: "pair" } & Pair);

/**
 * New material as it is sealed: random bytes, or a private key as DER PKCS#8.
 *
 * @throws Error a spec that the software custodian has no material of
 */
export async function newMaterial(spec: string): Promise<Secret> {
  if (isPairSpec(spec)) return (await newPair(spec)).privateKey;
  return Secret.random(requireLength(spec));
}

/**
 * Material in use and its identity, from the bytes that are sealed.
 *
 * @param bytes borrowed
 * @returns `identity`, what the material id names: the bytes themselves, or of a key pair the DER SubjectPublicKeyInfo
 * @throws WrongMaterialError (key-pairs.ts) the bytes are no material of that spec
 */
export function openMaterial(spec: string, bytes: Uint8Array): { opened: OpenedMaterial; identity: Uint8Array } {
  if (isPairSpec(spec)) {
    const pair = readPair(spec, bytes);
    return { opened: { kind: "pair", ...pair }, identity: pair.spki };
  }
  const length = requireLength(spec);
  if (bytes.length !== length) throw new WrongMaterialError(`${spec} material has ${length} bytes`);
  const kind = spec === "SYMMETRIC_DEFAULT" ? "symmetric" : "mac";
  const material = createSecretKey(bytes);
  return { opened: { kind, material }, identity: bytes };
}

function requireLength(spec: string): number {
  const length = bytesOfSpec.get(spec);
  if (length === undefined) throw new Error(`The software custodian has no material of spec ${spec}`);
  return length;
}
