/** UploadPartCopy: bytes of an object as a part of an upload, decrypted and encrypted again. */

import { listParts } from "../../storage/objects.ts";
import { putPart } from "../../storage/uploads.ts";
import { digestBody, parseUploadChecksum, shownPartChecksum, UNCHOSEN } from "./checksums.ts";
import { takePart, type WrittenPart, writePart } from "./contents.ts";
import { type Copying, onSource, requireSource, sourceOf } from "./copy.ts";
import { type Encryption, openDataKey, shownEncryption } from "./encryption.ts";
import { EntityTooLarge, InvalidArgument, InvalidRequest, NotImplemented } from "./errors.ts";
import { requirePartNumber, requireUpload } from "./multipart.ts";
import { PART_BYTES_MAX } from "./objects.ts";
import { type Context, change, type Input, onObject } from "./operation.ts";
import type { Span } from "./preconditions.ts";
import { wholeSecond } from "./times.ts";

interface Prepared {
  readonly part: WrittenPart;
  readonly encryption: Encryption;
}

/** Copies a part; the caller must be allowed to read the one object and to write the other, and KMS is asked for both. */
export const uploadPartCopy = change<"UploadPartCopy", Prepared>("UploadPartCopy", {
  targets: [onSource, onObject("s3:PutObject")],
  validate(input) {
    requirePartNumber(input.PartNumber);
    const { SSECustomerAlgorithm, CopySourceSSECustomerAlgorithm } = input;
    if (SSECustomerAlgorithm === undefined && CopySourceSSECustomerAlgorithm === undefined) return;
    throw new NotImplemented("Keystead does not support SSE-C.");
  },
  async prepare(input, context) {
    const copying = context as Context & { readonly source: Copying["source"] };
    const { bucket, source, store, bodies } = copying;
    const upload = await requireUpload(input, bucket.row.id, store.db);
    const from = await requireSource(input, copying);
    const span = spanOf(input, from.size);
    const opened = await openDataKey(from, { bucket: source.row, key: sourceOf(input).key, body: from.body }, context);
    const parts = await listParts(store.db, from.body);
    const bytes = Buffer.concat(await Array.fromAsync(bodies.read(parts, opened, span)));
    const { algorithm } = parseUploadChecksum(upload.checksum_algorithm) ?? UNCHOSEN;
    const digests = await digestBody(bytes, algorithm);
    const key = await openDataKey(upload, { bucket: bucket.row, key: input.Key, body: upload.id }, context);
    const part = await writePart(bytes, { key, digests, isKms: upload.algorithm === "aws:kms" }, context);
    return { part, encryption: upload };
  },
  async run(input, { tx, bucket, prepared: { part, encryption } }) {
    const upload = await requireUpload(input, bucket.row.id, tx.db);
    await takePart(tx, part);
    await putPart(tx, { ...part, body: upload.id, number: input.PartNumber });
    return {
      ...shownEncryption(encryption),
      CopyPartResult: {
        ETag: `"${part.md5}"`,
        LastModified: wholeSecond(part.modified_at),
        ...shownPartChecksum(upload, part),
      },
    };
  },
});

const RANGE = /^bytes=(\d+)-(\d+)$/;
const RANGE_HEADER = "x-amz-copy-source-range";

/**
 * The bytes that are copied.
 *
 * @throws InvalidArgument, InvalidRequest the range is none, or not one of the source's
 * @throws EntityTooLarge they are more than a part may have here
 */
function spanOf({ CopySourceRange: range }: Input<"UploadPartCopy">, size: number): Span {
  const span = range === undefined ? { from: 0, to: size } : parseSpan(range, size);
  if (span.to - span.from <= PART_BYTES_MAX) return span;
  throw new EntityTooLarge("The specified copy source is larger than the maximum allowable size for a copy source");
}

function parseSpan(range: string, size: number): Span {
  const [, first = "", last = ""] = RANGE.exec(range) ?? [];
  const [from, to] = [Number(first), Number(last) + 1];
  if (first === "" || from >= to) {
    throw InvalidArgument.of(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      RANGE_HEADER,
      range,
    );
  }
  if (from >= size) throw new InvalidRequest("The specified copy range is invalid for the source object size");
  if (to <= size) return { from, to };
  throw InvalidArgument.of(`Range specified is not valid for source object of size: ${size}`, RANGE_HEADER, range);
}
