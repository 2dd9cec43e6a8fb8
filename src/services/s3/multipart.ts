/** Multipart uploads: CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload, and their lists. */

import { hash } from "node:crypto";
import { deleteParts, findObject, listParts as listPartRows, putObject } from "../../storage/objects.ts";
import type { S3PartRow, S3UploadRow } from "../../storage/service-schema.ts";
import { abortUpload, endUpload, findUpload, insertUpload, listUploads, putPart } from "../../storage/uploads.ts";
import {
  type Algorithm,
  type Checksum,
  compositeChecksum,
  parseChecksum,
  requireAlgorithm,
  shownChecksum,
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
  EntityTooSmall,
  InvalidArgument,
  InvalidPart,
  InvalidPartOrder,
  InvalidRequest,
  MalformedXML,
  NoSuchUpload,
  NotImplemented,
} from "./errors.ts";
import { encoderOf, limitOf } from "./listing.ts";
import { requireKey } from "./names.ts";
import { bytesOf, newBody, requireSame, requireSize } from "./objects.ts";
import { type Context, change, type Input, onBucket, onObject, read } from "./operation.ts";
import { ownerId } from "./owners.ts";
import { requireReplaceable } from "./preconditions.ts";

/** Parts of an upload, and the least bytes of all but the last (S3 user guide, Multipart upload limits). */
const PARTS_MAX = 10_000;
const PART_BYTES_MIN = 5 * 1_048_576;

const GONE =
  "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";

/** The upload that a request means. @throws NoSuchUpload */
async function requireUpload(
  { UploadId, Key }: { readonly UploadId: string; readonly Key: string },
  bucket: string,
  db: Parameters<typeof findUpload>[0],
): Promise<S3UploadRow> {
  const upload = await findUpload(db, UploadId);
  if (upload === undefined || upload.bucket !== bucket || upload.key !== Key) throw new NoSuchUpload(GONE);
  return upload;
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
    if (input.ChecksumAlgorithm === undefined) return;
    const algorithm = requireAlgorithm(input.ChecksumAlgorithm);
    if (input.ChecksumType === "FULL_OBJECT" || algorithm === "CRC64NVME") {
      throw new NotImplemented("Keystead does not support checksums of full objects that come in parts.");
    }
  },
  async prepare(input, context) {
    const { row } = context.bucket;
    const id = newBody();
    const place = { bucket: row, key: input.Key, body: id };
    const { columns } = await newDataKey(wantedEncryption(input, row), place, context);
    return { ...columns, id, bucketId: row.id };
  },
  async run(input, { tx, call, bucket, prepared: { id, bucketId, ...encryption } }) {
    requireSame(bucket.row.id, bucketId);
    await insertUpload(tx, {
      id,
      bucket: bucketId,
      key: input.Key,
      initiated_at: call.now,
      initiator: call.principal.arn,
      ...contentColumns(input),
      ...encryption,
      checksum_algorithm: input.ChecksumAlgorithm ?? null,
    });
    const { ChecksumAlgorithm } = input;
    return {
      Bucket: input.Bucket,
      Key: input.Key,
      UploadId: id,
      ...shownEncryption(encryption),
      ...(ChecksumAlgorithm !== undefined && { ChecksumAlgorithm, ChecksumType: "COMPOSITE" as const }),
    };
  },
});

/** Uploads a part: KMS decrypts the upload's data key for whoever does. */
export const uploadPart = change<"UploadPart", { readonly part: WrittenPart; readonly encryption: Encryption }>(
  "UploadPart",
  {
    targets: [onObject("s3:PutObject")],
    validate(input) {
      requireSize(bytesOf(input.Body));
      if (input.SSECustomerAlgorithm !== undefined) throw new NotImplemented("Keystead does not support SSE-C.");
      if (input.PartNumber >= 1 && input.PartNumber <= PARTS_MAX) return;
      throw new InvalidArgument("Part number must be an integer between 1 and 10000, inclusive");
    },
    async prepare(input, context) {
      const { bucket, store } = context;
      const upload = await requireUpload(input, bucket.row.id, store.db);
      const bytes = bytesOf(input.Body);
      const algorithm = upload.checksum_algorithm as Algorithm | null;
      const digests = await verifyBody(bytes, input, algorithm ?? undefined);
      if (algorithm !== null && digests.checksum?.algorithm !== algorithm) {
        throw new InvalidRequest(
          `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${digests.checksum?.algorithm.toLowerCase()}`,
        );
      }
      const key = await openDataKey(upload, { bucket: bucket.row, key: input.Key, body: upload.id }, context);
      const part = await writePart(bytes, { key, digests, isKms: upload.algorithm === "aws:kms" }, context);
      return { part, encryption: upload };
    },
    async run(input, { tx, bucket, prepared: { part, encryption } }) {
      const upload = await requireUpload(input, bucket.row.id, tx.db);
      await takePart(tx, part);
      await putPart(tx, { ...part, body: upload.id, number: input.PartNumber });
      const { ChecksumType: _type, ...checksum } = shownChecksum(parseChecksum(part.checksum));
      return { ETag: `"${part.md5}"`, ...shownEncryption(encryption), ...checksum };
    },
  },
);

/**
 * Makes an object of an upload's parts, which stay in their files; parts that it doesn't name go. KMS decrypts the data key once more:
 * whoever completes must be allowed to (S3 user guide, Multipart upload and permissions).
 */
export const completeMultipartUpload = change<"CompleteMultipartUpload", Checksum | undefined>(
  "CompleteMultipartUpload",
  {
    targets: [onObject("s3:PutObject")],
    async prepare(input, context) {
      const { bucket, store } = context;
      const upload = await requireUpload(input, bucket.row.id, store.db);
      const parts = partsOf(input, await listPartRows(store.db, upload.id));
      await openDataKey(upload, { bucket: bucket.row, key: input.Key, body: upload.id }, context);
      if (upload.checksum_algorithm === null) return undefined;
      const values = parts.map(({ checksum }) => parseChecksum(checksum)?.value ?? "");
      return await compositeChecksum(upload.checksum_algorithm as Algorithm, values);
    },
    async run(input, { tx, call, bucket, prepared: checksum }) {
      const { id, key, headers, metadata, ...upload } = await requireUpload(input, bucket.row.id, tx.db);
      const all = await listPartRows(tx.db, id);
      const parts = partsOf(input, all);
      const name = { bucket: bucket.row.id, key };
      requireReplaceable(input, await findObject(tx.db, name), key);
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

/**
 * The parts that a request lists, of those that were uploaded.
 *
 * @throws MalformedXML, InvalidPart, InvalidPartOrder, EntityTooSmall
 */
function partsOf(
  { MultipartUpload }: Input<"CompleteMultipartUpload">,
  uploaded: readonly S3PartRow[],
): readonly S3PartRow[] {
  const listed = MultipartUpload?.Parts ?? [];
  if (listed.length === 0) {
    throw new MalformedXML("The XML you provided was not well-formed or did not validate against our published schema");
  }
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  let previous = 0;
  const parts = listed.map((part) => {
    const { PartNumber = 0, ETag = "" } = part;
    if (PartNumber <= previous) {
      throw new InvalidPartOrder("The list of parts was not in ascending order. Parts must be ordered by part number.");
    }
    previous = PartNumber;
    const found = byNumber.get(PartNumber);
    const checksum = parseChecksum(found?.checksum ?? null);
    const claimed =
      checksum === undefined ? undefined : (part as Record<string, unknown>)[`Checksum${checksum.algorithm}`];
    if (found?.md5 !== ETag.replaceAll('"', "") || (claimed !== undefined && claimed !== checksum?.value)) {
      throw new InvalidPart(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      );
    }
    return found;
  });
  if (parts.slice(0, -1).some(({ size }) => size < PART_BYTES_MIN)) {
    throw new EntityTooSmall("Your proposed upload is smaller than the minimum allowed size");
  }
  return parts;
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
    const { checksum_algorithm: algorithm } = upload;
    return {
      Bucket: input.Bucket,
      Key: input.Key,
      UploadId: upload.id,
      PartNumberMarker: String(after),
      NextPartNumberMarker: String(parts.at(-1)?.number ?? 0),
      MaxParts: limit,
      IsTruncated: left.length > limit,
      Parts: parts.map(({ number, md5, size, modified_at, checksum }) => {
        const { ChecksumType: _type, ...shown } = shownChecksum(parseChecksum(checksum));
        return { PartNumber: number, LastModified: new Date(modified_at), ETag: `"${md5}"`, Size: size, ...shown };
      }),
      Initiator: { ID: upload.initiator },
      Owner: { ID: ownerId(bucket.account) },
      StorageClass: "STANDARD" as const,
      ...(algorithm !== null && { ChecksumAlgorithm: algorithm as Algorithm, ChecksumType: "COMPOSITE" as const }),
    };
  },
});

/** Uploads to a bucket that are under way, folded at the delimiter as objects are. */
export const listMultipartUploads = read("ListMultipartUploads", {
  targets: [onBucket("s3:ListBucketMultipartUploads")],
  validate: ({ MaxUploads }) => void limitOf(MaxUploads, "max-uploads"),
  async run(input, { store, bucket }) {
    const { Prefix: prefix = "", Delimiter, KeyMarker = "", UploadIdMarker = "", EncodingType } = input;
    if (Delimiter !== undefined && Delimiter !== "")
      throw new NotImplemented("Keystead does not fold lists of uploads.");
    const limit = limitOf(input.MaxUploads, "max-uploads");
    const from = { bucket: bucket.row.id, prefix, afterKey: KeyMarker, afterId: UploadIdMarker };
    const found = await listUploads(store.db, { ...from, count: limit + 1 });
    const uploads = found.slice(0, limit);
    const encode = encoderOf(EncodingType);
    const last = uploads.at(-1);
    const isTruncated = found.length > limit;
    return {
      Bucket: bucket.row.name,
      KeyMarker: encode(KeyMarker),
      UploadIdMarker,
      ...(prefix !== "" && { Prefix: encode(prefix) }),
      ...(isTruncated && last && { NextKeyMarker: encode(last.key), NextUploadIdMarker: last.id }),
      ...(EncodingType !== undefined && { EncodingType }),
      MaxUploads: limit,
      IsTruncated: isTruncated,
      Uploads: uploads.map(({ id, key, initiated_at, initiator }) => ({
        UploadId: id,
        Key: encode(key),
        Initiated: new Date(initiated_at),
        StorageClass: "STANDARD" as const,
        Owner: { ID: ownerId(bucket.account) },
        Initiator: { ID: initiator },
      })),
    };
  },
});
