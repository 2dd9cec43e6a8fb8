/** Resource control policies: what anybody may do at the most to the resources of an organization's accounts (Organizations user guide, RCPs). */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import type { KMS } from "@aws-sdk/client-kms";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { STS } from "@aws-sdk/client-sts";
import { assertIamRefused, trusting } from "../iam-world.ts";
import { ACCOUNT, allowing, assertRefused, bytes, managedKey, newKey, policyOf, present } from "../kms-client.ts";
import {
  configOf,
  newRcp,
  newScp,
  OUTSIDER,
  RCP,
  RCP_FULL,
  refused,
  SCP,
  scpText,
  startOrganization,
} from "./organization-world.ts";

const world = await startOrganization(["red", "blue"]);
const { organizations, kms: managementKms } = world.management;
const red = present(world.members.get("red"));
const blue = present(world.members.get("blue"));
const outsider = world.outsider;
const clients: { destroy(): void }[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world[Symbol.asyncDispose]();
});

const deny = (Action: string | readonly string[], more: object = {}): object => ({
  Effect: "Deny",
  Principal: "*",
  Action,
  Resource: "*",
  ...more,
});

/** How the message of a refusal by a resource control policy ends, where the caller is of the organization. */
const BY_RCP =
  /with an explicit deny in a resource control policy: arn:aws:organizations::\d{12}:policy\/o-[a-z0-9]{10}\/resource_control_policy\/p-[a-z0-9]{8}$/;
/** And where not. */
const BY_RCP_FAR = /with an explicit deny in a resource control policy$/;

let names = 0;

/** Has a policy of these statements on a target while a body runs. */
async function under(
  target: string,
  statements: readonly object[],
  body: (id: string) => Promise<void>,
): Promise<void> {
  names += 1;
  const PolicyId = await newRcp(organizations, `policy ${names}`, ...statements);
  await organizations.attachPolicy({ PolicyId, TargetId: target });
  try {
    await body(PolicyId);
  } finally {
    await organizations.detachPolicy({ PolicyId, TargetId: target });
    await organizations.deletePolicy({ PolicyId });
  }
}

const encrypt = (kms: KMS, KeyId: string) => kms.encrypt({ KeyId, Plaintext: bytes(1) });

let redKey: string;

before(async () => {
  await organizations.enablePolicyType({ RootId: world.rootId, PolicyType: RCP });
  const policy = policyOf(allowing(red.account), allowing(blue.account), allowing(OUTSIDER), allowing(ACCOUNT));
  redKey = (await newKey(red.kms, { Policy: policy })).Arn;
});

describe("the policy type", () => {
  it("gives every root, unit and account AWS's own policy, which can't be taken off or changed", async () => {
    const unit = await organizations.createOrganizationalUnit({ ParentId: world.rootId, Name: "new" });
    const own = {
      Id: RCP_FULL,
      Arn: `arn:aws:organizations::aws:policy/resource_control_policy/${RCP_FULL}`,
      Name: "RCPFullAWSAccess",
      Description: "Allows access to every resource",
      Type: RCP,
      AwsManaged: true,
    };
    for (const TargetId of [world.rootId, red.account, ACCOUNT, present(unit.OrganizationalUnit?.Id)]) {
      const { Policies } = await organizations.listPoliciesForTarget({ TargetId, Filter: RCP });
      assert.deepEqual(Policies, [own]);
      await refused(organizations.detachPolicy({ PolicyId: RCP_FULL, TargetId }), "ConstraintViolationException", {
        reason: "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
      });
    }
    const { Policy } = await organizations.describePolicy({ PolicyId: RCP_FULL });
    assert.deepEqual(JSON.parse(present(Policy?.Content)), {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }],
    });
    await refused(organizations.updatePolicy({ PolicyId: RCP_FULL, Name: "mine" }), "InvalidInputException", {
      reason: "IMMUTABLE_POLICY",
    });
  });

  it("stands beside that of service control policies", async () => {
    const { Roots } = await organizations.listRoots({});
    assert.deepEqual(Roots?.[0]?.PolicyTypes, [
      { Type: RCP, Status: "ENABLED" },
      { Type: SCP, Status: "ENABLED" },
    ]);
    const scp = await newScp(organizations, "same name", { Effect: "Deny", Action: "kms:Encrypt", Resource: "*" });
    const rcp = await newRcp(organizations, "same name", deny("kms:Encrypt"));
    await refused(
      organizations.createPolicy({ Name: "same name", Description: "", Content: scpText(deny("kms:*")), Type: RCP }),
      "DuplicatePolicyException",
    );
    const listed = async (Filter: typeof SCP | typeof RCP) =>
      (await organizations.listPolicies({ Filter })).Policies?.map(({ Id }) => Id);
    assert.deepEqual(await listed(RCP), [rcp, RCP_FULL].toSorted());
    assert.ok((await listed(SCP))?.includes(scp));
    const { Policy } = await organizations.describePolicy({ PolicyId: rcp });
    assert.equal(
      Policy?.PolicySummary?.Arn,
      `arn:aws:organizations::${ACCOUNT}:policy/${world.organizationId}/resource_control_policy/${rcp}`,
    );
    await organizations.deletePolicy({ PolicyId: scp });
    await organizations.deletePolicy({ PolicyId: rcp });
  });

  it("takes five policies on a target, AWS's own among them, of 5,120 characters", async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.push(await newRcp(organizations, `nr ${count}`, deny("sqs:*")));
    for (const PolicyId of made.slice(0, 4)) {
      await organizations.attachPolicy({ PolicyId, TargetId: blue.account });
    }
    await refused(
      organizations.attachPolicy({ PolicyId: present(made[4]), TargetId: blue.account }),
      "ConstraintViolationException",
      { reason: "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED" },
    );
    for (const PolicyId of made.slice(0, 4)) {
      await organizations.detachPolicy({ PolicyId, TargetId: blue.account });
    }
    for (const PolicyId of made) await organizations.deletePolicy({ PolicyId });
    const long = scpText(deny("kms:*", { Sid: "a".repeat(5_120) }));
    await refused(
      organizations.createPolicy({ Name: "long", Description: "", Content: long, Type: RCP }),
      "ConstraintViolationException",
      { reason: "POLICY_CONTENT_LIMIT_EXCEEDED" },
    );
  });

  const malformed: Readonly<Record<string, object>> = {
    "an Allow": { ...deny("kms:*"), Effect: "Allow" },
    "no principal": { Effect: "Deny", Action: "kms:*", Resource: "*" },
    "a principal": { ...deny("kms:*"), Principal: { AWS: ACCOUNT } },
    "everybody by kind": { ...deny("kms:*"), Principal: { AWS: "*" } },
    NotPrincipal: { Effect: "Deny", NotPrincipal: "*", Action: "kms:*", Resource: "*" },
    NotAction: { Effect: "Deny", Principal: "*", NotAction: "kms:*", Resource: "*" },
    "every action": deny("*"),
    "every action among others": deny(["kms:*", "*"]),
    "actions of every service": deny("*:Encrypt"),
    "no action": { Effect: "Deny", Principal: "*", Resource: "*" },
    "no resource": { Effect: "Deny", Principal: "*", Action: "kms:*" },
    "one Sid twice": [deny("kms:*", { Sid: "A" }), deny("s3:*", { Sid: "A" })],
  };
  for (const [what, statements] of Object.entries(malformed)) {
    it(`refuses a policy with ${what}`, async () => {
      const Content = scpText(...[statements].flat());
      await refused(
        organizations.createPolicy({ Name: what, Description: "", Content, Type: RCP }),
        "MalformedPolicyDocumentException",
      );
    });
  }
});

describe("a resource control policy", () => {
  it("denies everybody at the account's keys, its root user and strangers alike, until it is detached", async () => {
    await under(red.account, [deny("kms:Encrypt")], async () => {
      await assertRefused(encrypt(red.kms, redKey), "AccessDeniedException", BY_RCP);
      await assertRefused(encrypt(blue.kms, redKey), "AccessDeniedException", BY_RCP);
      await assertRefused(encrypt(outsider.kms, redKey), "AccessDeniedException", BY_RCP_FAR);
      await red.kms.describeKey({ KeyId: redKey });
    });
    for (const { kms } of [red, blue, outsider]) await encrypt(kms, redKey);
  });

  it("keeps those outside of the organization from its keys, as the KMS guide's example does", async () => {
    const perimeter = deny("kms:*", {
      Condition: {
        StringNotEqualsIfExists: { "aws:PrincipalOrgID": world.organizationId },
        BoolIfExists: { "aws:PrincipalIsAWSService": "false" },
      },
    });
    await under(world.rootId, [perimeter], async () => {
      await encrypt(red.kms, redKey);
      await encrypt(blue.kms, redKey);
      await assertRefused(encrypt(outsider.kms, redKey), "AccessDeniedException", BY_RCP_FAR);
    });
  });

  it("limits keys, not callers: theirs elsewhere are used as before", async () => {
    const away = await newKey(blue.kms, { Policy: policyOf(allowing(blue.account), allowing(red.account)) });
    await under(red.account, [deny("kms:Encrypt")], async () => {
      await encrypt(red.kms, away.Arn);
    });
  });

  it("leaves the management account's keys alone, on the root and on the account itself", async () => {
    const own = (await newKey(managementKms)).Arn;
    for (const target of [world.rootId, ACCOUNT]) {
      await under(target, [deny("kms:*")], async () => {
        await encrypt(managementKms, own);
      });
    }
  });

  it("leaves AWS managed keys, kms:RetireGrant and what is on no resource alone", async () => {
    const { Arn: managed } = await managedKey(red.kms, "s3");
    const grant = await red.kms.createGrant({
      KeyId: redKey,
      GranteePrincipal: `arn:aws:iam::${red.account}:root`,
      RetiringPrincipal: `arn:aws:iam::${red.account}:root`,
      Operations: ["Decrypt"],
    });
    await under(red.account, [deny("kms:*")], async () => {
      await assertRefused(red.kms.describeKey({ KeyId: redKey }), "AccessDeniedException", BY_RCP);
      await red.kms.describeKey({ KeyId: managed });
      await red.kms.retireGrant({ KeyId: redKey, GrantId: present(grant.GrantId) });
      await red.kms.createKey({});
      await red.kms.listKeys({});
    });
  });

  it("outweighs grants", async () => {
    const { GrantToken } = await red.kms.createGrant({
      KeyId: redKey,
      GranteePrincipal: `arn:aws:iam::${OUTSIDER}:root`,
      Operations: ["Encrypt"],
    });
    const granted = () =>
      outsider.kms.encrypt({ KeyId: redKey, Plaintext: bytes(1), GrantTokens: [present(GrantToken)] });
    await granted();
    await under(red.account, [deny("kms:Encrypt")], async () => {
      await assertRefused(granted(), "AccessDeniedException", BY_RCP_FAR);
    });
  });

  it("decides by resources, conditions and NotResource, from the next request on", async () => {
    const cases = [
      { statement: deny("kms:Enc*", { Resource: redKey }), denies: true },
      { statement: deny("kms:Encrypt", { Resource: redKey.replace(/.$/, "?") }), denies: true },
      { statement: deny("kms:Encrypt", { Resource: `${redKey}x` }), denies: false },
      { statement: { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", NotResource: redKey }, denies: false },
      { statement: deny("s3:*"), denies: false },
      {
        statement: deny("kms:*", { Condition: { StringEquals: { "aws:PrincipalAccount": red.account } } }),
        denies: true,
      },
      {
        statement: deny("kms:*", { Condition: { StringEquals: { "aws:PrincipalAccount": blue.account } } }),
        denies: false,
      },
    ];
    for (const { statement, denies } of cases) {
      await under(red.account, [statement], async () => {
        if (denies) await assertRefused(encrypt(red.kms, redKey), "AccessDeniedException", BY_RCP);
        else await encrypt(red.kms, redKey);
      });
    }
    await under(red.account, [deny("kms:Decrypt")], async (PolicyId) => {
      await encrypt(red.kms, redKey);
      await organizations.updatePolicy({ PolicyId, Content: scpText(deny("kms:Encrypt")) });
      await assertRefused(encrypt(red.kms, redKey), "AccessDeniedException", BY_RCP);
    });
  });

  it("limits roles that are assumed, and secrets, of the account", async () => {
    const config = configOf(world.server, red.credentials);
    const [iam, secrets] = [new IAM(config), new SecretsManager(config)];
    const outside = new IAM(configOf(world.server, outsider.credentials));
    clients.push(iam, secrets, outside);
    const { User } = await outside.createUser({ UserName: "guest" });
    const { AccessKey } = await outside.createAccessKey({ UserName: "guest" });
    const guest = new STS(
      configOf(world.server, {
        accessKeyId: present(AccessKey?.AccessKeyId),
        secretAccessKey: present(AccessKey?.SecretAccessKey),
      }),
    );
    clients.push(guest);
    const PolicyDocument = scpText({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" });
    await outside.putUserPolicy({ UserName: "guest", PolicyName: "roles", PolicyDocument });
    const { Role } = await iam.createRole({
      RoleName: "visitor",
      AssumeRolePolicyDocument: trusting({ AWS: present(User?.Arn) }),
    });
    const assume = () => guest.assumeRole({ RoleArn: present(Role?.Arn), RoleSessionName: "visit" });
    const { ARN } = await secrets.createSecret({ Name: "secret", SecretString: "value" });
    const ReadSecret = () => secrets.getSecretValue({ SecretId: present(ARN) });
    await assume();
    await ReadSecret();
    await under(red.account, [deny(["sts:AssumeRole", "secretsmanager:GetSecretValue"])], async () => {
      await assertIamRefused(assume(), "AccessDenied", 403, /is not authorized to perform: sts:AssumeRole/);
      await assertRefused(ReadSecret(), "AccessDeniedException", BY_RCP);
    });
    await assume();
  });

  it("says nothing of services that have no such policies", async () => {
    const iam = new IAM(configOf(world.server, red.credentials));
    clients.push(iam);
    await under(red.account, [deny("iam:*")], async () => {
      await iam.listUsers({});
    });
  });

  it("comes before service control policies, and decides nothing while its type is off", async () => {
    const scp = await newScp(organizations, "both", { Effect: "Deny", Action: "kms:Encrypt", Resource: "*" });
    await organizations.attachPolicy({ PolicyId: scp, TargetId: red.account });
    await under(red.account, [deny("kms:Encrypt")], async () => {
      await assertRefused(encrypt(red.kms, redKey), "AccessDeniedException", BY_RCP);
    });
    await organizations.detachPolicy({ PolicyId: scp, TargetId: red.account });
    const PolicyId = await newRcp(organizations, "switched off", deny("kms:Encrypt"));
    await organizations.attachPolicy({ PolicyId, TargetId: red.account });
    await organizations.disablePolicyType({ RootId: world.rootId, PolicyType: RCP });
    await encrypt(red.kms, redKey);
    const { Policies } = await organizations.listPoliciesForTarget({ TargetId: red.account, Filter: SCP });
    assert.deepEqual(
      Policies?.map(({ Name }) => Name),
      ["FullAWSAccess"],
    );
    await refused(organizations.attachPolicy({ PolicyId, TargetId: red.account }), "PolicyTypeNotEnabledException");
    await organizations.enablePolicyType({ RootId: world.rootId, PolicyType: RCP });
    await encrypt(red.kms, redKey);
  });
});
