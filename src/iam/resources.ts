/** Users, groups, roles, policies and the rest as resources of IAM actions, and how an input leads to them. */

import { asArn, formatArn } from "../base/arn.ts";
import {
  AccessDeniedException,
  InvalidInputException,
  NoSuchEntityException,
  UnmodifiableEntityException,
  ValidationException,
} from "../base/errors.ts";
import { type AwsManagedPolicy, findAwsManagedPolicy } from "../identity/aws-managed-policies.ts";
import { identityArn } from "../identity/credentials.ts";
import type { Call, Resolution, Resource } from "../pipeline/operation.ts";
import { nameKeyOf } from "../storage/identities.ts";
import type { Identity, ManagedPolicy } from "../storage/identity-rows.ts";
import type { IdentityKind } from "../storage/identity-schema.ts";
import type { CredentialRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import type { Tag } from "../storage/tags.ts";
import type { Locator, Members } from "./operation.ts";

/** Something that IAM has or is asked for. */
export interface IamResource extends Resource {
  readonly tags: readonly Tag[];
  /** Of users, groups and roles that are there. */
  readonly identity?: Identity;
}

/** A user, group or role that is there. */
export interface IdentityResource extends IamResource {
  readonly identity: Identity;
}

/** A managed policy: one of AWS's, or one of the account's own. */
export interface PolicyResource extends IamResource {
  readonly aws?: AwsManagedPolicy;
  readonly own?: ManagedPolicy;
}

const NO_TAGS: readonly Tag[] = [];

/** The input's member that names each kind. */
const NAME_MEMBERS: Readonly<Record<IdentityKind, string>> = { user: "UserName", group: "GroupName", role: "RoleName" };

function found<R extends IamResource>(resource: R): Resolution<R> {
  return { kind: "found", resource };
}

function textOf(input: Members, member: string): string | undefined {
  const value = input[member];
  return typeof value === "string" ? value : undefined;
}

/** A user, group or role of the account by its name, which must be written as it was given. */
export function findByName(
  { account, kind, name }: { readonly account: string; readonly kind: IdentityKind; readonly name: string },
  reader: Reader,
): Identity | undefined {
  const entry = reader.find("identityName", account, kind, nameKeyOf(name));
  const identity = entry && reader.find("identity", entry.unique_id);
  return identity?.name === name ? identity : undefined;
}

export function noSuchIdentity(kind: IdentityKind, name: string): NoSuchEntityException {
  return new NoSuchEntityException(`The ${kind} with name ${name} cannot be found.`);
}

function identityResource(identity: Identity, { partition }: Call): IdentityResource {
  return { arn: identityArn(identity, partition), account: identity.account, tags: identity.tags, identity };
}

/** The user, group or role that the input names. */
export function identity(kind: IdentityKind): Locator<IdentityResource> {
  return {
    resolve(input, call, reader) {
      const name = textOf(input, NAME_MEMBERS[kind]) ?? "";
      const { partition } = call;
      const { account } = call.principal;
      const there = findByName({ account, kind, name }, reader);
      if (there !== undefined) return found(identityResource(there, call));
      const arn = identityArn({ kind, account, path: "/", name }, partition);
      return { kind: "absent", resource: { arn, account }, error: () => noSuchIdentity(kind, name) };
    },
  };
}

/** As `identity`; of a role that belongs to a service nothing may be changed. */
export function modifiable(kind: IdentityKind): Locator<IdentityResource> {
  return { ...identity(kind), fit: requireModifiable };
}

/** @throws UnmodifiableEntityException a service-linked role, as IAM words it */
function requireModifiable({ identity: { name, linked_service } }: IdentityResource): void {
  if (linked_service === null) return;
  throw new UnmodifiableEntityException(
    `Cannot perform the operation on the protected role '${name}' - this role is only modifiable by AWS`,
  );
}

/** The user that the input names; without a name the caller, who may be the root user (no identity). */
export const userOrCaller: Locator<IamResource> = {
  resolve(input, call, reader) {
    const { principal } = call;
    if (textOf(input, "UserName") !== undefined) return identity("user").resolve(input, call, reader);
    if (principal.kind === "root") return found({ arn: principal.arn, account: principal.account, tags: NO_TAGS });
    if (principal.kind !== "user") {
      throw new ValidationException("Must specify userName when calling with non-User credentials");
    }
    const { account, arn, identityId, name } = principal;
    const self = reader.find("identity", identityId);
    if (self !== undefined) return found(identityResource(self, call));
    return { kind: "absent", resource: { arn, account }, error: () => noSuchIdentity("user", name) };
  },
};

/** What a user, group or role will be called. */
export function newIdentity(kind: IdentityKind): Locator<IamResource> {
  return {
    resolve(input, { principal: { account }, partition }) {
      const name = textOf(input, NAME_MEMBERS[kind]) ?? "";
      const path = textOf(input, "Path") ?? "/";
      return found({ arn: identityArn({ kind, account, path, name }, partition), account, tags: NO_TAGS });
    },
  };
}

/** What UpdateUser or UpdateGroup will make of a user or group. */
export function renamed(kind: "user" | "group"): Locator<IamResource> {
  return {
    resolve(input, { principal: { account }, partition }, reader) {
      const oldName = textOf(input, NAME_MEMBERS[kind]) ?? "";
      const old = findByName({ account, kind, name: oldName }, reader);
      const name = textOf(input, `New${NAME_MEMBERS[kind]}`) ?? oldName;
      const path = textOf(input, "NewPath") ?? old?.path ?? "/";
      const arn = identityArn({ kind, account, path, name }, partition);
      return found({ arn, account, tags: old?.tags ?? NO_TAGS });
    },
  };
}

/** The user, group or role of an ARN in the input. */
export function identityOfArn(member: string): Locator<IdentityResource> {
  return {
    resolve(input, call, reader) {
      const text = textOf(input, member) ?? "";
      const arn = asArn(text);
      const [kind, ...path] = arn?.resource.split("/") ?? [];
      const name = path.at(-1);
      const isIdentity = kind === "user" || kind === "group" || kind === "role";
      if (arn?.service !== "iam" || !isIdentity || !name) throw invalidArn(text);
      const { account } = arn;
      const there = account === call.principal.account ? findByName({ account, kind, name }, reader) : undefined;
      if (there !== undefined) return found(identityResource(there, call));
      return { kind: "absent", resource: { arn: text, account }, error: () => noSuchIdentity(kind, name) };
    },
  };
}

/** The account itself, under what IAM calls the resource of a list or of an operation without one. */
export function fixed(resource: string): Locator<IamResource> {
  return { resolve: (_input, { principal: { account } }) => found({ arn: resource, account, tags: NO_TAGS }) };
}

/** All of a kind under a path: what lists are on. */
export function under(kind: IdentityKind | "oidc-provider" | "instance-profile"): Locator<IamResource> {
  return {
    resolve(input, { principal: { account }, partition }) {
      const path = textOf(input, "PathPrefix") ?? "/";
      const resource = `${kind}${kind === "oidc-provider" ? "/*" : path}`;
      return found({
        arn: formatArn({ partition, service: "iam", region: "", account, resource }),
        account,
        tags: NO_TAGS,
      });
    },
  };
}

/** Where AWS's own managed policies lie. */
const AWS = "aws";

export function invalidArn(text: string): ValidationException {
  return new ValidationException(`ARN ${text} is not valid.`);
}

export function isPolicyArn(text: string): boolean {
  const arn = asArn(text);
  const isOwner = arn !== undefined && (arn.account === AWS || /^[0-9]{12}$/.test(arn.account));
  return arn?.service === "iam" && arn.region === "" && isOwner && /^policy\/.+$/.test(arn.resource);
}

/**
 * As recorded on IAM, and as users quote it of other partitions and of ARNs of roles.
 *
 * @throws ValidationException no ARN, or one of another partition
 * @throws InvalidInputException an ARN, but not of a managed policy
 */
export function requirePolicyArn(text: string, { partition }: Pick<Call, "partition">): void {
  if (asArn(text) === undefined) throw invalidArn(text);
  requirePartition(text, partition);
  if (!isPolicyArn(text)) throw new InvalidInputException(`ARN ${text} is not valid.`);
}

/** @throws ValidationException an ARN of another partition, as users quote it of AttachRolePolicy */
export function requirePartition(text: string, partition: string): void {
  const arn = asArn(text);
  if (arn !== undefined && arn.partition !== partition) throw new ValidationException("Invalid ARN partition");
}

/** A managed policy that an account may use: AWS's or its own. */
export function findPolicy(arn: string, account: string, reader: Reader): PolicyResource | undefined {
  const aws = findAwsManagedPolicy(arn);
  if (aws !== undefined) return { arn, account, tags: NO_TAGS, aws };
  const own = reader.find("managedPolicy", arn);
  return own?.account === account ? { arn, account, tags: own.tags, own } : undefined;
}

/** The managed policy that the input names; `absent` words the error of one that is not there. */
export function managedPolicy(
  absent: (arn: string, input: Members) => string = (arn) => `Policy ${arn} was not found.`,
): Locator<PolicyResource> {
  return {
    resolve(input, call, reader) {
      const { account } = call.principal;
      const arn = textOf(input, "PolicyArn") ?? "";
      requirePolicyArn(arn, call);
      const policy = findPolicy(arn, account, reader);
      if (policy !== undefined) return found(policy);
      const owner = asArn(arn)?.account ?? AWS;
      return {
        kind: "absent",
        resource: { arn, account: owner === AWS ? account : owner },
        error: () => new NoSuchEntityException(absent(arn, input)),
      };
    },
  };
}

/** As IAM words it of a policy that is to be attached, or whose users are asked for. */
export function notAttachable(arn: string): string {
  return `Policy ${arn} does not exist or is not attachable.`;
}

/**
 * The row of a policy that is to be changed.
 *
 * @throws AccessDeniedException it is AWS's, which nobody changes
 */
export function requireOwn({ arn, own }: PolicyResource): ManagedPolicy {
  if (own === undefined) throw new AccessDeniedException(`The policy ${arn} is managed by AWS and can't be changed.`);
  return own;
}

/** What a managed policy will be called. */
export const newPolicy: Locator<IamResource> = {
  resolve: (input, { principal: { account }, partition }) =>
    found({
      arn: policyArn({
        account,
        partition,
        path: textOf(input, "Path") ?? "/",
        name: textOf(input, "PolicyName") ?? "",
      }),
      account,
      tags: NO_TAGS,
    }),
};

export function policyArn(policy: {
  readonly account: string;
  readonly partition: string;
  readonly path: string;
  readonly name: string;
}): string {
  const { account, partition, path, name } = policy;
  return formatArn({ partition, service: "iam", region: "", account, resource: `policy${path}${name}` });
}

/** The provider of an ARN in the input; whether it is there, the operation finds out. */
export const oidcProvider: Locator<IamResource> = {
  resolve(input, { principal: { account }, partition }) {
    const text = textOf(input, "OpenIDConnectProviderArn") ?? "";
    const arn = asArn(text);
    if (arn?.service !== "iam") throw invalidArn(text);
    requirePartition(text, partition);
    if (!arn.resource.startsWith("oidc-provider/")) throw new ValidationException("Invalid resource type in ARN");
    return found({ arn: text, account: arn.account === "" ? account : arn.account, tags: NO_TAGS });
  },
};

/** An access key of the account with whose it is. */
export interface CredentialResource extends IamResource {
  readonly credential: CredentialRow;
}

/** Whose the access key of the input is; one that is not the account's is not told from one that is nobody's. */
export const ownerOfAccessKey: Locator<CredentialResource> = {
  resolve(input, call, reader) {
    const { account, arn, accountArn } = call.principal;
    const id = textOf(input, "AccessKeyId") ?? "";
    const credential = reader.find("credential", id);
    if (credential?.account === account) {
      const user = credential.user_id === null ? undefined : reader.find("identity", credential.user_id);
      const owner = user === undefined ? { arn: accountArn, account, tags: NO_TAGS } : identityResource(user, call);
      return found({ ...owner, credential });
    }
    return {
      kind: "absent",
      resource: { arn: `access key ${id}`, account },
      error: () =>
        new AccessDeniedException(
          `User: ${arn} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key ${id}`,
        ),
    };
  },
};
