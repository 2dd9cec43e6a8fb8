/** The truth table of access for users, role sessions and federated users, with every kind of policy. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccessRequest, accessDenied, decide } from "../../src/access/decide.ts";
import { adviceOf, explain } from "../../src/access/explain.ts";
import { type ControlPolicyType, ENABLED_COLUMN, RCP, SCP } from "../../src/identity/control-policies.ts";
import { findSessionPrincipal, identityArn } from "../../src/identity/credentials.ts";
import type { Principal } from "../../src/identity/principal.ts";
import type { SessionClaims } from "../../src/identity/session.ts";
import { compilePolicy } from "../../src/policy/policy.ts";
import type { Identity, OrganizationNode } from "../../src/storage/identity-rows.ts";
import type { Reader } from "../../src/storage/store.ts";

const ACCOUNT = "111122223333";
const OTHER = "444455556666";
const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const ACTION = "kms:Decrypt";
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const MANAGED = `arn:aws:iam::${ACCOUNT}:policy/managed`;

const policyText = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const may = { Effect: "Allow", Action: ACTION, Resource: "*" };
const mayNot = { ...may, Effect: "Deny" };
const anyone = { ...may, Principal: "*" };
const noone = { ...mayNot, Principal: "*" };
const mayElse = { ...may, Action: "kms:Encrypt" };
const keyPolicy = (...statements: readonly object[]) => compilePolicy(policyText(...statements));
const lets = (AWS: string | readonly string[], more: object = {}): object => ({ ...may, Principal: { AWS }, ...more });

/** A user or role with what hangs on it. */
function identity(of: Partial<Identity>): Identity {
  return {
    unique_id: "AIDAALICE",
    account: ACCOUNT,
    kind: "user",
    name: "alice",
    name_key: "alice",
    path: "/",
    created_at: 0,
    boundary: null,
    trust_policy: null,
    trust_principals: "{}",
    description: null,
    max_session_seconds: null,
    linked_service: null,
    inline: [],
    attached: [],
    groups: [],
    tags: [],
    ...of,
  };
}

const inline = (...statements: readonly object[]) => [{ name: "inline", document: policyText(...statements) }];

interface World {
  readonly identities?: readonly Identity[];
  /** Statements of the managed policy. */
  readonly managed?: readonly object[];
  /** Statements of the service control policies at the account and at the root; undefined: no organization. */
  readonly control?: readonly [account: readonly object[], root: readonly object[]];
  /** Whether the caller's account is in no organization. */
  readonly stranger?: boolean;
  /** Of this type; service control policies if it says nothing. */
  readonly controlType?: ControlPolicyType;
  readonly managementAccount?: string;
}

function readerOf({
  identities = [],
  managed,
  control,
  controlType: type = SCP,
  stranger = false,
  managementAccount = "999999999999",
}: World): Reader {
  const node = (id: string, parent: string | null): OrganizationNode => ({
    id,
    organization: "o-1",
    kind: parent === null ? "root" : "account",
    parent,
    name: id,
    email: null,
    joined_at: 0,
    joined_method: null,
    policies: [`p-${id}`],
  });
  const rows: Record<string, unknown> = {
    [`account/${ACCOUNT}`]: { id: ACCOUNT },
    [`account/${OTHER}`]: { id: OTHER },
    ...Object.fromEntries(identities.map((row) => [`identity/${row.unique_id}`, row])),
    ...(managed && { [`managedPolicy/${MANAGED}`]: { document: policyText(...managed) } }),
    ...(control && {
      ...(!stranger && { [`organizationNode/${ACCOUNT}`]: node(ACCOUNT, "r-1") }),
      "organizationNode/r-1": node("r-1", null),
      [`organizationNode/${OTHER}`]: node(OTHER, "r-1"),
      "organization/o-1": { id: "o-1", management_account: managementAccount, [ENABLED_COLUMN[type]]: 1 },
      [`organizationPolicy/p-${ACCOUNT}`]: { type, document: policyText(...control[0]) },
      "organizationPolicy/p-r-1": { type, document: policyText(...control[1]) },
    }),
  };
  return { find: (kind, ...name) => rows[[kind, ...name].join("/")] as never };
}

const alice = identity({});
const role = identity({ unique_id: "AROAROLE", kind: "role", name: "Role", name_key: "role" });
const ALICE = identityArn(alice, "aws");
const ROLE = identityArn(role, "aws");
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/Role/session`;
const FEDERATED = `arn:aws:sts::${ACCOUNT}:federated-user/fed`;

function claims(of: Partial<SessionClaims>): SessionClaims {
  return {
    kind: "assumed-role",
    accessKeyId: "ASIAEXAMPLE",
    account: ACCOUNT,
    identityId: "AROAROLE",
    name: "session",
    issuedAt: 0,
    expiresAt: 1,
    policies: [],
    policyArns: [],
    tags: [],
    transitiveTagKeys: [],
    ...of,
  };
}

const asRole: Partial<SessionClaims> = {};
const asAlice: Partial<SessionClaims> = { kind: "session-token", identityId: "AIDAALICE", name: "" };
const asFederated: Partial<SessionClaims> = { kind: "federated-user", identityId: "AIDAALICE", name: "fed" };

function principalOf(session: Partial<SessionClaims>, reader: Reader): Principal {
  const principal = findSessionPrincipal(reader, claims(session), "aws");
  assert.ok(principal);
  return principal;
}

interface Case {
  readonly title: string;
  readonly who: Partial<SessionClaims>;
  readonly world: World;
  readonly key: readonly object[];
  readonly endpoint?: readonly object[];
  /** Names that a grant on the key is for. */
  readonly granted?: readonly string[];
  readonly foreign?: boolean;
  /** The end of the refusal; undefined: allowed. */
  readonly refused?: string;
}

const delegates = [lets(ROOT)];
const no = (type: string): string => `because no ${type} allows the ${ACTION} action`;
const denied = (type: string, policyArn?: string): string =>
  `with an explicit deny in ${type}${policyArn === undefined ? "" : `: ${policyArn}`}`;
const HIDDEN = "or a resource-based policy explicitly denies access";

const cases: readonly Case[] = [
  // Key policy and identity policies in one account.
  {
    title: "nobody is given anything by being in the account",
    who: asAlice,
    world: { identities: [alice] },
    key: delegates,
    refused: no("identity-based policy"),
  },
  {
    title: "the account's policy delegates to an identity policy",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may) })] },
    key: delegates,
  },
  {
    title: "an identity policy is nothing where the key policy does not delegate",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may) })] },
    key: [lets(OTHER)],
    refused: no("resource-based policy"),
  },
  {
    title: "the key policy delegates only the actions it lists",
    who: asAlice,
    world: { identities: [identity({ inline: inline({ ...may, Action: "kms:*" }) })] },
    key: [{ ...lets(ROOT), Action: "kms:Encrypt" }],
    refused: no("resource-based policy"),
  },
  {
    title: "a key policy that names the user needs no identity policy",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(ALICE)],
  },
  {
    title: "a key policy for everybody needs no identity policy",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets("*")],
  },
  {
    title: "an identity policy denies what the key policy gives",
    who: asAlice,
    world: { identities: [identity({ inline: inline(mayNot) })] },
    key: [lets(ALICE)],
    refused: denied("an identity-based policy"),
  },
  {
    title: "a managed policy counts",
    who: asAlice,
    world: { identities: [identity({ attached: [MANAGED] })], managed: [may] },
    key: delegates,
  },
  {
    title: "a managed policy of AWS counts",
    who: asAlice,
    world: { identities: [identity({ attached: ["arn:aws:iam::aws:policy/AdministratorAccess"] })] },
    key: delegates,
  },
  {
    title: "a policy of a group counts",
    who: asAlice,
    world: {
      identities: [identity({ groups: ["AGPA"] }), identity({ unique_id: "AGPA", kind: "group", inline: inline(may) })],
    },
    key: delegates,
  },
  {
    title: "an identity policy about another resource gives nothing",
    who: asAlice,
    world: { identities: [identity({ inline: inline({ ...may, Resource: `${KEY.slice(0, -1)}0` }) })] },
    key: delegates,
    refused: no("identity-based policy"),
  },
  // Permissions boundary.
  {
    title: "a boundary limits what identity policies give",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may), boundary: MANAGED })], managed: [mayElse] },
    key: delegates,
    refused: no("permissions boundary"),
  },
  {
    title: "a boundary that allows lets the identity policy decide",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may), boundary: MANAGED })], managed: [may] },
    key: delegates,
  },
  {
    title: "a boundary gives nothing by itself",
    who: asAlice,
    world: { identities: [identity({ boundary: MANAGED })], managed: [may] },
    key: delegates,
    refused: no("identity-based policy"),
  },
  {
    title: "a boundary whose policy is gone allows nothing",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may), boundary: MANAGED })] },
    key: delegates,
    refused: no("permissions boundary"),
  },
  {
    title: "a boundary does not limit what the key policy gives the user by name",
    who: asAlice,
    world: { identities: [identity({ boundary: MANAGED })], managed: [mayElse] },
    key: [lets(ALICE)],
  },
  {
    title: "a boundary denies what the key policy gives the user by name",
    who: asAlice,
    world: { identities: [identity({ boundary: MANAGED })], managed: [mayNot] },
    key: [lets(ALICE)],
    refused: denied("a permissions boundary", MANAGED),
  },
  {
    title: "a boundary limits what the key policy gives the role",
    who: asRole,
    world: { identities: [{ ...role, boundary: MANAGED }], managed: [mayElse] },
    key: [lets(ROLE)],
    refused: no("permissions boundary"),
  },
  {
    title: "a boundary does not limit what the key policy gives the session",
    who: asRole,
    world: { identities: [{ ...role, boundary: MANAGED }], managed: [mayElse] },
    key: [lets(SESSION)],
  },
  // Session policies.
  {
    title: "a key policy that names the role lets its session in",
    who: asRole,
    world: { identities: [role] },
    key: [lets(ROLE)],
  },
  {
    title: "a session policy limits what identity policies give",
    who: { policies: [policyText(mayElse)] },
    world: { identities: [{ ...role, inline: inline(may) }] },
    key: delegates,
    refused: no("session policy"),
  },
  {
    title: "a session policy that allows lets the identity policy decide",
    who: { policies: [policyText(may)] },
    world: { identities: [{ ...role, inline: inline(may) }] },
    key: delegates,
  },
  {
    title: "one of several session policies is enough",
    who: { policies: [policyText(mayElse)], policyArns: [MANAGED] },
    world: { identities: [{ ...role, inline: inline(may) }], managed: [may] },
    key: delegates,
  },
  {
    title: "a session policy gives nothing by itself",
    who: { policies: [policyText(may)] },
    world: { identities: [role] },
    key: delegates,
    refused: no("identity-based policy"),
  },
  {
    title: "a session policy limits what the key policy gives the role",
    who: { policies: [policyText(mayElse)] },
    world: { identities: [role] },
    key: [lets(ROLE)],
    refused: no("session policy"),
  },
  {
    title: "a session policy does not limit what the key policy gives the session",
    who: { policies: [policyText(mayElse)] },
    world: { identities: [role] },
    key: [lets(SESSION)],
  },
  {
    title: "a session policy denies",
    who: { policies: [policyText(mayNot)] },
    world: { identities: [role] },
    key: [lets(SESSION)],
    refused: denied("a session policy"),
  },
  {
    title: "a managed session policy denies, and is named",
    who: { policyArns: [MANAGED] },
    world: { identities: [role], managed: [mayNot] },
    key: [lets(SESSION)],
    refused: denied("a session policy", MANAGED),
  },
  {
    title: "a federated user without session policies has nothing from identity policies",
    who: asFederated,
    world: { identities: [identity({ inline: inline(may) })] },
    key: delegates,
    refused: no("session policy"),
  },
  {
    title: "a federated user has what both user and session policies give",
    who: { ...asFederated, policies: [policyText(may)] },
    world: { identities: [identity({ inline: inline(may) })] },
    key: delegates,
  },
  {
    title: "a federated user is let in by name",
    who: asFederated,
    world: { identities: [alice] },
    key: [lets(FEDERATED)],
  },
  {
    title: "a federated user is limited by its session policies where the key policy names the user",
    who: asFederated,
    world: { identities: [alice] },
    key: [lets(ALICE)],
    refused: no("session policy"),
  },
  // Organizations.
  {
    title: "every level of service control policies must allow",
    who: asAlice,
    world: { identities: [alice], control: [[may], [mayElse]] },
    key: [lets(ALICE)],
    refused: no("service control policy"),
  },
  {
    title: "service control policies that allow let the others decide",
    who: asAlice,
    world: { identities: [alice], control: [[may], [may]] },
    key: [lets(ALICE)],
  },
  {
    title: "a service control policy denies the root user, too",
    who: { ...asAlice, identityId: null },
    world: { control: [[may], [may, mayNot]] },
    key: delegates,
    refused: denied(
      "a service control policy",
      "arn:aws:organizations::999999999999:policy/o-1/service_control_policy/p-r-1",
    ),
  },
  {
    title: "a managed policy denies, and is named to callers of the account",
    who: asAlice,
    world: { identities: [identity({ attached: [MANAGED] })], managed: [mayNot] },
    key: [lets(ALICE)],
    refused: denied("an identity-based policy", MANAGED),
  },
  {
    title: "a managed policy denies, and is named to callers of the organization",
    who: asAlice,
    world: { identities: [identity({ attached: [MANAGED] })], managed: [mayNot], control: [[may], [may]] },
    key: [lets(ALICE)],
    foreign: true,
    refused: denied("an identity-based policy", MANAGED),
  },
  {
    title: "a managed policy denies, and is not named where the resource is a stranger's",
    who: asAlice,
    world: { identities: [identity({ attached: [MANAGED] })], managed: [mayNot] },
    key: [lets(ALICE)],
    foreign: true,
    refused: denied("an identity-based policy"),
  },
  {
    title: "the management account is under no service control policy",
    who: asAlice,
    world: { identities: [alice], control: [[mayNot], [mayNot]], managementAccount: ACCOUNT },
    key: [lets(ALICE)],
  },
  {
    title: "a service-linked role is under no service control policy",
    who: asRole,
    world: { identities: [{ ...role, linked_service: "mrk.kms.amazonaws.com" }], control: [[mayNot], [mayNot]] },
    key: [lets(ROLE)],
  },
  // Resource control policies.
  {
    title: "a resource control policy denies whoever calls",
    who: asRole,
    world: { identities: [role], control: [[anyone], [noone]], controlType: RCP },
    key: [lets(ROLE)],
    refused: denied(
      "a resource control policy",
      `arn:aws:organizations::999999999999:policy/o-1/resource_control_policy/p-r-1`,
    ),
  },
  {
    title: "a resource control policy is named to nobody from outside",
    who: asRole,
    world: { identities: [role], control: [[anyone], [noone]], controlType: RCP, stranger: true },
    key: [lets(ROLE)],
    foreign: true,
    refused: denied("a resource control policy"),
  },
  {
    title: "the management account's resources are under no resource control policy",
    who: asRole,
    world: { identities: [role], control: [[noone], [noone]], controlType: RCP, managementAccount: ACCOUNT },
    key: [lets(ROLE)],
  },
  {
    title: "a service-linked role is under no resource control policy",
    who: asRole,
    world: {
      identities: [{ ...role, linked_service: "mrk.kms.amazonaws.com" }],
      control: [[noone], [noone]],
      controlType: RCP,
    },
    key: [lets(ROLE)],
  },
  // VPC endpoints.
  {
    title: "the endpoint's policy must allow",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(ALICE)],
    endpoint: [{ ...mayElse, Principal: "*" }],
    refused: no("VPC endpoint policy"),
  },
  {
    title: "the endpoint's policy denies",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(ALICE)],
    endpoint: [{ ...mayNot, Principal: "*" }],
    refused: denied("a VPC endpoint policy"),
  },
  {
    title: "the endpoint's policy gives nothing by itself",
    who: asAlice,
    world: { identities: [alice] },
    key: delegates,
    endpoint: [{ ...may, Principal: "*" }],
    refused: no("identity-based policy"),
  },
  // Grants.
  {
    title: "a grant lets the user in without any policy",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(OTHER)],
    granted: [ALICE],
  },
  {
    title: "a grant does not outweigh a deny of the key policy",
    who: asAlice,
    world: { identities: [alice] },
    key: [{ ...lets(ALICE), Effect: "Deny" }],
    granted: [ALICE],
    refused: denied("a resource-based policy"),
  },
  {
    title: "a grant does not outweigh a deny of an identity policy",
    who: asAlice,
    world: { identities: [identity({ inline: inline(mayNot) })] },
    key: [],
    granted: [ALICE],
    refused: denied("an identity-based policy"),
  },
  {
    title: "a grant to the role lets its session in",
    who: asRole,
    world: { identities: [role] },
    key: [],
    granted: [ROLE],
  },
  {
    title: "a grant to the session lets it in, whatever its session policy",
    who: { policies: [policyText(mayElse)] },
    world: { identities: [role] },
    key: [],
    granted: [SESSION],
  },
  {
    title: "a grant to the account leaves it to identity policies",
    who: asAlice,
    world: { identities: [alice] },
    key: [],
    granted: [ROOT],
    refused: no("resource-based policy"),
  },
  {
    title: "a grant to the account lets in whom an identity policy allows it",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may) })] },
    key: [],
    granted: [ROOT],
  },
  {
    title: "a service control policy limits grants",
    who: asAlice,
    world: { identities: [alice], control: [[mayElse], [may]] },
    key: [],
    granted: [ALICE],
    refused: no("service control policy"),
  },
  // Another account's key.
  {
    title: "another account's key needs both sides: its policy alone is not enough",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(ALICE)],
    foreign: true,
    refused: no("identity-based policy"),
  },
  {
    title: "another account's key needs both sides: the identity policy alone is not enough",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may) })] },
    key: [lets(OTHER)],
    foreign: true,
    refused: HIDDEN,
  },
  {
    title: "another account's key is used with both sides",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may) })] },
    key: delegates,
    foreign: true,
  },
  {
    title: "another account's key for everybody still needs the identity policy",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets("*")],
    foreign: true,
    refused: no("identity-based policy"),
  },
  {
    title: "another account's key is limited by the boundary even by name",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may), boundary: MANAGED })], managed: [mayElse] },
    key: [lets(ALICE)],
    foreign: true,
    refused: no("permissions boundary"),
  },
  {
    title: "another account's denial is not told",
    who: asAlice,
    world: { identities: [identity({ inline: inline(may) })] },
    key: [...delegates, { ...lets(ALICE), Effect: "Deny" }],
    foreign: true,
    refused: HIDDEN,
  },
  {
    title: "a grant on another account's key needs no policy",
    who: asAlice,
    world: { identities: [alice] },
    key: [],
    granted: [ALICE],
    foreign: true,
  },
  // NotPrincipal.
  {
    title: "a deny for all but the user spares the user when its account is spared, too",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(ALICE), { ...mayNot, NotPrincipal: { AWS: [ALICE, ROOT] } }],
  },
  {
    title: "a deny for all but the user hits the user when its account is not spared",
    who: asAlice,
    world: { identities: [alice] },
    key: [lets(ALICE), { ...mayNot, NotPrincipal: { AWS: ALICE } }],
    refused: denied("a resource-based policy"),
  },
  {
    title: "a deny for all but role, session and account spares the session",
    who: asRole,
    world: { identities: [role] },
    key: [lets(ROLE), { ...mayNot, NotPrincipal: { AWS: [ROLE, SESSION, ROOT] } }],
  },
  {
    title: "a deny for all but the role and the account hits its session",
    who: asRole,
    world: { identities: [role] },
    key: [lets(ROLE), { ...mayNot, NotPrincipal: { AWS: [ROLE, ROOT] } }],
    refused: denied("a resource-based policy"),
  },
  {
    title: "an allow for all but the user does not let the user in, though its account is not named",
    who: asAlice,
    world: { identities: [alice] },
    key: [{ ...may, NotPrincipal: { AWS: ALICE } }],
    refused: no("resource-based policy"),
  },
  {
    title: "an allow for all but the role does not let its session in",
    who: asRole,
    world: { identities: [role] },
    key: [{ ...may, NotPrincipal: { AWS: ROLE } }],
    refused: no("resource-based policy"),
  },
  {
    title: "an allow for all but the account lets none of its users in",
    who: asAlice,
    world: { identities: [alice] },
    key: [{ ...may, NotPrincipal: { AWS: ROOT } }],
    refused: no("resource-based policy"),
  },
  {
    title: "an allow for all but a role lets a user in",
    who: asAlice,
    world: { identities: [alice] },
    key: [{ ...may, NotPrincipal: { AWS: ROLE } }],
  },
];

function requestOf({ who, world, key, endpoint, granted, foreign = false }: Case): {
  request: AccessRequest;
  reader: Reader;
} {
  const reader = readerOf(world);
  const arn = foreign ? KEY.replace(ACCOUNT, OTHER) : KEY;
  const request: AccessRequest = {
    principal: principalOf(who, reader),
    action: ACTION,
    resource: {
      arn,
      account: foreign ? OTHER : ACCOUNT,
      policy: keyPolicy(...(key.length > 0 ? key : [lets("999999999999")])),
    },
    absent: false,
    context: () => undefined,
    ...(endpoint && { endpointPolicy: compilePolicy(policyText(...endpoint), "endpoint") }),
    ...(granted && {
      granted: (names) => (names.some((name) => granted.includes(name)) ? { grantId: "g" } : undefined),
    }),
  };
  return { request, reader };
}

describe("access of users, roles and sessions", () => {
  for (const row of cases) {
    it(row.title, () => {
      const { request, reader } = requestOf(row);
      const decision = decide(request, reader);
      const explained = explain(request, reader);
      assert.deepEqual(explained.decision, decision);
      if (row.refused === undefined) {
        assert.equal(decision.allowed, true);
        assert.equal(adviceOf(explained, request), undefined);
        return;
      }
      assert.ok(!decision.allowed);
      const { message } = accessDenied(request, decision);
      assert.ok(message.endsWith(row.refused), message);
      assert.ok(
        message.startsWith(`User: ${request.principal.arn} is not authorized to perform: ${ACTION} on `),
        message,
      );
      assert.notEqual(adviceOf(explained, request), undefined);
    });
  }

  it("follows the unique id: another user of the name is not whom the policy means", () => {
    const ids = new Map([[ALICE, "AIDAALICE"]]);
    const policy = compilePolicy(policyText(lets(ALICE)), "resource", ids);
    const ask = (row: Identity): boolean => {
      const reader = readerOf({ identities: [row] });
      const principal = principalOf({ ...asAlice, identityId: row.unique_id }, reader);
      const resource = { arn: KEY, account: ACCOUNT, policy };
      return decide({ principal, action: ACTION, resource, absent: false, context: () => undefined }, reader).allowed;
    };
    assert.equal(ask(alice), true);
    assert.equal(ask(identity({ unique_id: "AIDAREMADE" })), false);
    assert.equal(ask(identity({ name: "renamed" })), true);
  });

  it("ends a session with its role: one of the same name that was made since is another", () => {
    assert.equal(findSessionPrincipal(readerOf({}), claims({}), "aws"), undefined);
    const remade = readerOf({ identities: [{ ...role, unique_id: "AROAREMADE" }] });
    assert.equal(findSessionPrincipal(remade, claims({}), "aws"), undefined);
    assert.equal(findSessionPrincipal(remade, claims({ identityId: null }), "aws"), undefined);
    assert.equal(
      findSessionPrincipal(readerOf({ identities: [role] }), claims({ account: "000000000000" }), "aws"),
      undefined,
    );
  });
});
