/** The guide's programming samples as one run with AWS's own client (spec 08, Replay transcript, steps 1 to 24). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { KMS, paginateListKeys } from "@aws-sdk/client-kms";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { startDevServer } from "../dev-server.ts";
import { assertRefused, membersOf, present } from "../kms-client.ts";

const ACCOUNT = "111122223333";
const REGION = "eu-west-2";
/** The ten bytes that the samples encrypt. */
const TEN = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0);
const WORKER = `arn:aws:iam::${ACCOUNT}:role/Worker`;

const workerStatement = (Action: readonly string[]): object => ({
  Sid: "Enable IAM User Permissions",
  Effect: "Allow",
  Principal: { AWS: WORKER },
  Action,
  Resource: "*",
});
const NODE_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Id: "custom-policy-2016-12-07",
  Statement: [
    {
      Sid: "Enable IAM User Permissions",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    workerStatement(["kms:Encrypt*", "kms:GenerateDataKey*", "kms:Decrypt*", "kms:DescribeKey*", "kms:ReEncrypt*"]),
  ],
});
const JAVA_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      ...workerStatement(["kms:Encrypt", "kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"]),
      Sid: "Allow access for ExampleRole",
    },
  ],
});

const server = await startDevServer({ args: ["--unknown-principals", "allow"] });
const { endpoint, credentials } = server;
const kms = new KMS({ endpoint, credentials, region: REGION, maxAttempts: 1 });
const sts = new STSClient({ endpoint, credentials, region: REGION, maxAttempts: 1 });
after(async () => {
  kms.destroy();
  sts.destroy();
  await server.stop();
});

describe("the replay transcript", () => {
  it("runs from its first step to its twenty-fourth as in AWS", async (run) => {
    const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
    assert.deepEqual([Account, Arn], [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`]);

    let K1 = "";
    let K2 = "";
    let B1: Uint8Array | undefined;
    let B2: Uint8Array | undefined;
    let B3: Uint8Array | undefined;
    let P1: Uint8Array | undefined;
    let policy = "";

    await run.test("1 CreateKey", async () => {
      const { KeyMetadata } = await kms.createKey({ Description: "replay one" });
      K1 = present(KeyMetadata?.Arn);
      assert.equal(KeyMetadata?.KeyState, "Enabled");
      assert.equal(KeyMetadata?.Description, "replay one");
    });
    await run.test("2 CreateKey, another", async () => {
      K2 = present((await kms.createKey({ Description: "replay two" })).KeyMetadata?.Arn);
      assert.notEqual(K2, K1);
    });
    const idOf = (arn: string): string => present(arn.split("/")[1]);

    await run.test("3 DescribeKey", async () => {
      const described = membersOf(await kms.describeKey({ KeyId: K1 }));
      assert.equal(described.KeyMetadata?.Arn, K1);
      assert.equal(described.KeyMetadata?.Description, "replay one");
      assert.deepEqual(membersOf(await kms.describeKey({ KeyId: idOf(K1) })), described);
    });
    await run.test("4 ListKeys", async () => {
      const first = await kms.listKeys({ Limit: 10 });
      assert.equal(first.Truncated, false);
      const listed: (string | undefined)[] = [];
      for await (const { Keys = [] } of paginateListKeys({ client: kms, pageSize: 1 }, {})) {
        listed.push(...Keys.map(({ KeyArn }) => KeyArn));
      }
      assert.deepEqual(listed.sort(), [K1, K2].sort());
    });
    await run.test("5 GenerateDataKey", async () => {
      const made = await kms.generateDataKey({ KeyId: K1, KeySpec: "AES_256" });
      [B1, P1] = [present(made.CiphertextBlob), present(made.Plaintext)];
      assert.deepEqual([P1.length, made.KeyId], [32, K1]);
    });
    await run.test("6 Decrypt of the data key", async () => {
      const { KeyMaterialId, ...opened } = membersOf(await kms.decrypt({ CiphertextBlob: B1, KeyId: K1 }));
      assert.deepEqual(opened, { Plaintext: P1, KeyId: K1, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
      assert.match(present(KeyMaterialId), /^[0-9a-f]{64}$/);
    });
    await run.test("7 Encrypt", async () => {
      const { CiphertextBlob, ...rest } = membersOf(await kms.encrypt({ KeyId: K1, Plaintext: TEN }));
      B2 = present(CiphertextBlob);
      assert.deepEqual(rest, { KeyId: K1, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
    });
    const opensB2 = async (): Promise<void> => {
      const { Plaintext, KeyId } = await kms.decrypt({ CiphertextBlob: B2 });
      assert.deepEqual([Plaintext, KeyId], [TEN, K1]);
    };
    await run.test("8 Decrypt without KeyId", opensB2);
    await run.test("9 Decrypt with the wrong KeyId", async () => {
      await assertRefused(kms.decrypt({ CiphertextBlob: B2, KeyId: K2 }), "IncorrectKeyException");
    });
    await run.test("10 ReEncrypt", async () => {
      const moved = membersOf(await kms.reEncrypt({ CiphertextBlob: B2, SourceKeyId: K1, DestinationKeyId: K2 }));
      B3 = present(moved.CiphertextBlob);
      assert.deepEqual([moved.SourceKeyId, moved.KeyId], [K1, K2]);
      assert.equal(moved.SourceEncryptionAlgorithm, "SYMMETRIC_DEFAULT");
      assert.equal(moved.DestinationEncryptionAlgorithm, "SYMMETRIC_DEFAULT");
      assert.equal("Plaintext" in moved, false);
    });
    await run.test("11 Decrypt under the second key", async () => {
      assert.deepEqual((await kms.decrypt({ CiphertextBlob: B3, KeyId: K2 })).Plaintext, TEN);
      await assertRefused(kms.decrypt({ CiphertextBlob: B3, KeyId: K1 }), "IncorrectKeyException");
    });
    await run.test("12 DisableKey", async () => {
      assert.deepEqual(membersOf(await kms.disableKey({ KeyId: K1 })), {});
      await assertRefused(kms.decrypt({ CiphertextBlob: B2 }), "DisabledException", `${K1} is disabled.`);
      const { KeyMetadata } = await kms.describeKey({ KeyId: K1 });
      assert.deepEqual([KeyMetadata?.KeyState, KeyMetadata?.Enabled], ["Disabled", false]);
    });
    await run.test("13 EnableKey", async () => {
      assert.deepEqual(membersOf(await kms.enableKey({ KeyId: K1 })), {});
      await opensB2();
    });
    const AliasName = "alias/replayKey1";
    await run.test("14 CreateAlias", async () => {
      assert.deepEqual(membersOf(await kms.createAlias({ AliasName, TargetKeyId: K1 })), {});
      await assertRefused(kms.createAlias({ AliasName, TargetKeyId: K1 }), "AlreadyExistsException");
    });
    await run.test("15 ListAliases", async () => {
      const { Aliases = [], Truncated } = await kms.listAliases({ Limit: 10 });
      assert.deepEqual([Aliases.length, Truncated], [10, true]);
    });
    const targetsOf = async (KeyId: string): Promise<(string | undefined)[][]> =>
      present((await kms.listAliases({ KeyId })).Aliases).map((alias) => [alias.AliasName, alias.TargetKeyId]);
    await run.test("16 ListAliases of one key", async () => {
      assert.deepEqual(await targetsOf(K1), [[AliasName, idOf(K1)]]);
      await assertRefused(kms.listAliases({ KeyId: AliasName }), /^(?:InvalidArnException|NotFoundException)$/);
    });
    await run.test("17 Encrypt by alias", async () => {
      assert.equal((await kms.encrypt({ KeyId: AliasName, Plaintext: TEN })).KeyId, K1);
    });
    await run.test("18 UpdateAlias", async () => {
      assert.deepEqual(membersOf(await kms.updateAlias({ AliasName, TargetKeyId: K2 })), {});
      assert.deepEqual(await targetsOf(K1), []);
      assert.deepEqual(await targetsOf(K2), [[AliasName, idOf(K2)]]);
      await assertRefused(kms.updateAlias({ AliasName: "alias/ReplayKey1", TargetKeyId: K2 }), "NotFoundException");
    });
    await run.test("19 DeleteAlias", async () => {
      assert.deepEqual(membersOf(await kms.deleteAlias({ AliasName })), {});
      assert.equal((await kms.describeKey({ KeyId: K2 })).KeyMetadata?.KeyState, "Enabled");
      await assertRefused(kms.deleteAlias({ AliasName }), "NotFoundException");
    });
    await run.test("20 ListKeyPolicies", async () => {
      const listed = membersOf(await kms.listKeyPolicies({ KeyId: K1 }));
      assert.deepEqual(listed, { PolicyNames: ["default"], Truncated: false });
    });
    const policyText = async (): Promise<string> =>
      present((await kms.getKeyPolicy({ KeyId: K1, PolicyName: "default" })).Policy);
    await run.test("21 GetKeyPolicy", async () => {
      policy = await policyText();
      assert.deepEqual(JSON.parse(policy), {
        Version: "2012-10-17",
        Id: "key-default-1",
        Statement: [
          {
            Sid: "Enable IAM User Permissions",
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
            Action: "kms:*",
            Resource: "*",
          },
        ],
      });
    });
    const put = (Policy: string) => kms.putKeyPolicy({ KeyId: K1, PolicyName: "default", Policy });
    await run.test("22 PutKeyPolicy with the Node.js document", async () => {
      assert.deepEqual(membersOf(await put(NODE_POLICY)), {});
      assert.equal(await policyText(), NODE_POLICY);
    });
    await run.test("23 PutKeyPolicy with the Java document", async () => {
      const message = "The new key policy will not allow you to update the key policy in the future.";
      await assertRefused(put(JAVA_POLICY), "MalformedPolicyDocumentException", message);
      assert.equal(await policyText(), NODE_POLICY);
    });
    await run.test("24 PutKeyPolicy with the text of step 21", async () => {
      assert.deepEqual(membersOf(await put(policy)), {});
      assert.equal(await policyText(), policy);
      await opensB2();
    });
  });
});
