/** Multipart uploads: CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload, and their lists. */

import { hash } from "node:crypto";
import { deleteParts, findObject, listParts as listPartRows, putObject } from "../../storage/objects.ts";
import type { S3PartRow, S3UploadRow } from "../../storage/service-schema.ts";
import { abortUpload, endUpload, findUpload, insertUpload, listUploads, putPart } from "../../storage/uploads.ts";
import {
  type Checksum,
  claimedChecksum,
  digestBody,
  joinedChecksum,
  parseChecksum,
  parseUploadChecksum,
  printUploadChecksum,
  requestedChecksum,
  shownChecksum,
  shownPartChecksum,
  shownUploadChecksum,
  UNCHOSEN,
  type UploadChecksum,
  verifyBody,
} from "./checksums.ts";
import { contentColumns, requireBuilt, takePart, type WrittenPart, writePart } from "./contents.ts";
import {
  type Encryption,
  newDataKey,
  openDataKey,
  requireEncryption,
  shownEncryption,
  wantedEncryption,
} from "./encryption.ts";
import {
  BadDigest,
  EntityTooSmall,
  InvalidArgument,
  InvalidPart,
  InvalidPartOrder,
  InvalidRequest,
  MalformedXML,
  NoSuchUpload,
  NotImplemented,
} from "./errors.ts";
import { encoderOf, foldedItems, limitOf, shownPrefixes } from "./listing.ts";
import { requireKey } from "./names.ts";
import { bytesOf, newBody, requireSame, requireSize } from "./objects.ts";
import { type Context, change, type Input, onBucket, onObject, read } from "./operation.ts";
import { ownerId } from "./owners.ts";
import { requireReplaceable, requireWriteConditions } from "./preconditions.ts";
import { wholeSecond } from "./times.ts";

/** Parts of an upload, and the least bytes of all but the last (S3 user guide, Multipart upload limits). */
const PARTS_MAX = 10_000;
const PART_BYTES_MIN = 5 * 1_048_576;

const GONE =
  "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";

/** The upload that a request means. @throws NoSuchUpload */
export async function requireUpload(
  { UploadId, Key }: { readonly UploadId: string; readonly Key: string },
  bucket: string,
  db: Parameters<typeof findUpload>[0],
): Promise<S3UploadRow> {
  const upload = await findUpload(db, UploadId);
  if (upload?.bucket === bucket && upload.key === Key) return upload;
  throw new NoSuchUpload(GONE, { UploadId });
}

/** Begins an upload: its data key is made now, and each part is encrypted under it. */
export const createMultipartUpload = change<
  "CreateMultipartUpload",
  Encryption & { readonly id: string; readonly bucketId: string }
>("CreateMultipartUpload", {
  targets: [onObject("s3:PutObject")],
  validate(input) {
    requireKey(input.Key);
    requireBuilt(input);
    requireEncryption(input);
    contentColumns(input);
    requestedChecksum(input);
  },
  async prepare(input, context) {
    const { row } = context.bucket;
    const id = newUpload(context.call.now);
    const place = { bucket: row, key: input.Key, body: id };
    const { columns } = await newDataKey(wantedEncryption(input, row), place, context);
    return { ...columns, id, bucketId: row.id };
  },
  async run(input, { tx, call, bucket, prepared: { id, bucketId, ...encryption } }) {
    requireSame(bucket.row.id, bucketId);
    const checksum = printUploadChecksum(requestedChecksum(input));
    await insertUpload(tx, {
      id,
      bucket: bucketId,
      key: input.Key,
      initiated_at: call.now,
      initiator: call.principal.arn,
      ...contentColumns(input),
      ...encryption,
      checksum_algorithm: checksum,
    });
    return {
      Bucket: input.Bucket,
      Key: input.Key,
      UploadId: id,
      ...shownEncryption(encryption, input),
      ...shownUploadChecksum(checksum),
    };
  },
});

/** A new upload's id: uploads of one key are listed in the order in which they began. */
function newUpload(now: number): string {
  return now.toString(16).padStart(12, "0") + newBody().slice(12);
}

/** @throws InvalidArgument */
export function requirePartNumber(number: number): void {
  if (number >= 1 && number <= PARTS_MAX) return;
  const message = `Part number must be an integer between 1 and ${PARTS_MAX}, inclusive`;
  throw InvalidArgument.of(message, "partNumber", String(number));
}

/** Uploads a part: KMS decrypts the upload's data key for whoever does. */
export const uploadPart = change<"UploadPart", { readonly part: WrittenPart; readonly encryption: Encryption }>(
  "UploadPart",
  {
    targets: [onObject("s3:PutObject")],
    validate(input) {
      requireSize(bytesOf(input.Body));
      if (input.SSECustomerAlgorithm !== undefined) throw new NotImplemented("Keystead does not support SSE-C.");
      requirePartNumber(input.PartNumber);
    },
    async prepare(input, context) {
      const { bucket, store } = context;
      const upload = await requireUpload(input, bucket.row.id, store.db);
      const bytes = bytesOf(input.Body);
      const wanted = parseUploadChecksum(upload.checksum_algorithm);
      const ofParts = wanted ?? UNCHOSEN;
      const verified = await verifyBody(bytes, input, wanted?.type === "COMPOSITE" ? undefined : ofParts.algorithm);
      requireAgreed(wanted, verified.checksum);
      const isKept = verified.checksum?.algorithm === ofParts.algorithm;
      const digests = isKept ? verified : await digestBody(bytes, ofParts.algorithm);
      const key = await openDataKey(upload, { bucket: bucket.row, key: input.Key, body: upload.id }, context);
      const part = await writePart(bytes, { key, digests, isKms: upload.algorithm === "aws:kms" }, context);
      return { part, encryption: upload };
    },
    async run(input, { tx, bucket, prepared: { part, encryption } }) {
      const upload = await requireUpload(input, bucket.row.id, tx.db);
      await takePart(tx, part);
      await putPart(tx, { ...part, body: upload.id, number: input.PartNumber });
      const claimed = claimedChecksum(input);
      const checksum =
        claimed === undefined ? shownPartChecksum(upload, part) : { [`Checksum${claimed.algorithm}`]: claimed.value };
      return { ETag: `"${part.md5}"`, ...shownEncryption(encryption), ...checksum };
    },
  },
);

/** @throws InvalidRequest the upload has a checksum, and the part has none or another one */
function requireAgreed(wanted: UploadChecksum | undefined, given: Checksum | undefined): void {
  if (wanted === undefined || wanted.algorithm === given?.algorithm) return;
  const [expected, actual] = [wanted.algorithm.toLowerCase(), given?.algorithm.toLowerCase() ?? "null"];
  throw new InvalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
  );
}

/**
 * Makes an object of an upload's parts, which stay in their files; parts that it doesn't name go. KMS decrypts the data key once more:
 * whoever completes must be allowed to (S3 user guide, Multipart upload and permissions).
 */
export const completeMultipartUpload = change<"CompleteMultipartUpload", Checksum | undefined>(
  "CompleteMultipartUpload",
  {
    targets: [onObject("s3:PutObject")],
    validate: requireWriteConditions,
    async prepare(input, context) {
      const { bucket, store } = context;
      const upload = await requireUpload(input, bucket.row.id, store.db);
      const wanted = parseUploadChecksum(upload.checksum_algorithm);
      const parts = partsOf(input, await listPartRows(store.db, upload.id), wanted);
      const checksum = joinedChecksum(wanted ?? UNCHOSEN, parts);
      requireClaimed(input, parts, { wanted, checksum });
      await openDataKey(upload, { bucket: bucket.row, key: input.Key, body: upload.id }, context);
      return checksum;
    },
    async run(input, { tx, call, bucket, prepared: checksum }) {
      const { id, key, headers, metadata, ...upload } = await requireUpload(input, bucket.row.id, tx.db);
      const all = await listPartRows(tx.db, id);
      const parts = partsOf(input, all, parseUploadChecksum(upload.checksum_algorithm));
      const name = { bucket: bucket.row.id, key };
      requireReplaceable(input, await findObject(tx.db, name), { key, begunAt: upload.initiated_at });
      const { algorithm, key_arn, data_key, context, bucket_key } = upload;
      const encryption = { algorithm, key_arn, data_key, context, bucket_key };
      const etag = `${hash("md5", Buffer.concat(parts.map(({ md5 }) => Buffer.from(md5, "hex"))), "hex")}-${parts.length}`;
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      const chosen = new Set(parts);
      await deleteParts(
        tx,
        all.filter((part) => !chosen.has(part)),
        call.now,
      );
      await endUpload(tx, id);
      const kept = checksum === undefined ? null : JSON.stringify(checksum);
      const row = { ...name, body: id, size, etag, headers, metadata, ...encryption };
      await putObject(tx, { ...row, checksum: kept, parts: parts.length, modified_at: call.now }, []);
      return {
        Bucket: input.Bucket,
        Key: key,
        Location: `http://${input.Bucket}.s3.${call.region}.amazonaws.com/${encoderOf("url")(key)}`,
        ETag: `"${etag}"`,
        ...shownEncryption(encryption),
        ...shownChecksum(checksum),
      };
    },
  },
);

/** @throws InvalidRequest, BadDigest what a request says of the whole object is not so */
function requireClaimed(
  input: Input<"CompleteMultipartUpload">,
  parts: readonly S3PartRow[],
  { wanted, checksum }: { readonly wanted: UploadChecksum | undefined; readonly checksum: Checksum | undefined },
): void {
  const { ChecksumType = wanted?.type, MpuObjectSize } = input;
  if (ChecksumType !== wanted?.type) {
    throw new InvalidRequest(
      `The upload was created using the ${wanted?.type ?? "null"} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (MpuObjectSize !== undefined && Number(MpuObjectSize) !== size) {
    throw new InvalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${MpuObjectSize} does not match what was computed: ${size}`,
    );
  }
  if (checksum === undefined) return;
  const claimed = (input as Readonly<Record<string, unknown>>)[`Checksum${checksum.algorithm}`];
  const [value] = checksum.value.split("-");
  if (claimed === undefined || claimed === checksum.value || claimed === value) return;
  throw new BadDigest(`The ${checksum.algorithm.toLowerCase()} you specified did not match the calculated checksum.`);
}

/**
 * The parts that a request lists, of those that were uploaded.
 *
 * @throws MalformedXML, InvalidPart, InvalidPartOrder, InvalidRequest, EntityTooSmall
 */
function partsOf(
  { MultipartUpload, UploadId }: Input<"CompleteMultipartUpload">,
  uploaded: readonly S3PartRow[],
  wanted: UploadChecksum | undefined,
): readonly S3PartRow[] {
  const listed = MultipartUpload?.Parts ?? [];
  if (listed.length === 0) throw new MalformedXML();
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  let previous = 0;
  const parts = listed.map((part) => {
    const { PartNumber = 0, ETag: quoted = "" } = part;
    if (PartNumber <= previous) {
      const message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
      throw new InvalidPartOrder(message, { UploadId });
    }
    previous = PartNumber;
    const ETag = quoted.replaceAll('"', "");
    const found = byNumber.get(PartNumber);
    const checksum = parseChecksum(found?.checksum ?? null);
    const claimed = checksum && (part as Record<string, unknown>)[`Checksum${checksum.algorithm}`];
    if (found?.md5 !== ETag || (claimed !== undefined && claimed !== checksum?.value)) {
      throw new InvalidPart(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { UploadId, PartNumber: String(PartNumber), ETag },
      );
    }
    if (wanted?.type === "COMPOSITE" && claimed === undefined) {
      throw new InvalidRequest(
        `The upload was created using a ${wanted.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${PartNumber} in the request.`,
      );
    }
    return found;
  });
  const small = parts.slice(0, -1).find(({ size }) => size < PART_BYTES_MIN);
  if (small === undefined) return parts;
  throw new EntityTooSmall("Your proposed upload is smaller than the minimum allowed size", {
    ETag: small.md5,
    PartNumber: String(small.number),
    ProposedSize: String(small.size),
    MinSizeAllowed: String(PART_BYTES_MIN),
  });
}

/** Ends an upload; its parts go. */
export const abortMultipartUpload = change("AbortMultipartUpload", {
  targets: [onObject("s3:AbortMultipartUpload")],
  async run(input, { tx, call, bucket }) {
    const { id } = await requireUpload(input, bucket.row.id, tx.db);
    await abortUpload(tx, id, call.now);
    return {};
  },
});

/** The parts of an upload. */
export const listParts = read("ListParts", {
  targets: [onObject("s3:ListMultipartUploadParts")],
  validate: ({ MaxParts }) => void limitOf(MaxParts, "max-parts"),
  async run(input, { store, bucket }: Context) {
    const upload = await requireUpload(input, bucket.row.id, store.db);
    const after = Number(input.PartNumberMarker ?? 0);
    const limit = limitOf(input.MaxParts, "max-parts");
    const left = (await listPartRows(store.db, upload.id)).filter(({ number }) => number > after);
    const parts = left.slice(0, limit);
    return {
      Bucket: input.Bucket,
      Key: input.Key,
      UploadId: upload.id,
      PartNumberMarker: String(after),
      NextPartNumberMarker: String(parts.at(-1)?.number ?? 0),
      MaxParts: limit,
      IsTruncated: left.length > limit,
      Parts: parts.map(({ number, md5, size, modified_at, checksum }) => {
        const shown = shownPartChecksum(upload, { checksum });
        return { PartNumber: number, LastModified: wholeSecond(modified_at), ETag: `"${md5}"`, Size: size, ...shown };
      }),
      Initiator: { ID: upload.initiator },
      Owner: { ID: ownerId(bucket.account) },
      StorageClass: "STANDARD" as const,
      ...shownUploadChecksum(upload.checksum_algorithm),
    };
  },
});

/** Uploads to a bucket that are under way, folded at the delimiter as objects are. */
export const listMultipartUploads = read("ListMultipartUploads", {
  targets: [onBucket("s3:ListBucketMultipartUploads")],
  validate: ({ MaxUploads }) => void limitOf(MaxUploads, "max-uploads"),
  async run(input, { store, bucket }) {
    const { Prefix: prefix = "", Delimiter: delimiter = "", KeyMarker = "", UploadIdMarker = "" } = input;
    const marked = UploadIdMarker === "" ? undefined : await findUpload(store.db, UploadIdMarker);
    if (marked !== undefined && KeyMarker !== "" && marked.key !== KeyMarker) {
      throw InvalidArgument.of("Invalid uploadId marker", "upload-id-marker", UploadIdMarker);
    }
    const limit = limitOf(input.MaxUploads, "max-uploads");
    const found = await foldedItems<S3UploadRow>(
      (after, count) => {
        const { key, id } = typeof after === "string" ? { key: after, id: "" } : after;
        return listUploads(store.db, { bucket: bucket.row.id, prefix, afterKey: key, afterId: id, count });
      },
      { prefix, delimiter },
      { after: UploadIdMarker === "" ? KeyMarker : { key: KeyMarker, id: UploadIdMarker }, count: limit + 1 },
    );
    const items = found.slice(0, limit);
    const encode = encoderOf(input.EncodingType);
    const uploads = items.flatMap(({ row }) => row ?? []);
    const last = uploads.at(-1);
    return {
      Bucket: bucket.row.name,
      KeyMarker: encode(KeyMarker),
      UploadIdMarker,
      NextKeyMarker: encode(last?.key ?? ""),
      NextUploadIdMarker: last?.id ?? "",
      ...(prefix !== "" && { Prefix: encode(prefix) }),
      ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
      ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
      MaxUploads: limit,
      IsTruncated: found.length > limit,
      Uploads: uploads.map(({ id, key, initiated_at, initiator, checksum_algorithm }) => ({
        UploadId: id,
        Key: encode(key),
        Initiated: wholeSecond(initiated_at),
        StorageClass: "STANDARD" as const,
        Owner: { ID: ownerId(bucket.account) },
        Initiator: { ID: initiator },
        ...shownUploadChecksum(checksum_algorithm),
      })),
      ...shownPrefixes(items, encode),
    };
  },
});
