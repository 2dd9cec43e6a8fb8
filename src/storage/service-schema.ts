/** The tables of services that keep data under KMS keys, as Kysely types; the same conventions as schema.ts. */

import type { Selectable } from "kysely";

/** Versions of SSM parameters. */
export interface SsmParameterTable {
  region: string;
  account: string;
  /** As it was given, with its slash in front where it is a path. */
  name: string;
  version: number;
  /** 1: the newest version. */
  latest: number;
  type: "String" | "StringList" | "SecureString";
  tier: "Standard" | "Advanced";
  /** Of a SecureString the ciphertext in base64: a blob of KMS, or a message of the AWS Encryption SDK. */
  value: string;
  /** As it was given: what names the KMS key of a SecureString. */
  key_id: string | null;
  description: string | null;
  modified_at: number;
  /** ARN of who wrote it. */
  modified_by: string;
}

/** EBS volumes: what is known of them; nobody's blocks are here. */
export interface EbsVolumeTable {
  id: string;
  account: string;
  region: string;
  zone: string;
  gigabytes: number;
  type: string;
  iops: number | null;
  throughput: number | null;
  snapshot: string | null;
  /** ARN of the KMS key; null: not encrypted. */
  key_arn: string | null;
  /** The volume's data key under that key. */
  data_key: Uint8Array | null;
  /** What its encryption context has as `aws:ebs:id`. */
  context_id: string | null;
  created_at: number;
  /** The instance to which it is attached, under which name and when, and the grant that this took. */
  instance: string | null;
  device: string | null;
  attached_at: number | null;
  grant_id: string | null;
}

export interface EbsSnapshotTable {
  id: string;
  account: string;
  region: string;
  volume: string;
  gigabytes: number;
  description: string;
  key_arn: string | null;
  data_key: Uint8Array | null;
  context_id: string | null;
  /** JSON list of account ids, and `all`, that may make volumes of it. */
  shared_with: string;
  created_at: number;
}

/** What an account has set for EBS in a Region. */
export interface EbsSettingTable {
  account: string;
  region: string;
  encrypted: number;
  /** ARN of the default key; null: that of the alias `aws/ebs`. */
  key_arn: string | null;
}

/** Buckets; their names are everybody's in a partition. */
export interface S3BucketTable {
  partition: string;
  name: string;
  /** What its objects name it by: one that is made again under the name is another. */
  id: string;
  account: string;
  region: string;
  created_at: number;
  policy: string | null;
  /** JSON of the unique ids of users and roles that the policy names. */
  policy_principals: string;
  /** JSON of the default encryption; null: that of S3. */
  encryption: string | null;
}

/** How a body is encrypted, and what comes with it. */
export interface S3ContentColumns {
  /** JSON: headers that are given back as they came, such as `ContentType`. */
  headers: string;
  /** JSON: the user's metadata. */
  metadata: string;
  algorithm: "AES256" | "aws:kms";
  /** ARN of the KMS key of `aws:kms`. */
  key_arn: string | null;
  /** The data key, encrypted by KMS or sealed by custody. */
  data_key: Uint8Array;
  /** JSON: the encryption context that its data key has from KMS. */
  context: string | null;
  /** 1: the data key is a bucket key's. */
  bucket_key: number;
}

export interface S3ObjectTable extends S3ContentColumns {
  /** Id of the bucket. */
  bucket: string;
  key: string;
  /** What its parts are listed under. */
  body: string;
  size: number;
  /** Without its quotes. */
  etag: string;
  /** JSON of a `Checksum`. */
  checksum: string | null;
  /** How many parts a multipart upload had; null: it was none. */
  parts: number | null;
  modified_at: number;
}

/** Multipart uploads under way. */
export interface S3UploadTable extends S3ContentColumns {
  /** What its parts are listed under, and the body of the object that comes of it. */
  id: string;
  bucket: string;
  key: string;
  initiated_at: number;
  /** ARN of who began it. */
  initiator: string;
  checksum_algorithm: string | null;
}

/** Parts of bodies, a file each. */
export interface S3PartTable {
  body: string;
  number: number;
  file: string;
  size: number;
  /** Hex. */
  md5: string;
  checksum: string | null;
  modified_at: number;
}

export type S3BucketRow = Readonly<Selectable<S3BucketTable>>;
export type S3ObjectRow = Readonly<Selectable<S3ObjectTable>>;
export type S3UploadRow = Readonly<Selectable<S3UploadTable>>;
export type S3PartRow = Readonly<Selectable<S3PartTable>>;
export type SsmParameterRow = Readonly<Selectable<SsmParameterTable>>;
export type EbsVolumeRow = Readonly<Selectable<EbsVolumeTable>>;
export type EbsSnapshotRow = Readonly<Selectable<EbsSnapshotTable>>;
export type EbsSettingRow = Readonly<Selectable<EbsSettingTable>>;
