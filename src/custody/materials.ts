/** What the material of each key spec is: random bytes or a key pair, how it is made, and what it is in use. */

import { createSecretKey, type KeyObject } from "node:crypto";
import { findPartition } from "../base/arn.ts";
import type { MaterialOwner } from "./custody.ts";
import { isPairSpec, type Pair, readPair, WrongMaterialError } from "./key-pairs.ts";

/** In China Regions, SYMMETRIC_DEFAULT is SM4, whose keys have 16 bytes (KMS guide, SYMMETRIC_DEFAULT key spec). */
const SM4_BYTES = 16;
const AES_BYTES = 32;

/** Lengths of secret material; HMAC keys are as long as their tags (spec 05, HMAC keys). */
const bytesOfSpec: ReadonlyMap<string, number> = new Map([
  ["SYMMETRIC_DEFAULT", AES_BYTES],
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
 * The length of new secret material of an owner; undefined for key pairs.
 *
 * @throws Error a spec that the software custodian has no material of
 */
export function findMaterialBytes({ spec, region }: Pick<MaterialOwner, "spec" | "region">): number | undefined {
  if (isPairSpec(spec)) return undefined;
  const bytes = bytesOfSpec.get(spec);
  if (bytes === undefined) throw new Error(`The software custodian has no material of spec ${spec}`);
  return spec === "SYMMETRIC_DEFAULT" && isChinaRegion(region) ? SM4_BYTES : bytes;
}

/** @throws WrongMaterialError (key-pairs.ts) the bytes are secret material of another length than new material of the owner has */
export function requireMaterialLength(owner: Pick<MaterialOwner, "spec" | "region">, bytes: Uint8Array): void {
  const length = findMaterialBytes(owner);
  if (length !== undefined && bytes.length !== length) {
    throw new WrongMaterialError(`${owner.spec} material has ${length} bytes`);
  }
}

/** Whether keys of the Region may be SM2 and are SM4: Beijing and Ningxia. */
function isChinaRegion(region: string): boolean {
  return findPartition(region) === "aws-cn";
}

/**
 * Material in use and its identity, from the bytes that are sealed.
 *
 * @param bytes borrowed
 * @returns `identity`, what the material id names: the bytes themselves, or of a key pair the DER SubjectPublicKeyInfo
 * @throws WrongMaterialError (key-pairs.ts) the bytes are no material of that spec
 */
export function openMaterial(
  owner: Pick<MaterialOwner, "spec" | "region">,
  bytes: Uint8Array,
): { opened: OpenedMaterial; identity: Uint8Array } {
  const { spec } = owner;
  if (isPairSpec(spec)) {
    const pair = readPair(spec, bytes);
    return { opened: { kind: "pair", ...pair }, identity: pair.spki };
  }
  const kind = spec === "SYMMETRIC_DEFAULT" ? "symmetric" : "mac";
  // The oldest keys of China Regions are AES keys.
  if (kind !== "symmetric" || bytes.length !== AES_BYTES) requireMaterialLength(owner, bytes);
  const material = createSecretKey(bytes);
  return { opened: { kind, material }, identity: bytes };
}
