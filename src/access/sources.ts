/** Where permissions come from: the policies that hang on a caller, compiled once for each version of their rows. */

import { findAwsManagedPolicy } from "../identity/aws-managed-policies.ts";
import { type ControlPolicyType, findFullAccess, isEnabled, RCP, SCP } from "../identity/control-policies.ts";
import type { Principal } from "../identity/principal.ts";
import type { SessionClaims } from "../identity/session.ts";
import type { PolicyKind } from "../policy/document.ts";
import { type CompiledPolicy, compilePolicy } from "../policy/policy.ts";
import type { Identity, OrganizationNode, PolicyText } from "../storage/identity-rows.ts";
import type { OrganizationRow } from "../storage/identity-schema.ts";
import type { Reader } from "../storage/store.ts";

/** A policy and where it is from. */
export interface SourcedPolicy {
  /** What people call it: its ARN or id, or the name of an inline policy with whose it is. */
  readonly name: string;
  readonly policy: CompiledPolicy;
  readonly origin: PolicyOrigin;
}

/** Where a policy is from, as the policy simulator says it. */
export interface PolicyOrigin {
  /** Such as `user_alice_inline`, or the name of a managed policy. */
  readonly id: string;
  /** The text, in which statements have their places. */
  readonly document: string;
}

/** The policies of one caller. */
export interface Sources {
  /** Of the user and its groups, or of the role; undefined: the root user, who may do everything in the account. */
  readonly identity: readonly SourcedPolicy[] | undefined;
  /** What limits the identity policies; undefined: nothing does. */
  readonly boundary: readonly SourcedPolicy[] | undefined;
  readonly session: readonly SourcedPolicy[] | undefined;
  /** Service control policies, a list for each level of the organization's tree; each level must allow. */
  readonly control: readonly (readonly SourcedPolicy[])[];
}

const NO_CONTROL: Sources["control"] = [];
/** Of somebody from outside, whom only a role's trust policy can let in, and of services, whom resource policies alone let in. */
const NOTHING: Sources = { identity: [], boundary: undefined, session: undefined, control: NO_CONTROL };

/** What hangs on a caller now. A user or role that is gone has nothing. */
export function sourcesOf(principal: Principal, reader: Reader): Sources {
  if (principal.kind === "web-identity" || principal.kind === "service") return NOTHING;
  const identity = principal.kind === "root" ? undefined : findIdentity(principal.identityId, reader);
  const linked = identity?.linked_service != null;
  return {
    identity: isRootLike(principal) ? undefined : identity === undefined ? [] : policiesOf(identity, reader),
    boundary: identity?.boundary == null ? undefined : managedPolicies([identity.boundary], reader),
    session: sessionPolicies(principal, reader),
    control: linked ? NO_CONTROL : controlPolicies(principal.account, SCP, reader),
  };
}

/** The root user, and whom the root user federated: only their session limits them. */
function isRootLike(principal: Principal): boolean {
  return principal.kind === "root" || (principal.kind === "federated-user" && principal.identityId === undefined);
}

function findIdentity(uniqueId: string | undefined, reader: Reader): Identity | undefined {
  return uniqueId === undefined ? undefined : reader.find("identity", uniqueId);
}

/** Every identity policy of a user (groups included) or role. */
export function policiesOf(identity: Identity, reader: Reader): readonly SourcedPolicy[] {
  const own = [...inlinePolicies(identity), ...managedPolicies(identity.attached, reader)];
  if (identity.groups.length === 0) return own;
  const ofGroups = identity.groups.flatMap((id) => {
    const group = reader.find("identity", id);
    return group === undefined ? [] : policiesOf(group, reader);
  });
  return [...own, ...ofGroups];
}

const inlineOf = new WeakMap<Identity, readonly SourcedPolicy[]>();

function inlinePolicies(identity: Identity): readonly SourcedPolicy[] {
  let policies = inlineOf.get(identity);
  if (policies === undefined) {
    policies = identity.inline.map(({ name, document }) => ({
      name: `${name} (inline, ${identity.kind} ${identity.name})`,
      policy: compilePolicy(document, "identity"),
      origin: { id: `${identity.kind}_${identity.name}_${name}`, document },
    }));
    inlineOf.set(identity, policies);
  }
  return policies;
}

const compiledTexts = new WeakMap<PolicyText, SourcedPolicy>();

function compiled(text: PolicyText, name: string, kind: PolicyKind): SourcedPolicy {
  let policy = compiledTexts.get(text);
  if (policy === undefined) {
    const { document } = text;
    const id = name.slice(name.lastIndexOf("/") + 1);
    policy = { name, policy: compilePolicy(document, kind), origin: { id, document } };
    compiledTexts.set(text, policy);
  }
  return policy;
}

/** Managed policies by ARN, AWS's own or the customer's; those that are gone give nothing. */
export function managedPolicies(arns: readonly string[], reader: Reader): readonly SourcedPolicy[] {
  return arns.flatMap((arn) => {
    const text = findAwsManagedPolicy(arn) ?? reader.find("managedPolicy", arn);
    return text === undefined ? [] : [compiled(text, arn, "identity")];
  });
}

const inlineOfSession = new WeakMap<SessionClaims, readonly SourcedPolicy[]>();

/** A federated user's session gives nothing but what its policies say, even where it has none. */
function sessionPolicies(principal: Principal, reader: Reader): readonly SourcedPolicy[] | undefined {
  const { session } = principal;
  if (session === undefined) return undefined;
  const { policies, policyArns } = session;
  if (policies.length + policyArns.length === 0) return principal.kind === "federated-user" ? [] : undefined;
  let inline = inlineOfSession.get(session);
  if (inline === undefined) {
    inline = policies.map((document) => ({
      name: "session policy",
      policy: compilePolicy(document, "identity"),
      origin: { id: "session policy", document },
    }));
    inlineOfSession.set(session, inline);
  }
  return [...inline, ...managedPolicies(policyArns, reader)];
}

/** Services whose resources are limited by resource control policies, of those that are here (Organizations user guide, RCPs). */
const GOVERNED: ReadonlySet<string> = new Set(["events", "kms", "s3", "secretsmanager", "sts"]);

/**
 * Resource control policies above the account of a resource, a list for each level: whoever calls, each level must allow.
 * Service-linked roles, AWS managed keys (`exempt`), `kms:RetireGrant` and actions that name no resource are not limited.
 */
export function resourceControl(
  {
    principal,
    action,
    resource,
  }: {
    readonly principal: Principal;
    readonly action: string;
    readonly resource: { readonly arn: string; readonly account: string; readonly exempt?: boolean };
  },
  reader: Reader,
): Sources["control"] {
  if (resource.exempt === true || resource.arn === "*" || action === "kms:RetireGrant") return NO_CONTROL;
  if (!GOVERNED.has(action.slice(0, action.indexOf(":")))) return NO_CONTROL;
  const levels = controlPolicies(resource.account, RCP, reader);
  if (levels.length === 0) return NO_CONTROL;
  const identity = principal.kind === "assumed-role" ? findIdentity(principal.identityId, reader) : undefined;
  return identity?.linked_service == null ? levels : NO_CONTROL;
}

const DOCUMENT_KINDS = { SERVICE_CONTROL_POLICY: "control", RESOURCE_CONTROL_POLICY: "resource" } as const;

/** Policies of one type on an account's way to the organization's root; the management account is under none. */
function controlPolicies(account: string, type: ControlPolicyType, reader: Reader): Sources["control"] {
  const organization = organizationOf(account, reader);
  if (organization === undefined || organization.management_account === account || !isEnabled(organization, type)) {
    return NO_CONTROL;
  }
  return organizationPath(account, reader).map(({ policies }) =>
    policies.flatMap((id) => {
      const policy = findFullAccess(id) ?? reader.find("organizationPolicy", id);
      return policy?.type === type ? [compiled(policy, id, DOCUMENT_KINDS[type])] : [];
    }),
  );
}

/** The ARN of a control policy; AWS's own belong to no account. */
export function controlPolicyArn(
  { id, type }: { readonly id: string; readonly type: ControlPolicyType },
  {
    partition,
    organization,
  }: { readonly partition: string; readonly organization: Pick<OrganizationRow, "id" | "management_account"> },
): string {
  const name = `${type.toLowerCase()}/${id}`;
  if (findFullAccess(id) !== undefined) return `arn:${partition}:organizations::aws:policy/${name}`;
  const { id: organizationId, management_account } = organization;
  return `arn:${partition}:organizations::${management_account}:policy/${organizationId}/${name}`;
}

/** The organization of an account, if it is in one. */
export function organizationOf(account: string, reader: Reader): OrganizationRow | undefined {
  const node = reader.find("organizationNode", account);
  return node && reader.find("organization", node.organization);
}

/** The nodes from an account up to the root of its organization; empty for an account that is in none. */
export function organizationPath(account: string, reader: Reader): readonly OrganizationNode[] {
  const nodes: OrganizationNode[] = [];
  let next: string | null = account;
  while (next !== null) {
    const node: OrganizationNode | undefined = reader.find("organizationNode", next);
    if (node === undefined) return [];
    nodes.push(node);
    next = node.parent;
  }
  return nodes;
}
