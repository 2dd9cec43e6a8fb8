/** Copies of domain keys: each sealed to one root key (docs/ciphertext.md, Domain keys). */

import type { KeyObject } from "node:crypto";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";
import type { StoredDomainKey } from "./custody.ts";
import { lengthsFirst, u32be } from "./lengths-first.ts";
import type { Nonces } from "./nonces.ts";
import { Secret } from "./secret.ts";

export const DOMAIN_KEY_BYTES = 32;
const FORMAT = 1;
const IV_AT = 1;
const TAG_AT = IV_AT + IV_BYTES;
const DATA_AT = TAG_AT + TAG_BYTES;

export type DomainKeyName = Pick<StoredDomainKey, "region" | "purpose" | "version">;

/** A root key as far as it is needed to seal to it. */
export interface Recipient {
  readonly id: string;
  readonly sealing: KeyObject;
}

/**
 * Seals a domain key to one root key.
 *
 * @param secret 32 bytes, borrowed
 * @returns format(1)=1 ‖ iv(12) ‖ tag(16) ‖ data(32); the AAD is format, `domain-key`, recipient, Region, purpose and version,
 *   lengths first
 */
export function sealCopy({ id, sealing }: Recipient, name: DomainKeyName, secret: Secret, nonces: Nonces): Uint8Array {
  const sealed = new Uint8Array(DATA_AT + DOMAIN_KEY_BYTES);
  sealed[0] = FORMAT;
  const iv = sealed.subarray(IV_AT, TAG_AT);
  nonces.fill(iv);
  const parts = { iv, aad: copyAad(id, name), plaintext: secret.bytes };
  encryptGcm(sealing, parts, { target: sealed, tagAt: TAG_AT, dataAt: DATA_AT });
  return sealed;
}

/** Opens a copy; undefined when it was altered, or is another recipient's or another domain key's. */
export function openCopy({ id, sealing }: Recipient, name: DomainKeyName, sealed: Uint8Array): Secret | undefined {
  if (sealed.length !== DATA_AT + DOMAIN_KEY_BYTES || sealed[0] !== FORMAT) return undefined;
  const opened = decryptGcm(sealing, {
    iv: sealed.subarray(IV_AT, TAG_AT),
    aad: copyAad(id, name),
    tag: sealed.subarray(TAG_AT, DATA_AT),
    data: sealed.subarray(DATA_AT),
  });
  return opened && new Secret(opened);
}

function copyAad(recipient: string, { region, purpose, version }: DomainKeyName): Uint8Array {
  return lengthsFirst([Uint8Array.of(FORMAT), "domain-key", recipient, region, purpose, u32be(version)]);
}
