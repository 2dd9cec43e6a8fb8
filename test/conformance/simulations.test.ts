/** The policy simulator and `keystead explain`: decisions that nobody asks for yet, with what was looked at (spec 04, Examine IAM policies). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { runKeystead } from "../faults/processes.ts";
import { allow, assertIamRefused, deny, startIamWorld } from "../iam-world.ts";
import { ACCOUNT, allowing, bytes, newKey, OTHER_ACCOUNT, policyOf, present } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, kms, other } = world;

/** What `keystead explain` prints about a development server. */
async function explain(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runKeystead(["explain", "--endpoint", world.server.endpoint, ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

describe("SimulatePrincipalPolicy", () => {
  it("S04-035: tells allowed, explicitDeny and implicitDeny for each action and key", async () => {
    const { Arn } = await newKey(kms);
    const user = await world.person("simulated", {
      allow: [allow("kms:Encrypt"), allow("kms:Decrypt"), deny("kms:Decrypt", Arn)],
    });
    const ActionNames = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"];
    const { EvaluationResults, IsTruncated } = await iam.simulatePrincipalPolicy({
      PolicySourceArn: user.arn,
      ActionNames,
      ResourceArns: [Arn],
    });
    assert.equal(IsTruncated, false);
    assert.deepEqual(
      present(EvaluationResults).map(({ EvalActionName, EvalResourceName, EvalDecision }) => [
        EvalActionName,
        EvalResourceName,
        EvalDecision,
      ]),
      [
        ["kms:Encrypt", Arn, "allowed"],
        ["kms:Decrypt", Arn, "explicitDeny"],
        ["kms:DescribeKey", Arn, "implicitDeny"],
      ],
    );
    const [first] = present(EvaluationResults);
    const matched = { SourcePolicyId: "user_simulated_allowed", SourcePolicyType: "IAM Policy" };
    const [statement] = present(first?.MatchedStatements).filter(
      ({ SourcePolicyId }) => SourcePolicyId === matched.SourcePolicyId,
    );
    const place = (Column: number) => ({ Line: 1, Column });
    const columns = [`{"Version":"2012-10-17","Statement":[`.length + 1, policyOf(allow("kms:Encrypt")).length - 1];
    const [StartPosition, EndPosition] = columns.map(place);
    assert.deepEqual(statement, { ...matched, StartPosition, EndPosition });
    const { EvalResourceName, MatchedStatements, MissingContextValues } = present(first);
    assert.deepEqual(first?.ResourceSpecificResults, [
      { EvalResourceName, EvalResourceDecision: "allowed", MatchedStatements, MissingContextValues },
    ]);
  });

  it("lets the key's own policy and grants take part, which AWS's simulator does not", async () => {
    const user = await world.person("keyed");
    const Policy = policyOf(allowing(ACCOUNT, ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:DescribeKey"]), {
      Effect: "Allow",
      Principal: { AWS: user.arn },
      Action: "kms:Encrypt",
      Resource: "*",
    });
    const { KeyId, Arn } = await newKey(kms, { Policy });
    await kms.createGrant({ KeyId, GranteePrincipal: user.arn, Operations: ["Decrypt"] });
    const { EvaluationResults } = await iam.simulatePrincipalPolicy({
      PolicySourceArn: user.arn,
      ActionNames: ["kms:Encrypt", "kms:Decrypt", "kms:Sign"],
      ResourceArns: [Arn],
    });
    assert.deepEqual(
      present(EvaluationResults).map(({ EvalDecision }) => EvalDecision),
      ["allowed", "allowed", "implicitDeny"],
    );
    await user.kms.encrypt({ KeyId: Arn, Plaintext: bytes(1) });
  });

  it("takes further policies, context and a boundary, and tells what context is missing", async () => {
    const user = await world.person("contextual");
    const PolicyInputList = [
      policyOf({ ...allow("kms:Encrypt"), Condition: { StringEquals: { "kms:EncryptionContext:Stage": "beta" } } }),
    ];
    const ask = async (more: object) => {
      const { EvaluationResults } = await iam.simulatePrincipalPolicy({
        PolicySourceArn: user.arn,
        ActionNames: ["kms:Encrypt"],
        PolicyInputList,
        ...more,
      });
      return present(present(EvaluationResults)[0]);
    };
    const without = await ask({});
    assert.deepEqual(
      [without.EvalDecision, without.MissingContextValues],
      ["implicitDeny", ["kms:EncryptionContext:Stage"]],
    );
    const ContextEntries = [
      { ContextKeyName: "kms:EncryptionContext:Stage", ContextKeyValues: ["beta"], ContextKeyType: "string" as const },
    ];
    assert.equal((await ask({ ContextEntries })).EvalDecision, "allowed");
    const bounded = await ask({ ContextEntries, PermissionsBoundaryPolicyInputList: [policyOf(allow("kms:Decrypt"))] });
    assert.deepEqual(
      [bounded.EvalDecision, bounded.PermissionsBoundaryDecisionDetail],
      ["implicitDeny", { AllowedByPermissionsBoundary: false }],
    );
  });

  it("takes what a request leaves out as the operation does", async () => {
    const where = (action: string, Condition: object) => ({ ...allow(action), Condition });
    const user = await world.person("sparing", {
      allow: [
        where("kms:Encrypt", { StringEquals: { "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT" } }),
        where("kms:CreateKey", {
          StringEquals: { "kms:KeySpec": "SYMMETRIC_DEFAULT" },
          Bool: { "kms:MultiRegion": "false" },
        }),
        where("kms:ScheduleKeyDeletion", { NumericEquals: { "kms:ScheduleKeyDeletionPendingWindowInDays": "30" } }),
        where("kms:Decrypt", { Null: { "kms:EncryptionContextKeys": "true", "kms:RequestAlias": "true" } }),
        where("kms:ListGrants", { Bool: { "kms:GrantIsForAWSResource": "false" } }),
        where("kms:GenerateDataKey", { StringEquals: { "kms:EncryptionContext:Stage": "beta" } }),
      ],
    });
    const { Arn, KeyId } = await newKey(kms);
    const ask = async (ActionNames: string[], ResourceArns: string[]) => {
      const asked = { PolicySourceArn: user.arn, ActionNames, ResourceArns };
      const { EvaluationResults } = await iam.simulatePrincipalPolicy(asked);
      return present(EvaluationResults).map(({ EvalDecision, MissingContextValues }) => [
        EvalDecision,
        ...present(MissingContextValues),
      ]);
    };
    const onKey = ["kms:Encrypt", "kms:ScheduleKeyDeletion", "kms:Decrypt", "kms:ListGrants", "kms:GenerateDataKey"];
    assert.deepEqual(await ask(onKey, [Arn]), [
      ["allowed"],
      ["allowed"],
      ["allowed"],
      ["allowed"],
      ["implicitDeny", "kms:EncryptionContext:Stage"],
    ]);
    assert.deepEqual(await ask(["kms:CreateKey"], ["*"]), [["allowed"]]);
    await user.kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await user.kms.createKey({});
  });

  it("is about groups and roles, too", async () => {
    await iam.createGroup({ GroupName: "encrypters" });
    await iam.putGroupPolicy({ GroupName: "encrypters", PolicyName: "p", PolicyDocument: policyOf(allow("kms:E*")) });
    const PolicySourceArn = `arn:aws:iam::${ACCOUNT}:group/encrypters`;
    const { EvaluationResults } = await iam.simulatePrincipalPolicy({ PolicySourceArn, ActionNames: ["kms:Encrypt"] });
    assert.equal(present(EvaluationResults)[0]?.EvalDecision, "allowed");
  });

  it("pages, and refuses whom it does not know and what is no policy", async () => {
    const user = await world.person("paged", { allow: [allow("kms:*")] });
    const ActionNames = ["kms:Encrypt", "kms:Decrypt", "kms:Sign"];
    const first = await iam.simulatePrincipalPolicy({ PolicySourceArn: user.arn, ActionNames, MaxItems: 2 });
    assert.deepEqual([first.EvaluationResults?.length, first.IsTruncated], [2, true]);
    const Marker = present(first.Marker);
    const second = await iam.simulatePrincipalPolicy({ PolicySourceArn: user.arn, ActionNames, MaxItems: 2, Marker });
    assert.deepEqual(
      second.EvaluationResults?.map(({ EvalActionName }) => EvalActionName),
      ["kms:Sign"],
    );
    const unknown = { PolicySourceArn: `${user.arn}x`, ActionNames };
    await assertIamRefused(iam.simulatePrincipalPolicy(unknown), "NoSuchEntity", 404);
    const broken = { PolicySourceArn: user.arn, ActionNames, PolicyInputList: ["{}"] };
    await assertIamRefused(iam.simulatePrincipalPolicy(broken), "InvalidInput", 400);
    await assertIamRefused(
      user.iam.simulatePrincipalPolicy({ PolicySourceArn: user.arn, ActionNames }),
      "AccessDenied",
      403,
    );
  });
});

describe("SimulateCustomPolicy", () => {
  it("S04-035: decides by the policies of the request alone, with their statements' places", async () => {
    const document = `{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Deny", "Action": "kms:Delete*", "Resource": "*" },
    { "Effect": "Allow", "Action": "kms:*", "Resource": "*" }
  ]
}`;
    const { EvaluationResults } = await iam.simulateCustomPolicy({
      PolicyInputList: [document],
      ActionNames: ["kms:Encrypt", "kms:DeleteAlias", "s3:GetObject"],
    });
    const results = present(EvaluationResults);
    assert.deepEqual(
      results.map(({ EvalDecision }) => EvalDecision),
      ["allowed", "explicitDeny", "implicitDeny"],
    );
    const places = ({ MatchedStatements = [] }: (typeof results)[number]) =>
      MatchedStatements.map(({ StartPosition: start, EndPosition: end }) => [
        [start?.Line, start?.Column],
        [end?.Line, end?.Column],
      ]);
    // The first begins behind the bracket, the second behind the first.
    assert.deepEqual(results.map(places), [
      [
        [
          [4, 67],
          [5, 62],
        ],
      ],
      [
        [
          [3, 17],
          [4, 67],
        ],
        [
          [4, 67],
          [5, 62],
        ],
      ],
      [],
    ]);
    assert.deepEqual(Object.keys(present(results[2])).sort(), [
      "EvalActionName",
      "EvalDecision",
      "EvalResourceName",
      "MatchedStatements",
      "MissingContextValues",
    ]);
  });

  it("lets a resource policy decide for a caller", async () => {
    const user = await world.person("named");
    const { EvaluationResults } = await iam.simulateCustomPolicy({
      PolicyInputList: [policyOf(deny("kms:Sign"))],
      ActionNames: ["kms:Encrypt", "kms:Sign"],
      CallerArn: user.arn,
      ResourceArns: [`arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`],
      ResourcePolicy: policyOf({ Effect: "Allow", Principal: { AWS: user.arn }, Action: "kms:*", Resource: "*" }),
    });
    assert.deepEqual(
      present(EvaluationResults).map(({ EvalDecision }) => EvalDecision),
      ["allowed", "explicitDeny"],
    );
  });

  it("tells that the resource policy of another account denies, and that of its key only where the request has it", async () => {
    const { Arn, KeyId } = await newKey(other);
    const never = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" };
    const Policy = policyOf(allowing(OTHER_ACCOUNT), never);
    await other.putKeyPolicy({ KeyId, Policy });
    const user = await world.person("far", { allow: [allow("kms:*")] });
    const asked = { ActionNames: ["kms:Encrypt"], ResourceArns: [Arn] };
    const custom = {
      ...asked,
      PolicyInputList: [policyOf(allow("kms:*"))],
      CallerArn: user.arn,
      ResourcePolicy: Policy,
    };
    const [simulated] = present((await iam.simulateCustomPolicy(custom)).EvaluationResults);
    assert.equal(simulated?.EvalDecision, "explicitDeny");
    const principal = { ...asked, PolicySourceArn: user.arn };
    const [hidden] = present((await iam.simulatePrincipalPolicy(principal)).EvaluationResults);
    assert.equal(hidden?.EvalDecision, "implicitDeny");
    assert.deepEqual(
      hidden?.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId),
      ["user_far_allowed"],
    );
  });
});

describe("keystead explain", () => {
  it("prints every source and statement, the condition that failed with its value, and what would allow it", async () => {
    const user = await world.person("puzzled", {
      allow: [
        {
          ...allow("kms:Decrypt"),
          Sid: "ByStage",
          Condition: {
            StringEquals: { "kms:EncryptionContext:stage": "prod" },
            StringLike: { "kms:RequestAlias": "alias/puz*" },
          },
        },
      ],
    });
    const { KeyId } = await newKey(kms);
    await kms.createAlias({ AliasName: "alias/puzzle", TargetKeyId: KeyId });
    const about = ["--principal", user.arn, "--action", "kms:Decrypt", "--resource", "alias/puzzle"];
    const denied = await explain(...about, "--context", "stage=beta");
    for (const line of [
      /DENIED: User: .*user\/puzzled is not authorized to perform: kms:Decrypt on resource: .*because no identity-based policy allows/,
      /To allow it: statement "ByStage" of allowed \(inline, user puzzled\) would allow it if kms:encryptioncontext:stage were stringequals prod; it is beta\./,
      /✓ Allow statement 1 "Enable IAM User Permissions": matches \(for the account\)/,
      /✗ Allow statement 1 "ByStage": no: condition/,
      /✗ stringequals kms:encryptioncontext:stage: wants prod; the request has beta/,
    ]) {
      assert.match(denied, line);
    }
    assert.match(await explain(...about, "--context", "stage=prod"), /\n {2}ALLOWED\n/);
  });

  it("says who is nobody, and what is no question", async () => {
    const nobody = explain("--principal", `arn:aws:iam::${ACCOUNT}:user/nobody`, "--action", "kms:Decrypt");
    await assert.rejects(nobody, /is nobody here/);
    await assert.rejects(
      explain("--principal", `arn:aws:iam::${ACCOUNT}:root`, "--action", "Decrypt"),
      /an action is like/,
    );
  });
});
