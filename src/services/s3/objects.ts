/** PutObject, GetObject, HeadObject, DeleteObject and DeleteObjects. */

import { randomBytes } from "node:crypto";
import type { DeletedObject, _Error as FailedObject } from "@aws-sdk/client-s3";
import { deleteObject as deleteRow, findObject, listParts, putObject as putRow } from "../../storage/objects.ts";
import type { S3ObjectRow, S3PartRow } from "../../storage/service-schema.ts";
import type { BodyStream } from "../../wire/protocol.ts";
import { parseChecksum, shownChecksum, UNCHOSEN, verifyBody } from "./checksums.ts";
import {
  contentColumns,
  isOtherVersion,
  requireBuilt,
  shownContent,
  takePart,
  type WrittenPart,
  writePart,
} from "./contents.ts";
import {
  type Encryption,
  newDataKey,
  openDataKey,
  requireEncryption,
  requireNoEncryption,
  shownEncryption,
  wantedEncryption,
} from "./encryption.ts";
import { EntityTooLarge, InvalidPartNumber, InvalidRequest, MalformedXML } from "./errors.ts";
import { requireKey } from "./names.ts";
import { change, deniedAs, type Input, mayAlso, onBucket, onObject, read, resourceOf } from "./operation.ts";
import { parseRange, requireReplaceable, requireWanted, requireWriteConditions, type Span } from "./preconditions.ts";
import { wholeSecond } from "./times.ts";
import { requireObject } from "./visibility.ts";

/**
 * What one request may carry. S3 takes 5 GiB; here a body is in memory once, and larger objects come in parts, as clients send them
 * anyway.
 */
export const PART_BYTES_MAX = 32 * 1_048_576;

/** A new id under which the parts of a body are listed. */
export function newBody(): string {
  return randomBytes(16).toString("hex");
}

/** What a body came to before its transaction. */
interface Prepared {
  readonly body: string;
  readonly bucket: string;
  readonly part: WrittenPart;
  readonly encryption: Encryption;
}

/** @throws EntityTooLarge */
export function requireSize(body: Uint8Array): void {
  if (body.length <= PART_BYTES_MAX) return;
  throw new EntityTooLarge("Your proposed upload exceeds the maximum allowed size");
}

/** Puts an object, encrypted as the request or the bucket says. */
export const putObject = change<"PutObject", Prepared>("PutObject", {
  targets: [onObject("s3:PutObject")],
  validate(input) {
    requireKey(input.Key);
    requireBuilt(input);
    requireEncryption(input);
    contentColumns(input);
    requireWriteConditions(input);
    requireSize(bytesOf(input.Body));
  },
  async prepare(input, context) {
    const { row } = context.bucket;
    const bytes = bytesOf(input.Body);
    const digests = await verifyBody(bytes, input, UNCHOSEN.algorithm);
    const body = newBody();
    const place = { bucket: row, key: input.Key, body };
    const { key, columns } = await newDataKey(wantedEncryption(input, row), place, context);
    const part = await writePart(bytes, { key, digests, isKms: columns.algorithm === "aws:kms" }, context);
    return { body, bucket: row.id, part, encryption: columns };
  },
  async run(input, { tx, call, bucket, prepared }) {
    const { body, part, encryption } = prepared;
    requireSame(bucket.row.id, prepared.bucket);
    const name = { bucket: bucket.row.id, key: input.Key };
    requireReplaceable(input, await findObject(tx.db, name), name);
    await takePart(tx, part);
    const { size, md5: etag, checksum } = part;
    const kept = { ...contentColumns(input), ...encryption, checksum, parts: null, modified_at: call.now };
    await putRow(tx, { ...name, body, size, etag, ...kept }, [{ ...part, body, number: 1 }]);
    return {
      ETag: `"${etag}"`,
      ...shownEncryption(encryption, input),
      ...shownChecksum(parseChecksum(checksum)),
    };
  },
});

/** The body of a request, which is in memory. */
export function bytesOf(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array(0);
}

/** @throws Error the bucket was deleted and made again meanwhile: nothing was written for the new one */
export function requireSame(now: string, then: string): void {
  if (now !== then) throw new Error("The bucket was made again at the same moment.");
}

/** Spans that are answered at once, so that what is wrong with them is told in time. */
const SPAN_BYTES_AT_ONCE = 262_144;

/** Which part of an object a request wants, and how the answer says so. */
interface Wished {
  readonly span: Span;
  readonly StatusCode?: 206;
  readonly ContentRange?: string;
  readonly PartsCount?: number;
}

function wished(
  { Range, PartNumber }: { readonly Range?: string; readonly PartNumber?: number },
  { size, parts: count }: S3ObjectRow,
  parts: readonly S3PartRow[],
): Wished {
  if (PartNumber !== undefined && Range !== undefined) {
    throw new InvalidRequest("Cannot specify both Range header and partNumber query parameter");
  }
  const sizes = count === null ? [size] : parts.map((part) => part.size);
  const span = PartNumber === undefined ? parseRange(Range, size) : spanOfPart(PartNumber, sizes);
  if (span === undefined) return { span: { from: 0, to: size } };
  const partsCount = PartNumber !== undefined && count !== null ? { PartsCount: count } : {};
  if (span.from === span.to) return { span, ...partsCount };
  return { span, StatusCode: 206, ContentRange: `bytes ${span.from}-${span.to - 1}/${size}`, ...partsCount };
}

function spanOfPart(number: number, sizes: readonly number[]): Span {
  const size = sizes[number - 1];
  if (size === undefined) {
    const details = { ActualPartCount: String(sizes.length), PartNumberRequested: String(number) };
    throw new InvalidPartNumber("The requested partnumber is not satisfiable", details);
  }
  const from = sizes.slice(0, number - 1).reduce((sum, each) => sum + each, 0);
  return { from, to: from + size };
}

/** What reads tell of an object beside its bytes. */
function shownObject(row: S3ObjectRow, { span, ...wish }: Wished, input: { readonly ChecksumMode?: string }) {
  const isWhole = span.from === 0 && span.to === row.size;
  return {
    AcceptRanges: "bytes",
    LastModified: wholeSecond(row.modified_at),
    ContentLength: span.to - span.from,
    ETag: `"${row.etag}"`,
    ...shownContent(row),
    ...shownEncryption(row),
    ...(isWhole && input.ChecksumMode === "ENABLED" && shownChecksum(parseChecksum(row.checksum))),
    ...wish,
  };
}

/** What a read may put in the place of headers that the object has. */
const OVERRIDES = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType"] as const;

function overridden(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  for (const name of OVERRIDES) if (input[`Response${name}`] !== undefined) headers[name] = input[`Response${name}`];
  const expires = input["ResponseExpires"];
  return expires instanceof Date ? { ...headers, Expires: expires.toUTCString() } : headers;
}

function requireReadable(input: object): void {
  requireBuilt(input);
  requireNoEncryption(input);
}

/** Reads an object or some of it; KMS decrypts its data key for whoever reads. */
export const getObject = read("GetObject", {
  targets: [onObject("s3:GetObject")],
  validate: requireReadable,
  async run(input, context) {
    const { store, bucket, bodies } = context;
    const row = await requireObject(input.Key, input, context);
    requireWanted(input, row, context.call.now);
    const parts = await listParts(store.db, row.body);
    const wish = wished(input, row, parts);
    const key = await openDataKey(row, { bucket: bucket.row, key: input.Key, body: row.body }, context);
    const stream: BodyStream = {
      lengthBytes: wish.span.to - wish.span.from,
      chunks: () => bodies.read(parts, key, wish.span),
    };
    const Body =
      stream.lengthBytes > SPAN_BYTES_AT_ONCE ? stream : Buffer.concat(await Array.fromAsync(stream.chunks()));
    return { ...shownObject(row, wish, input), ...overridden(input), Body } as object;
  },
});

/** What GetObject would tell beside the bytes; the KMS key is not asked. */
export const headObject = read("HeadObject", {
  targets: [onObject("s3:GetObject")],
  validate: requireReadable,
  async run(input, context) {
    const row = await requireObject(input.Key, input, context);
    requireWanted(input, row, context.call.now);
    const wish = wished(input, row, await listParts(context.store.db, row.body));
    return { ...shownObject(row, wish, input), ...overridden(input) } as object;
  },
});

/** Removes an object; one that is not there is no harm. */
export const deleteObject = change("DeleteObject", {
  targets: [onObject("s3:DeleteObject")],
  validate: requireBuilt,
  async run({ Key: key, ...conditions }, { tx, call, bucket }) {
    const name = { bucket: bucket.row.id, key };
    const { IfMatch } = conditions;
    if (IfMatch !== undefined) requireReplaceable({ IfMatch }, await findObject(tx.db, name), name);
    await deleteRow(tx, name, call.now);
    return {};
  },
});

/** Objects of one request (API reference, DeleteObjects). */
const OBJECTS_MAX = 1_000;

/** Removes several objects, each by a permission of its own; those that fail are named. */
export const deleteObjects = change("DeleteObjects", {
  targets: [onBucket(undefined)],
  validate(input: Input<"DeleteObjects">) {
    requireBuilt(input);
    const objects = input.Delete.Objects ?? [];
    if (objects.length === 0 || objects.length > OBJECTS_MAX) throw new MalformedXML();
  },
  async run(input, { tx, call, bucket }) {
    const Deleted: DeletedObject[] = [];
    const Errors: FailedObject[] = [];
    const action = "s3:DeleteObject";
    for (const { Key: key = "", ETag, VersionId } of input.Delete.Objects ?? []) {
      const resource = resourceOf(bucket.row, call, key);
      const denial = await mayAlso(action, resource, { call, input, settle: (reading) => tx.settle(reading) });
      if (denial !== undefined) {
        const { message } = deniedAs({ call, action, arn: resource.arn }, denial);
        Errors.push({ Key: key, Code: "AccessDenied", Message: message });
        continue;
      }
      if (isOtherVersion(VersionId)) {
        const Message = "The specified version does not exist.";
        Errors.push({ Key: key, VersionId, Code: "NoSuchVersion", Message });
        continue;
      }
      const name = { bucket: bucket.row.id, key };
      const before = ETag === undefined ? undefined : await findObject(tx.db, name);
      if (ETag !== undefined && before?.etag !== ETag.replaceAll('"', "")) {
        const Message = "At least one of the pre-conditions you specified did not hold";
        Errors.push({ Key: key, Code: "PreconditionFailed", Message });
        continue;
      }
      await deleteRow(tx, name, call.now);
      Deleted.push({ Key: key });
    }
    return { ...(input.Delete.Quiet !== true && { Deleted }), ...(Errors.length > 0 && { Errors }) };
  },
});
