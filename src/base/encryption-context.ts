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
  const pairs = Object.entries(context).map(encodePair);
  if (pairs.length < 2) return pairs[0] ?? new Uint8Array(0);
  return Buffer.concat(pairs.sort(Buffer.compare));
}

/** The length in bytes of an encryption context once it is encoded. */
export function contextBytes(context: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name in context) {
    bytes += 2 * LENGTH_BYTES + Buffer.byteLength(name) + Buffer.byteLength(context[name] ?? "");
  }
  return bytes;
}

const LENGTH_BYTES = 4;

function encodePair([name, value]: readonly [name: string, value: string]): Uint8Array {
  const nameBytes = Buffer.byteLength(name);
  const valueBytes = Buffer.byteLength(value);
  const pair = Buffer.allocUnsafe(2 * LENGTH_BYTES + nameBytes + valueBytes);
  pair.writeUInt32BE(nameBytes, 0);
  pair.write(name, LENGTH_BYTES, "utf8");
  pair.writeUInt32BE(valueBytes, LENGTH_BYTES + nameBytes);
  pair.write(value, 2 * LENGTH_BYTES + nameBytes, "utf8");
  return pair;
}
