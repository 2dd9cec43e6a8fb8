/** Data keys of volumes and snapshots: how EBS has KMS make them, and how it has them opened through grants. */

import { asArn, formatArn } from "../../base/arn.ts";
import { Secret } from "../../custody/secret.ts";
import type { RoleSessionPrincipal } from "../../identity/principal.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { ForwardingKms } from "../forwarding.ts";
import { KmsRefusal } from "../forwarding.ts";
import { errorOfKms, InvalidKmsKeyInvalidState } from "./operation.ts";

/** Who holds data keys of attached volumes (KMS guide, Amazon EC2 example of CloudTrail records). */
const ROLE = "aws:ec2-infrastructure";

/** Bytes of a data key: two AES-256 keys for XTS (KMS guide, Amazon EBS records). */
const DATA_KEY_BYTES = 64;

/** A data key under a KMS key, as rows have it. */
export interface SealedDataKey {
  readonly key_arn: string;
  readonly data_key: Uint8Array;
  /** The value of `aws:ebs:id` in its encryption context. */
  readonly context_id: string;
}

interface Means {
  readonly call: Call;
  readonly kms: ForwardingKms;
}

/** The encryption context of a data key (KMS guide, Amazon EBS). */
export const contextOf = (id: string) => ({ "aws:ebs:id": id });

/**
 * The KMS key that a text names, for somebody who may look at it: EBS takes symmetric encryption keys alone.
 *
 * @returns its ARN
 */
export async function requireKey(keyId: string, { call, kms }: Means): Promise<string> {
  const { KeyMetadata } = await told(kms.perform(call, "DescribeKey", { KeyId: keyId }));
  if (KeyMetadata?.KeySpec === "SYMMETRIC_DEFAULT" && KeyMetadata.Arn !== undefined) return KeyMetadata.Arn;
  throw new InvalidKmsKeyInvalidState("EBS supports only symmetric KMS keys.");
}

/**
 * Makes a data key for a volume or snapshot that is to be.
 *
 * @param keyId what the caller named; the account's default, or else the AWS managed key
 */
export async function newDataKey(keyId: string | undefined, id: string, means: Means): Promise<SealedDataKey> {
  const { call, kms } = means;
  const name = await kms.keyName(call, "ebs", keyId);
  const key_arn = await requireKey(name, means);
  const input = { KeyId: name, NumberOfBytes: DATA_KEY_BYTES, EncryptionContext: contextOf(id) };
  const { CiphertextBlob = new Uint8Array() } = await told(kms.perform(call, "GenerateDataKeyWithoutPlaintext", input));
  return { key_arn, data_key: CiphertextBlob, context_id: id };
}

/**
 * Has KMS open a data key in the caller's name, and forgets it: whoever has something copied under another key needs kms:Decrypt beside
 * the grant by which it is done (EBS user guide, Permissions for IAM users; spec 08, SC-13).
 */
export async function requireDecrypt(sealed: SealedDataKey, { call, kms }: Means): Promise<void> {
  const region = asArn(sealed.key_arn)?.region ?? call.region;
  const input = { CiphertextBlob: sealed.data_key, EncryptionContext: contextOf(sealed.context_id) };
  const { Plaintext } = await told(kms.perform(call, "Decrypt", input, { region }));
  using _opened = new Secret(Plaintext ?? new Uint8Array());
}

/**
 * Has a data key opened where it is used: the caller gives a grant to the infrastructure of the instance (or of what is copied), which
 * calls Decrypt with it (KMS guide, Amazon EC2: a grant for each attached volume).
 *
 * @param holder the instance, or the id of the copy
 * @param use what the opened key is for; it is wiped afterwards
 * @returns the grant's id
 */
export async function openDataKey(
  sealed: SealedDataKey,
  holder: string,
  { call, kms }: Means,
  use?: (dataKey: Uint8Array) => Promise<void>,
): Promise<string> {
  const region = asArn(sealed.key_arn)?.region ?? call.region;
  const EncryptionContext = contextOf(sealed.context_id);
  const principal = infrastructure(holder, call);
  const { GrantId = "" } = await told(
    kms.perform(
      call,
      "CreateGrant",
      {
        KeyId: sealed.key_arn,
        GranteePrincipal: principal.arn,
        RetiringPrincipal: principal.arn,
        Operations: ["Decrypt"],
        Constraints: { EncryptionContextSubset: EncryptionContext },
        Name: `${sealed.context_id}:${holder}`,
      },
      { region },
    ),
  );
  try {
    const input = { CiphertextBlob: sealed.data_key, EncryptionContext };
    const { Plaintext } = await told(kms.performAs(principal, call, "Decrypt", input, { region }));
    using dataKey = new Secret(Plaintext ?? new Uint8Array());
    await use?.(dataKey.bytes);
    return GrantId;
  } catch (cause) {
    await closeDataKey(sealed.key_arn, GrantId, holder, { call, kms });
    throw cause;
  }
}

/** Retires the grant of `openDataKey`; one that is gone already, by anybody's hand, is as good as retired. */
export async function closeDataKey(
  keyArn: string,
  grantId: string,
  holder: string,
  { call, kms }: Means,
): Promise<void> {
  const region = asArn(keyArn)?.region ?? call.region;
  try {
    await kms.performAs(
      infrastructure(holder, call),
      call,
      "RetireGrant",
      { KeyId: keyArn, GrantId: grantId },
      { region },
    );
  } catch (cause) {
    if (cause instanceof KmsRefusal && cause.cause.status < 500) return;
    throw errorOfKms(cause);
  }
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw errorOfKms(cause);
  }
}

/** The session of EC2's infrastructure role for one instance, in the caller's account (spec 02, userIdentity shapes). */
function infrastructure(holder: string, { principal, now }: Call): RoleSessionPrincipal {
  const { account, partition, accountArn } = principal;
  const identityId = `${account}:${ROLE}`;
  const arnOf = (service: string, resource: string) => formatArn({ partition, service, region: "", account, resource });
  return {
    kind: "assumed-role",
    account,
    partition,
    accountArn,
    arn: arnOf("sts", `assumed-role/${ROLE}/${holder}`),
    baseArn: arnOf("iam", `role/${ROLE}`),
    roleName: ROLE,
    uniqueId: `${identityId}:${holder}`,
    identityId,
    accessKeyId: "",
    session: {
      kind: "assumed-role",
      accessKeyId: "",
      account,
      identityId,
      name: holder,
      issuedAt: now,
      expiresAt: now,
      policies: [],
      policyArns: [],
      tags: [],
      transitiveTagKeys: [],
    },
  };
}
