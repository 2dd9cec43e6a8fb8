/** What comes with a body: its headers and metadata, kept and given back as they came, and what of a request is not here. */

import { randomBytes } from "node:crypto";
import { coded } from "../../base/errors.ts";
import type { ContentKey } from "../../custody/object-content.ts";
import { clearDue, setDue } from "../../storage/due.ts";
import { ERASE_OBJECT_FILE } from "../../storage/objects.ts";
import type { S3PartRow } from "../../storage/service-schema.ts";
import type { Tx } from "../../storage/store.ts";
import type { Digests } from "./checksums.ts";
import { InvalidArgument, InvalidStorageClass, MetadataTooLarge, NotImplemented } from "./errors.ts";
import type { Context } from "./operation.ts";

class AccessControlListNotSupported extends coded("AccessControlListNotSupported") {}

type Members = Readonly<Record<string, unknown>>;

/** Members that are kept as they are. */
const HEADERS = [
  "CacheControl",
  "ContentDisposition",
  "ContentEncoding",
  "ContentLanguage",
  "ContentType",
  "Expires",
  "WebsiteRedirectLocation",
] as const;
/** What an object has whose sender didn't say. */
const CONTENT_TYPE = "binary/octet-stream";
/** Of names and values together (S3 user guide, User-defined object metadata). */
const METADATA_BYTES_MAX = 2_048;

/** The columns of headers and metadata. @throws MetadataTooLarge */
export function contentColumns(input: Members): { readonly headers: string; readonly metadata: string } {
  const headers: Record<string, unknown> = { ContentType: CONTENT_TYPE };
  for (const name of HEADERS) if (input[name] !== undefined) headers[name] = input[name];
  const metadata = (input["Metadata"] ?? {}) as Readonly<Record<string, string>>;
  const bytes = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes > METADATA_BYTES_MAX) {
    throw new MetadataTooLarge("Your metadata headers exceed the maximum allowed metadata size", {
      Size: String(bytes),
      MaxSizeAllowed: String(METADATA_BYTES_MAX),
    });
  }
  return { headers: JSON.stringify(headers), metadata: JSON.stringify(metadata) };
}

/** What answers have of headers and metadata. */
export function shownContent({ headers, metadata }: { readonly headers: string; readonly metadata: string }) {
  return {
    ...(JSON.parse(headers) as Readonly<Record<string, string>>),
    Metadata: JSON.parse(metadata) as Record<string, string>,
  };
}

/** ACLs that change nothing where the owner of the bucket owns all that is in it. */
const ACLS: ReadonlySet<unknown> = new Set([undefined, "private", "bucket-owner-full-control"]);
/** Storage classes that S3 has beside the one that is here (API reference, PutObject). */
const OTHER_CLASSES: ReadonlySet<unknown> = new Set([
  "DEEP_ARCHIVE",
  "GLACIER",
  "GLACIER_IR",
  "INTELLIGENT_TIERING",
  "ONEZONE_IA",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
]);
const NOT_BUILT = [
  ["Tagging", "tags of objects"],
  ["ObjectLockMode", "Object Lock"],
  ["ObjectLockRetainUntilDate", "Object Lock"],
  ["ObjectLockLegalHoldStatus", "Object Lock"],
  ["WriteOffsetBytes", "appending to objects"],
  ["MFA", "MFA delete"],
] as const;
/** The version of an object in a bucket that never had versions. */
export const NULL_VERSION = "null";
const BYPASS = "x-amz-bypass-governance-retention";

/** Whether a request asks for an ACL that lets anybody in beside the owner of the bucket. */
export function asksForAcl(request: object): boolean {
  const input = request as Members;
  return Object.keys(input).some((name) => name.startsWith("Grant")) || !ACLS.has(input["ACL"]);
}

/** Whether a version is none that an object here has. */
export function isOtherVersion(version: unknown): boolean {
  return (version ?? NULL_VERSION) !== NULL_VERSION;
}

/** @throws NotImplemented, AccessControlListNotSupported, InvalidArgument what of a request would have no effect here */
export function requireBuilt(request: object): void {
  const input = request as Members;
  if (asksForAcl(input)) throw new AccessControlListNotSupported("The bucket does not allow ACLs");
  const { VersionId, BypassGovernanceRetention, StorageClass = "STANDARD" } = input as Record<string, unknown>;
  if (isOtherVersion(VersionId)) {
    throw InvalidArgument.of("Invalid version id specified", "versionId", String(VersionId));
  }
  if (BypassGovernanceRetention !== undefined) {
    throw InvalidArgument.of(`${BYPASS} is only applicable to Object Lock enabled buckets.`, BYPASS);
  }
  for (const [member, what] of NOT_BUILT) {
    if (input[member] !== undefined) throw new NotImplemented(`Keystead does not support ${what}.`);
  }
  if (StorageClass === "STANDARD") return;
  if (OTHER_CLASSES.has(StorageClass)) throw new NotImplemented("Keystead has the storage class STANDARD alone.");
  const details = { StorageClassRequested: String(StorageClass) };
  throw new InvalidStorageClass("The storage class you specified is not valid", details);
}

/** For so long a file waits to be taken by the transaction that it was written for. */
const UNTAKEN_MS = 86_400_000;

/** A part that is written, and nobody's yet. */
export type WrittenPart = Omit<S3PartRow, "body" | "number">;

/**
 * Writes a part. That nobody may come to have it is noted first, so that no file stays whose transaction was undone.
 *
 * @param digests of the body; under a KMS key the ETag is no MD5 (S3 API reference, Object)
 */
export async function writePart(
  body: Uint8Array,
  { key, digests, isKms }: { readonly key: ContentKey; readonly digests: Digests; readonly isKms: boolean },
  { call, bodies, store }: Context,
): Promise<WrittenPart> {
  const file = bodies.newFile();
  await store.transaction((tx) =>
    setDue(tx, { kind: ERASE_OBJECT_FILE, region: "", subject: file, due_at: call.now + UNTAKEN_MS }),
  );
  await bodies.write(file, body, key);
  const md5 = isKms ? randomBytes(16).toString("hex") : digests.md5;
  const checksum = digests.checksum === undefined ? null : JSON.stringify(digests.checksum);
  return { file, size: body.length, md5, checksum, modified_at: call.now };
}

/** Takes a written part for good. */
export async function takePart(tx: Tx, { file }: WrittenPart): Promise<void> {
  if (await clearDue(tx, { kind: ERASE_OBJECT_FILE, region: "", subject: file })) return;
  throw new Error("What was written waited too long to be taken.");
}
