/** How custody writes lists of fields where they are authenticated or fingerprinted. */

const utf8 = new TextEncoder();

/**
 * Encodes fields so that two different lists never share bytes.
 *
 * @returns for each field: u32be length ‖ bytes; texts as UTF-8
 */
export function lengthsFirst(fields: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = fields.map((field) => (typeof field === "string" ? utf8.encode(field) : field));
  const encoded = new Uint8Array(parts.reduce((lengthBytes, part) => lengthBytes + 4 + part.length, 0));
  const view = new DataView(encoded.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    encoded.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return encoded;
}

/**
 * The fields of what `lengthsFirst` encoded, borrowed from it.
 *
 * @throws RangeError the bytes were not encoded by it: only what was authenticated may be split
 */
export function splitLengthsFirst(encoded: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  const fields: Uint8Array[] = [];
  for (let offset = 0; offset < encoded.length; ) {
    const end = offset + 4 + view.getUint32(offset);
    if (end > encoded.length) throw new RangeError("A field is longer than what holds it");
    fields.push(encoded.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}

/** A number as four bytes, big-endian. */
export function u32be(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
