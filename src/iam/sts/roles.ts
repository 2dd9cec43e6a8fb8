/** Roles as resources of STS's actions, and the condition keys of requests for sessions. */

import { parsePrincipalIds } from "../../access/principals.ts";
import { asArn } from "../../base/arn.ts";
import { type ServiceError, ValidationException } from "../../base/errors.ts";
import { identityArn } from "../../identity/credentials.ts";
import type { Question, Resolution, Resource } from "../../pipeline/operation.ts";
import { type CompiledPolicy, compilePolicy } from "../../policy/policy.ts";
import type { Identity } from "../../storage/identity-rows.ts";
import type { Reader } from "../../storage/store.ts";
import { inheritedTags, type SessionInput } from "./sessions.ts";

const trustPolicies = new WeakMap<Identity, CompiledPolicy>();

/** A role that exists; its resource policy says who may assume it. */
export class Role implements Resource {
  readonly arn: string;
  readonly account: string;
  readonly identity: Identity;

  constructor(arn: string, identity: Identity) {
    this.arn = arn;
    this.account = identity.account;
    this.identity = identity;
  }

  /** The trust policy, compiled once for each version of the role. */
  get policy(): CompiledPolicy {
    let policy = trustPolicies.get(this.identity);
    if (policy === undefined) {
      const { trust_policy: text, trust_principals: ids } = this.identity;
      policy = text === null ? { statements: [] } : compilePolicy(text, "trust", parsePrincipalIds(ids));
      trustPolicies.set(this.identity, policy);
    }
    return policy;
  }
}

/**
 * The account of a role's ARN. Its digits are not counted: an account that can't be has no roles (Ansible's suite for AWS).
 *
 * @throws ValidationException it is no ARN (recorded on AWS), or no role's (the text is the one that users quote)
 */
export function accountOfRole(text: string): string {
  const arn = asArn(text);
  if (arn === undefined || arn.resource === "") throw new ValidationException(`${text} is invalid`);
  const isRole = arn.service === "iam" && arn.region === "" && arn.resource.startsWith("role/");
  if (!isRole || !/^[0-9]+$/.test(arn.account)) throw new ValidationException("Request ARN is invalid");
  return arn.account;
}

/** The role of an ARN; one that is absent is refused as one that is not the caller's to assume. */
export function findRole(text: string, reader: Reader, refusal: () => ServiceError): Resolution<Role> {
  const account = accountOfRole(text);
  const name = text.slice(text.lastIndexOf("/") + 1);
  const entry = reader.find("identityName", account, "role", name.toLowerCase());
  const identity = entry && reader.find("identity", entry.unique_id);
  const isMeant = identity !== undefined && identityArn(identity, asArn(text)?.partition ?? "") === text;
  return isMeant
    ? { kind: "found", resource: new Role(text, identity) }
    : { kind: "absent", resource: { arn: text, account }, error: refusal };
}

/** What of a request for a session conditions may ask. */
export interface SessionRequestInput extends SessionInput {
  readonly RoleSessionName?: string;
  readonly ExternalId?: string;
  readonly SourceIdentity?: string;
}

const REQUEST_TAG = "aws:requesttag/";
const RESOURCE_TAG = /^(?:aws|iam):resourcetag\//;

/** The condition keys of requests for sessions (IAM guide, IAM and STS condition keys; service authorization reference, STS). */
export function sessionConditions(
  key: string,
  { input, call, resource }: Question<SessionRequestInput>,
): readonly string[] | undefined {
  const { Tags = [], TransitiveTagKeys = [], RoleSessionName, ExternalId, SourceIdentity } = input;
  const { session } = call.principal;
  switch (key) {
    case "sts:rolesessionname":
      return listOf(RoleSessionName);
    case "sts:externalid":
      return listOf(ExternalId);
    case "sts:sourceidentity":
      return listOf(SourceIdentity ?? session?.sourceIdentity);
    case "sts:transitivetagkeys":
      return listOf([...inheritedTags(session).map((tag) => tag.key), ...TransitiveTagKeys]);
    case "aws:tagkeys":
      return listOf(Tags.flatMap(({ Key }) => Key ?? []));
  }
  if (key.startsWith(REQUEST_TAG)) {
    const name = key.slice(REQUEST_TAG.length);
    return listOf(Tags.find(({ Key }) => Key?.toLowerCase() === name)?.Value);
  }
  if (RESOURCE_TAG.test(key) && resource instanceof Role) {
    const name = key.replace(RESOURCE_TAG, "");
    return listOf(resource.identity.tags.find((tag) => tag.key.toLowerCase() === name)?.value);
  }
  return undefined;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  return value === undefined || value.length === 0 ? undefined : value;
}
