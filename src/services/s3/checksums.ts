/** Checksums of bodies: those that clients send, and those that are kept and given back (S3 user guide, Checking object integrity). */

import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { type Crc, Crc32c, Crc64Nvme } from "./crc.ts";
import { BadDigest, InvalidDigest, InvalidRequest, NotImplemented } from "./errors.ts";

/** A checksum as it is kept. */
export interface Checksum {
  readonly algorithm: Algorithm;
  /** Base64; of a composite one with the number of parts behind a dash. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

class Crc32 implements Crc {
  #crc = 0;

  update(bytes: Uint8Array): void {
    this.#crc = crc32(bytes, this.#crc);
  }

  digest(): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#crc);
    return bytes;
  }
}

const hashOf = (name: string) => (): Crc => {
  const hash = createHash(name);
  return { update: (bytes) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) };
};

/** By their names in the API, with the length of their values in bytes. */
const ALGORITHMS = {
  CRC32: { make: () => new Crc32(), bytes: 4 },
  CRC32C: { make: () => new Crc32c(), bytes: 4 },
  CRC64NVME: { make: () => new Crc64Nvme(), bytes: 8 },
  SHA1: { make: hashOf("sha1"), bytes: 20 },
  SHA256: { make: hashOf("sha256"), bytes: 32 },
  SHA512: { make: hashOf("sha512"), bytes: 64 },
  MD5: { make: hashOf("md5"), bytes: 16 },
} as const satisfies Record<string, { make(): Crc; bytes: number }>;

export type Algorithm = keyof typeof ALGORITHMS;

type Members = Readonly<Record<string, unknown>>;

const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as readonly Algorithm[];
const MEMBERS = ALGORITHM_NAMES.map((algorithm) => ({ algorithm, member: `Checksum${algorithm}` }));
const UNSUPPORTED = ["ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128"];

/** @throws NotImplemented the name of an algorithm that is not here */
export function requireAlgorithm(name: string): Algorithm {
  const found = ALGORITHM_NAMES.find((algorithm) => algorithm === name);
  if (found === undefined) throw new NotImplemented(`Keystead does not support the checksum algorithm ${name}.`);
  return found;
}

/**
 * The one checksum that a request sends, if any.
 *
 * @throws InvalidRequest it sends several, one that is no such value, or names an algorithm without a value
 */
export function claimedChecksum(input: Members): Pick<Checksum, "algorithm" | "value"> | undefined {
  const unsupported = UNSUPPORTED.find((member) => input[member] !== undefined);
  if (unsupported !== undefined) throw new NotImplemented(`Keystead does not support ${unsupported}.`);
  const sent = MEMBERS.filter(({ member }) => input[member] !== undefined);
  const [first, ...more] = sent;
  if (more.length > 0) {
    throw new InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  if (first === undefined) {
    if (input["ChecksumAlgorithm"] === undefined) return undefined;
    throw new InvalidRequest(
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
  const { algorithm, member } = first;
  const value = String(input[member]);
  if (findBytes(value)?.length === ALGORITHMS[algorithm].bytes) return { algorithm, value };
  throw new InvalidRequest(`Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`);
}

function findBytes(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** What is computed of a body. */
export interface Digests {
  /** Hex. */
  readonly md5: string;
  /** Of the algorithm that was asked for. */
  readonly checksum: Checksum | undefined;
}

/** What is computed before other requests have their turn. */
const SLICE_BYTES = 1_048_576;

/** Computes MD5, which becomes the ETag, and one checksum, if one is wanted. */
export async function digestBody(body: Uint8Array, algorithm: Algorithm | undefined): Promise<Digests> {
  const md5 = createHash("md5");
  const crc = algorithm === undefined ? undefined : ALGORITHMS[algorithm].make();
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    const slice = body.subarray(at, at + SLICE_BYTES);
    md5.update(slice);
    crc?.update(slice);
    if (at + SLICE_BYTES < body.length) await nextTurn();
  }
  const checksum =
    algorithm === undefined || crc === undefined
      ? undefined
      : { algorithm, value: crc.digest().toBase64(), type: "FULL_OBJECT" as const };
  return { md5: md5.digest("hex"), checksum };
}

/**
 * Checks a body against what the request says of it.
 *
 * @param algorithm to be computed where the request sends no checksum
 * @throws InvalidDigest, BadDigest, InvalidRequest `Content-MD5` or the checksum is no such value, or another body's
 */
export async function verifyBody(body: Uint8Array, input: Members, algorithm?: Algorithm): Promise<Digests> {
  const claimed = claimedChecksum(input);
  const md5 = input["ContentMD5"] === undefined ? undefined : findBytes(String(input["ContentMD5"]));
  if (input["ContentMD5"] !== undefined && md5?.length !== ALGORITHMS.MD5.bytes) {
    throw new InvalidDigest("The Content-MD5 you specified was invalid.");
  }
  const digests = await digestBody(body, claimed?.algorithm ?? algorithm);
  if (md5 !== undefined && md5.toHex() !== digests.md5) {
    throw new BadDigest("The Content-MD5 you specified did not match what we received.");
  }
  if (claimed !== undefined && claimed.value !== digests.checksum?.value) {
    throw new BadDigest(`The ${claimed.algorithm} you specified did not match the calculated checksum.`);
  }
  return digests;
}

/** A checksum of the checksums of parts. */
export async function compositeChecksum(algorithm: Algorithm, values: readonly string[]): Promise<Checksum> {
  const crc = ALGORITHMS[algorithm].make();
  for (const value of values) crc.update(Uint8Array.fromBase64(value));
  return { algorithm, value: `${crc.digest().toBase64()}-${values.length}`, type: "COMPOSITE" };
}

/** A kept checksum. */
export function parseChecksum(json: string | null): Checksum | undefined {
  return json === null ? undefined : (JSON.parse(json) as Checksum);
}

/** The members in which answers have a checksum. */
export function shownChecksum(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}
