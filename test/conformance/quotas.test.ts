/**
 * Quotas as callers meet them: keys, aliases, rotations, rates, and Service Quotas.
 *
 * Intervals of an hour, which the clock can be moved over, stand for AWS's second, which a slow machine would not keep. Each test has
 * a Region of its own, and the quotas of that Region are what it needs.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput } from "@aws-sdk/client-kms";
import { ServiceQuotas } from "@aws-sdk/client-service-quotas";
import { startDevServer } from "../dev-server.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  clientOf,
  managedKey,
  newKey,
  newPendingKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const THROTTLED = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
const HOUR = "PT1H";

const QUOTAS = `
quotas:
  - region: ap-south-1
    values: { L-C2F1777E: 4 }
  - region: ap-south-2
    values: { L-C2F1777E: 0 }
  - region: eu-north-1
    values: { Aliases per CMK: 2 }
  - region: us-east-2
    values:
      ListKeys request rate: { requests: 2, seconds: 3600 }
      CreateAlias request rate: { requests: 0, seconds: 1 }
  - account: "${OTHER_ACCOUNT}"
    region: us-east-2
    values: { ListKeys request rate: { requests: 3, seconds: 3600 } }
  - region: eu-central-1
    values:
      Cryptographic operations (symmetric) request rate: { requests: 8, seconds: 3600 }
      Cryptographic operations (RSA) request rate: { requests: 3, seconds: 3600 }
      Cryptographic operations (ECC) request rate: { requests: 2, seconds: 3600 }
  - region: cn-north-1
    values:
      Cryptographic operations (symmetric) request rate: { requests: 0, seconds: 1 }
      Cryptographic operations (SM) request rate: { requests: 2, seconds: 3600 }
  - region: eu-west-1
    values:
      ReplicateKey request rate: { requests: 3, seconds: 3600 }
  - region: eu-west-2
    values:
      CreateKey request rate: { requests: 4, seconds: 3600 }
  - region: eu-south-1
    values:
      UpdatePrimaryRegion request rate: { requests: 1, seconds: 3600 }
  - region: ca-central-1
    values:
      Cryptographic operations (symmetric) request rate: { requests: 3, seconds: 3600 }
  - region: sa-east-1
    values:
      DescribeKey request rate: { requests: 3, seconds: 3600 }
  - region: us-west-1
    values:
      EnableKey request rate: { requests: 5, seconds: 3600 }
      DisableKey request rate: { requests: 5, seconds: 3600 }
      State changes per KMS key request rate: { requests: 4, seconds: 3600 }
  - region: ap-northeast-2
    values:
      Cryptographic operations (symmetric) request rate: { requests: 5, seconds: 3600 }
  - region: ap-northeast-3
    values:
      CreateGrant request rate: { requests: 1, seconds: 3600 }
  - region: me-south-1
    values:
      ListAliases request rate: 0.001
`;

const folder = mkdtempSync(join(tmpdir(), "keystead-quotas-"));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const world = await startWorld(["--quotas", file("quotas.yaml", QUOTAS)]);
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});
const { client, records, server } = world;

const assertThrottled = (call: Promise<unknown>) => assertRefused(call, "ThrottlingException", THROTTLED);
const symmetricKeys: CreateKeyCommandInput = {};
const Plaintext = bytes(8);

/** A policy that lets both accounts do everything. */
const SHARED = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT));

function serviceQuotas(region: string, { endpoint, credentials } = server): ServiceQuotas & Disposable {
  const made = new ServiceQuotas({ endpoint, region, credentials, maxAttempts: 1 });
  return Object.assign(made, { [Symbol.dispose]: () => made.destroy() });
}

describe("resource quotas", () => {
  it("S07-015, S01-019: keys count in every state, AWS managed keys don't, and each Region and account counts its own", async () => {
    const kms = client("ap-south-1");
    await managedKey(kms, "s3");
    await newKey(kms);
    const disabled = await newKey(kms);
    await kms.disableKey({ KeyId: disabled.KeyId });
    await newKey(kms, { Origin: "EXTERNAL" });
    const pending = await newPendingKey(kms);
    const message = "Key quota for this account in this region is 4 but the current usage is 4.";
    await assertRefused(kms.createKey({}), "LimitExceededException", message);
    await managedKey(kms, "ebs");
    await newKey(client("ap-south-1", OTHER_ACCOUNT));
    const primary = await newKey(client("eu-west-3"), { MultiRegion: true });
    const replicate = client("eu-west-3").replicateKey({ KeyId: primary.KeyId, ReplicaRegion: "ap-south-1" });
    await assertRefused(replicate, "LimitExceededException", message);
    await kms.cancelKeyDeletion({ KeyId: pending.KeyId });
    await kms.scheduleKeyDeletion({ KeyId: pending.KeyId, PendingWindowInDays: 7 });
    await server.clock.advance("P8D");
    await client("eu-west-3").replicateKey({ KeyId: primary.KeyId, ReplicaRegion: "ap-south-1" });
    await assertRefused(kms.createKey({}), "LimitExceededException", message);
  });

  it("S07-015: a quota of nothing leaves the AWS managed keys", async () => {
    const kms = client("ap-south-2");
    await assertRefused(kms.createKey({}), "LimitExceededException", /is 0 but the current usage is 0\.$/);
    await managedKey(kms, "ebs");
  });

  for (const { title, region, most } of [
    { title: "S07-016: the 51st alias of a key is refused, made or moved there", region: "eu-west-3", most: 50 },
    { title: "S07-016, S07-022: a Region's own number of aliases holds there", region: "eu-north-1", most: 2 },
  ]) {
    it(title, async () => {
      const kms = client(region);
      const [full, other] = [await newKey(kms), await newKey(kms)];
      const create = (AliasName: string, TargetKeyId: string) => kms.createAlias({ AliasName, TargetKeyId });
      for (let count = 1; count <= most; count += 1) await create(`alias/full-${count}`, full.KeyId);
      const message = `Aliases per key quota for this account in this region is ${most}, current usage is ${most}.`;
      await assertRefused(create("alias/more", full.KeyId), "LimitExceededException", message);
      await create("alias/moving", other.KeyId);
      const move = () => kms.updateAlias({ AliasName: "alias/moving", TargetKeyId: full.KeyId });
      await assertRefused(move(), "LimitExceededException", message);
      const { Aliases } = await kms.listAliases({ KeyId: other.KeyId });
      assert.deepEqual(
        Aliases?.map(({ AliasName }) => AliasName),
        ["alias/moving"],
      );
      await kms.deleteAlias({ AliasName: "alias/full-1" });
      await move();
    });
  }

  it("S07-021: the 26th rotation on demand is refused", async () => {
    const kms = client("eu-west-3");
    const { KeyId } = await newKey(kms);
    for (let count = 0; count < 25; count += 1) await kms.rotateKeyOnDemand({ KeyId });
    await assertRefused(
      kms.rotateKeyOnDemand({ KeyId }),
      "LimitExceededException",
      /^The on-demand rotations limit has been reached/,
    );
    await newKey(kms).then((other) => kms.rotateKeyOnDemand({ KeyId: other.KeyId }));
  });
});

describe("request quotas", () => {
  it("S07-023, S07-022: what is over is a ThrottlingException, recorded, until the interval ends", async () => {
    const kms = client("us-east-2");
    for (let count = 0; count < 2; count += 1) await kms.listKeys({});
    const { requestId, status } = await assertThrottled(kms.listKeys({}));
    assert.equal(status, 400);
    const record = await records.of(requestId);
    assert.equal(record.errorCode, "ThrottlingException");
    assert.equal(record.errorMessage, THROTTLED);
    assert.equal(record.eventName, "ListKeys");
    // another operation, another Region and another account, which has a number of its own
    await kms.listAliases({});
    await client("us-west-2").listKeys({});
    for (let count = 0; count < 3; count += 1) await client("us-east-2", OTHER_ACCOUNT).listKeys({});
    await assertThrottled(client("us-east-2", OTHER_ACCOUNT).listKeys({}));
    await server.clock.advance(HOUR);
    await kms.listKeys({});
  });

  it("S07-023: on the wire it is HTTP 400 with the type and the message", async () => {
    const kms = client("me-south-1");
    await kms.listAliases({});
    const { $response } = await kms.listAliases({}).then(
      () => assert.fail(),
      (cause: { $response: { statusCode: number; body: unknown } }) => cause,
    );
    assert.equal($response.statusCode, 400);
    await assertThrottled(kms.listAliases({}));
  });

  it("S07-023: a change is throttled before anything else is wrong with it, and changes nothing", async () => {
    const kms = client("us-east-2");
    const { KeyId } = await newKey(kms);
    await assertThrottled(kms.createAlias({ AliasName: "alias/none", TargetKeyId: KeyId }));
    await assertThrottled(kms.createAlias({ AliasName: "alias/none", TargetKeyId: "no-such-key" }));
    assert.deepEqual((await kms.listAliases({ KeyId })).Aliases, []);
  });

  it("S07-024: operations with symmetric and HMAC keys share one quota; RSA and ECC keys have their own", async () => {
    const kms = client("eu-central-1");
    const { KeyId } = await newKey(kms, symmetricKeys);
    const hmac = await newKey(kms, { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    const rsa = await newKey(kms, { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    const ecc = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    const Message = bytes(3);
    const MacAlgorithm = "HMAC_SHA_256" as const;
    const { Mac } = await kms.generateMac({ KeyId: hmac.KeyId, Message, MacAlgorithm });
    await kms.decrypt({ CiphertextBlob });
    await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    await kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" });
    await kms.generateRandom({ NumberOfBytes: 8 });
    await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId });
    await kms.verifyMac({ KeyId: hmac.KeyId, Message, MacAlgorithm, Mac });
    await assertThrottled(kms.encrypt({ KeyId, Plaintext }));
    await assertThrottled(kms.generateRandom({ NumberOfBytes: 8 }));
    await assertThrottled(kms.verifyMac({ KeyId: hmac.KeyId, Message, MacAlgorithm, Mac }));
    // a key that is not there, or not the caller's, says nothing of its kind: it counts as symmetric
    await assertThrottled(kms.encrypt({ KeyId: "1234abcd-12ab-34cd-56ef-000000000000", Plaintext }));

    const EncryptionAlgorithm = "RSAES_OAEP_SHA_256" as const;
    const underRsa = await kms.encrypt({ KeyId: rsa.KeyId, Plaintext, EncryptionAlgorithm });
    const { CiphertextBlob: blob } = underRsa;
    for (let count = 0; count < 2; count += 1) {
      await kms.decrypt({ KeyId: rsa.KeyId, CiphertextBlob: blob, EncryptionAlgorithm });
    }
    await assertThrottled(kms.encrypt({ KeyId: rsa.KeyId, Plaintext, EncryptionAlgorithm }));

    const SigningAlgorithm = "ECDSA_SHA_256" as const;
    const { Signature } = await kms.sign({ KeyId: ecc.KeyId, Message, SigningAlgorithm });
    await kms.verify({ KeyId: ecc.KeyId, Message, SigningAlgorithm, Signature });
    await assertThrottled(kms.sign({ KeyId: ecc.KeyId, Message, SigningAlgorithm }));
    await kms.describeKey({ KeyId });
  });

  it("S07-024: a refusal takes of the symmetric quota, whatever the key is, so that nobody learns it from the quota", async () => {
    const { Arn: KeyId } = await newKey(client("eu-central-1"), { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    const stranger = client("eu-central-1", OTHER_ACCOUNT);
    const encrypt = () => stranger.encrypt({ KeyId, Plaintext, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" });
    for (let count = 0; count < 8; count += 1) await assertRefused(encrypt(), "AccessDeniedException");
    await assertThrottled(encrypt());
    await assertThrottled(stranger.generateRandom({ NumberOfBytes: 8 }));
  });

  it("S07-024: SM2 keys have a quota of their own", async () => {
    const kms = client("cn-north-1");
    const { KeyId } = await newKey(kms, { KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" });
    const signing = { KeyId, Message: bytes(3), SigningAlgorithm: "SM2DSA" as const };
    const { Signature } = await kms.sign(signing);
    await kms.verify({ ...signing, Signature });
    await assertThrottled(kms.sign(signing));
  });

  it("S07-027: ReplicateKey takes one of its own quota, and two of CreateKey's in the Region of the replica", async () => {
    const kms = client("eu-west-1");
    const keys = [];
    for (let count = 0; count < 3; count += 1) keys.push((await newKey(kms, { MultiRegion: true })).KeyId);
    const replicate = (KeyId: string | undefined, ReplicaRegion: string) => kms.replicateKey({ KeyId, ReplicaRegion });
    await replicate(keys[0], "eu-west-2");
    await newKey(client("eu-west-2"));
    await assertThrottled(replicate(keys[1], "eu-west-2"));
    await newKey(client("eu-west-2"));
    await assertThrottled(client("eu-west-2").createKey({}));
    // what was refused took nothing of ReplicateKey either
    await replicate(keys[1], "us-west-2");
    await replicate(keys[2], "us-west-2");
    await assertThrottled(replicate(keys[2], "ca-west-1"));
  });

  it("S07-027: UpdatePrimaryRegion takes one in each of its two Regions", async () => {
    const kms = client("us-west-2");
    const keys = [];
    for (let count = 0; count < 2; count += 1) {
      const { KeyId } = await newKey(kms, { MultiRegion: true });
      await kms.replicateKey({ KeyId, ReplicaRegion: "eu-south-1" });
      keys.push(KeyId);
    }
    const [first, second] = keys;
    await server.clock.advance("PT1M");
    await kms.updatePrimaryRegion({ KeyId: first, PrimaryRegion: "eu-south-1" });
    await assertThrottled(kms.updatePrimaryRegion({ KeyId: second, PrimaryRegion: "eu-south-1" }));
    await server.clock.advance("PT1M");
    await assertThrottled(client("eu-south-1").updatePrimaryRegion({ KeyId: first, PrimaryRegion: "us-west-2" }));
  });

  it("S07-028, S08-030: SC-17 a key of another account counts for whoever uses it", async () => {
    const [own, other] = [client("ca-central-1"), client("ca-central-1", OTHER_ACCOUNT)];
    const { Arn: KeyId } = await newKey(own, { Policy: SHARED });
    for (let count = 0; count < 2; count += 1) await other.encrypt({ KeyId, Plaintext });
    await assertRefused(
      other.encrypt({ KeyId: KeyId.replace(/[0-9a-f]{4}$/, "0000"), Plaintext }),
      "AccessDeniedException",
    );
    await assertThrottled(other.encrypt({ KeyId, Plaintext }));
    for (let count = 0; count < 3; count += 1) await own.encrypt({ KeyId, Plaintext });
    await assertThrottled(own.encrypt({ KeyId, Plaintext }));
  });

  it("S07-030, S01-019: AWS managed keys count as customer managed ones do", async () => {
    const kms = client("sa-east-1");
    await managedKey(kms, "s3");
    await managedKey(kms, "s3");
    await managedKey(kms, "ebs");
    await assertThrottled(kms.describeKey({ KeyId: "alias/aws/s3" }));
  });

  it("S07-031: turning one key off and on is throttled below the quotas of both operations, and other keys are not", async () => {
    const kms = client("us-west-1");
    const [hot, cold] = [await newKey(kms), await newKey(kms)];
    for (let count = 0; count < 2; count += 1) {
      await kms.disableKey({ KeyId: hot.KeyId });
      await kms.enableKey({ KeyId: hot.Arn });
    }
    await assertThrottled(kms.disableKey({ KeyId: hot.KeyId }));
    await assertThrottled(kms.enableKey({ KeyId: hot.Arn }));
    await kms.disableKey({ KeyId: cold.KeyId });
    await kms.enableKey({ KeyId: cold.KeyId });
    await server.clock.advance(HOUR);
    await kms.disableKey({ KeyId: hot.KeyId });
  });

  it("S08-023: dry runs take of the same quota", async () => {
    const kms = client("ap-northeast-2");
    const { KeyId } = await newKey(kms);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    for (let count = 0; count < 4; count += 1) {
      await assertRefused(kms.decrypt({ CiphertextBlob, DryRun: true }), "DryRunOperationException");
    }
    await assertThrottled(kms.decrypt({ CiphertextBlob, DryRun: true }));
    await assertThrottled(kms.decrypt({ CiphertextBlob }));
  });

  it("S07-022: a larger value that was asked for holds from the next request", async () => {
    const kms = client("ap-northeast-3");
    using quotas = serviceQuotas("ap-northeast-3");
    const { KeyId } = await newKey(kms);
    const GranteePrincipal = `arn:aws:iam::${ACCOUNT}:root`;
    const grant = () => kms.createGrant({ KeyId, GranteePrincipal, Operations: ["Encrypt"] });
    await grant();
    await assertThrottled(grant());
    const asked = { ServiceCode: "kms", QuotaCode: "L-0428A42E", DesiredValue: 1000 };
    const { RequestedQuota } = await quotas.requestServiceQuotaIncrease(asked);
    assert.equal(RequestedQuota?.Status, "APPROVED");
    for (let count = 0; count < 3; count += 1) await grant();
    const { RequestedQuotas } = await quotas.listRequestedServiceQuotaChangeHistory({});
    assert.deepEqual(
      RequestedQuotas?.map(({ Id }) => Id),
      [RequestedQuota?.Id],
    );
  });
});

describe("AWS's own numbers", () => {
  it("S07-025, S07-026: make key pairs slow, each spec by itself, and leave symmetric operations alone", async () => {
    await using own = await startDevServer({ args: ["--quotas", "aws"] });
    using caller = clientOf(own);
    const { kms } = caller;
    const { KeyId } = await newKey(kms);
    const pair = (KeyPairSpec: "RSA_2048" | "RSA_3072" | "RSA_4096") =>
      kms.generateDataKeyPair({ KeyId, KeyPairSpec, DryRun: true });
    const twin = (KeyPairSpec: "RSA_2048" | "RSA_3072" | "RSA_4096") =>
      kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec, DryRun: true });
    // both at once, since they have to come within a second
    for (const spec of ["RSA_2048", "RSA_3072", "RSA_4096"] as const) {
      const names = await Promise.all([pair(spec), twin(spec)].map((call) => call.catch(({ name }) => name)));
      assert.deepEqual(names.sort(), ["DryRunOperationException", "ThrottlingException"], spec);
    }
    await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    await own.clock.advance("PT9S");
    await assertRefused(twin("RSA_3072"), "DryRunOperationException");
    await own.clock.advance("PT1S");
    await assertRefused(pair("RSA_4096"), "DryRunOperationException");
    await assertThrottled(pair("RSA_4096"));
    await own.clock.advance("PT10S");
    await assertRefused(pair("RSA_4096"), "DryRunOperationException");

    const imported = await newKey(kms, { Origin: "EXTERNAL" });
    const parameters = () =>
      kms.getParametersForImport({
        KeyId: imported.KeyId,
        WrappingAlgorithm: "RSAES_OAEP_SHA_256",
        WrappingKeySpec: "RSA_2048",
      });
    const both = await Promise.all(
      [parameters(), parameters()].map((call) =>
        call.then(
          () => "",
          ({ name }) => name,
        ),
      ),
    );
    assert.deepEqual(both.sort(), ["", "ThrottlingException"]);
    await own.clock.advance("PT4S");
    await parameters();
  });
});

describe("Service Quotas", () => {
  const ServiceCode = "kms";

  it("S07-033: shows KMS's quotas but those of key stores, with what can be adjusted", async () => {
    using quotas = serviceQuotas("us-west-2");
    assert.deepEqual((await quotas.listServices({})).Services, [
      { ServiceCode, ServiceName: "AWS Key Management Service (AWS KMS)" },
    ]);
    const listed = [];
    let NextToken: string | undefined;
    do {
      const page = await quotas.listServiceQuotas({ ServiceCode, MaxResults: 20, NextToken });
      listed.push(...present(page.Quotas));
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    const names = listed.map(({ QuotaName = "" }) => QuotaName);
    assert.equal(new Set(names).size, 65);
    assert.deepEqual(
      names.filter((name) => /key store request quota|State changes/.test(name)),
      [],
    );
    assert.deepEqual(
      listed.flatMap(({ QuotaName, Adjustable }) => (Adjustable === false ? [QuotaName] : [])),
      ["Key policy document size", "On-demand rotations per CMK"],
    );
    const { Quotas } = await quotas.listAWSDefaultServiceQuotas({ ServiceCode });
    assert.deepEqual(
      Quotas?.map(({ QuotaName }) => QuotaName),
      names,
    );
  });

  it("tells the value that holds, and the one that AWS gives everybody", async () => {
    using quotas = serviceQuotas("eu-north-1");
    const asked = { ServiceCode, QuotaCode: "L-340F62FB" };
    const { Quota } = await quotas.getServiceQuota(asked);
    assert.deepEqual(
      { ...Quota },
      {
        ServiceCode,
        ServiceName: "AWS Key Management Service (AWS KMS)",
        QuotaArn: `arn:aws:servicequotas:eu-north-1:${ACCOUNT}:kms/L-340F62FB`,
        QuotaCode: "L-340F62FB",
        QuotaName: "Aliases per CMK",
        Value: 2,
        Unit: "None",
        Adjustable: true,
        GlobalQuota: false,
        QuotaAppliedAtLevel: "ACCOUNT",
        Description: "Aliases of one customer managed KMS key.",
      },
    );
    const standard = await quotas.getAWSDefaultServiceQuota(asked);
    assert.equal(standard.Quota?.Value, 50);
    assert.equal(standard.Quota?.QuotaArn, "arn:aws:servicequotas:eu-north-1::kms/L-340F62FB");
    const slow = await quotas.getServiceQuota({ ServiceCode, QuotaCode: "L-2AC98190" });
    assert.deepEqual({ ...slow.Quota?.Period }, { PeriodValue: 1, PeriodUnit: "SECOND" });
  });

  it("refuses what is not there, not more, or not to be adjusted", async () => {
    using quotas = serviceQuotas("us-west-2");
    const get = (service: string, QuotaCode: string) => quotas.getServiceQuota({ ServiceCode: service, QuotaCode });
    const ask = (QuotaCode: string, DesiredValue: number) =>
      quotas.requestServiceQuotaIncrease({ ServiceCode, QuotaCode, DesiredValue });
    await assertRefused(get("ec2", "L-340F62FB"), "NoSuchResourceException");
    await assertRefused(
      get("kms", "L-00000000"),
      "NoSuchResourceException",
      "The request failed because the specified quota L-00000000 does not exist for service kms.",
    );
    await assertRefused(ask("L-00000000", 5), "NoSuchResourceException");
    await assertRefused(
      ask("L-0E66C9C0", 100),
      "IllegalArgumentException",
      "The request failed because the specified quota is not adjustable.",
    );
    for (const value of [49, 50]) {
      await assertRefused(
        ask("L-340F62FB", value),
        "IllegalArgumentException",
        "You must provide a quota value greater than the current quota value",
      );
    }
    await assertRefused(quotas.getRequestedServiceQuotaChange({ RequestId: "abcdef" }), "NoSuchResourceException");
    const forged = quotas.listServiceQuotas({ ServiceCode, NextToken: "abcd" });
    await assertRefused(forged, "InvalidPaginationTokenException");
  });

  it("keeps what an account asked for to that account and Region", async () => {
    using quotas = serviceQuotas("us-west-2");
    const asked = { ServiceCode, QuotaCode: "L-340F62FB" };
    const { RequestedQuota } = await quotas.requestServiceQuotaIncrease({ ...asked, DesiredValue: 51 });
    assert.deepEqual(JSON.parse(present(RequestedQuota?.Requester)), {
      accountId: ACCOUNT,
      callerArn: `arn:aws:iam::${ACCOUNT}:root`,
    });
    const RequestId = present(RequestedQuota?.Id);
    const found = await quotas.getRequestedServiceQuotaChange({ RequestId });
    assert.deepEqual(found.RequestedQuota, RequestedQuota);
    const byQuota = await quotas.listRequestedServiceQuotaChangeHistoryByQuota(asked);
    assert.deepEqual(byQuota.RequestedQuotas, [RequestedQuota]);
    const denied = await quotas.listRequestedServiceQuotaChangeHistory({ Status: "DENIED" });
    assert.deepEqual(denied.RequestedQuotas, []);
    assert.equal((await quotas.getServiceQuota(asked)).Quota?.Value, 51);

    const { endpoint } = server;
    for (const [region, credentials] of [
      ["us-west-2", world.otherCredentials],
      ["us-east-1", server.credentials],
    ] as const) {
      using others = serviceQuotas(region, { ...server, endpoint, credentials });
      assert.equal((await others.getServiceQuota(asked)).Quota?.Value, 50);
      assert.deepEqual((await others.listRequestedServiceQuotaChangeHistory({})).RequestedQuotas, []);
      await assertRefused(others.getRequestedServiceQuotaChange({ RequestId }), "NoSuchResourceException");
    }
    const record = await records.where(
      ({ eventName, requestParameters }) =>
        eventName === "RequestServiceQuotaIncrease" && requestParameters?.["desiredValue"] === 51,
    );
    assert.equal(record[0]?.eventSource, "servicequotas.amazonaws.com");
  });
});

describe("a store that is opened with other quotas", () => {
  const KeyId = "1234abcd-12ab-34cd-56ef-1234567890ab";
  const credentials = { accessKeyId: "AKIAEXAMPLEBYALIAS01", secretAccessKey: "a/secret/for/the/alias/user" };
  const seed = `accounts:
  - id: "${ACCOUNT}"
    users:
      - name: by-alias
        accessKeys: [${JSON.stringify(credentials)}]
        inline:
          encrypt:
            Version: "2012-10-17"
            Statement:
              Effect: Allow
              Action: kms:Encrypt
              Resource: "*"
              Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias/one } }
          grants:
            Version: "2012-10-17"
            Statement:
              Effect: Allow
              Action: servicequotas:RequestServiceQuotaIncrease
              Resource: arn:aws:servicequotas:us-east-1:${ACCOUNT}:kms/L-D594A657
keys:
  - id: ${KeyId}
    aliases: [alias/one, alias/two]
`;
  const args = ["--data", join(folder, "store"), "--seed", file("seed.yaml", seed), "--quotas"];
  const asked = { ServiceCode: "kms", QuotaCode: "L-C2F1777E", DesiredValue: 3 };
  const statuses = async (quotas: ServiceQuotas) =>
    (await quotas.listRequestedServiceQuotaChangeHistory({})).RequestedQuotas?.map(({ Status }) => Status);

  it("S07-017: has keys with more aliases than their quota, not to be reached by kms:ResourceAliases; and a request for more that waited is approved", async () => {
    const quotasOf = (aliases: number, keys: number): string =>
      `increases: hold\nquotas: [{ values: { Aliases per CMK: ${aliases}, L-C2F1777E: ${keys} } }]`;
    {
      await using own = await startDevServer({ args: [...args, file("first.yaml", quotasOf(2, 2))] });
      using byAlias = clientOf({ endpoint: own.endpoint, credentials });
      await byAlias.kms.encrypt({ KeyId, Plaintext });
      using quotas = serviceQuotas("us-east-1", own);
      using root = clientOf(own);
      await root.kms.createKey({});
      assert.equal((await quotas.requestServiceQuotaIncrease(asked)).RequestedQuota?.Status, "CASE_OPENED");
      await assertRefused(
        quotas.requestServiceQuotaIncrease({ ...asked, DesiredValue: 4 }),
        "ResourceAlreadyExistsException",
        "Only one open service quota increase request is allowed per quota.",
      );
      await assertRefused(root.kms.createKey({}), "LimitExceededException");
      assert.deepEqual(await statuses(quotas), ["CASE_OPENED"]);
    }
    await using own = await startDevServer({ args: [...args, file("second.yaml", quotasOf(1, 3))] });
    using byAlias = clientOf({ endpoint: own.endpoint, credentials });
    await assertRefused(byAlias.kms.encrypt({ KeyId, Plaintext }), "AccessDeniedException");
    using quotas = serviceQuotas("us-east-1", own);
    using root = clientOf(own);
    assert.deepEqual(await statuses(quotas), ["APPROVED"]);
    // the user may ask for more of one quota and do nothing else here
    using byUser = serviceQuotas("us-east-1", { ...own, credentials });
    const QuotaCode = "L-D594A657";
    await byUser.requestServiceQuotaIncrease({ ...asked, QuotaCode, DesiredValue: 60_000 });
    await assertRefused(byUser.requestServiceQuotaIncrease(asked), "AccessDeniedException");
    await assertRefused(byUser.getServiceQuota({ ...asked, QuotaCode }), "AccessDeniedException");
    await root.kms.createKey({});
    await assertRefused(root.kms.createKey({}), "LimitExceededException");
  });
});
