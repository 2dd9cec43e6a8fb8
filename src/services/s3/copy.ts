/** CopyObject: one object's bytes as another one's, decrypted and encrypted again. */

import { findObject, listParts, putObject } from "../../storage/objects.ts";
import { digestBody, parseChecksum, requireAlgorithm, shownChecksum } from "./checksums.ts";
import { contentColumns, requireBuilt, takePart, type WrittenPart, writePart } from "./contents.ts";
import {
  type Encryption,
  newDataKey,
  openDataKey,
  requireEncryption,
  shownEncryption,
  wantedEncryption,
} from "./encryption.ts";
import { InvalidArgument, InvalidRequest, NotImplemented, NotModified, PreconditionFailed } from "./errors.ts";
import { requireKey } from "./names.ts";
import { newBody, PART_BYTES_MAX, requireSame } from "./objects.ts";
import { type BucketResource, type Change, type Context, change, type Input, onObject } from "./operation.ts";
import { requireReplaceable, requireWanted } from "./preconditions.ts";
import { requireObject } from "./visibility.ts";

type Copying = { readonly source: BucketResource };

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
function sourceOf({ CopySource }: Readonly<Record<string, unknown>>): {
  readonly bucket: string;
  readonly key: string;
} {
  const [path = "", query] = String(CopySource).split("?");
  if (query !== undefined && query !== "versionId=null")
    throw new NotImplemented("Keystead does not support versions of objects.");
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/.exec(decoded(path)) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  throw new InvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new InvalidArgument("Invalid copy source encoding.", { cause });
  }
}

/** Copies an object; the caller must be allowed to read the one and to write the other, and KMS is asked for both. */
export const copyObject = change<"CopyObject", Prepared>("CopyObject", {
  targets: [onObject("s3:GetObject", { as: "source", anyRegion: true, named: sourceOf }), onObject("s3:PutObject")],
  validate(input) {
    requireKey(input.Key);
    requireBuilt(input);
    requireEncryption(input);
    contentColumns(input);
    if (input.TaggingDirective === "REPLACE") throw new NotImplemented("Keystead does not support tags of objects.");
    if (input.CopySourceSSECustomerAlgorithm !== undefined)
      throw new NotImplemented("Keystead does not support SSE-C.");
    if (input.ChecksumAlgorithm !== undefined) requireAlgorithm(input.ChecksumAlgorithm);
    requireChange(input);
  },
  prepare: (input, context) => copied(input, context as Context & Copying),
  async run(input, { tx, call, bucket, prepared }: Change<Prepared>) {
    const { body, parts, encryption, headers, metadata, etag, checksum } = prepared;
    requireSame(bucket.row.id, prepared.bucket);
    const name = { bucket: bucket.row.id, key: input.Key };
    requireReplaceable(input, await findObject(tx.db, name), input.Key);
    for (const part of parts) await takePart(tx, part);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const kept = { headers, metadata, ...encryption, checksum, parts: null, modified_at: call.now };
    await putObject(
      tx,
      { ...name, body, size, etag, ...kept },
      parts.map((part, index) => ({ ...part, body, number: index + 1 })),
    );
    return {
      ...shownEncryption(encryption),
      CopyObjectResult: {
        ETag: `"${etag}"`,
        LastModified: new Date(call.now),
        ...shownChecksum(parseChecksum(checksum)),
      },
    };
  },
});

/** @throws InvalidRequest an object would be copied to itself as it is */
function requireChange(input: Input<"CopyObject">): void {
  const { bucket, key } = sourceOf(input);
  const changes = [input.ServerSideEncryption, input.StorageClass, input.WebsiteRedirectLocation];
  const isSame = bucket === input.Bucket && key === input.Key && input.MetadataDirective !== "REPLACE";
  if (!isSame || changes.some((value) => value !== undefined)) return;
  throw new InvalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

/** The bytes of the source under a new data key, some parts at a time: no more than one is in memory. */
async function copied(input: Input<"CopyObject">, context: Context & Copying): Promise<Prepared> {
  const { bucket, source, store, bodies } = context;
  const { key: sourceKey } = sourceOf(input);
  const from = await requireObject(sourceKey, input, context, source);
  try {
    requireWanted(conditionsOf(input), from);
  } catch (cause) {
    if (cause instanceof NotModified) {
      throw new PreconditionFailed("At least one of the pre-conditions you specified did not hold");
    }
    throw cause;
  }
  const opened = await openDataKey(from, { bucket: source.row, key: sourceKey, body: from.body }, context);
  const body = newBody();
  const wanted = wantedEncryption(input, bucket.row);
  const { key, columns } = await newDataKey(wanted, { bucket: bucket.row, key: input.Key, body }, context);
  const isKms = columns.algorithm === "aws:kms";
  const kept = parseChecksum(from.checksum);
  const algorithm = input.ChecksumAlgorithm === undefined ? kept?.algorithm : requireAlgorithm(input.ChecksumAlgorithm);
  const sources = await listParts(store.db, from.body);
  const whole = from.size <= PART_BYTES_MAX;
  const parts: WrittenPart[] = [];
  for (let at = 0; at < from.size || at === 0; at += PART_BYTES_MAX) {
    const span = { from: at, to: Math.min(at + PART_BYTES_MAX, from.size) };
    const bytes = Buffer.concat(await Array.fromAsync(bodies.read(sources, opened, span)));
    const digests = await digestBody(bytes, whole ? algorithm : undefined);
    parts.push(await writePart(bytes, { key, digests, isKms }, context));
  }
  const [first] = parts;
  const isReplaced = input.MetadataDirective === "REPLACE";
  const { headers, metadata } = isReplaced ? contentColumns(input) : from;
  return {
    body,
    bucket: bucket.row.id,
    parts,
    encryption: columns,
    headers,
    metadata,
    etag: whole && first !== undefined ? first.md5 : newBody(),
    checksum: whole && first !== undefined ? first.checksum : null,
  };
}

function conditionsOf(input: Input<"CopyObject">) {
  const { CopySourceIfMatch, CopySourceIfNoneMatch, CopySourceIfModifiedSince, CopySourceIfUnmodifiedSince } = input;
  return {
    ...(CopySourceIfMatch !== undefined && { IfMatch: CopySourceIfMatch }),
    ...(CopySourceIfNoneMatch !== undefined && { IfNoneMatch: CopySourceIfNoneMatch }),
    ...(CopySourceIfModifiedSince !== undefined && { IfModifiedSince: CopySourceIfModifiedSince }),
    ...(CopySourceIfUnmodifiedSince !== undefined && { IfUnmodifiedSince: CopySourceIfUnmodifiedSince }),
  };
}
