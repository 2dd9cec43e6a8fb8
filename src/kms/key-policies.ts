/** Key policy documents: the default ones, and what a new one must satisfy. */

import { decide } from "../access/decide.ts";
import { findNamedPrincipals, printPrincipalIds, type UnknownPrincipals } from "../access/principals.ts";
import { asArn } from "../base/arn.ts";
import { LimitExceededException, MalformedPolicyDocumentException } from "../base/errors.ts";
import { servicePrincipal } from "../pipeline/forwarding.ts";
import type { Call } from "../pipeline/operation.ts";
import type { ConditionContext } from "../policy/context.ts";
import { type Document, INVALID_PRINCIPAL, PolicySyntaxError, parsePolicy } from "../policy/document.ts";
import { type CompiledPolicy, compileDocument, type PrincipalIds } from "../policy/policy.ts";
import type { Reader, Tx } from "../storage/store.ts";
import { limitOf } from "./quotas/limits.ts";
import { policyBytesQuota } from "./quotas/resource-quotas.ts";

/** The one policy that a key has. */
export const POLICY_NAME = "default";

/**
 * The policy of a key that was created without one, in the form in which AWS returns it (spec 01, CreateKey API).
 *
 * It lets the account delegate by IAM policies; that includes the account's root user.
 */
export function defaultKeyPolicy({ partition, account }: { partition: string; account: string }): string {
  return printPolicy({
    Version: "2012-10-17",
    Id: "key-default-1",
    Statement: [
      {
        Sid: "Enable IAM User Permissions",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    ],
  });
}

/** What policies of AWS managed keys call services, where that is not the name in their alias (spec 03, 04 and 07; KMS guide, Secrets Manager). */
const MANAGING: Readonly<Record<string, { readonly title: string; readonly via?: string; readonly edition?: number }>> =
  {
    ebs: { title: "EBS", via: "ec2", edition: 2 },
    s3: { title: "S3" },
    secretsmanager: { title: "AWS Secrets Manager" },
    ssm: { title: "SSM" },
    workmail: { title: "WorkMail" },
  };

/** The policy of an AWS managed key: the service may use it for the account, the account may look at it. */
export function managedKeyPolicy(owner: {
  partition: string;
  region: string;
  account: string;
  service: string;
}): string {
  const { partition, region, account, service } = owner;
  const { title, via = service, edition = 1 } = MANAGING[service] ?? { title: service };
  return printPolicy({
    Version: "2012-10-17",
    Id: `auto-${service}-${edition}`,
    Statement: [
      {
        Sid: `Allow access through ${title} for all principals in the account that are authorized to use ${title}`,
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncrypt*",
          "kms:GenerateDataKey*",
          "kms:CreateGrant",
          "kms:DescribeKey",
        ],
        Resource: "*",
        Condition: {
          StringEquals: {
            "kms:CallerAccount": account,
            "kms:ViaService": servicePrincipal(`${via}.${region}`),
          },
        },
      },
      {
        Sid: "Allow direct access to key metadata to the account",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        Resource: "*",
      },
    ],
  });
}

/** Prints a generated policy as AWS does: two-space indents, ` : ` after names, lists and their objects on one line. */
function printPolicy(value: unknown, indent = ""): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[ ${value.map((item) => printPolicy(item, indent)).join(", ")} ]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => `${inner}"${name}" : ${printPolicy(item, inner)}`);
  return `{\n${members.join(",\n")}\n${indent}}`;
}

/** A key policy that was found good, and the ids of the users and roles that it names, as its row keeps them. */
export interface CheckedPolicy {
  readonly policy: CompiledPolicy;
  readonly principals: string;
}

/**
 * Checks a new key policy as CreateKey, PutKeyPolicy and ReplicateKey do.
 *
 * @param options.contextOf what conditions are asked of, when the lockout check decides about a later PutKeyPolicy
 * @throws LimitExceededException more than the quota, 32,768 bytes on AWS
 * @throws MalformedPolicyDocumentException not a policy document, one with conditions that no key policy may have, one that
 *   names principals that are not here or are of another partition, or (unless bypassed) one that would leave the caller without kms:PutKeyPolicy on the
 *   key (spec 03, Lockout safety check)
 */
export async function requireKeyPolicy(
  text: string,
  options: {
    readonly call: Call;
    readonly keyArn: string;
    readonly bypassLockout: boolean;
    readonly tx: Tx;
    readonly unknownPrincipals: UnknownPrincipals;
    contextOf(reader: Reader): ConditionContext;
  },
): Promise<CheckedPolicy> {
  const { call, keyArn, bypassLockout, tx, unknownPrincipals, contextOf } = options;
  const owner = { account: call.principal.account, region: call.region };
  const most = await tx.settle((reader) => limitOf(policyBytesQuota, owner, call, reader));
  if (Buffer.byteLength(text) > most)
    throw new LimitExceededException(`The policy document is larger than ${most} bytes.`);
  const document = parseOrRefuse(text);
  const names = document.statements.flatMap(({ principals }) => [...(principals?.aws ?? [])]);
  requirePartition(names, call);
  const { policy, principals, unknown } = await tx.settle((reader) => {
    const { ids, unknown } = findNamedPrincipals(names, reader, call.partition);
    if (unknown.length > 0 && !unknownPrincipals.allow) throw new MalformedPolicyDocumentException(INVALID_PRINCIPAL);
    const policy = compileOrRefuse(document, ids);
    const { principal } = call;
    const resource = { arn: keyArn, account: principal.account, policy };
    const request = { principal, action: "kms:PutKeyPolicy", resource, absent: false, context: contextOf(reader) };
    if (!bypassLockout && !decide(request, reader).allowed) {
      throw new MalformedPolicyDocumentException(
        "The new key policy will not allow you to update the key policy in the future.",
      );
    }
    return { policy, principals: printPrincipalIds(ids), unknown };
  });
  if (unknown.length > 0 && unknownPrincipals.allow) unknownPrincipals.warn(unknown);
  return { policy, principals };
}

/** Accounts are of one partition: who has the same number in another is somebody else. */
function requirePartition(names: readonly string[], { partition }: Call): void {
  const isOfAnother = (name: string): boolean => (asArn(name)?.partition ?? partition) !== partition;
  if (names.some(isOfAnother)) throw new MalformedPolicyDocumentException(INVALID_PRINCIPAL);
}

function parseOrRefuse(text: string): Document {
  try {
    const document = parsePolicy(text, "resource");
    requireKeyPolicyConditions(document);
    return document;
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new MalformedPolicyDocumentException(cause.message);
    throw cause;
  }
}

function compileOrRefuse(document: Document, ids: PrincipalIds): CompiledPolicy {
  try {
    return compileDocument(document, ids);
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new MalformedPolicyDocumentException(cause.message);
    throw cause;
  }
}

/** Keys whose `ForAllValues` also matches requests without them (spec 03, Policy validation), and how KMS says so. */
const SINGLE_VALUED = [
  {
    prefix: "kms:encryptioncontext:",
    code: "OverlyPermissiveCondition:EncryptionContext:",
    what: "encryption context",
  },
  { prefix: "aws:requesttag/", code: "OverlyPermissiveCondition:", what: "tag" },
] as const;

/** Keys of IAM policies alone (KMS guide, ABAC). */
const IDENTITY_ONLY = /^(?:aws:resourcetag\/|kms:resourcetag\/|kms:resourcealiases$)/;

/**
 * @throws PolicySyntaxError `ForAllValues` with a key that has one value, or a key that is for IAM policies alone (the text
 *   is KMS's own, from awsdocs/aws-kms-developer-guide, pull request 47)
 */
function requireKeyPolicyConditions({ statements }: Document): void {
  for (const { key, set } of statements.flatMap(({ conditions }) => conditions)) {
    if (IDENTITY_ONLY.test(key)) {
      throw new PolicySyntaxError(
        "These condition keys are not permitted in a key policy: aws:ResourceTag, kms:ResourceTag, kms:ResourceAliases",
      );
    }
    const found = set === "all" ? SINGLE_VALUED.find(({ prefix }) => key.startsWith(prefix)) : undefined;
    if (found === undefined) continue;
    throw new PolicySyntaxError(
      `${found.code} Using the ForAllValues set operator with a single-valued condition key matches requests without the specified ${found.what} or with an unspecified ${found.what}. To fix, remove ForAllValues.`,
    );
  }
}
