/** Multi-Region keys of spec 05: made, replicated, described and used in several Regions; what they share and what not. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput, KMS } from "@aws-sdk/client-kms";
import { callKms } from "../faults/signed-requests.ts";
import { startHeld } from "../held-server.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  newKey,
  policyOf,
  present,
  requestIdOf,
} from "../kms-client.ts";
import { arnIn, HOME, MOMENT_MS, newSet, relationsOf } from "../multi-region-keys.ts";

const server = await startHeld();
after(() => server.stop());
const home = server.client(HOME);
const WEST = "us-west-2";
const IRELAND = "eu-west-1";
const west = server.client(WEST);
const ireland = server.client(IRELAND);

async function keyIdsIn(kms: KMS): Promise<readonly (string | undefined)[]> {
  return present((await kms.listKeys({ Limit: 1000 })).Keys).map(({ KeyId }) => KeyId);
}

async function stateOf(kms: KMS, keyId: string): Promise<string | undefined> {
  return (await describedKey(kms, keyId)).KeyState;
}

describe("CreateKey with MultiRegion", () => {
  it("S05-025, S01-005, S07-010: makes a primary key with an id of its own form and no replicas", async () => {
    const { KeyMetadata } = await home.createKey({ MultiRegion: true });
    const { KeyId = "", Arn = "", CreationDate, CurrentKeyMaterialId, ...rest } = present(KeyMetadata);
    assert.match(KeyId, /^mrk-[0-9a-f]{32}$/);
    assert.equal(Arn, arnIn(HOME, KeyId));
    assert.ok(CreationDate);
    assert.match(String(CurrentKeyMaterialId), /^[0-9a-f]{64}$/);
    assert.deepEqual(rest, {
      AWSAccountId: ACCOUNT,
      Enabled: true,
      Description: "",
      KeyUsage: "ENCRYPT_DECRYPT",
      KeyState: "Enabled",
      Origin: "AWS_KMS",
      KeyManager: "CUSTOMER",
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      KeySpec: "SYMMETRIC_DEFAULT",
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      MultiRegion: true,
      MultiRegionConfiguration: {
        MultiRegionKeyType: "PRIMARY",
        PrimaryKey: { Arn, Region: HOME },
        ReplicaKeys: [],
      },
    });
    const { CiphertextBlob } = await home.encrypt({ KeyId, Plaintext: bytes(5) });
    assert.deepEqual((await home.decrypt({ CiphertextBlob })).KeyId, Arn);
  });

  it("S05-027, S07-009: is refused in a custom key store, and makes none", async () => {
    const kms = server.client("eu-west-3");
    const input: CreateKeyCommandInput = {
      MultiRegion: true,
      CustomKeyStoreId: "cks-1234567890abcdef0",
      Origin: "AWS_CLOUDHSM",
    };
    await assertRefused(kms.createKey(input), "UnsupportedOperationException");
    assert.deepEqual(await keyIdsIn(kms), []);
  });

  it("S05-007: a single-Region key has no MultiRegionConfiguration", async () => {
    const key = await newKey(home);
    assert.equal(key.MultiRegion, false);
    assert.ok(!("MultiRegionConfiguration" in key));
  });
});

describe("ReplicateKey", () => {
  it("S05-028, S05-030: makes a replica that is Creating, then Enabled, with nothing of its primary's own", async () => {
    const made = await newKey(home, {
      MultiRegion: true,
      Description: "the primary's",
      Policy: policyOf(allowing(ACCOUNT)),
      Tags: [{ TagKey: "owner", TagValue: "primary" }],
    });
    const { KeyId } = made;
    await server.advance(1_000);
    const { ReplicaKeyMetadata, ReplicaPolicy, ReplicaTags } = await home.replicateKey({
      KeyId,
      ReplicaRegion: WEST,
    });
    const { CurrentKeyMaterialId, CreationDate, ...common } = made;
    const expected = {
      ...common,
      Arn: arnIn(WEST, KeyId),
      Description: "",
      MultiRegionConfiguration: {
        MultiRegionKeyType: "REPLICA",
        PrimaryKey: { Arn: arnIn(HOME, KeyId), Region: HOME },
        ReplicaKeys: [{ Arn: arnIn(WEST, KeyId), Region: WEST }],
      },
      CurrentKeyMaterialId,
      CreationDate: new Date(server.now()),
    };
    assert.ok(CreationDate && CreationDate.getTime() < server.now());
    assert.deepEqual(ReplicaKeyMetadata, { ...expected, KeyState: "Creating", Enabled: false });
    assert.deepEqual(ReplicaTags, []);
    const { Policy } = await west.getKeyPolicy({ KeyId });
    assert.equal(ReplicaPolicy, Policy);
    const fresh = await newKey(west);
    assert.equal(Policy, (await west.getKeyPolicy({ KeyId: fresh.KeyId })).Policy);
    assert.deepEqual((await west.listResourceTags({ KeyId })).Tags, []);

    const creating = `${arnIn(WEST, KeyId)} is creating.`;
    await assertRefused(west.encrypt({ KeyId, Plaintext: bytes(1) }), "KMSInvalidStateException", creating);
    await assertRefused(west.disableKey({ KeyId }), "KMSInvalidStateException", creating);
    await west.createAlias({ AliasName: "alias/while-creating", TargetKeyId: KeyId });
    assert.equal(await stateOf(home, KeyId), "Enabled");

    await server.advance(MOMENT_MS);
    assert.deepEqual(await describedKey(west, "alias/while-creating"), expected);
    await west.encrypt({ KeyId, Plaintext: bytes(1) });
  });

  it("S05-030: takes a policy, a description and tags for the replica alone", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const Policy = policyOf(allowing(ACCOUNT));
    const Tags = [{ TagKey: "owner", TagValue: "replica" }];
    const input = { KeyId, ReplicaRegion: WEST, Policy, Description: "the replica's", Tags };
    const answer = await home.replicateKey(input);
    assert.deepEqual([answer.ReplicaPolicy, answer.ReplicaTags], [Policy, Tags]);
    assert.equal((await describedKey(west, KeyId)).Description, "the replica's");
    assert.deepEqual((await west.listResourceTags({ KeyId })).Tags, Tags);
    assert.equal((await west.getKeyPolicy({ KeyId })).Policy, Policy);
    assert.equal((await describedKey(home, KeyId)).Description, "");
    assert.deepEqual((await home.listResourceTags({ KeyId })).Tags, []);
  });

  for (const { what, input, name } of [
    { what: "a policy that locks its caller out", input: { Policy: policyOf() }, name: "MalformedPolicyDocument" },
    { what: "what is no policy", input: { Policy: "{}" }, name: "MalformedPolicyDocument" },
    { what: "too long a policy", input: { Policy: policyOf({ Sid: "a".repeat(32_768) }) }, name: "LimitExceeded" },
    { what: "reserved tags", input: { Tags: [{ TagKey: "aws:a", TagValue: "" }] }, name: "Tag" },
  ]) {
    it(`S07-019: refuses ${what}, and makes no replica`, async () => {
      const { KeyId } = await newKey(home, { MultiRegion: true });
      await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: WEST, ...input }), `${name}Exception`);
      assert.deepEqual(await relationsOf(home, KeyId), { type: "PRIMARY", primary: HOME, replicas: [] });
      await assertRefused(west.describeKey({ KeyId }), "NotFoundException");
    });
  }

  it("takes a policy that locks its caller out when it is told to", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const Policy = policyOf(allowing(ACCOUNT, "kms:DescribeKey"));
    const BypassPolicyLockoutSafetyCheck = true;
    await home.replicateKey({ KeyId, ReplicaRegion: WEST, Policy, BypassPolicyLockoutSafetyCheck });
    await assertRefused(west.getKeyPolicy({ KeyId }), "AccessDeniedException");
  });

  it("S05-029: is AlreadyExistsException where a related key is, the primary's own Region included", async () => {
    const KeyId = await newSet(server, [WEST]);
    const one = "You can create only one replica of each primary key in each AWS Region.";
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: WEST }), "AlreadyExistsException", one);
    const own = `${HOME} cannot have a replica because it contains the primary.`;
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: HOME }), "AlreadyExistsException", own);
    await west.scheduleKeyDeletion({ KeyId });
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: WEST }), "AlreadyExistsException", one);
  });

  it("S05-029, S07-010: is UnsupportedOperationException on a replica and on a single-Region key", async () => {
    const KeyId = await newSet(server, [WEST]);
    const message = `${arnIn(WEST, KeyId)} is not a multi-Region primary key.`;
    await assertRefused(west.replicateKey({ KeyId, ReplicaRegion: IRELAND }), "UnsupportedOperationException", message);
    const single = await newKey(home);
    await assertRefused(
      home.replicateKey({ KeyId: single.KeyId, ReplicaRegion: WEST }),
      "UnsupportedOperationException",
      `${single.Arn} is not a multi-region key.`,
    );
  });

  it("S05-029: refuses a Region of another partition, one that AWS does not have, and what is no Region", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const apart = "The replica key Region must be in the same AWS partition as the primary key Region.";
    for (const [ReplicaRegion, message] of [
      ["cn-north-1", apart],
      ["us-gov-west-1", apart],
      ["eu-nowhere-7", undefined],
    ] as const) {
      await assertRefused(home.replicateKey({ KeyId, ReplicaRegion }), "UnsupportedOperationException", message);
    }
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: "Frankfurt" }), "ValidationException");
    assert.deepEqual(await relationsOf(home, KeyId), { type: "PRIMARY", primary: HOME, replicas: [] });
  });

  it("takes the primary's id or ARN, no alias, and no key of another Region or account", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const AliasName = "alias/primary";
    await home.createAlias({ AliasName, TargetKeyId: KeyId });
    await assertRefused(home.replicateKey({ KeyId: AliasName, ReplicaRegion: WEST }), "InvalidArnException");
    await assertRefused(west.replicateKey({ KeyId: arnIn(HOME, KeyId), ReplicaRegion: WEST }), "NotFoundException");
    const foreign = arnIn(HOME, KeyId).replace(ACCOUNT, "444455556666");
    await assertRefused(home.replicateKey({ KeyId: foreign, ReplicaRegion: WEST }), "AccessDeniedException");
    await home.replicateKey({ KeyId: arnIn(HOME, KeyId), ReplicaRegion: WEST });
  });

  it("works in the partitions of China and the US government, within each", async () => {
    for (const [from, to] of [
      ["cn-north-1", "cn-northwest-1"],
      ["us-gov-west-1", "us-gov-east-1"],
    ] as const) {
      const [source, target] = [server.client(from), server.client(to)];
      const { KeyId } = await newKey(source, { MultiRegion: true });
      await source.replicateKey({ KeyId, ReplicaRegion: to });
      await server.advance(MOMENT_MS);
      const { CiphertextBlob } = await source.encrypt({ KeyId, Plaintext: bytes(3) });
      assert.deepEqual((await target.decrypt({ CiphertextBlob, KeyId })).Plaintext, bytes(3));
    }
  });
});

describe("related keys", () => {
  it("S05-032: open each other's ciphertexts, whose material they name alike", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const clients = { [HOME]: home, [WEST]: west, [IRELAND]: ireland };
    const EncryptionContext = { from: "anywhere" };
    const materials = new Set<string | undefined>();
    for (const source of Object.values(clients)) {
      const { CiphertextBlob } = await source.encrypt({ KeyId, Plaintext: bytes(9), EncryptionContext });
      const dataKey = await source.generateDataKey({ KeyId, KeySpec: "AES_256", EncryptionContext });
      for (const [region, target] of Object.entries(clients)) {
        const opened = await target.decrypt({ CiphertextBlob, EncryptionContext });
        assert.deepEqual([opened.Plaintext, opened.KeyId], [bytes(9), arnIn(region, KeyId)]);
        materials.add(opened.KeyMaterialId);
        const input = { CiphertextBlob: dataKey.CiphertextBlob, EncryptionContext, KeyId: arnIn(region, KeyId) };
        assert.deepEqual((await target.decrypt(input)).Plaintext, dataKey.Plaintext);
      }
    }
    assert.deepEqual([...materials], [(await describedKey(west, KeyId)).CurrentKeyMaterialId]);
  });

  it("S05-032: do not open those of other sets, nor where no related key is", async () => {
    const [KeyId, other] = [await newSet(server, [WEST]), await newSet(server, [WEST])];
    const { CiphertextBlob } = await home.encrypt({ KeyId, Plaintext: bytes(9) });
    await assertRefused(west.decrypt({ CiphertextBlob, KeyId: other }), "IncorrectKeyException");
    await assertRefused(ireland.decrypt({ CiphertextBlob }), "AccessDeniedException", /does not exist in this Region/);
  });

  for (const KeySpec of ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "ML_DSA_44"] as const) {
    it(`may be ${KeySpec} key pairs, with one public key and signatures that all of them verify`, async () => {
      const KeyId = await newSet(server, [WEST], { KeySpec, KeyUsage: "SIGN_VERIFY" });
      const [left, right] = [await home.getPublicKey({ KeyId }), await west.getPublicKey({ KeyId })];
      assert.deepEqual(right.PublicKey, left.PublicKey);
      assert.equal(right.KeyId, arnIn(WEST, KeyId));
      const SigningAlgorithm = present(present(left.SigningAlgorithms).at(0));
      const { Signature } = await home.sign({ KeyId, Message: bytes(8), SigningAlgorithm });
      const verified = await west.verify({ KeyId, Message: bytes(8), SigningAlgorithm, Signature });
      assert.equal(verified.SignatureValid, true);
      assert.ok(!("CurrentKeyMaterialId" in (await describedKey(west, KeyId))));
    });
  }

  it("may be HMAC keys, RSA keys for encryption and keys for agreement", async () => {
    const mac = await newSet(server, [WEST], { KeySpec: "HMAC_384", KeyUsage: "GENERATE_VERIFY_MAC" });
    const MacAlgorithm = "HMAC_SHA_384";
    const { Mac } = await west.generateMac({ KeyId: mac, Message: bytes(4), MacAlgorithm });
    assert.equal((await home.verifyMac({ KeyId: mac, Message: bytes(4), MacAlgorithm, Mac })).MacValid, true);

    const rsa = await newSet(server, [WEST], { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    const EncryptionAlgorithm = "RSAES_OAEP_SHA_256";
    const { CiphertextBlob } = await home.encrypt({ KeyId: rsa, Plaintext: bytes(4), EncryptionAlgorithm });
    const opened = await west.decrypt({ KeyId: rsa, CiphertextBlob, EncryptionAlgorithm });
    assert.deepEqual(opened.Plaintext, bytes(4));

    const agreement = await newSet(server, [WEST], { KeySpec: "ECC_NIST_P384", KeyUsage: "KEY_AGREEMENT" });
    const peer = await newKey(home, { KeySpec: "ECC_NIST_P384", KeyUsage: "KEY_AGREEMENT" });
    const { PublicKey } = await home.getPublicKey({ KeyId: peer.KeyId });
    const input = { KeyId: agreement, KeyAgreementAlgorithm: "ECDH", PublicKey } as const;
    const secrets = [await home.deriveSharedSecret(input), await west.deriveSharedSecret(input)];
    assert.deepEqual(secrets[1]?.SharedSecret, secrets[0]?.SharedSecret);
  });

  it("S05-034: say the same of their primary and replicas, and each what it is", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const { KeyId: alone } = await newKey(home, { MultiRegion: true });
    const relations = { primary: HOME, replicas: [WEST, IRELAND] };
    assert.deepEqual(await relationsOf(home, KeyId), { type: "PRIMARY", ...relations });
    assert.deepEqual(await relationsOf(west, KeyId), { type: "REPLICA", ...relations });
    assert.deepEqual(await relationsOf(ireland, arnIn(IRELAND, KeyId)), { type: "REPLICA", ...relations });
    assert.deepEqual(await relationsOf(home, alone), { type: "PRIMARY", primary: HOME, replicas: [] });
  });

  it("S05-035: are listed in their own Regions alone, with their own ARNs", async () => {
    const [paris, milan] = [server.client("eu-west-3"), server.client("eu-south-1")];
    const { KeyId, Arn } = await newKey(paris, { MultiRegion: true });
    assert.deepEqual(await keyIdsIn(milan), []);
    await paris.replicateKey({ KeyId, ReplicaRegion: "eu-south-1" });
    assert.deepEqual((await milan.listKeys({})).Keys, [{ KeyId, KeyArn: arnIn("eu-south-1", KeyId) }]);
    assert.deepEqual((await paris.listKeys({})).Keys, [{ KeyId, KeyArn: Arn }]);
    await milan.createAlias({ AliasName: "alias/of-the-replica", TargetKeyId: KeyId });
    assert.deepEqual((await paris.listAliases({ KeyId })).Aliases, []);
  });

  it("S05-064: work while the others are disabled", async () => {
    const KeyId = await newSet(server, [WEST]);
    const { CiphertextBlob } = await home.encrypt({ KeyId, Plaintext: bytes(2) });
    await home.disableKey({ KeyId });
    assert.equal(await stateOf(west, KeyId), "Enabled");
    assert.deepEqual((await west.decrypt({ CiphertextBlob })).Plaintext, bytes(2));
    await west.encrypt({ KeyId, Plaintext: bytes(2) });
    await assertRefused(home.decrypt({ CiphertextBlob }), "DisabledException");
    await home.enableKey({ KeyId });
    await west.disableKey({ KeyId });
    await home.decrypt({ CiphertextBlob });
    await assertRefused(west.decrypt({ CiphertextBlob }), "DisabledException");
  });

  it("S05-065: keep their own policy, tags, aliases and description", async () => {
    const KeyId = await newSet(server, [WEST]);
    const before = await describedKey(west, KeyId);
    const { Policy } = await west.getKeyPolicy({ KeyId });
    await home.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) });
    await home.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] });
    await home.createAlias({ AliasName: "alias/of-the-primary", TargetKeyId: KeyId });
    await home.updateKeyDescription({ KeyId, Description: "changed" });
    await server.advance(MOMENT_MS);
    assert.deepEqual(await describedKey(west, KeyId), before);
    assert.equal((await west.getKeyPolicy({ KeyId })).Policy, Policy);
    assert.deepEqual((await west.listResourceTags({ KeyId })).Tags, []);
    assert.deepEqual((await west.listAliases({ KeyId })).Aliases, []);
    await west.updateKeyDescription({ KeyId, Description: "another" });
    assert.equal((await describedKey(home, KeyId)).Description, "changed");
  });
});

describe("permissions on multi-Region keys", () => {
  const denying = (Action: string, Condition?: object): object => ({
    Effect: "Deny",
    Principal: "*",
    Action,
    Resource: "*",
    ...(Condition !== undefined && { Condition }),
  });

  it("S04-025: ReplicateKey needs kms:ReplicateKey on the primary", async () => {
    const Policy = policyOf(allowing(ACCOUNT), denying("kms:ReplicateKey"));
    const { KeyId, Arn } = await newKey(home, { MultiRegion: true, Policy });
    const denied = home.replicateKey({ KeyId, ReplicaRegion: WEST });
    await assertRefused(denied, "AccessDeniedException", new RegExp(`kms:ReplicateKey on resource: ${Arn} `));
    await assertRefused(west.describeKey({ KeyId }), "NotFoundException");
  });

  it("S04-014: kms:ReplicaRegion limits where to, of ReplicateKey alone", async () => {
    const eu = { StringNotLike: { "kms:ReplicaRegion": "eu-*" } };
    const Policy = policyOf(allowing(ACCOUNT), denying("kms:ReplicateKey", eu));
    const { KeyId } = await newKey(home, { MultiRegion: true, Policy });
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: WEST }), "AccessDeniedException");
    await home.replicateKey({ KeyId, ReplicaRegion: IRELAND });
    await server.advance(MOMENT_MS);
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: IRELAND });
  });

  it("S04-014: kms:PrimaryRegion limits where to, of UpdatePrimaryRegion alone", async () => {
    const eu = { StringNotLike: { "kms:PrimaryRegion": "eu-*" } };
    const Policy = policyOf(allowing(ACCOUNT), denying("kms:UpdatePrimaryRegion", eu));
    const KeyId = await newSet(server, [WEST, IRELAND], { Policy });
    await assertRefused(home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST }), "AccessDeniedException");
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: IRELAND });
  });

  for (const which of ["primary", "replica"] as const) {
    it(`S05-039, S04-025: UpdatePrimaryRegion needs kms:UpdatePrimaryRegion on the ${which}`, async () => {
      const KeyId = await newSet(server, [WEST]);
      const [kms, region] = which === "primary" ? [home, HOME] : [west, WEST];
      await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT), denying("kms:UpdatePrimaryRegion")) });
      const denied = home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
      await assertRefused(denied, "AccessDeniedException", new RegExp(`on resource: ${arnIn(region, KeyId)} `));
      assert.deepEqual(await relationsOf(home, KeyId), { type: "PRIMARY", primary: HOME, replicas: [WEST] });
      assert.deepEqual([await stateOf(home, KeyId), await stateOf(west, KeyId)], ["Enabled", "Enabled"]);
    });
  }

  it("S04-012, S04-013: kms:MultiRegion is true, and kms:MultiRegionKeyType follows the change of the primary", async () => {
    const Policy = policyOf(
      allowing(ACCOUNT),
      denying("kms:Encrypt", { StringEquals: { "kms:MultiRegionKeyType": "REPLICA" } }),
      denying("kms:GenerateDataKey*", { Bool: { "kms:MultiRegion": true } }),
    );
    const KeyId = await newSet(server, [WEST], { Policy });
    await west.putKeyPolicy({ KeyId, Policy });
    const encrypt = (kms: KMS) => kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await encrypt(home);
    await assertRefused(encrypt(west), "AccessDeniedException");
    await assertRefused(home.generateDataKey({ KeyId, KeySpec: "AES_128" }), "AccessDeniedException");
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    await encrypt(west);
    await assertRefused(encrypt(home), "AccessDeniedException");
  });

  it("aws:RequestedRegion is, of each key of UpdatePrimaryRegion, its own Region", async () => {
    const only = (region: string): string =>
      policyOf(
        allowing(ACCOUNT),
        denying("kms:UpdatePrimaryRegion", { StringNotEquals: { "aws:RequestedRegion": region } }),
      );
    const KeyId = await newSet(server, [WEST], { Policy: only(HOME) });
    await west.putKeyPolicy({ KeyId, Policy: only(HOME) });
    await assertRefused(home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST }), "AccessDeniedException");
    await west.putKeyPolicy({ KeyId, Policy: only(WEST) });
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
  });
});

describe("records of replication", () => {
  it("S05-031, S02-018: are one of ReplicateKey in the primary's Region and one of CreateKey in the replica's", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const answer = await home.replicateKey({ KeyId, ReplicaRegion: WEST, Description: "west" });
    const requestID = requestIdOf(answer);
    for (const event of ["ReplicateKey", "CreateKey"]) {
      await server.records.where((record) => record.eventName === event && record.requestID === requestID);
    }
    const records = server.records.all().filter((record) => record.requestID === requestID);
    const byName = new Map(records.map((record) => [record.eventName, record]));
    assert.equal(records.length, 2);
    const [replicated, created] = [present(byName.get("ReplicateKey")), present(byName.get("CreateKey"))];
    assert.notEqual(replicated.eventID, created.eventID);

    assert.equal((replicated as { awsRegion?: string }).awsRegion, HOME);
    assert.deepEqual(replicated.requestParameters, {
      keyId: KeyId,
      replicaRegion: WEST,
      bypassPolicyLockoutSafetyCheck: false,
      description: "west",
    });
    assert.deepEqual(
      replicated.resources?.map(({ ARN }) => ARN),
      [arnIn(HOME, KeyId)],
    );
    const { replicaKeyMetadata, replicaPolicy, ...rest } = present(replicated.responseElements ?? undefined);
    assert.deepEqual(rest, {});
    assert.equal(replicaPolicy, answer.ReplicaPolicy);
    const metadata = replicaKeyMetadata as Readonly<Record<string, unknown>>;
    assert.deepEqual(
      [metadata["keyState"], metadata["enabled"], metadata["arn"], metadata["multiRegion"]],
      ["Creating", false, arnIn(WEST, KeyId), true],
    );
    assert.deepEqual(metadata["multiRegionConfiguration"], {
      multiRegionKeyType: "REPLICA",
      primaryKey: { arn: arnIn(HOME, KeyId), region: HOME },
      replicaKeys: [{ arn: arnIn(WEST, KeyId), region: WEST }],
    });
    assert.equal("invokedBy" in replicated.userIdentity, false);

    assert.equal((created as { awsRegion?: string }).awsRegion, WEST);
    assert.equal(created.userIdentity["invokedBy"], "kms.amazonaws.com");
    assert.deepEqual(
      created.resources?.map(({ ARN }) => ARN),
      [arnIn(WEST, KeyId)],
    );
    assert.deepEqual(created.responseElements, { keyMetadata: metadata });
  });
});

describe("UpdateReplicaRegion", () => {
  it("S07-012: is no operation; UpdatePrimaryRegion, which is meant, is one", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const answer = await callKms(server.address, "UpdateReplicaRegion", { KeyId, PrimaryRegion: WEST });
    assert.equal(answer.status, 400);
    assert.equal(answer.code, "UnknownOperationException");
  });
});
