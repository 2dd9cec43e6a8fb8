/** Encryption of objects at rest: which one is wanted, and data keys from KMS in the caller's name or from custody. */

import type { EncryptionType, ServerSideEncryptionConfiguration } from "@aws-sdk/client-s3";
import { formatArn } from "../../base/arn.ts";
import { asKeyId } from "../../base/ids.ts";
import { ContentKey } from "../../custody/object-content.ts";
import { Secret } from "../../custody/secret.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { S3BucketRow, S3ContentColumns } from "../../storage/service-schema.ts";
import { errorOfKms, InvalidArgument, MalformedXML, NotImplemented } from "./errors.ts";
import { s3Arn } from "./names.ts";
import type { Environment } from "./operation.ts";

/** The alias of the AWS managed key is what names a key where nobody does. */
const SERVICE = "s3";
const CONTEXT_NAME = "aws:s3:arn";

/** How an object is to be encrypted. */
export type Wanted =
  | { readonly algorithm: "AES256" }
  | {
      readonly algorithm: "aws:kms";
      /** As it was given. */
      readonly keyId: string | undefined;
      readonly bucketKey: boolean;
      /** What the caller adds to the encryption context. */
      readonly context: Readonly<Record<string, string>> | undefined;
    };

/** Members of requests that say it. */
export interface EncryptionInput {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly SSEKMSEncryptionContext?: string | undefined;
  readonly BucketKeyEnabled?: boolean | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly SSECustomerKey?: string | undefined;
}

/** The default encryption of a bucket, as its row keeps it. */
export interface BucketDefault {
  readonly algorithm: "AES256" | "aws:kms";
  readonly keyId?: string;
  readonly bucketKey: boolean;
  /** Types that uploads may not ask for, where somebody said so. */
  readonly blocked?: readonly EncryptionType[];
}

const OF_S3: BucketDefault = { algorithm: "AES256", bucketKey: false };

/** The default encryption of a bucket: that of S3 where nobody set one. */
export function defaultOf({ encryption }: S3BucketRow): BucketDefault {
  return encryption === null ? OF_S3 : (JSON.parse(encryption) as BucketDefault);
}

const HEADER = "x-amz-server-side-encryption";

/** @throws InvalidArgument, NotImplemented headers that contradict each other, or ask for what is not here */
export function requireEncryption(input: EncryptionInput): void {
  const { ServerSideEncryption: algorithm, SSEKMSKeyId: keyId, SSEKMSEncryptionContext: context } = input;
  if (input.SSECustomerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    if (algorithm !== undefined) {
      throw InvalidArgument.of(
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        HEADER,
        algorithm,
      );
    }
    throw new NotImplemented("Keystead does not support server-side encryption with customer-provided keys (SSE-C).");
  }
  if (algorithm === "aws:kms:dsse" || algorithm === "aws:fsx") {
    throw new NotImplemented(`Keystead does not support the server-side encryption ${algorithm}.`);
  }
  if ((keyId !== undefined || context !== undefined) && algorithm !== "aws:kms") {
    throw InvalidArgument.of(
      "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
      HEADER,
      algorithm ?? "null",
    );
  }
  if (context !== undefined) parseContext(context);
}

/** @throws InvalidArgument a read says how an object is encrypted, which it can't choose (API reference, GetObject) */
export function requireNoEncryption({ ServerSideEncryption: algorithm }: EncryptionInput): void {
  if (algorithm === undefined) return;
  throw InvalidArgument.of(`${HEADER} header is not supported for this operation.`, HEADER, algorithm);
}

/** What a request wants, or the bucket's default. The key of the default is not that of a request which says `aws:kms` alone. */
export function wantedEncryption(input: EncryptionInput, bucket: S3BucketRow): Wanted {
  const byDefault = defaultOf(bucket);
  const isAsked = input.ServerSideEncryption !== undefined;
  if ((input.ServerSideEncryption ?? byDefault.algorithm) !== "aws:kms") return { algorithm: "AES256" };
  const { SSEKMSEncryptionContext: context } = input;
  return {
    algorithm: "aws:kms",
    keyId: isAsked ? input.SSEKMSKeyId : byDefault.keyId,
    bucketKey: input.BucketKeyEnabled ?? byDefault.bucketKey,
    context: context === undefined ? undefined : parseContext(context),
  };
}

const CONTEXT_BYTES_MAX = 8_192;

/** @throws InvalidArgument no base64 of a JSON object of texts */
function parseContext(text: string): Readonly<Record<string, string>> {
  const context: Record<string, string> = Object.create(null);
  try {
    if (text.length > CONTEXT_BYTES_MAX) throw new SyntaxError("too long");
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(text)));
    if (typeof json !== "object" || json === null || Array.isArray(json)) throw new SyntaxError("no object");
    for (const [name, value] of Object.entries(json)) {
      if (typeof value !== "string") throw new SyntaxError("no text");
      context[name] = value;
    }
  } catch (cause) {
    throw new InvalidArgument(
      "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
      { ArgumentName: `${HEADER}-context`, ArgumentValue: text },
      { cause },
    );
  }
  return context;
}

/** The columns of a body's encryption. */
export type Encryption = Pick<S3ContentColumns, "algorithm" | "key_arn" | "data_key" | "context" | "bucket_key">;

/** What a body is for. */
export interface Place {
  readonly bucket: S3BucketRow;
  readonly key: string;
  /** What its parts are listed under. */
  readonly body: string;
}

type Means = Pick<Environment, "kms" | "custody" | "bucketKeys"> & { readonly call: Call };

/**
 * A new data key: of KMS under `aws:kms`, with the object's ARN in the encryption context, or the bucket's where it is a bucket key (S3 user
 * guide, Encryption context).
 *
 * @throws ServiceError as KMS refuses
 */
export async function newDataKey(
  wanted: Wanted,
  place: Place,
  means: Means,
): Promise<{ readonly key: ContentKey; readonly columns: Encryption }> {
  const { bucket } = place;
  if (wanted.algorithm === "AES256") {
    const { key, sealed } = await means.custody.objectKeys.create(nameOf(place));
    return { key, columns: { algorithm: "AES256", key_arn: null, data_key: sealed, context: null, bucket_key: 0 } };
  }
  const { call, kms, bucketKeys } = means;
  const arn = s3Arn(bucket.partition, bucket.name, wanted.bucketKey ? undefined : place.key);
  const context: Record<string, string> = { [CONTEXT_NAME]: arn, ...wanted.context };
  const make = async () => {
    try {
      const keyId = qualified(await kms.keyName(call, SERVICE, wanted.keyId), call);
      const input = { KeyId: keyId, KeySpec: "AES_256" as const, EncryptionContext: context };
      const { Plaintext, CiphertextBlob, KeyId = "" } = await kms.perform(call, "GenerateDataKey", input);
      using dataKey = new Secret(present(Plaintext));
      return { key: new ContentKey(dataKey.bytes), dataKey: present(CiphertextBlob), keyArn: KeyId };
    } catch (cause) {
      throw errorOfKms(cause);
    }
  };
  const name = [bucket.id, wanted.keyId ?? "", JSON.stringify(Object.entries(context).sort())];
  const { key, dataKey, keyArn } = wanted.bucketKey ? await bucketKeys.toWrite(call, name, make) : await make();
  return {
    key,
    columns: {
      algorithm: "aws:kms",
      key_arn: keyArn,
      data_key: dataKey,
      context: JSON.stringify(context),
      bucket_key: wanted.bucketKey ? 1 : 0,
    },
  };
}

/**
 * The ARN of a key or alias in the caller's account, as which S3 names it to KMS (KMS guide, CloudTrail records of S3); what is none goes
 * as it is, so that KMS says so.
 */
function qualified(keyId: string, { partition, region, principal }: Call): string {
  const isAlias = keyId.startsWith("alias/");
  if (!isAlias && asKeyId(keyId) === undefined) return keyId;
  const resource = isAlias ? keyId : `key/${keyId}`;
  return formatArn({ partition, service: "kms", region, account: principal.account, resource });
}

/**
 * The data key of a body: KMS decrypts it for whoever reads.
 *
 * @throws ServiceError as KMS refuses
 */
export async function openDataKey(encryption: Encryption, place: Place, means: Means): Promise<ContentKey> {
  const { algorithm, data_key: sealed, context, bucket_key: isBucketKey } = encryption;
  if (algorithm === "AES256") return await means.custody.objectKeys.open(nameOf(place), sealed);
  const { call, kms, bucketKeys } = means;
  const open = async () => {
    try {
      const EncryptionContext = JSON.parse(context ?? "{}") as Record<string, string>;
      const input = { CiphertextBlob: sealed, EncryptionContext };
      const { Plaintext } = await kms.perform(call, "Decrypt", input, { region: place.bucket.region });
      using dataKey = new Secret(present(Plaintext));
      return new ContentKey(dataKey.bytes);
    } catch (cause) {
      throw errorOfKms(cause);
    }
  };
  return isBucketKey === 1 ? await bucketKeys.toRead(call, sealed, open) : await open();
}

/**
 * What answers say of an encryption.
 *
 * @param asked what the request that set it said: the encryption context that came with it is given back then, and never again
 */
export function shownEncryption({ algorithm, key_arn, bucket_key }: Encryption, asked: EncryptionInput = {}) {
  const { SSEKMSEncryptionContext } = asked;
  return {
    ServerSideEncryption: algorithm,
    ...(key_arn !== null && { SSEKMSKeyId: key_arn }),
    ...(bucket_key === 1 && { BucketKeyEnabled: true }),
    ...(SSEKMSEncryptionContext !== undefined && { SSEKMSEncryptionContext }),
  };
}

/**
 * The default encryption that a configuration sets; what it blocks stays as it was where the configuration doesn't say.
 *
 * @throws InvalidArgument, NotImplemented what S3 refuses, or is not here
 */
export function parseConfiguration(
  { Rules = [] }: ServerSideEncryptionConfiguration,
  { blocked: before }: BucketDefault,
): BucketDefault {
  const [rule, ...more] = Rules;
  const { SSEAlgorithm: algorithm, KMSMasterKeyID: keyId } = rule?.ApplyServerSideEncryptionByDefault ?? {};
  if (rule === undefined || more.length > 0) throw new MalformedXML();
  const blocked = rule.BlockedEncryptionTypes?.EncryptionType ?? before;
  if (algorithm !== undefined && algorithm !== "AES256" && algorithm !== "aws:kms") {
    throw new NotImplemented(`Keystead does not support the server-side encryption ${algorithm}.`);
  }
  if (algorithm !== "aws:kms" && keyId !== undefined) {
    throw InvalidArgument.of(
      "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
      "ApplyServerSideEncryptionByDefault",
    );
  }
  const bucketKey = rule.BucketKeyEnabled === true;
  return {
    algorithm: algorithm ?? "AES256",
    bucketKey,
    ...(keyId !== undefined && { keyId }),
    ...(blocked && { blocked }),
  };
}

/** The configuration of a default, as GetBucketEncryption answers it. */
export function shownConfiguration({
  algorithm,
  keyId,
  bucketKey,
  blocked,
}: BucketDefault): ServerSideEncryptionConfiguration {
  const byDefault = { SSEAlgorithm: algorithm, ...(keyId !== undefined && { KMSMasterKeyID: keyId }) };
  const rule = { ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: bucketKey };
  return { Rules: [{ ...rule, ...(blocked && { BlockedEncryptionTypes: { EncryptionType: [...blocked] } }) }] };
}

function nameOf({ bucket, body }: Place) {
  return { account: bucket.account, bucket: bucket.id, body };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("KMS answered without what it always answers.");
  return value;
}
