/** Key policies of spec 01, 03 and 08: the default document, what is taken and refused, and the lockout check. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { startKeystead } from "../../src/testing.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  managedKey,
  membersOf,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
  startWorldBy,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

/** A server that takes policies with principals which are not there, such as those of the samples. */
const lenient = await startWorldBy(startKeystead, ["--unknown-principals", "allow"]);
after(() => lenient.stop());

const LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future.";

async function policyTextOf(keyId: string): Promise<string> {
  return present((await kms.getKeyPolicy({ KeyId: keyId })).Policy);
}

/** The policies of the guide's samples (spec 08, P17), for our account and a role. */
const ROLE = `arn:aws:iam::${ACCOUNT}:role/ExampleRole`;
const sampleActions = ["kms:Encrypt", "kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"];
const statement = (Sid: string, AWS: string, Action: string | readonly string[]): object => ({
  Sid,
  Effect: "Allow",
  Principal: { AWS },
  Action,
  Resource: "*",
});
const javaPolicy = policyOf(statement("Allow access for ExampleRole", ROLE, sampleActions));
const nodePolicy = JSON.stringify(
  {
    Version: "2012-10-17",
    Id: "custom-policy-2016-12-07",
    Statement: [
      statement("Enable IAM User Permissions", `arn:aws:iam::${ACCOUNT}:root`, "kms:*"),
      statement("Enable IAM User Permissions", ROLE, [
        "kms:Encrypt*",
        "kms:GenerateDataKey*",
        "kms:Decrypt*",
        "kms:DescribeKey*",
        "kms:ReEncrypt*",
      ]),
    ],
  },
  undefined,
  4,
);
const phpPolicy = nodePolicy.replace(`:${ACCOUNT}:root`, `:${ACCOUNT}:user/root`);

describe("the default key policy", () => {
  for (const [partition, region] of [
    ["aws", "us-east-1"],
    ["aws-cn", "cn-north-1"],
    ["aws-us-gov", "us-gov-west-1"],
  ] as const) {
    it(`S01-007, S03-001: a key made in ${region} without a policy has the one that lets its account's IAM policies decide`, async () => {
      const client = world.client(region);
      const { KeyId } = await newKey(client);
      const { Policy, PolicyName } = await client.getKeyPolicy({ KeyId });
      assert.equal(PolicyName, "default");
      assert.equal(
        Policy,
        `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:${partition}:iam::${ACCOUNT}:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`,
      );
    });
  }
});

describe("a policy that would lock its caller out", () => {
  for (const [title, Policy] of Object.entries({
    "names another account alone": policyOf(allowing(OTHER_ACCOUNT)),
    "leaves out kms:PutKeyPolicy": policyOf(allowing(ACCOUNT, ["kms:Encrypt", "kms:DescribeKey", "kms:GetKeyPolicy"])),
    "denies kms:PutKeyPolicy": policyOf(allowing(ACCOUNT), {
      Effect: "Deny",
      Principal: "*",
      Action: "kms:Put*",
      Resource: "*",
    }),
    "allows kms:PutKeyPolicy without a Resource": policyOf({ ...allowing(ACCOUNT), Resource: undefined }),
  })) {
    it(`S01-008, S03-011: CreateKey refuses a policy that ${title}, unless the check is bypassed`, async () => {
      const client = world.client("eu-west-2");
      const count = async (): Promise<number> => present((await client.listKeys({ Limit: 1000 })).Keys).length;
      const before = await count();
      await assertRefused(client.createKey({ Policy }), "MalformedPolicyDocumentException", LOCKED_OUT);
      const bypass = { Policy, BypassPolicyLockoutSafetyCheck: false };
      await assertRefused(client.createKey(bypass), "MalformedPolicyDocumentException", LOCKED_OUT);
      assert.equal(await count(), before);
      const made = await newKey(client, { Policy, BypassPolicyLockoutSafetyCheck: true });
      assert.equal(made.KeyState, "Enabled");
      assert.equal(await count(), before + 1);
    });

    it(`S03-011: PutKeyPolicy refuses a policy that ${title}, unless the check is bypassed`, async () => {
      const { KeyId } = await newKey(kms);
      const before = await policyTextOf(KeyId);
      await assertRefused(kms.putKeyPolicy({ KeyId, Policy }), "MalformedPolicyDocumentException", LOCKED_OUT);
      assert.equal(await policyTextOf(KeyId), before);
      await kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true });
      await assertRefused(kms.putKeyPolicy({ KeyId, Policy: before }), "AccessDeniedException");
    });
  }
});

describe("a statement", () => {
  it("S03-008: without Resource or without Action is taken by CreateKey and PutKeyPolicy, and has no effect", async () => {
    const deny = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt" };
    const Policy = policyOf(
      allowing(ACCOUNT),
      deny,
      { Effect: "Deny", Principal: "*", Resource: "*" },
      { ...allowing(OTHER_ACCOUNT), Resource: undefined },
      { ...allowing(OTHER_ACCOUNT), Action: undefined },
    );
    const { KeyId, Arn } = await newKey(kms, { Policy });
    await kms.putKeyPolicy({ KeyId, Policy });
    assert.equal(await policyTextOf(KeyId), Policy);
    await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await assertRefused(other.encrypt({ KeyId: Arn, Plaintext: bytes(1) }), "AccessDeniedException");
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT), { ...deny, Resource: "*" }) });
    await assertRefused(
      kms.encrypt({ KeyId, Plaintext: bytes(1) }),
      "AccessDeniedException",
      `User: arn:aws:iam::${ACCOUNT}:root is not authorized to perform: kms:Encrypt on resource: ${Arn} with an explicit deny in a resource-based policy`,
    );
  });

  it("S03-009: may have a Sid with spaces, and the Sid of another", async () => {
    const { KeyId } = await newKey(kms);
    const Policy = policyOf(allowing(ACCOUNT), {
      ...allowing(ACCOUNT, "kms:Encrypt"),
      Sid: `Allow account ${ACCOUNT}`,
    });
    await kms.putKeyPolicy({ KeyId, Policy });
    assert.equal(await policyTextOf(KeyId), Policy);
  });
});

describe("a policy document", () => {
  const padded = (length: number): string => {
    const policy = policyOf(allowing(ACCOUNT));
    return policy + " ".repeat(length - policy.length);
  };

  it("S03-009: of 32,768 bytes is taken, of one more it is LimitExceededException", async () => {
    const { KeyId } = await newKey(kms, { Policy: padded(32_768) });
    assert.equal(await policyTextOf(KeyId), padded(32_768));
    await assertRefused(kms.putKeyPolicy({ KeyId, Policy: padded(32_769) }), "LimitExceededException");
    await assertRefused(kms.createKey({ Policy: padded(32_769) }), "LimitExceededException");
    assert.equal(await policyTextOf(KeyId), padded(32_768));
  });

  for (const [title, character] of [
    ["beyond Latin-1", "\u0100"],
    ["of control", "\u0000"],
    ["of control between tab and carriage return", "\u000b"],
    ["beyond the basic plane", "\u{1f511}"],
  ] as const) {
    it(`S03-009: with a character ${title} is refused`, async () => {
      const { KeyId } = await newKey(kms);
      const Policy = `${policyOf(allowing(ACCOUNT))}${character}`;
      await assertRefused(kms.putKeyPolicy({ KeyId, Policy }), "ValidationException", /at 'policy' failed to satisfy/);
      await assertRefused(kms.createKey({ Policy }), "ValidationException");
    });
  }

  it("S03-009: with tabs, line breaks and Latin-1 letters is taken", async () => {
    const { KeyId } = await newKey(kms);
    const Policy = policyOf({ ...allowing(ACCOUNT), Sid: "Zugriff für äÿ" }).replaceAll(",", ",\r\n\t");
    await kms.putKeyPolicy({ KeyId, Policy });
    assert.equal(await policyTextOf(KeyId), Policy);
  });

  for (const [title, Policy] of Object.entries({
    "no JSON": "{",
    "a list": "[]",
    "an empty object": "{}",
    "without a statement": policyOf(),
    "with an unknown version": policyOf(allowing(ACCOUNT)).replace("2012-10-17", "2012-10-18"),
    "with a statement without a principal": policyOf(allowing(ACCOUNT), { ...allowing(ACCOUNT), Principal: undefined }),
    "with a statement without an effect": policyOf(allowing(ACCOUNT), { ...allowing(ACCOUNT), Effect: undefined }),
    "with an effect in small letters": policyOf(allowing(ACCOUNT), { ...allowing(ACCOUNT), Effect: "allow" }),
    "with an unknown member": policyOf(allowing(ACCOUNT), { ...allowing(ACCOUNT), Conditions: {} }),
    "that names a group": policyOf(
      allowing(ACCOUNT),
      statement("group", `arn:aws:iam::${ACCOUNT}:group/admins`, "kms:*"),
    ),
    "that names the account in another partition": policyOf(
      allowing(ACCOUNT),
      statement("elsewhere", `arn:aws-us-gov:iam::${ACCOUNT}:root`, "kms:*"),
    ),
    "that names no ARN": policyOf(allowing(ACCOUNT), statement("nobody", "somebody", "kms:*")),
  })) {
    it(`${title} is MalformedPolicyDocumentException even when the lockout check is bypassed`, async () => {
      const { KeyId } = await newKey(kms);
      const before = await policyTextOf(KeyId);
      const BypassPolicyLockoutSafetyCheck = true;
      await assertRefused(
        kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck }),
        "MalformedPolicyDocumentException",
      );
      await assertRefused(
        kms.createKey({ Policy, BypassPolicyLockoutSafetyCheck }),
        "MalformedPolicyDocumentException",
      );
      assert.equal(await policyTextOf(KeyId), before);
    });
  }
});

describe("PutKeyPolicy", () => {
  it("S08-016: ListKeyPolicies names default alone, and GetKeyPolicy's text goes back through PutKeyPolicy unchanged", async () => {
    const { KeyId } = await newKey(kms);
    assert.deepEqual(membersOf(await kms.listKeyPolicies({ KeyId })), { PolicyNames: ["default"], Truncated: false });
    const first = await policyTextOf(KeyId);
    assert.deepEqual(membersOf(await kms.putKeyPolicy({ KeyId, PolicyName: "default", Policy: first })), {});
    assert.equal(await policyTextOf(KeyId), first);
    const odd = `\t${policyOf(allowing(ACCOUNT))}\r\n `;
    await kms.putKeyPolicy({ KeyId, Policy: odd });
    assert.equal(await policyTextOf(KeyId), odd);
    await assertRefused(kms.getKeyPolicy({ KeyId, PolicyName: "other" }), "NotFoundException");
    await assertRefused(kms.putKeyPolicy({ KeyId, PolicyName: "other", Policy: first }), "NotFoundException");
    assert.equal(await policyTextOf(KeyId), odd);
  });

  it("S08-017: takes the Node.js sample: a Sid twice, an Id, wildcard actions", async () => {
    const { kms } = lenient;
    const { KeyId } = await newKey(kms);
    await kms.putKeyPolicy({ KeyId, PolicyName: "default", Policy: nodePolicy });
    assert.equal((await kms.getKeyPolicy({ KeyId })).Policy, nodePolicy);
    await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    assert.match(lenient.server.log(), /principals that are not here/);
  });

  it("S08-017: refuses the Java sample by the lockout check, and takes it with the bypass", async () => {
    const { kms } = lenient;
    const { KeyId } = await newKey(kms);
    const before = (await kms.getKeyPolicy({ KeyId })).Policy;
    await assertRefused(
      kms.putKeyPolicy({ KeyId, PolicyName: "default", Policy: javaPolicy }),
      "MalformedPolicyDocumentException",
      LOCKED_OUT,
    );
    assert.equal((await kms.getKeyPolicy({ KeyId })).Policy, before);
    await kms.putKeyPolicy({ KeyId, Policy: javaPolicy, BypassPolicyLockoutSafetyCheck: true });
  });

  it("S08-017: refuses the PHP sample, which names a user that does not exist", async () => {
    const { KeyId } = await newKey(kms);
    await assertRefused(
      kms.putKeyPolicy({ KeyId, PolicyName: "default", Policy: phpPolicy, BypassPolicyLockoutSafetyCheck: true }),
      "MalformedPolicyDocumentException",
      "Policy contains a statement with one or more invalid principals.",
    );
  });

  it("S03-013: GetKeyPolicy reads an AWS managed key's policy, and PutKeyPolicy does not replace it", async () => {
    const { KeyId, Arn } = await managedKey(kms, "backup");
    const before = await policyTextOf(KeyId);
    assert.equal(await policyTextOf(Arn), before);
    for (const BypassPolicyLockoutSafetyCheck of [false, true]) {
      const Policy = policyOf(allowing(ACCOUNT));
      await assertRefused(kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck }), "AccessDeniedException");
    }
    assert.equal(await policyTextOf(KeyId), before);
  });

  it("S03-013: no policy is read or replaced across accounts, whatever the policy says", async () => {
    const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT));
    const { KeyId, Arn } = await newKey(kms, { Policy });
    await other.describeKey({ KeyId: Arn });
    const refused = /^(?:AccessDeniedException|NotFoundException)$/;
    await assertRefused(other.getKeyPolicy({ KeyId: Arn }), refused);
    await assertRefused(other.listKeyPolicies({ KeyId: Arn }), refused);
    await assertRefused(other.putKeyPolicy({ KeyId: Arn, Policy: policyOf(allowing(OTHER_ACCOUNT)) }), refused);
    assert.equal(await policyTextOf(KeyId), Policy);
  });

  it("decides at once: what a policy no longer allows is denied with the next request", async () => {
    const { KeyId, Arn } = await newKey(kms, {
      Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:Encrypt")),
    });
    await other.encrypt({ KeyId: Arn, Plaintext: bytes(1) });
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) });
    await assertRefused(other.encrypt({ KeyId: Arn, Plaintext: bytes(1) }), "AccessDeniedException");
  });
});
