/** CopyObject: one object's bytes as another one's, decrypted and encrypted again. */

import { findObject, listParts, putObject } from "../../storage/objects.ts";
import type { S3ObjectRow } from "../../storage/service-schema.ts";
import { parseChecksum, RunningDigests, requireAlgorithm, shownChecksum, UNCHOSEN } from "./checksums.ts";
import { contentColumns, requireBuilt, takePart, type WrittenPart, writePart } from "./contents.ts";
import {
  type Encryption,
  newDataKey,
  openDataKey,
  requireEncryption,
  shownEncryption,
  wantedEncryption,
} from "./encryption.ts";
import { InvalidArgument, InvalidRequest, NotImplemented, PreconditionFailed } from "./errors.ts";
import { requireKey } from "./names.ts";
import { newBody, PART_BYTES_MAX, requireSame } from "./objects.ts";
import { type BucketResource, type Change, type Context, change, type Input, onObject } from "./operation.ts";
import { failedCondition, requireReplaceable, requireWriteConditions } from "./preconditions.ts";
import { wholeSecond } from "./times.ts";
import { requireObject } from "./visibility.ts";

export type Copying = { readonly source: BucketResource };

interface Prepared {
  readonly body: string;
  readonly bucket: string;
  readonly parts: readonly WrittenPart[];
  readonly encryption: Encryption;
  readonly headers: string;
  readonly metadata: string;
  readonly etag: string;
  readonly checksum: string | null;
}

/**
 * What `x-amz-copy-source` names: `/bucket/key` or `bucket/key`, percent-encoded.
 *
 * @throws InvalidArgument, NotImplemented it names no object, or a version of one
 */
export function sourceOf({ CopySource }: Readonly<Record<string, unknown>>): {
  readonly bucket: string;
  readonly key: string;
} {
  const [path = "", query] = String(CopySource).split("?");
  if (query !== undefined && query !== "versionId=null")
    throw InvalidArgument.of("Invalid version id specified", "versionId", query.replace(/^versionId=/, ""));
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/.exec(decoded(path)) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  const message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
  throw InvalidArgument.of(message, "x-amz-copy-source", String(CopySource));
}

/** As forms are encoded: Terraform and others write a plus for a space. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    throw new InvalidArgument("Invalid copy source encoding.", {}, { cause });
  }
}

/** Of a copy, the caller must be allowed to read what is copied. */
export const onSource = onObject("s3:GetObject", { as: "source", anyRegion: true, named: sourceOf });

/** Copies an object; the caller must be allowed to read the one and to write the other, and KMS is asked for both. */
export const copyObject = change<"CopyObject", Prepared>("CopyObject", {
  targets: [onSource, onObject("s3:PutObject")],
  validate(input) {
    requireKey(input.Key);
    requireBuilt(input);
    requireEncryption(input);
    contentColumns(input);
    requireWriteConditions(input);
    if (input.TaggingDirective === "REPLACE") throw new NotImplemented("Keystead does not support tags of objects.");
    if (input.CopySourceSSECustomerAlgorithm !== undefined)
      throw new NotImplemented("Keystead does not support SSE-C.");
    if (input.ChecksumAlgorithm !== undefined) requireAlgorithm(input.ChecksumAlgorithm);
  },
  prepare: (input, context) => copied(input, context as Context & Copying),
  async run(input, { tx, call, bucket, prepared }: Change<Prepared>) {
    const { body, parts, encryption, headers, metadata, etag, checksum } = prepared;
    requireSame(bucket.row.id, prepared.bucket);
    const name = { bucket: bucket.row.id, key: input.Key };
    requireReplaceable(input, await findObject(tx.db, name), name);
    for (const part of parts) await takePart(tx, part);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const kept = { headers, metadata, ...encryption, checksum, parts: null, modified_at: call.now };
    await putObject(
      tx,
      { ...name, body, size, etag, ...kept },
      parts.map((part, index) => ({ ...part, body, number: index + 1 })),
    );
    return {
      ...shownEncryption(encryption, input),
      CopyObjectResult: {
        ETag: `"${etag}"`,
        LastModified: wholeSecond(call.now),
        ...shownChecksum(parseChecksum(checksum)),
      },
    };
  },
});

/**
 * An object that would be copied to itself as it is. What the encryption of the bucket makes of it counts as a change wherever somebody set
 * it, and where the object has another one (public test suites recorded on S3).
 *
 * @throws InvalidRequest
 */
function requireChange(input: Input<"CopyObject">, { row }: BucketResource, { algorithm }: S3ObjectRow): void {
  const { bucket, key } = sourceOf(input);
  const changes = [input.ServerSideEncryption, input.StorageClass, input.WebsiteRedirectLocation];
  const isSame = bucket === input.Bucket && key === input.Key && input.MetadataDirective !== "REPLACE";
  const isEncrypted = row.encryption !== null || algorithm !== "AES256";
  if (!isSame || isEncrypted || changes.some((value) => value !== undefined)) return;
  throw new InvalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

/** The object that is copied, where it is one that the request wants. @throws PreconditionFailed */
export async function requireSource(
  input: Input<"CopyObject"> | Input<"UploadPartCopy">,
  context: Context & Copying,
): Promise<S3ObjectRow> {
  const found = await requireObject(sourceOf(input).key, input, context, context.source);
  const failed = failedCondition(conditionsOf(input), found, context.call.now);
  if (failed !== undefined) throw new PreconditionFailed(`x-amz-copy-source-${failed}`);
  return found;
}

/** For the pieces that a copy is written in nobody asks. */
const NOBODYS = { md5: "", checksum: undefined };

/** The bytes of the source under a new data key, some parts at a time: no more than one is in memory. */
async function copied(input: Input<"CopyObject">, context: Context & Copying): Promise<Prepared> {
  const { bucket, source, store, bodies } = context;
  const { key: sourceKey } = sourceOf(input);
  const from = await requireSource(input, context);
  requireChange(input, bucket, from);
  const opened = await openDataKey(from, { bucket: source.row, key: sourceKey, body: from.body }, context);
  const body = newBody();
  const wanted = wantedEncryption(input, bucket.row);
  const { key, columns } = await newDataKey(wanted, { bucket: bucket.row, key: input.Key, body }, context);
  const isKms = columns.algorithm === "aws:kms";
  const { algorithm: kept } = parseChecksum(from.checksum) ?? UNCHOSEN;
  const algorithm = input.ChecksumAlgorithm === undefined ? kept : requireAlgorithm(input.ChecksumAlgorithm);
  const sources = await listParts(store.db, from.body);
  const running = new RunningDigests(algorithm);
  const parts: WrittenPart[] = [];
  for (let at = 0; at < from.size || at === 0; at += PART_BYTES_MAX) {
    const span = { from: at, to: Math.min(at + PART_BYTES_MAX, from.size) };
    const bytes = Buffer.concat(await Array.fromAsync(bodies.read(sources, opened, span)));
    await running.update(bytes);
    parts.push(await writePart(bytes, { key, digests: NOBODYS, isKms }, context));
  }
  const { md5, checksum } = running.digests();
  const { headers, metadata } =
    input.MetadataDirective === "REPLACE" ? contentColumns(input) : copiedColumns(input, from);
  return {
    body,
    bucket: bucket.row.id,
    parts,
    encryption: columns,
    headers,
    metadata,
    etag: isKms ? newBody() : md5,
    checksum: checksum === undefined ? null : JSON.stringify(checksum),
  };
}

/** Headers and metadata of the source; where it redirects to is its own (API reference, CopyObject). */
function copiedColumns({ WebsiteRedirectLocation }: Input<"CopyObject">, { headers, metadata }: S3ObjectRow) {
  const { WebsiteRedirectLocation: _own, ...kept } = JSON.parse(headers) as Readonly<Record<string, unknown>>;
  return { headers: JSON.stringify({ ...kept, WebsiteRedirectLocation }), metadata };
}

function conditionsOf(input: Input<"CopyObject"> | Input<"UploadPartCopy">) {
  const { CopySourceIfMatch, CopySourceIfNoneMatch, CopySourceIfModifiedSince, CopySourceIfUnmodifiedSince } = input;
  return {
    ...(CopySourceIfMatch !== undefined && { IfMatch: CopySourceIfMatch }),
    ...(CopySourceIfNoneMatch !== undefined && { IfNoneMatch: CopySourceIfNoneMatch }),
    ...(CopySourceIfModifiedSince !== undefined && { IfModifiedSince: CopySourceIfModifiedSince }),
    ...(CopySourceIfUnmodifiedSince !== undefined && { IfUnmodifiedSince: CopySourceIfUnmodifiedSince }),
  };
}
