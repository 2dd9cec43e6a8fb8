/** What every type of key has in common, and what permission its public key takes (spec 05 and 07, Key type reference). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput } from "@aws-sdk/client-kms";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  describedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

const TYPES: readonly { readonly title: string; readonly input: CreateKeyCommandInput }[] = [
  { title: "a symmetric encryption key", input: {} },
  { title: "an HMAC key", input: { KeySpec: "HMAC_384", KeyUsage: "GENERATE_VERIFY_MAC" } },
  { title: "an RSA key that encrypts", input: { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" } },
  { title: "a key that signs", input: { KeySpec: "ECC_NIST_P384", KeyUsage: "SIGN_VERIFY" } },
  { title: "an ML-DSA key", input: { KeySpec: "ML_DSA_44", KeyUsage: "SIGN_VERIFY" } },
  { title: "a key that agrees", input: { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" } },
  { title: "an ML-KEM key", input: { KeySpec: "ML_KEM_768", KeyUsage: "ENCAPSULATE_DECAPSULATE" } },
];

describe("management", () => {
  for (const [index, { title, input }] of TYPES.entries()) {
    it(`S07-002: is the same for ${title}: description, tags, aliases, grants, policy, states, deletion`, async () => {
      const { KeyId, Arn } = await newKey(kms, input);
      const AliasName = `alias/managed-${index}`;
      await kms.updateKeyDescription({ KeyId, Description: title });
      await kms.tagResource({ KeyId, Tags: [{ TagKey: "type", TagValue: title }] });
      await kms.createAlias({ AliasName, TargetKeyId: KeyId });
      const same = await newKey(kms, input);
      await kms.updateAlias({ AliasName, TargetKeyId: same.KeyId });
      await kms.updateAlias({ AliasName, TargetKeyId: KeyId });
      const Policy = policyOf(allowing(ACCOUNT));
      await kms.putKeyPolicy({ KeyId, Policy });

      assert.equal((await describedKey(kms, AliasName)).Description, title);
      const { Tags } = await kms.listResourceTags({ KeyId });
      assert.deepEqual(Tags, [{ TagKey: "type", TagValue: title }]);
      assert.deepEqual(
        (await kms.listAliases({ KeyId })).Aliases?.map((alias) => alias.AliasName),
        [AliasName],
      );
      assert.equal((await kms.getKeyPolicy({ KeyId })).Policy, Policy);
      assert.deepEqual((await kms.listKeyPolicies({ KeyId })).PolicyNames, ["default"]);

      const GranteePrincipal = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
      const { GrantId, GrantToken } = await kms.createGrant({
        KeyId,
        GranteePrincipal,
        Operations: ["DescribeKey"],
      });
      const grantsOf = async () => (await kms.listGrants({ KeyId })).Grants?.map((grant) => grant.GrantId);
      assert.deepEqual(await grantsOf(), [GrantId]);
      await kms.revokeGrant({ KeyId, GrantId });
      assert.deepEqual(await grantsOf(), []);
      await assertRefused(kms.retireGrant({ GrantToken }), "InvalidGrantTokenException");
      await kms.untagResource({ KeyId, TagKeys: ["type"] });
      assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, []);
      await kms.disableKey({ KeyId });
      assert.equal((await describedKey(kms, KeyId)).KeyState, "Disabled");
      await kms.enableKey({ KeyId });
      const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
      assert.deepEqual([scheduled.KeyId, scheduled.KeyState], [Arn, "PendingDeletion"]);
      await kms.cancelKeyDeletion({ KeyId });
      assert.equal((await describedKey(kms, KeyId)).KeyState, "Disabled");
      await kms.deleteAlias({ AliasName });
      await assertRefused(kms.describeKey({ KeyId: AliasName }), "NotFoundException");
    });
  }

  it("S05-001: a key whose spec is not told is a symmetric encryption key", async () => {
    const { KeySpec, KeyUsage, EncryptionAlgorithms } = await newKey(kms);
    assert.deepEqual([KeySpec, KeyUsage], ["SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"]);
    assert.deepEqual(EncryptionAlgorithms, ["SYMMETRIC_DEFAULT"]);
  });

  it("S07-012: there is no UpdateReplicaRegion, which the guide names once, but an UpdatePrimaryRegion", async () => {
    const misnomer = await world.raw("UpdateReplicaRegion", {});
    assert.deepEqual([misnomer.status, misnomer.json["__type"]], [400, "UnknownOperationException"]);
    const right = await world.raw("UpdatePrimaryRegion", {});
    assert.equal(right.status, 400);
    assert.notEqual(right.json["__type"], "UnknownOperationException");
  });
});

describe("GetPublicKey", () => {
  const SIGNING = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;

  it("S05-009: takes kms:GetPublicKey, whatever else is allowed", async () => {
    const rest = ["kms:Sign", "kms:Verify", "kms:DescribeKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"];
    const { KeyId } = await newKey(kms, { ...SIGNING, Policy: policyOf(allowing(ACCOUNT, rest)) });
    await assertRefused(kms.getPublicKey({ KeyId }), "AccessDeniedException");
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT, [...rest, "kms:GetPublicKey"])) });
    assert.ok((await kms.getPublicKey({ KeyId })).PublicKey);
  });

  it("S05-009: of another account is found by its ARN alone, and where its policy allows it", async () => {
    const { KeyId, Arn } = await newKey(kms, SIGNING);
    await assertRefused(other.getPublicKey({ KeyId }), "NotFoundException");
    await assertRefused(other.getPublicKey({ KeyId: Arn }), "AccessDeniedException");
    const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:GetPublicKey"));
    await kms.putKeyPolicy({ KeyId, Policy });
    const { PublicKey } = await other.getPublicKey({ KeyId: Arn });
    assert.deepEqual(PublicKey, present((await kms.getPublicKey({ KeyId })).PublicKey));
    await assertRefused(other.getPublicKey({ KeyId }), "NotFoundException");
  });
});
