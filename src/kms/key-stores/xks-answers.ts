/** Answers of a proxy as the XKS proxy API specification has them; everything else is uninterpretable. */

import { createHash } from "node:crypto";
import type { ExternalCiphertext } from "../../custody/custody.ts";
import { causeOf, XksError } from "./xks-failures.ts";

type Members = Readonly<Record<string, unknown>>;

const IV_LENGTHS: readonly number[] = [12, 16];
const TAG_BYTES = 16;
const METADATA_BYTES_MAX = 20;
const USAGES_MAX = 10;
const INSTANCES_MAX = 10;

const healthStates = ["ACTIVE", "DEGRADED", "UNAVAILABLE"] as const;

/** In how many instances of the external key manager each state was found. */
export type KeyManagerStates = Readonly<Record<(typeof healthStates)[number], number>>;

/** The external key as GetKeyMetadata tells it. */
export interface ExternalKey {
  readonly keySpec: string;
  readonly keyUsage: readonly string[];
  readonly keyStatus: string;
}

/**
 * The members of an answer.
 *
 * @throws XksError the proxy refused, or it is no answer of the specification
 */
export function membersOf({ status, body }: { readonly status: number; readonly body: Uint8Array }): Members {
  const members = parse(body);
  if (status === 200) return members;
  throw new XksError(causeOf(status, members["errorName"]) ?? "uninterpretable");
}

/** @throws XksError not an answer of GetHealthStatus */
export function healthOf(members: Members): KeyManagerStates {
  const { xksProxyFleetSize: size, xksProxyVendor, xksProxyModel, ekmVendor, ekmFleetDetails: fleet } = members;
  const names = [xksProxyVendor, xksProxyModel, ekmVendor];
  const isSized = Number.isSafeInteger(size) && Number(size) > 0;
  if (!isSized || names.some((name) => typeof name !== "string")) throw new XksError("uninterpretable");
  if (!Array.isArray(fleet) || fleet.length === 0 || fleet.length > INSTANCES_MAX)
    throw new XksError("uninterpretable");
  const states = { ACTIVE: 0, DEGRADED: 0, UNAVAILABLE: 0 };
  for (const instance of fleet) {
    const { id, model, healthStatus } = (instance ?? {}) as Members;
    const state = healthStates.find((known) => known === healthStatus);
    if (typeof id !== "string" || typeof model !== "string" || state === undefined) {
      throw new XksError("uninterpretable");
    }
    states[state] += 1;
  }
  return states;
}

/** @throws XksError not an answer of GetKeyMetadata */
export function externalKeyOf({ keySpec, keyUsage, keyStatus }: Members): ExternalKey {
  const isList = Array.isArray(keyUsage) && keyUsage.length <= USAGES_MAX;
  if (!isList || !keyUsage.every((usage) => typeof usage === "string")) throw new XksError("uninterpretable");
  if (typeof keySpec !== "string" || typeof keyStatus !== "string") throw new XksError("uninterpretable");
  return { keySpec, keyUsage, keyStatus };
}

/**
 * What Encrypt answered to a plaintext of that length.
 *
 * @throws XksError a part is missing or of another length, or its integrity value is not that of the parts
 */
export function ciphertextOf(
  members: Members,
  { plaintextBytes, aad }: { readonly plaintextBytes: number; readonly aad: Uint8Array },
): ExternalCiphertext {
  const ciphertext = bytesOf(members["ciphertext"], plaintextBytes, plaintextBytes);
  const iv = bytesOf(members["initializationVector"], 0, 16);
  if (!IV_LENGTHS.includes(iv.length)) throw new XksError("uninterpretable");
  const tag = bytesOf(members["authenticationTag"], TAG_BYTES, TAG_BYTES);
  const given = members["ciphertextMetadata"];
  const metadata = given === undefined ? new Uint8Array(0) : bytesOf(given, 0, METADATA_BYTES_MAX);
  const integrity = bytesOf(members["ciphertextDataIntegrityValue"], 32, 32);
  const parts = { iv, tag, metadata, ciphertext };
  if (!Buffer.from(integrityOf(parts, aad)).equals(integrity)) throw new XksError("uninterpretable");
  return parts;
}

/** SHA-256 of AAD ‖ metadata ‖ IV ‖ ciphertext ‖ tag, without lengths (XKS proxy API specification, CDIV). */
export function integrityOf({ iv, tag, metadata, ciphertext }: ExternalCiphertext, aad: Uint8Array): Uint8Array {
  const hash = createHash("sha256");
  for (const part of [aad, metadata, iv, ciphertext, tag]) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** What Decrypt answered to a ciphertext of that length. @throws XksError it is of another length */
export function plaintextOf(members: Members, ciphertextBytes: number): Uint8Array {
  return bytesOf(members["plaintext"], ciphertextBytes, ciphertextBytes);
}

function parse(body: Uint8Array): Members {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Members;
  } catch (cause) {
    throw new XksError("uninterpretable", { cause });
  }
  throw new XksError("uninterpretable");
}

/** Base64 of the standard alphabet with padding, of a length between two. */
function bytesOf(text: unknown, least: number, most: number): Uint8Array {
  if (typeof text !== "string") throw new XksError("uninterpretable");
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch (cause) {
    throw new XksError("uninterpretable", { cause });
  }
  if (bytes.length < least || bytes.length > most) throw new XksError("uninterpretable");
  return bytes;
}
