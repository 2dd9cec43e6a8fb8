/** Blocks of snapshots and volumes, sealed under their data keys. */

import { hkdfSync, randomFillSync } from "node:crypto";
import { decryptGcm, encryptGcm, IV_BYTES, TAG_BYTES } from "./aes-gcm.ts";

const LABEL = "keystead/ebs-block/1";
const KEY_BYTES = 32;
const NO_SALT = new Uint8Array(0);

/**
 * Seals a block under a key of its own, derived from a data key by HKDF-SHA-256 (RFC 5869) with the block's id as info; the id is
 * authenticated as well.
 *
 * @param dataKey in clear, which the caller wipes
 * @returns iv(12) ‖ tag(16) ‖ data
 */
export function sealBlock(dataKey: Uint8Array, blockId: string, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(IV_BYTES + TAG_BYTES + plaintext.length);
  const iv = randomFillSync(sealed.subarray(0, IV_BYTES));
  const { key, aad } = keyOf(dataKey, blockId);
  try {
    encryptGcm(key, { iv, aad, plaintext }, { target: sealed, tagAt: IV_BYTES, dataAt: IV_BYTES + TAG_BYTES });
    return sealed;
  } finally {
    key.fill(0);
  }
}

/** Opens what `sealBlock` made; undefined for what was changed, is another block, or is under another data key. */
export function openBlock(dataKey: Uint8Array, blockId: string, sealed: Uint8Array): Uint8Array | undefined {
  const { key, aad } = keyOf(dataKey, blockId);
  try {
    return decryptGcm(key, {
      iv: sealed.subarray(0, IV_BYTES),
      aad,
      tag: sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES),
      data: sealed.subarray(IV_BYTES + TAG_BYTES),
    });
  } finally {
    key.fill(0);
  }
}

function keyOf(dataKey: Uint8Array, blockId: string): { readonly key: Uint8Array; readonly aad: Uint8Array } {
  const aad = new TextEncoder().encode(`${LABEL}/${blockId}`);
  return { key: new Uint8Array(hkdfSync("sha256", dataKey, NO_SALT, aad, KEY_BYTES)), aad };
}
