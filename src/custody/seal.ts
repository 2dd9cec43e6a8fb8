/** Sealed rows: how a secret is stored so that it opens only in the row it was made for (docs/ciphertext.md). */

import type { KeyObject } from "node:crypto";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";
import { lengthsFirst, u32be } from "./lengths-first.ts";
import type { Nonces } from "./nonces.ts";

const FORMAT = 1;
const IV_AT = 5;
const TAG_AT = IV_AT + IV_BYTES;
const DATA_AT = TAG_AT + TAG_BYTES;

/** A domain key's name: one AES-256-GCM key, the seals of which are counted. */
export interface SealName {
  readonly purpose: string;
  readonly version: number;
}

/**
 * Seals `plaintext` under a domain key's sealing key, for the row that `fields` names.
 *
 * @returns format(1)=1 ‖ domain version(4, u32be) ‖ iv(12) ‖ tag(16) ‖ data; the AAD is format, purpose, domain version and
 *   `fields`, lengths first
 */
export function sealRow(
  key: KeyObject,
  name: SealName,
  { fields, plaintext, nonces }: { fields: readonly string[]; plaintext: Uint8Array; nonces: Nonces },
): Uint8Array {
  const sealed = new Uint8Array(DATA_AT + plaintext.length);
  sealed[0] = FORMAT;
  sealed.set(u32be(name.version), 1);
  const iv = sealed.subarray(IV_AT, TAG_AT);
  nonces.fill(iv);
  const aad = rowAad(name, fields);
  encryptGcm(key, { iv, aad, plaintext }, { target: sealed, tagAt: TAG_AT, dataAt: DATA_AT });
  return sealed;
}

/** The domain key version that a sealed row names, or undefined when it has another format. */
export function findSealVersion(sealed: Uint8Array): number | undefined {
  if (sealed.length < DATA_AT || sealed[0] !== FORMAT) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
}

/** Opens what `sealRow` made; undefined when it was altered, belongs to another row or another key. The caller wipes it. */
export function openRow(
  key: KeyObject,
  name: SealName,
  { fields, sealed }: { fields: readonly string[]; sealed: Uint8Array },
): Uint8Array | undefined {
  if (findSealVersion(sealed) !== name.version) return undefined;
  return decryptGcm(key, {
    iv: sealed.subarray(IV_AT, TAG_AT),
    aad: rowAad(name, fields),
    tag: sealed.subarray(TAG_AT, DATA_AT),
    data: sealed.subarray(DATA_AT),
  });
}

/** A sealed row that does not open: altered, moved to another owner, or of another deployment. It names the row only. */
export class SealedRowError extends Error {
  override readonly name = "SealedRowError";
}

function rowAad({ purpose, version }: SealName, fields: readonly string[]): Uint8Array {
  return lengthsFirst([Uint8Array.of(FORMAT), purpose, u32be(version), ...fields]);
}
