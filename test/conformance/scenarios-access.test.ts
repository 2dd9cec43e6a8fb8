/** Scenarios of access, from end to end: what IAM policies, key policies and grants let users, roles and other accounts do. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { STS } from "@aws-sdk/client-sts";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };
import { sessionOf } from "../iam/world.ts";
import { allow, startIamWorld, trusting } from "../iam-world.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
} from "../kms-client.ts";

const world = await startIamWorld();
const { kms, iam } = world;
const assumer = await world.person("assumer", { allow: [allow("sts:AssumeRole")] });
const { AccessKey } = await iam.createAccessKey({ UserName: assumer.name });
const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
const sts = new STS({ endpoint: world.server.endpoint, region: REGION, credentials: { accessKeyId, secretAccessKey } });
after(async () => {
  sts.destroy();
  await world.stop();
});

const DENIED = "AccessDeniedException";

/** A role with a client in its name. */
async function newRole(RoleName: string): Promise<{ readonly arn: string; readonly kms: KMS }> {
  const AssumeRolePolicyDocument = trusting({ AWS: assumer.arn });
  const arn = present((await iam.createRole({ RoleName, AssumeRolePolicyDocument })).Role?.Arn);
  const session = sessionOf(await sts.assumeRole({ RoleArn: arn, RoleSessionName: "working" }));
  return { arn, kms: world.clients(session).kms };
}

/** A statement of a key policy for principals. */
const letting = (AWS: string, Action: string | readonly string[]) => ({
  ...allow(Action),
  Principal: { AWS },
});

/** A ciphertext of a key. */
async function sealed(KeyId: string): Promise<Uint8Array> {
  return present((await kms.encrypt({ KeyId, Plaintext: bytes(5) })).CiphertextBlob);
}

const textOf = async (KeyId: string): Promise<string> => present((await kms.getKeyPolicy({ KeyId })).Policy);

describe("IAM", () => {
  it("S08-030: SC-02 decides who may use a key under the default key policy, from the next request on", async () => {
    const user = await world.person("integrated");
    const { KeyId, Arn } = await newKey(kms);
    const CiphertextBlob = await sealed(KeyId);
    await assertRefused(user.kms.decrypt({ CiphertextBlob }), DENIED);
    const PolicyDocument = policyOf(allow("kms:Decrypt", Arn));
    const { Policy } = await iam.createPolicy({ PolicyName: "decrypting", PolicyDocument });
    const attachment = { UserName: user.name, PolicyArn: Policy?.Arn };
    await iam.attachUserPolicy(attachment);
    assert.deepEqual((await user.kms.decrypt({ CiphertextBlob })).Plaintext, bytes(5));
    await iam.detachUserPolicy(attachment);
    await assertRefused(user.kms.decrypt({ CiphertextBlob }), DENIED);
  });
});

describe("a key policy", () => {
  it("S08-030: SC-14 is there from the beginning, goes never, and keeps out administrators whom it doesn't name", async () => {
    const { KeyId } = await newKey(kms);
    assert.deepEqual((await kms.listKeyPolicies({ KeyId })).PolicyNames, ["default"]);
    assert.notEqual(await textOf(KeyId), "");
    const removing = Object.keys(kmsJson.operations).filter((name) => /(?:Delete|Remove|Detach).*Policy/.test(name));
    assert.deepEqual(removing, []);
    await assertRefused(kms.putKeyPolicy({ KeyId, Policy: "" }), "ValidationException");

    const administrator = await world.person("administrator", { allow: [allow("kms:*")] });
    const role = await newRole("only-one");
    const Policy = policyOf(letting(role.arn, "kms:*"));
    await administrator.kms.describeKey({ KeyId });
    await kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true });
    for (const call of [
      () => administrator.kms.describeKey({ KeyId }),
      () => administrator.kms.encrypt({ KeyId, Plaintext: bytes(1) }),
      () => administrator.kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
    ]) {
      await assertRefused(call(), DENIED);
    }
    assert.equal((await role.kms.getKeyPolicy({ KeyId })).Policy, Policy);
  });

  it("S08-030: SC-15 by default leaves the key to the account's IAM policies, and to no other account's", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { Statement } = JSON.parse(await textOf(KeyId)) as { readonly Statement: readonly object[] };
    assert.deepEqual(Statement, [
      {
        Sid: "Enable IAM User Permissions",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    ]);
    const without = await world.person("without");
    const having = await world.person("having", { allow: [allow("kms:Encrypt", Arn)] });
    const stranger = await world.person("stranger", { account: OTHER_ACCOUNT, allow: [allow("kms:*")] });
    const input = { KeyId: Arn, Plaintext: bytes(1) };
    await assertRefused(without.kms.encrypt(input), DENIED);
    await having.kms.encrypt(input);
    await assertRefused(stranger.kms.encrypt(input), DENIED);
  });

  it("S08-030: SC-16 of one's own parts administrators from users, and lets another account in when it names it", async () => {
    const [admin, user] = [await newRole("key-admin"), await newRole("key-user")];
    const partner = await world.person("partner", { account: OTHER_ACCOUNT, allow: [allow("kms:Decrypt")] });
    const statements = [
      allowing(ACCOUNT, ["kms:PutKeyPolicy", "kms:Encrypt"]),
      letting(admin.arn, ["kms:DisableKey", "kms:EnableKey"]),
      letting(user.arn, "kms:Decrypt"),
    ];
    const { KeyId, Arn } = await newKey(kms, { Policy: policyOf(...statements) });
    const CiphertextBlob = await sealed(KeyId);
    await assertRefused(admin.kms.decrypt({ CiphertextBlob }), DENIED);
    await assertRefused(user.kms.disableKey({ KeyId }), DENIED);
    await user.kms.decrypt({ CiphertextBlob });
    await admin.kms.disableKey({ KeyId });
    await admin.kms.enableKey({ KeyId });
    const byPartner = { KeyId: Arn, CiphertextBlob };
    await assertRefused(partner.kms.decrypt(byPartner), DENIED);
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(...statements, allowing(OTHER_ACCOUNT, "kms:Decrypt")) });
    assert.deepEqual((await partner.kms.decrypt(byPartner)).Plaintext, bytes(5));
  });
});

describe("a grant", () => {
  it("S08-030: SC-18 lets a role decrypt until it is retired, and leaves the key policy as it is", async () => {
    const worker = await newRole("worker");
    const { KeyId, Arn } = await newKey(kms);
    const before = await textOf(KeyId);
    const CiphertextBlob = await sealed(KeyId);
    await assertRefused(worker.kms.decrypt({ CiphertextBlob }), DENIED);
    const { GrantId } = await kms.createGrant({ KeyId, GranteePrincipal: worker.arn, Operations: ["Decrypt"] });
    assert.deepEqual((await worker.kms.decrypt({ CiphertextBlob })).Plaintext, bytes(5));
    await assertRefused(worker.kms.encrypt({ KeyId, Plaintext: bytes(1) }), DENIED);
    assert.equal(await textOf(KeyId), before);
    await kms.retireGrant({ KeyId: Arn, GrantId });
    await assertRefused(worker.kms.decrypt({ CiphertextBlob }), DENIED);
    assert.equal(await textOf(KeyId), before);
  });
});
