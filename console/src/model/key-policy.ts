/** The key policy that the console writes, and what it shows of one in the default view (KMS guide, Default key policy). */

import type { KeyKind } from "./key-kinds.ts";
import { keyTypeOf } from "./key-kinds.ts";

/** Who is to manage and who is to use a key. */
export interface PolicyChoices {
  /** ARNs of users and roles. */
  readonly administrators: readonly string[];
  readonly administratorsMayDelete: boolean;
  /** ARNs of users and roles. */
  readonly users: readonly string[];
  /** Twelve-digit ids. */
  readonly otherAccounts: readonly string[];
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal: { readonly AWS: string | readonly string[] };
  readonly Action: string | readonly string[];
  readonly Resource: string;
  readonly Condition?: unknown;
}

export interface PolicyDocument {
  readonly Id: string;
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

/** Whose key it is. */
export interface Owner {
  readonly account: string;
  readonly partition: string;
}

const POLICY_ID = "key-consolepolicy-3";
const ACCOUNT_SID = "Enable IAM User Permissions";
const ADMINISTRATORS_SID = "Allow access for Key Administrators";
const USERS_SID = "Allow use of the key";
const GRANTS_SID = "Allow attachment of persistent resources";

const ADMINISTRATION = [
  "kms:Create*",
  "kms:Describe*",
  "kms:Enable*",
  "kms:List*",
  "kms:Put*",
  "kms:Update*",
  "kms:Revoke*",
  "kms:Disable*",
  "kms:Get*",
  "kms:Delete*",
];
/** `kms:Get*` and `kms:Delete*` cover the two other permissions of an import. */
const IMPORT = ["kms:ImportKeyMaterial"];
const MULTI_REGION = ["kms:ReplicateKey", "kms:UpdatePrimaryRegion"];
const TAGGING = ["kms:TagResource", "kms:UntagResource"];
const DELETION = ["kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"];
/** None of the wildcards covers it; it is of use on keys whose material is rotated. */
const ROTATION = ["kms:RotateKeyOnDemand"];

const GRANTS = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
const GRANTS_CONDITION = { Bool: { "kms:GrantIsForAWSResource": "true" } };

/** What administrators of a key of this kind may do. */
export function administratorActions({ spec, origin, multiRegion }: KeyKind, mayDelete: boolean): readonly string[] {
  return [
    ...ADMINISTRATION,
    ...(origin === "EXTERNAL" ? IMPORT : []),
    ...(multiRegion ? MULTI_REGION : []),
    ...TAGGING,
    ...(mayDelete ? DELETION : []),
    ...(spec === "SYMMETRIC_DEFAULT" ? ROTATION : []),
  ];
}

/** What users of a key of this kind may do with it. */
export function userActions({ spec, usage }: KeyKind): readonly string[] {
  if (keyTypeOf(spec) === "Symmetric" && usage === "ENCRYPT_DECRYPT") {
    return ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
  }
  switch (usage) {
    case "ENCRYPT_DECRYPT":
      return ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:DescribeKey", "kms:GetPublicKey"];
    case "SIGN_VERIFY":
      return ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"];
    case "GENERATE_VERIFY_MAC":
      return ["kms:DescribeKey", "kms:GenerateMac", "kms:VerifyMac"];
    case "KEY_AGREEMENT":
      return ["kms:DescribeKey", "kms:GetPublicKey", "kms:DeriveSharedSecret"];
    case "ENCAPSULATE_DECAPSULATE":
      return ["kms:DescribeKey", "kms:GetPublicKey", "kms:Encapsulate", "kms:Decapsulate"];
  }
}

/** Whether users get the statement that lets AWS services make grants for them: those of HMAC keys don't. */
export function usersMayAttach({ usage }: KeyKind): boolean {
  return usage !== "GENERATE_VERIFY_MAC";
}

/** The policy that the console writes. Statements about nobody are left out. */
export function consoleKeyPolicy(kind: KeyKind, owner: Owner, choices: PolicyChoices): PolicyDocument {
  const { administrators, administratorsMayDelete } = choices;
  const users = [...choices.users, ...choices.otherAccounts.map((account) => rootArn({ ...owner, account }))];
  const statements: (PolicyStatement | undefined)[] = [
    { Sid: ACCOUNT_SID, Effect: "Allow", Principal: { AWS: rootArn(owner) }, Action: "kms:*", Resource: "*" },
    statement(ADMINISTRATORS_SID, administrators, administratorActions(kind, administratorsMayDelete)),
    statement(USERS_SID, users, userActions(kind)),
    usersMayAttach(kind) ? statement(GRANTS_SID, users, GRANTS, GRANTS_CONDITION) : undefined,
  ];
  return { Id: POLICY_ID, Version: "2012-10-17", Statement: statements.filter((one) => one !== undefined) };
}

/** A policy as the console shows and sends it. */
export function policyText(document: PolicyDocument): string {
  return JSON.stringify(document, null, 2);
}

/**
 * What a policy says, where the default view can show all that it says: the console's own policy for a key of this kind.
 *
 * @returns undefined for every other policy
 */
export function readConsolePolicy(text: string, kind: KeyKind, owner: Owner): PolicyChoices | undefined {
  const document = asDocument(text);
  if (document === undefined) return undefined;
  const [account, ...rest] = document;
  if (account === undefined || !isAccountStatement(account, owner)) return undefined;
  let choices: PolicyChoices = { administrators: [], administratorsMayDelete: true, users: [], otherAccounts: [] };
  let attaching: readonly string[] = [];
  const seen = new Set<string>();
  for (const one of rest) {
    const principals = principalsOf(one);
    if (one.Sid === undefined || seen.has(one.Sid) || principals === undefined || !isAllow(one)) return undefined;
    seen.add(one.Sid);
    if (one.Sid === ADMINISTRATORS_SID && one.Condition === undefined) {
      const mayDelete = deletionIn(one, kind);
      if (mayDelete === undefined) return undefined;
      choices = { ...choices, administrators: principals, administratorsMayDelete: mayDelete };
    } else if (one.Sid === USERS_SID && one.Condition === undefined && hasActions(one, userActions(kind))) {
      choices = { ...choices, ...splitUsers(principals) };
    } else if (one.Sid === GRANTS_SID && hasActions(one, GRANTS) && isGrantsCondition(one.Condition)) {
      attaching = principals;
    } else {
      return undefined;
    }
  }
  const users = [...choices.users, ...choices.otherAccounts.map((id) => rootArn({ ...owner, account: id }))];
  return isSame(attaching, usersMayAttach(kind) ? users : []) ? choices : undefined;
}

function statement(
  Sid: string,
  principals: readonly string[],
  Action: readonly string[],
  Condition?: unknown,
): PolicyStatement | undefined {
  const [first] = principals;
  if (first === undefined) return undefined;
  const AWS = principals.length === 1 ? first : principals;
  return {
    Sid,
    Effect: "Allow",
    Principal: { AWS },
    Action,
    Resource: "*",
    ...(Condition !== undefined && { Condition }),
  };
}

/** The principal of a whole account. */
export function rootArn({ account, partition }: Owner): string {
  return `arn:${partition}:iam::${account}:root`;
}

/** The statements of a policy that the console made, or undefined. */
function asDocument(text: string): readonly PolicyStatement[] | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const { Id, Statement } = document as { Id?: unknown; Statement?: unknown };
    const isOurs = typeof Id === "string" && Id.startsWith("key-consolepolicy");
    return isOurs && Array.isArray(Statement) ? (Statement as PolicyStatement[]) : undefined;
  } catch {
    return undefined;
  }
}

function isAllow({ Effect, Resource, ...others }: PolicyStatement): boolean {
  const known = ["Sid", "Principal", "Action", "Condition"];
  return Effect === "Allow" && Resource === "*" && Object.keys(others).every((name) => known.includes(name));
}

function isAccountStatement(one: PolicyStatement, owner: Owner): boolean {
  const isOpen = isSame(listOf(one.Action), ["kms:*"]) && one.Condition === undefined;
  return isAllow(one) && isOpen && isSame(principalsOf(one) ?? [], [rootArn(owner)]);
}

function principalsOf({ Principal }: PolicyStatement): readonly string[] | undefined {
  if (typeof Principal !== "object" || Principal === null) return undefined;
  if (Object.keys(Principal).join() !== "AWS") return undefined;
  const names = listOf(Principal.AWS);
  return names.length > 0 && !names.includes("*") ? names : undefined;
}

/** Whether administrators may delete the key; undefined when they may do other things than the console allows. */
function deletionIn(one: PolicyStatement, kind: KeyKind): boolean | undefined {
  const actions = listOf(one.Action).filter((action) => !ROTATION.includes(action));
  for (const mayDelete of [true, false]) {
    const expected = administratorActions(kind, mayDelete).filter((action) => !ROTATION.includes(action));
    if (isSame(actions, expected)) return mayDelete;
  }
  return undefined;
}

function hasActions({ Action }: PolicyStatement, expected: readonly string[]): boolean {
  return isSame(listOf(Action), expected);
}

function isGrantsCondition(condition: unknown): boolean {
  return /^\{"Bool":\{"kms:GrantIsForAWSResource":"?true"?\}\}$/.test(JSON.stringify(condition) ?? "");
}

const ROOT_ARN = /^arn:[^:]+:iam::(\d{12}):root$/;

function splitUsers(principals: readonly string[]): Pick<PolicyChoices, "users" | "otherAccounts"> {
  return {
    users: principals.filter((name) => !ROOT_ARN.test(name)),
    otherAccounts: principals.flatMap((name) => ROOT_ARN.exec(name)?.[1] ?? []),
  };
}

function listOf(value: string | readonly string[]): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && [...left].sort().join("\n") === [...right].sort().join("\n");
}
