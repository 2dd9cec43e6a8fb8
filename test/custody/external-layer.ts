/** The outer layer of blobs as a proxy and its external key make it, without the proxy. */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { OuterLayer } from "../../src/custody/custody.ts";
import { aadOf } from "../xks-proxy.ts";

/** An external key; what it can't open is refused with this text. */
export function externalLayer(
  key: Uint8Array,
  { metadata = new TextEncoder().encode("ver=7"), ivBytes = 12 }: { metadata?: Uint8Array; ivBytes?: number } = {},
): OuterLayer {
  return {
    async encrypt(inner, aad) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: 16 }).setAAD(aadOf(aad, metadata));
      const ciphertext = Buffer.concat([cipher.update(inner), cipher.final()]);
      return { iv, tag: cipher.getAuthTag(), metadata, ciphertext };
    },
    async decrypt(outer, aad) {
      const decipher = createDecipheriv("aes-256-gcm", key, outer.iv, { authTagLength: 16 });
      decipher.setAAD(aadOf(aad, outer.metadata)).setAuthTag(outer.tag);
      return new Uint8Array(Buffer.concat([decipher.update(outer.ciphertext), decipher.final()]));
    },
    corrupted: () => new Error("The inner layer does not open."),
  };
}
