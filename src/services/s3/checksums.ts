/** Checksums of bodies: those that clients send, and those that are kept and given back (S3 user guide, Checking object integrity). */

import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { type Crc, Crc32c, Crc64Nvme, isCrc, joinedCrc } from "./crc.ts";
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
const UNSUPPORTED: readonly string[] = ["ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128"];

/** @throws InvalidRequest, NotImplemented the name of an algorithm that nobody knows, or that is not here */
export function requireAlgorithm(name: string): Algorithm {
  const found = ALGORITHM_NAMES.find((algorithm) => algorithm === name);
  if (found !== undefined) return found;
  if (UNSUPPORTED.includes(`Checksum${name}`)) {
    throw new NotImplemented(`Keystead does not support the checksum algorithm ${name}.`);
  }
  throw new InvalidRequest(
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  );
}

/** What the parts of an upload have, and what its object gets. */
export type UploadChecksum = Pick<Checksum, "algorithm" | "type">;

/**
 * The checksum that a new upload asks for: of its parts' checksums unless it says otherwise, but of the full object with CRC-64/NVME (S3 user
 * guide, Full object and composite checksum types).
 *
 * @throws InvalidRequest, NotImplemented there is no such type, not for that algorithm, or no algorithm at all
 */
export function requestedChecksum({
  ChecksumAlgorithm: name,
  ChecksumType: type,
}: Members): UploadChecksum | undefined {
  if (type !== undefined && type !== "COMPOSITE" && type !== "FULL_OBJECT") {
    throw new InvalidRequest("Value for x-amz-checksum-type header is invalid.");
  }
  if (name === undefined) {
    if (type === undefined) return undefined;
    throw new InvalidRequest(
      "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    );
  }
  const algorithm = requireAlgorithm(String(name));
  const types = algorithm === "CRC64NVME" ? FULL_OBJECT : isCrc(algorithm) ? EITHER : COMPOSITE;
  const [usual] = types;
  if (type === undefined || types.includes(type)) return { algorithm, type: type ?? usual };
  throw new InvalidRequest(
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

type Types = readonly [usual: Checksum["type"], ...others: Checksum["type"][]];
const COMPOSITE: Types = ["COMPOSITE"];
const FULL_OBJECT: Types = ["FULL_OBJECT"];
const EITHER: Types = ["COMPOSITE", "FULL_OBJECT"];

/** The checksum of an upload as its row has it: the algorithm alone for composite ones. */
export function printUploadChecksum(checksum: UploadChecksum | undefined): string | null {
  if (checksum === undefined) return null;
  const { algorithm, type } = checksum;
  return type === "COMPOSITE" ? algorithm : `${algorithm}/${type}`;
}

export function parseUploadChecksum(text: string | null): UploadChecksum | undefined {
  const [algorithm, type = "COMPOSITE"] = text === null ? [] : text.split("/");
  return algorithm === undefined ? undefined : ({ algorithm, type } as UploadChecksum);
}

/** What is kept where a sender chose nothing (S3 user guide, Checking object integrity). */
export const UNCHOSEN = { algorithm: "CRC64NVME", type: "FULL_OBJECT" } as const satisfies UploadChecksum;

/** The members in which answers say what checksum an upload has. */
export function shownUploadChecksum(text: string | null) {
  const checksum = parseUploadChecksum(text);
  return checksum === undefined ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type };
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
    const name = input["ChecksumAlgorithm"];
    if (name === undefined) return undefined;
    if (!MEMBERS.some(({ algorithm }) => algorithm === name)) {
      throw new InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.");
    }
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

/** Computes MD5, which becomes the ETag, and one checksum, if one is wanted, of a body that comes piece by piece. */
export class RunningDigests {
  readonly #md5 = createHash("md5");
  readonly #algorithm: Algorithm | undefined;
  readonly #check: Crc | undefined;

  constructor(algorithm: Algorithm | undefined) {
    this.#algorithm = algorithm;
    this.#check = algorithm === undefined ? undefined : ALGORITHMS[algorithm].make();
  }

  async update(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      this.#md5.update(slice);
      this.#check?.update(slice);
      if (at + SLICE_BYTES < bytes.length) await nextTurn();
    }
  }

  /** To be asked for once, at the end. */
  digests(): Digests {
    const [algorithm, check] = [this.#algorithm, this.#check];
    const checksum =
      algorithm === undefined || check === undefined
        ? undefined
        : { algorithm, value: check.digest().toBase64(), type: "FULL_OBJECT" as const };
    return { md5: this.#md5.digest("hex"), checksum };
  }
}

/** The digests of a body that is there as a whole. */
export async function digestBody(body: Uint8Array, algorithm: Algorithm | undefined): Promise<Digests> {
  const running = new RunningDigests(algorithm);
  await running.update(body);
  return running.digests();
}

/**
 * Checks a body against what the request says of it.
 *
 * @param algorithm to be computed where the request sends no checksum
 * @throws InvalidDigest, BadDigest, InvalidRequest `Content-MD5` or the checksum is no such value, or another body's
 */
export async function verifyBody(body: Uint8Array, input: Members, algorithm: Algorithm | undefined): Promise<Digests> {
  const claimed = claimedChecksum(input);
  const md5 = input["ContentMD5"] === undefined ? undefined : findBytes(String(input["ContentMD5"]));
  if (input["ContentMD5"] !== undefined && md5?.length !== ALGORITHMS.MD5.bytes) {
    const details = { "Content-MD5": String(input["ContentMD5"]) };
    throw new InvalidDigest("The Content-MD5 you specified was invalid.", details);
  }
  const digests = await digestBody(body, claimed?.algorithm ?? algorithm);
  if (md5 !== undefined && md5.toHex() !== digests.md5) {
    const details = { ExpectedDigest: md5.toBase64(), CalculatedDigest: Uint8Array.fromHex(digests.md5).toBase64() };
    throw new BadDigest("The Content-MD5 you specified did not match what we received.", details);
  }
  if (claimed !== undefined && claimed.value !== digests.checksum?.value) {
    throw new BadDigest(`The ${claimed.algorithm} you specified did not match the calculated checksum.`);
  }
  return digests;
}

/**
 * The checksum of an object in parts: of their checksums, or of its bytes, which follows from theirs.
 *
 * @returns undefined if a part has not that checksum
 */
export function joinedChecksum(
  { algorithm, type }: UploadChecksum,
  parts: readonly { readonly checksum: string | null; readonly size: number }[],
): Checksum | undefined {
  const kept = parts.map(({ checksum }) => parseChecksum(checksum));
  if (!kept.every((checksum) => checksum?.algorithm === algorithm)) return undefined;
  const digests = parts.map(({ size }, at) => ({ crc: Uint8Array.fromBase64(kept[at]?.value ?? ""), size }));
  if (type === "FULL_OBJECT" && isCrc(algorithm)) {
    return { algorithm, value: joinedCrc(algorithm, digests).toBase64(), type };
  }
  const check = ALGORITHMS[algorithm].make();
  for (const { crc } of digests) check.update(crc);
  return { algorithm, value: `${check.digest().toBase64()}-${parts.length}`, type };
}

/** The member in which answers have the checksum of a part: only where its upload asks for one. */
export function shownPartChecksum(
  upload: { readonly checksum_algorithm: string | null },
  part: { readonly checksum: string | null },
): Record<string, string> {
  if (upload.checksum_algorithm === null) return {};
  const { ChecksumType: _type, ...checksum } = shownChecksum(parseChecksum(part.checksum));
  return checksum;
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
