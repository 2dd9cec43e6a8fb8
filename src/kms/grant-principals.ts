/** Who can be named in a grant: the only place that takes the names of grantees and retiring principals. */

import { findNamedPrincipals, type UnknownPrincipals } from "../access/principals.ts";
import { asArn } from "../base/arn.ts";
import { InvalidArnException, ValidationException } from "../base/errors.ts";
import type { PrincipalIds } from "../policy/policy.ts";
import type { Tx } from "../storage/store.ts";

/** Accounts, users and roles; sessions of roles and federated users (KMS guide, Grants: grantee principal). No groups. */
const RESOURCES: ReadonlyMap<string, RegExp> = new Map([
  ["iam", /^(?:root|(?:user|role)\/[\w+=,.@/-]*[\w+=,.@-])$/],
  ["sts", /^(?:assumed-role\/[\w+=,.@:-]+|federated-user)\/[\w+=,.@-]+$/],
]);

/** Of today's API reference; our model has the wider shape of principals. */
const SERVICE_PATTERN = "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$";
const SERVICE = new RegExp(SERVICE_PATTERN);
const SERVICE_CHARACTERS_MAX = 128;

/** A principal of IAM that a grant names. */
export interface NamedPrincipal {
  readonly arn: string;
  readonly account: string;
}

/**
 * Takes the ARN of a principal. The text is the one that clients of AWS wait on when a role is too new to be known.
 *
 * @throws InvalidArnException the ARN of nobody who can act, or of another partition
 */
function requirePrincipal(text: string, partition: string): NamedPrincipal {
  const arn = asArn(text);
  const isPrincipal =
    arn?.partition === partition &&
    arn.region === "" &&
    /^[0-9]{12}$/.test(arn.account) &&
    RESOURCES.get(arn.service)?.test(arn.resource) === true;
  if (!isPrincipal) throw new InvalidArnException(`ARN does not refer to a valid principal: ${text}`);
  return { arn: text, account: arn.account };
}

/** A service by its name alone, which AWS takes in the place of an ARN (`TestAccKMSGrant_service` of Terraform's provider). */
function isServiceName(text: string): boolean {
  return /^(?:[a-z0-9-]+\.){1,4}amazonaws\.com(?:\.cn)?$/.test(text);
}

/**
 * Takes the grantee or the retiring principal: a principal of IAM, or a service, which is in no account.
 *
 * @throws InvalidArnException see `requirePrincipal`
 */
export function requireParty(text: string, partition: string): NamedPrincipal {
  return isServiceName(text) ? { arn: text, account: "" } : requirePrincipal(text, partition);
}

/**
 * Takes the name of a service principal as the members for services have it.
 *
 * @param member as it is written in messages, such as `granteeServicePrincipal`
 * @throws ValidationException another form
 */
export function requireServicePrincipal(text: string, member: string): void {
  const constraint = SERVICE.test(text)
    ? `Member must have length less than or equal to ${SERVICE_CHARACTERS_MAX}`
    : `Member must satisfy regular expression pattern: ${SERVICE_PATTERN}`;
  if (SERVICE.test(text) && text.length <= SERVICE_CHARACTERS_MAX) return;
  throw new ValidationException(
    `1 validation error detected: Value '${text}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

interface Parties {
  readonly GranteePrincipal?: string;
  readonly GranteeServicePrincipal?: string;
  readonly RetiringPrincipal?: string;
  readonly RetiringServicePrincipal?: string;
  readonly Constraints?: { readonly SourceArn?: string | undefined };
}

/**
 * Requires one grantee and at most one who retires, each in a form that can be one (API reference, CreateGrant).
 *
 * @throws ValidationException none or two grantees; two who retire; a service without the resource that it acts for, or with
 *   nobody named to retire its grant
 * @throws InvalidArnException see `requirePrincipal`
 */
export function requireParties(input: Parties, partition: string): void {
  const { GranteePrincipal, GranteeServicePrincipal, RetiringPrincipal, RetiringServicePrincipal } = input;
  if ((GranteePrincipal === undefined) === (GranteeServicePrincipal === undefined)) {
    throw new ValidationException("You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.");
  }
  requireOneOfRetiring(input);
  if (GranteePrincipal !== undefined) requireParty(GranteePrincipal, partition);
  if (RetiringPrincipal !== undefined) requireParty(RetiringPrincipal, partition);
  if (RetiringServicePrincipal !== undefined) {
    requireServicePrincipal(RetiringServicePrincipal, "retiringServicePrincipal");
  }
  if (GranteeServicePrincipal === undefined) return;
  requireServicePrincipal(GranteeServicePrincipal, "granteeServicePrincipal");
  if (input.Constraints?.SourceArn === undefined) {
    throw new ValidationException("A SourceArn grant constraint is required with GranteeServicePrincipal.");
  }
  if (RetiringPrincipal === undefined && RetiringServicePrincipal === undefined) {
    throw new ValidationException(
      "RetiringPrincipal or RetiringServicePrincipal is required with GranteeServicePrincipal.",
    );
  }
}

/**
 * Looks up the grantee and the retiring principal.
 *
 * @returns the unique ids of those that are users or roles, by ARN
 * @throws InvalidArnException one of them is not here, and the operator does not let in whom nobody knows
 */
export async function requireKnownParties(
  tx: Tx,
  { GranteePrincipal, RetiringPrincipal }: Parties,
  unknownPrincipals: UnknownPrincipals,
): Promise<PrincipalIds> {
  const named = [GranteePrincipal, RetiringPrincipal].filter((name) => name !== undefined);
  const names = named.filter((name) => !isServiceName(name));
  const { ids, unknown } = await tx.settle((reader) => findNamedPrincipals(names, reader, undefined));
  const [first] = unknown;
  if (first === undefined) return ids;
  if (!unknownPrincipals.allow) throw new InvalidArnException(`ARN does not refer to a valid principal: ${first}`);
  unknownPrincipals.warn(unknown);
  return ids;
}

/** @throws ValidationException a principal and a service are named to retire */
function requireOneOfRetiring({ RetiringPrincipal, RetiringServicePrincipal }: Parties): void {
  if (RetiringPrincipal === undefined || RetiringServicePrincipal === undefined) return;
  throw new ValidationException("You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.");
}
