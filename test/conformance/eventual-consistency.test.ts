/** The mode in which changes lag, for software that must wait or bring its grant tokens (spec 03 and 08, Eventual consistency). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { startDevServer } from "../dev-server.ts";
import { allow, policy } from "../iam/world.ts";
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
  startWorld,
} from "../kms-client.ts";

const world = await startWorld(["--eventual-consistency", "300"]);
after(() => world.stop());
const { kms, other } = world;

/** The client of a new user whose one policy has these statements. */
async function userWith(statements: readonly object[]): Promise<KMS> {
  const { endpoint, credentials } = world.server;
  const iam = new IAM({ endpoint, region: REGION, credentials, maxAttempts: 1 });
  const UserName = "tagged";
  await iam.createUser({ UserName });
  const PolicyDocument = JSON.stringify(policy(...statements));
  await iam.putUserPolicy({ UserName, PolicyName: "p", PolicyDocument });
  const { AccessKey } = await iam.createAccessKey({ UserName });
  iam.destroy();
  const accessKeyId = present(AccessKey?.AccessKeyId);
  const user = new KMS({
    endpoint,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey: present(AccessKey?.SecretAccessKey) },
    maxAttempts: 1,
  });
  after(() => user.destroy());
  return user;
}

const propagate = (): Promise<Date> => world.server.clock.advance("PT301S");

describe("with changes that lag", () => {
  it("S03-022, S08-025: a new grant decides with its token at once, and without it after the lag", async () => {
    const { KeyId, Arn } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT)) });
    await propagate();
    const GranteePrincipal = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
    const { GrantToken } = await kms.createGrant({ KeyId, GranteePrincipal, Operations: ["Encrypt"] });
    const input = { KeyId: Arn, Plaintext: bytes(1) };
    await assertRefused(other.encrypt(input), "AccessDeniedException");
    await other.encrypt({ ...input, GrantTokens: [present(GrantToken)] });
    await assertRefused(other.encrypt(input), "AccessDeniedException");
    await propagate();
    await other.encrypt(input);
    const { GrantToken: another } = await kms.createGrant({ KeyId, GranteePrincipal, Operations: ["DescribeKey"] });
    await assertRefused(
      other.decrypt({ KeyId: Arn, CiphertextBlob: bytes(200), GrantTokens: [present(another)] }),
      "AccessDeniedException",
    );
  });

  it("S08-025: a new key is not found before the lag is over", async () => {
    const { KeyMetadata } = await kms.createKey({ Origin: "EXTERNAL" });
    const KeyId = present(KeyMetadata?.KeyId);
    const input = { KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" } as const;
    await assertRefused(
      kms.getParametersForImport(input),
      "NotFoundException",
      `Key '${KeyMetadata?.Arn}' does not exist`,
    );
    await propagate();
    await kms.getParametersForImport(input);
  });

  it("S08-025: a new alias is listed at once and names its key after the lag", async () => {
    const { KeyId } = await newKey(kms);
    await propagate();
    await kms.createAlias({ AliasName: "alias/late", TargetKeyId: KeyId });
    const { Aliases } = await kms.listAliases({ KeyId });
    assert.deepEqual(
      Aliases?.map(({ AliasName }) => AliasName),
      ["alias/late"],
    );
    await assertRefused(kms.describeKey({ KeyId: "alias/late" }), "NotFoundException");
    await propagate();
    await kms.describeKey({ KeyId: "alias/late" });
  });

  it("S01-035: tags and aliases are listed at once and decide after the lag, each change in its turn", async () => {
    const user = await userWith([
      { ...allow("kms:Encrypt"), Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } },
      { ...allow("kms:Encrypt"), Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/red" } } },
    ]);
    const { KeyId } = await newKey(kms);
    const { KeyId: otherKey } = await newKey(kms);
    await propagate();
    const encrypt = (id = KeyId) => user.encrypt({ KeyId: id, Plaintext: bytes(1) });
    const denied = (id = KeyId) => assertRefused(encrypt(id), "AccessDeniedException");
    const tag = (TagValue: string) => kms.tagResource({ KeyId, Tags: [{ TagKey: "team", TagValue }] });

    await tag("red");
    assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, [{ TagKey: "team", TagValue: "red" }]);
    await denied();
    await world.server.clock.advance("PT200S");
    await tag("blue");
    await denied();
    await world.server.clock.advance("PT101S");
    await encrypt(); // by the first change; the second is 101 seconds old
    await propagate();
    await denied();

    const AliasName = "alias/red";
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    await denied();
    await propagate();
    await encrypt();
    await kms.updateAlias({ AliasName, TargetKeyId: otherKey });
    await encrypt();
    await denied(otherKey);
    await propagate();
    await denied();
    await encrypt(otherKey);
    await kms.deleteAlias({ AliasName });
    assert.deepEqual((await kms.listAliases({ KeyId: otherKey })).Aliases, []);
    await encrypt(otherKey);
    await kms.untagResource({ KeyId, TagKeys: ["team"] });
    await propagate();
    await denied(otherKey);
  });

  for (const text of ["-1", "soon", "3601", ""]) {
    it(`does not start with '${text}'`, async () => {
      await assert.rejects(startDevServer({ args: ["--eventual-consistency", text] }), /--eventual-consistency/);
    });
  }
});
