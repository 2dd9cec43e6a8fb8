/** The canonical form of an encryption context. */

/**
 * Encodes an encryption context as additional authenticated data.
 *
 * Pairs may come in any order but must otherwise match exactly (KMS guide, Encryption context), so they are sorted. Each
 * text follows its length: joined bare, {a: "bc"} and {ab: "c"} would be the same bytes and open each other's blobs.
 *
 * @returns for each pair: u32be length ‖ UTF-8 name ‖ u32be length ‖ UTF-8 value; empty for an empty context
 */
export function encodeContext(context: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Object.entries(context).map(([name, value]) => Buffer.concat([withLength(name), withLength(value)]));
  if (pairs.length < 2) return pairs[0] ?? new Uint8Array(0);
  return Buffer.concat(pairs.sort(Buffer.compare));
}

function withLength(text: string): Uint8Array {
  const utf8 = Buffer.from(text, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(utf8.length);
  return Buffer.concat([length, utf8]);
}
