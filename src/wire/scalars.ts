/** Scalars that several protocols write alike. */

import { SerializationException } from "../base/errors.ts";

const STRICT = { alphabet: "base64", lastChunkHandling: "strict" } as const;

/**
 * Decodes base64 of the standard alphabet with its padding; nothing is skipped or forgiven.
 *
 * @throws SerializationException without a message: the text may be a plaintext
 */
export function decodeBase64(text: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (text.length % 4 !== 0) throw new SerializationException();
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  try {
    // Blanks, which the decoder skips, leave fewer bytes than the text's length promises.
    if (bytes.setFromBase64(text, STRICT).written === bytes.length) return bytes;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new SerializationException();
}
