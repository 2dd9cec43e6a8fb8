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
  allowed_pattern: string | null;
  /** JSON list, as it was given. */
  policies: string | null;
  /** JSON list of the version's labels, in the order in which they came. */
  labels: string;
}

/** EBS volumes: what is known of them beside their blocks. */
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
  /** `pending`: its blocks are being written (EBS direct APIs). */
  state: "completed" | "pending";
  /** The snapshot of whose blocks it was started. */
  parent: string | null;
  /** JSON of the token and the input that started it, where there was a token. */
  request: string | null;
  /** When a snapshot that is written is given up; moved on by each block. */
  write_until: number | null;
}

/** Blocks of 512 KiB; several snapshots and volumes may have one. */
export interface EbsBlockTable {
  id: string;
  /** Whose quota it counts for. */
  account: string;
  /** Sealed under the data key of its owners (custody/sealed-blocks.ts); as it is where they have none. */
  data: Uint8Array;
}

/** Where a snapshot or volume has a block; places without a row are zeros. */
export interface EbsBlockPlaceTable {
  owner: string;
  block_index: number;
  block: string;
  /** SHA-256 of the block in clear, in base64. */
  checksum: string;
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
/** Secrets of Secrets Manager: what is known of them beside their values. */
export interface SecretTable {
  region: string;
  account: string;
  name: string;
  /** With the six random characters at its end. */
  arn: string;
  description: string | null;
  /** What names the KMS key, as it was given; null: the alias `aws/secretsmanager`. */
  key_id: string | null;
  created_at: number;
  changed_at: number;
  /** The day on which a value was last read. */
  accessed_on: number | null;
  /** When it is to be deleted; null: not at all. */
  deletion_at: number | null;
  /** Its resource policy, as it was given. */
  policy: string | null;
  /** JSON of the unique ids of users and roles that the policy names, by ARN. */
  policy_principals: string;
  /** 1: it has, or had, tags. */
  tagged: number;
}

/** Values of secrets. */
export interface SecretVersionTable {
  arn: string;
  version_id: string;
  /** JSON list of staging labels in order; empty: deprecated. */
  stages: string;
  /** 1: the value came as SecretBinary. */
  is_binary: number;
  /** JSON list of `SecretCiphertext`, the newest first: the same value, once for each KMS key under which it is. */
  ciphertexts: string;
  created_at: number;
  accessed_on: number | null;
}

/** A value under a KMS key. */
export interface SecretCiphertext {
  /** What names the key, as the secret had it then; null: the alias `aws/secretsmanager`. */
  readonly keyId: string | null;
  /** A message of the AWS Encryption SDK in base64. */
  readonly message: string;
}

export type SecretRow = Readonly<Selectable<SecretTable>>;
export type SecretVersionRow = Readonly<Selectable<SecretVersionTable>>;
export type SsmParameterRow = Readonly<Selectable<SsmParameterTable>>;
export type EbsVolumeRow = Readonly<Selectable<EbsVolumeTable>>;
export type EbsSnapshotRow = Readonly<Selectable<EbsSnapshotTable>>;
export type EbsBlockPlaceRow = Readonly<Selectable<EbsBlockPlaceTable>>;
export type EbsSettingRow = Readonly<Selectable<EbsSettingTable>>;
