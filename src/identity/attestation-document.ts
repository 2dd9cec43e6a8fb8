/**
 * Attestation documents of Nitro Enclaves and NitroTPM: what is in them, syntactically (AWS Nitro Enclaves NSM API,
 * attestation_process.md, sections 2.2 and 3.2.2; EC2 user guide, Validate a NitroTPM Attestation Document).
 */

import { byteStringHead, type CborMap, type CborValue, decodeCbor } from "../base/cbor.ts";

/** A document that can't be relied on. The message says why, in words for the caller. */
export class AttestationError extends Error {
  override readonly name = "AttestationError";
}

/** What a document says. Nothing of it is trusted before its signature is verified. */
export interface AttestationDocument {
  /** Whose registers it has: an enclave's (`pcrs`) or those of an instance's TPM (`nitrotpm_pcrs`). */
  readonly platform: "enclave" | "tpm";
  readonly moduleId: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** By index, 0 to 31. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** DER of the certificate whose key signed the document. */
  readonly certificate: Uint8Array;
  /** DER of what certifies it, the root first. */
  readonly cabundle: readonly Uint8Array[];
  /** DER of a key that answers can be encrypted to. */
  readonly publicKey: Uint8Array | undefined;
}

/** A document with its signature, not verified yet. */
export interface SignedDocument {
  readonly document: AttestationDocument;
  /** What is signed: the Sig_structure of COSE_Sign1 (RFC 9052, 4.4). */
  readonly signed: Uint8Array;
  /** ECDSA with P-384 and SHA-384: r ‖ s. */
  readonly signature: Uint8Array;
}

/** COSE_Sign1, tagged; the tag may be missing (RFC 9052, 4.2). */
const SIGN1_TAG = 0xd2;
const PAYLOAD_BYTES_MAX = 16_384;
/** COSE header parameter `alg` and its value for ES384 (RFC 9053, 2.1). */
const ALG = 1;
const ES384 = -35;
const SIGNATURE_BYTES = 96;
/** The start of a Sig_structure: an array of four whose first is the text `Signature1`. */
const SIGNATURE1 = Uint8Array.fromHex("846a5369676e617475726531");
const NO_EXTERNAL_DATA = byteStringHead(0);

const REQUIRED = ["module_id", "digest", "timestamp", "certificate", "cabundle"];
const OPTIONAL = ["public_key", "user_data", "nonce"];
const PCRS_MAX = 32;
const PCR_BYTES: readonly number[] = [32, 48, 64];
const CERTIFICATE_BYTES_MAX = 1_024;
const PUBLIC_KEY_BYTES_MAX = 1_024;
/** The documents' own rule for enclaves; the guide of NitroTPM has a grammar alone, and there it is 1,024. */
const USER_DATA_BYTES_MAX = { enclave: 512, tpm: 1_024 } as const;

/**
 * Reads a signed document and checks everything but its signature, its certificates and its age.
 *
 * @throws AttestationError it is no COSE_Sign1 structure of a document, or breaks a rule for its fields
 */
export function parseSignedDocument(bytes: Uint8Array): SignedDocument {
  const parts = decode(bytes[0] === SIGN1_TAG ? bytes.subarray(1) : bytes);
  if (!Array.isArray(parts) || parts.length !== 4) throw notSign1();
  const [header, unprotected, payload, signature]: readonly CborValue[] = parts;
  if (!isBytes(header, 1, PAYLOAD_BYTES_MAX) || !isMap(unprotected) || unprotected.size > 0) throw notSign1();
  if (!isBytes(payload, 1, PAYLOAD_BYTES_MAX)) throw notSign1();
  const parameters = decode(header);
  if (!isMap(parameters) || parameters.size !== 1 || parameters.get(ALG) !== ES384) {
    throw new AttestationError("it is not signed with ES384");
  }
  if (!isBytes(signature, SIGNATURE_BYTES, SIGNATURE_BYTES)) throw notSign1();
  return { document: parseDocument(payload), signed: signedBytes(header, payload), signature };
}

function signedBytes(header: Uint8Array, payload: Uint8Array): Uint8Array {
  const lengths = [header, payload].map(({ length }) => byteStringHead(length)) as [Uint8Array, Uint8Array];
  return new Uint8Array(Buffer.concat([SIGNATURE1, lengths[0], header, NO_EXTERNAL_DATA, lengths[1], payload]));
}

function parseDocument(payload: Uint8Array): AttestationDocument {
  const fields = decode(payload);
  if (!isMap(fields)) throw new AttestationError("its payload is not a map");
  const platform = fields.has("nitrotpm_pcrs") ? "tpm" : "enclave";
  const registers = platform === "tpm" ? "nitrotpm_pcrs" : "pcrs";
  const allowed = [...REQUIRED, registers, ...OPTIONAL];
  if ([...fields.keys()].some((name) => typeof name !== "string" || !allowed.includes(name))) {
    throw new AttestationError("it has a field that attestation documents do not have");
  }
  if (fields.get("digest") !== "SHA384") throw badField("digest");
  for (const name of ["user_data", "nonce"]) optionalBytes(fields, name, 0, USER_DATA_BYTES_MAX[platform]);
  return {
    platform,
    moduleId: moduleIdOf(fields),
    timestamp: timestampOf(fields),
    pcrs: pcrsOf(fields, registers),
    certificate: certificateOf(fields.get("certificate"), "certificate"),
    cabundle: cabundleOf(fields),
    publicKey: optionalBytes(fields, "public_key", 1, PUBLIC_KEY_BYTES_MAX),
  };
}

function moduleIdOf(fields: CborMap): string {
  const value = fields.get("module_id");
  if (typeof value !== "string" || value === "") throw badField("module_id");
  return value;
}

function timestampOf(fields: CborMap): number {
  const value = fields.get("timestamp");
  if (typeof value !== "number" || value <= 0) throw badField("timestamp");
  return value;
}

function pcrsOf(fields: CborMap, name: string): ReadonlyMap<number, Uint8Array> {
  const value = fields.get(name);
  if (!isMap(value) || value.size < 1 || value.size > PCRS_MAX) throw badField(name);
  const pcrs = new Map<number, Uint8Array>();
  for (const [index, pcr] of value) {
    const isIndex = typeof index === "number" && index >= 0 && index < PCRS_MAX;
    if (!isIndex || !(pcr instanceof Uint8Array) || !PCR_BYTES.includes(pcr.length)) throw badField(name);
    pcrs.set(index, pcr);
  }
  return pcrs;
}

function cabundleOf(fields: CborMap): readonly Uint8Array[] {
  const value = fields.get("cabundle");
  if (!Array.isArray(value) || value.length === 0) throw badField("cabundle");
  return value.map((entry: CborValue) => certificateOf(entry, "cabundle"));
}

function certificateOf(value: CborValue | undefined, name: string): Uint8Array {
  if (!isBytes(value, 1, CERTIFICATE_BYTES_MAX)) throw badField(name);
  return value;
}

/** An optional field: the Nitro Secure Module writes null where it has none, although the rules say that no field is null. */
function optionalBytes(fields: CborMap, name: string, min: number, max: number): Uint8Array | undefined {
  const value = fields.get(name);
  if (value === undefined || value === null) return undefined;
  if (!isBytes(value, min, max)) throw badField(name);
  return value;
}

function decode(bytes: Uint8Array): CborValue {
  try {
    return decodeCbor(bytes);
  } catch (cause) {
    throw new AttestationError("it is not CBOR of the kind that attestation documents are made of", { cause });
  }
}

function isMap(value: CborValue | undefined): value is CborMap {
  return value instanceof Map;
}

function isBytes(value: CborValue | undefined, min: number, max: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length >= min && value.length <= max;
}

function notSign1(): AttestationError {
  return new AttestationError("it is not a COSE_Sign1 structure");
}

function badField(name: string): AttestationError {
  return new AttestationError(`its field ${name} is missing or malformed`);
}
