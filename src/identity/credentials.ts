/** Access keys: whose they are, and how new ones are made. */

import { randomBytes } from "node:crypto";
import { asArn } from "../base/arn.ts";
import type { IdentityRow } from "../storage/identity-schema.ts";
import type { CredentialRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import type {
  FederatedUserPrincipal,
  Principal,
  RoleSessionPrincipal,
  RootPrincipal,
  UserPrincipal,
} from "./principal.ts";
import type { SessionClaims } from "./session.ts";

/** API reference of IAM, AccessKey: longer ids are nobody's, and must not fill the view with "not found". */
const ACCESS_KEY_ID_LENGTH_MAX = 128;

/** An access key that signs today, or undefined: unknown, inactive, or of an account that is gone. */
export function findCredential(reader: Reader, accessKeyId: string): CredentialRow | undefined {
  if (accessKeyId.length > ACCESS_KEY_ID_LENGTH_MAX) return undefined;
  const row = reader.find("credential", accessKeyId);
  if (row === undefined || reader.find("account", row.account) === undefined) return undefined;
  return row.status === "Active" ? row : undefined;
}

/**
 * The principal of a long-term access key in a partition: the account's root user or an IAM user. Undefined for a key whose
 * user is gone: what nobody can decide about must not sign.
 *
 * An account has the same id in every partition; the partition of a call is that of its Region.
 */
export function findPrincipal(reader: Reader, credential: CredentialRow, partition: string): Principal | undefined {
  const { account, user_id, principal_arn, access_key_id: accessKeyId } = credential;
  if (user_id !== null) return userPrincipal(reader.find("identity", user_id), { account, partition, accessKeyId });
  const arn = asArn(principal_arn);
  const isRoot = arn?.service === "iam" && arn.region === "" && arn.account === account && arn.resource === "root";
  return isRoot ? rootPrincipal({ account, partition, accessKeyId }) : undefined;
}

/**
 * The principal of a session, or undefined when the user or role that it rests on is gone: one of the same name that was made
 * since is another.
 */
export function findSessionPrincipal(reader: Reader, session: SessionClaims, partition: string): Principal | undefined {
  const { account, identityId, accessKeyId, name, kind } = session;
  if (reader.find("account", account) === undefined) return undefined;
  const base = { account, partition, accessKeyId, session };
  if (kind === "federated-user") {
    if (identityId === null) return federatedUserPrincipal(base, name, rootPrincipal(base));
    const user = userPrincipal(reader.find("identity", identityId), base);
    return user && { ...federatedUserPrincipal(base, name, user), identityId };
  }
  if (identityId === null) return kind === "session-token" ? rootPrincipal(base) : undefined;
  const identity = reader.find("identity", identityId);
  return kind === "session-token" ? userPrincipal(identity, base) : roleSessionPrincipal(identity, { ...base, name });
}

/**
 * The principal of an ARN, for decisions that nobody asks for yet: the root user, a user, a role (as a session of it) or a role
 * session. Undefined for anybody who is not here, and for federated users, of whom nothing is known but in their sessions.
 *
 * @param now milliseconds since the epoch: when the session of a role begins
 */
export function findPrincipalByArn(reader: Reader, text: string, now: number): Principal | undefined {
  const arn = asArn(text);
  if (arn === undefined || reader.find("account", arn.account) === undefined) return undefined;
  const { partition, account, service, resource } = arn;
  const base = { account, partition, accessKeyId: "" };
  if (service === "iam" && resource === "root") return rootPrincipal(base);
  const [kind, ...names] = resource.split("/");
  const name = (kind === "assumed-role" ? names[0] : names.at(-1)) ?? "";
  const entry = reader.find("identityName", account, kind === "user" ? "user" : "role", name.toLowerCase());
  const identity = entry && reader.find("identity", entry.unique_id);
  if (identity === undefined) return undefined;
  if (kind === "user") return identityArn(identity, partition) === text ? userPrincipal(identity, base) : undefined;
  const isRole = kind === "role" ? identityArn(identity, partition) === text : kind === "assumed-role";
  const session = sessionOf(identity, (kind === "assumed-role" && names[1]) || identity.name, now);
  return isRole ? roleSessionPrincipal(identity, { ...base, name: session.name, session }) : undefined;
}

/**
 * A user that need not be here, for decisions that nobody asks for yet.
 *
 * @param of whose account it is in; with an ARN and a unique id, those of whatever the policies hang on (a group)
 */
export function simulatedUser(
  of: { readonly account: string; readonly partition: string; readonly arn?: string; readonly identityId?: string },
  name: string,
): UserPrincipal {
  const { account, partition, identityId = "" } = of;
  const isNamed = identityId !== "" && of.arn !== undefined;
  return {
    kind: "user",
    account,
    partition,
    name,
    arn: isNamed && of.arn !== undefined ? of.arn : `arn:${partition}:iam::${account}:user/${name}`,
    accountArn: accountArn(of),
    uniqueId: identityId,
    identityId,
    accessKeyId: "",
  };
}

const HOUR_MS = 3_600_000;

/** A session of a role without policies and tags. */
function sessionOf({ account, unique_id }: IdentityRow, name: string, now: number): SessionClaims {
  return {
    kind: "assumed-role",
    accessKeyId: "",
    account,
    identityId: unique_id,
    name,
    issuedAt: now,
    expiresAt: now + HOUR_MS,
    policies: [],
    policyArns: [],
    tags: [],
    transitiveTagKeys: [],
  };
}

interface Base {
  readonly account: string;
  readonly partition: string;
  readonly accessKeyId: string;
  readonly session?: SessionClaims;
}

function rootPrincipal(base: Base): RootPrincipal {
  const arn = accountArn(base);
  return { ...base, kind: "root", arn, accountArn: arn, uniqueId: base.account };
}

function userPrincipal(row: IdentityRow | undefined, base: Base): UserPrincipal | undefined {
  if (row === undefined || row.kind !== "user" || row.account !== base.account) return undefined;
  return {
    ...base,
    kind: "user",
    name: row.name,
    arn: identityArn(row, base.partition),
    accountArn: accountArn(base),
    uniqueId: row.unique_id,
    identityId: row.unique_id,
  };
}

function roleSessionPrincipal(
  row: IdentityRow | undefined,
  { name, ...base }: Base & { readonly name: string; readonly session: SessionClaims },
): RoleSessionPrincipal | undefined {
  if (row === undefined || row.kind !== "role" || row.account !== base.account) return undefined;
  const { account, partition } = base;
  return {
    ...base,
    kind: "assumed-role",
    roleName: row.name,
    baseArn: identityArn(row, partition),
    arn: `arn:${partition}:sts::${account}:assumed-role/${row.name}/${name}`,
    accountArn: accountArn(base),
    uniqueId: `${row.unique_id}:${name}`,
    identityId: row.unique_id,
  };
}

function federatedUserPrincipal(
  base: Base & { readonly session: SessionClaims },
  name: string,
  by: RootPrincipal | UserPrincipal,
): FederatedUserPrincipal {
  const { account, partition } = base;
  return {
    ...base,
    kind: "federated-user",
    name,
    arn: `arn:${partition}:sts::${account}:federated-user/${name}`,
    baseArn: by.arn,
    accountArn: accountArn(base),
    uniqueId: `${account}:${name}`,
  };
}

function accountArn({ account, partition }: { readonly account: string; readonly partition: string }): string {
  return `arn:${partition}:iam::${account}:root`;
}

/** The ARN of a user, group or role: its path lies between the kind and the name. */
export function identityArn(
  { kind, account, path, name }: Pick<IdentityRow, "kind" | "account" | "path" | "name">,
  partition: string,
): string {
  return `arn:${partition}:iam::${account}:${kind}${path}${name}`;
}

const ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A new id of a long-term access key: `AKIA` and 16 characters of base32. */
export function newAccessKeyId(): string {
  return `AKIA${randomCharacters(16)}`;
}

/**
 * A new unique id of a user, group, role or managed policy: a prefix that tells its kind and 17 characters of base32 (IAM
 * guide, IAM identifiers).
 */
export function newUniqueId(prefix: "AIDA" | "AGPA" | "AROA" | "ANPA"): string {
  return prefix + randomCharacters(17);
}

function randomCharacters(count: number): string {
  return Array.from(randomBytes(count), (byte) => ID_ALPHABET[byte & 31]).join("");
}

/**
 * A new secret access key: 40 characters of the base64 alphabet as ASCII bytes, 240 random bits. Bytes, because a string
 * can't be wiped; the caller wipes them.
 */
export function newSecretAccessKey(): Uint8Array {
  const random = randomBytes(40);
  const secret = new Uint8Array(40);
  random.forEach((byte, index) => {
    secret[index] = SECRET_ALPHABET.charCodeAt(byte & 63);
  });
  random.fill(0);
  return secret;
}
