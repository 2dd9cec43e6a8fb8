/** The features that the guide's document history dates from 2018 on, each shown shortly; those of the console are in test/e2e. */

import assert from "node:assert/strict";
import {
  createHmac,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  verify,
} from "node:crypto";
import { once } from "node:events";
import { after, describe, it } from "node:test";
import { connect } from "node:tls";
import { EC2 } from "@aws-sdk/client-ec2";
import { KMS } from "@aws-sdk/client-kms";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { ServiceQuotas } from "@aws-sdk/client-service-quotas";
import { startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { importInto, KEY_WRAP, newExternalKey, OAEP, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  assertRefused,
  bytes,
  clientOf,
  describedKey,
  managedKey,
  newKey,
  newPendingKey,
  policyOf,
  present,
  REGION,
  requestIdOf,
} from "../kms-client.ts";
import { openEnvelope } from "../openssl.ts";
import { PASSWORD } from "./cluster-world.ts";
import { type DatedFeature, startDatedWorld } from "./dated-world.ts";

/** Each in a Region of its own; the clock stands, so what is taken does not come back. */
const QUOTAS = `
quotas:
  - region: ap-south-1
    values: { L-C2F1777E: 3 }
  - region: eu-north-1
    values: { Aliases per CMK: 2, Grants per CMK: 1 }
  - region: us-east-2
    values: { CreateGrant request rate: { requests: 1, seconds: 3600 } }
  - region: eu-west-1
    values:
      External key store request quota: { requests: 2, seconds: 3600 }
  - region: eu-central-1
    values:
      Cryptographic operations (symmetric) request rate: { requests: 2, seconds: 3600 }
`;
const Plaintext = bytes(20);
const Message = bytes(50);

const world = await startDatedWorld(QUOTAS);
after(() => world[Symbol.asyncDispose]());
const { kms, held, proxy } = world;
const { records } = held;

const encrypted = async (KeyId: string, from: KMS = kms): Promise<Uint8Array> =>
  present((await from.encrypt({ KeyId, Plaintext })).CiphertextBlob);
const stateOf = async (KeyId: string, from: KMS = kms) => (await describedKey(from, KeyId)).KeyState;

/** A client whose requests come through an endpoint: in dev its DNS name as Host is enough. */
async function throughEndpoint(allowed: readonly string[]): Promise<{ readonly id: string; readonly kms: KMS }> {
  const { VpcEndpoint } = await world.clientFor(EC2).createVpcEndpoint({
    VpcId: "vpc-0123456789abcdef0",
    ServiceName: `com.amazonaws.${REGION}.kms`,
    VpcEndpointType: "Interface",
    PolicyDocument: policyOf({ Effect: "Allow", Principal: "*", Action: allowed, Resource: "*" }),
  });
  const client = world.clientFor(KMS);
  const host = present(VpcEndpoint?.DnsEntries?.[0]?.DnsName);
  client.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["host"] = host;
      return next(args);
    },
    { step: "build", priority: "low", name: "host" },
  );
  return { id: present(VpcEndpoint?.VpcEndpointId), kms: client };
}

/** The values of quotas, by their codes. */
async function quotasOf(...codes: readonly string[]): Promise<readonly (number | undefined)[]> {
  const quotas = world.clientFor(ServiceQuotas);
  const values: (number | undefined)[] = [];
  for (const QuotaCode of codes) {
    values.push((await quotas.getServiceQuota({ ServiceCode: "kms", QuotaCode })).Quota?.Value);
  }
  return values;
}

const FEATURES: readonly DatedFeature[] = [
  {
    date: "2023-11-10",
    feature: "KMS watches the cluster of a CloudHSM key store and tells why a connection failed",
    async show() {
      const cluster = world.newCluster({}, world.newHsm(PASSWORD));
      const CustomKeyStoreId = await world.newClusterStore("watched", cluster);
      world.alter(cluster.id, { hsms: [] });
      await world.connect(kms, CustomKeyStoreId);
      const { CustomKeyStores } = await kms.describeCustomKeyStores({ CustomKeyStoreId });
      const { ConnectionState, ConnectionErrorCode } = present(CustomKeyStores?.[0]);
      assert.deepEqual([ConnectionState, ConnectionErrorCode], ["FAILED", "INSUFFICIENT_CLOUDHSM_HSMS"]);
    },
  },
  {
    date: "2023-07-05",
    feature: "DryRun",
    async show() {
      const { KeyId } = await newKey(kms);
      await assertRefused(kms.encrypt({ KeyId, Plaintext, DryRun: true }), "DryRunOperationException");
      const grant = { KeyId, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`, Operations: ["Decrypt" as const] };
      await assertRefused(kms.createGrant({ ...grant, DryRun: true }), "DryRunOperationException");
      assert.deepEqual((await kms.listGrants({ KeyId })).Grants, []);
    },
  },
  {
    date: "2023-06-05",
    feature: "import of key material of all key types",
    async show() {
      const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const pkcs8 = ({ privateKey }: { readonly privateKey: KeyObject }): Uint8Array =>
        new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
      for (const { pair, KeySpec, SigningAlgorithm } of [
        { pair: rsa, KeySpec: "RSA_2048", SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_256" },
        { pair: curve, KeySpec: "ECC_NIST_P256", SigningAlgorithm: "ECDSA_SHA_256" },
      ] as const) {
        const { KeyId } = await newExternalKey(kms, { KeySpec, KeyUsage: "SIGN_VERIFY" });
        await importInto(kms, KeyId, pkcs8(pair), { wrapping: KEY_WRAP });
        const { Signature } = await kms.sign({ KeyId, Message, SigningAlgorithm });
        assert.ok(verify("sha256", Message, pair.publicKey, present(Signature)), KeySpec);
      }
      const { KeyId } = await newExternalKey(kms);
      await importInto(kms, KeyId, randomMaterial(32));
      assert.deepEqual((await kms.decrypt({ CiphertextBlob: await encrypted(KeyId) })).Plaintext, Plaintext);
      const mac = await newExternalKey(kms, { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
      const secret = randomMaterial(32);
      await importInto(kms, mac.KeyId, secret);
      const { Mac } = await kms.generateMac({ KeyId: mac.KeyId, Message, MacAlgorithm: "HMAC_SHA_256" });
      assert.deepEqual(Buffer.from(present(Mac)), createHmac("sha256", secret).update(Message).digest());
    },
  },
  {
    date: "2023-03-10",
    feature: "answers for Nitro Enclaves alone (Recipient)",
    async show() {
      const { KeyId } = await newKey(kms);
      const CiphertextBlob = await encrypted(KeyId);
      const { CiphertextForRecipient, Plaintext: clear } = await kms.decrypt({
        CiphertextBlob,
        Recipient: world.recipient(),
      });
      assert.equal(clear, undefined);
      const opened = openEnvelope(present(CiphertextForRecipient), world.recipientKey);
      assert.deepEqual(opened, Plaintext);
    },
  },
  {
    date: "2023-02-28",
    feature: "RSAES_PKCS1_V1_5 wraps nothing any more",
    async show() {
      const { KeyId } = await newExternalKey(kms);
      const retired = { KeyId, WrappingAlgorithm: "RSAES_PKCS1_V1_5", WrappingKeySpec: "RSA_2048" } as const;
      await assertRefused(kms.getParametersForImport(retired), "UnsupportedOperationException");
      for (const wrapping of [OAEP, { ...OAEP, WrappingAlgorithm: "RSAES_OAEP_SHA_1" } as const]) {
        assert.ok((await kms.getParametersForImport({ KeyId, ...wrapping })).ImportToken);
      }
    },
  },
  {
    date: "2022-11-29",
    feature: "external key stores",
    async show() {
      const CustomKeyStoreId = await world.newConnected(kms, { name: "external" });
      const KeyId = await world.newKey(kms, CustomKeyStoreId, "external-1");
      const asked = () => proxy.requests.filter(({ api }) => api.endsWith("/encrypt")).length;
      const before = asked();
      const CiphertextBlob = await encrypted(KeyId);
      assert.equal(asked(), before + 1);
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
      await world.disconnect(kms, CustomKeyStoreId);
      await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException");
    },
  },
  {
    date: "2022-07-08",
    feature: "100,000 KMS keys in an account and Region",
    async show() {
      assert.deepEqual(await quotasOf("L-C2F1777E"), [100_000]);
      const few = held.client("ap-south-1");
      await newKey(few);
      await newKey(few, { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
      await newPendingKey(few);
      await assertRefused(few.createKey({}), "LimitExceededException");
    },
  },
  {
    date: "2022-07-08",
    feature: "HMAC keys in more Regions",
    async show() {
      for (const region of ["af-south-1", "ap-southeast-3", "eu-south-1", "me-south-1"]) {
        const there = held.client(region);
        const { KeyId } = await newKey(there, { KeySpec: "HMAC_384", KeyUsage: "GENERATE_VERIFY_MAC" });
        const input = { KeyId, Message, MacAlgorithm: "HMAC_SHA_384" } as const;
        assert.equal((await there.generateMac(input)).Mac?.length, 48, region);
      }
    },
  },
  {
    date: "2022-06-14",
    feature: "resilience: a key is there after its server was not",
    async show() {
      using directory = new TemporaryDirectory();
      const args = ["--data", directory.at("store")];
      let CiphertextBlob: Uint8Array;
      {
        await using server = await startDevServer({ args });
        using first = clientOf(server);
        CiphertextBlob = await encrypted((await newKey(first.kms)).KeyId, first.kms);
      }
      await using server = await startDevServer({ args });
      using second = clientOf(server);
      assert.deepEqual((await second.kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
    },
  },
  {
    date: "2022-04-19",
    feature: "HMAC KMS keys, GenerateMac and VerifyMac",
    async show() {
      const { KeyId } = await newKey(kms, { KeySpec: "HMAC_512", KeyUsage: "GENERATE_VERIFY_MAC" });
      const input = { KeyId, Message, MacAlgorithm: "HMAC_SHA_512" } as const;
      const Mac = present((await kms.generateMac(input)).Mac);
      assert.equal((await kms.verifyMac({ ...input, Mac })).MacValid, true);
      const altered = Mac.with(0, (Mac[0] ?? 0) ^ 1);
      await assertRefused(kms.verifyMac({ ...input, Mac: altered }), "KMSInvalidMacException");
    },
  },
  {
    date: "2021-08-30",
    feature: "KMS keys, once customer master keys, whose old names go on",
    async show() {
      const made = await newKey(kms, { CustomerMasterKeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" });
      assert.deepEqual([made.KeySpec, made.CustomerMasterKeySpec], ["RSA_2048", "RSA_2048"]);
      const condition = { StringEquals: { "kms:CustomerMasterKeySpec": "RSA_2048" } };
      const person = await world.person("old-names", [
        { Effect: "Allow", Action: "kms:DescribeKey", Resource: "*", Condition: condition },
      ]);
      assert.equal(await stateOf(made.KeyId, person.kms), "Enabled");
      const other = await newKey(kms);
      await assertRefused(person.kms.describeKey({ KeyId: other.KeyId }), "AccessDeniedException");
    },
  },
  {
    date: "2021-06-08",
    feature: "multi-Region keys",
    async show() {
      const { KeyId } = await newKey(kms, { MultiRegion: true });
      const { ReplicaKeyMetadata } = await kms.replicateKey({ KeyId, ReplicaRegion: "us-west-2" });
      await held.advance(60_000);
      const there = held.client("us-west-2");
      const CiphertextBlob = await encrypted(KeyId);
      await kms.disableKey({ KeyId });
      const decrypted = await there.decrypt({ CiphertextBlob });
      assert.deepEqual([decrypted.Plaintext, decrypted.KeyId], [Plaintext, ReplicaKeyMetadata?.Arn]);
    },
  },
  {
    date: "2020-12-17",
    feature: "access by tags and aliases (ABAC)",
    async show() {
      const { KeyId } = await newKey(kms);
      const byTag = { StringEquals: { "aws:ResourceTag/team": "blue" } };
      const byAlias = { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/blue" } };
      const person = await world.person("blue", [
        { Effect: "Allow", Action: "kms:DescribeKey", Resource: "*", Condition: byTag },
        { Effect: "Allow", Action: "kms:GetKeyPolicy", Resource: "*", Condition: byAlias },
      ]);
      const describe = () => person.kms.describeKey({ KeyId });
      const getPolicy = () => person.kms.getKeyPolicy({ KeyId });
      await assertRefused(describe(), "AccessDeniedException");
      await assertRefused(getPolicy(), "AccessDeniedException");
      await kms.tagResource({ KeyId, Tags: [{ TagKey: "team", TagValue: "blue" }] });
      await kms.createAlias({ AliasName: "alias/blue", TargetKeyId: KeyId });
      await describe();
      await getPolicy();
      await kms.untagResource({ KeyId, TagKeys: ["team"] });
      await kms.deleteAlias({ AliasName: "alias/blue" });
      await assertRefused(describe(), "AccessDeniedException");
      await assertRefused(getPolicy(), "AccessDeniedException");
    },
  },
  {
    date: "2020-07-09",
    feature: "policies of VPC endpoints",
    async show() {
      const { KeyId } = await newKey(kms);
      const inside = await throughEndpoint(["kms:Encrypt"]);
      const CiphertextBlob = await encrypted(KeyId, inside.kms);
      await assertRefused(inside.kms.decrypt({ CiphertextBlob }), "AccessDeniedException", /VPC endpoint policy/);
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
    },
  },
  {
    date: "2020-06-18",
    feature: "security properties: ciphertexts differ, and an altered one does not open",
    async show() {
      const { KeyId } = await newKey(kms);
      const [one, other] = [await encrypted(KeyId), await encrypted(KeyId)];
      assert.notDeepEqual(one, other);
      const altered = one.with(-1, (one.at(-1) ?? 0) ^ 1);
      await assertRefused(kms.decrypt({ CiphertextBlob: altered }), "InvalidCiphertextException");
    },
  },
  {
    date: "2019-11-25",
    feature: "asymmetric KMS keys and data key pairs",
    async show() {
      const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
      const { PublicKey } = await kms.getPublicKey({ KeyId });
      const publicKey = createPublicKey({ key: Buffer.from(present(PublicKey)), format: "der", type: "spki" });
      const input = { KeyId, Message, SigningAlgorithm: "ECDSA_SHA_256" } as const;
      const Signature = present((await kms.sign(input)).Signature);
      assert.ok(createVerify("sha256").update(Message).verify(publicKey, Signature));
      assert.equal((await kms.verify({ ...input, Signature })).SignatureValid, true);
      const wrapping = await newKey(kms);
      const pair = await kms.generateDataKeyPair({ KeyId: wrapping.KeyId, KeyPairSpec: "ECC_NIST_P256" });
      const { Plaintext: privateKey } = await kms.decrypt({ CiphertextBlob: pair.PrivateKeyCiphertextBlob });
      const key = { key: Buffer.from(present(privateKey)), format: "der", type: "pkcs8" } as const;
      const pairKey = createPublicKey({ key: Buffer.from(present(pair.PublicKey)), format: "der", type: "spki" });
      const signature = createSign("sha256").update(Message).sign(key);
      assert.ok(createVerify("sha256").update(Message).verify(pairKey, signature));
    },
  },
  {
    date: "2019-11-15",
    feature: "key policies of AWS managed keys can be read, and not changed",
    async show() {
      const { KeyId } = await managedKey(kms, "ebs");
      const { Policy } = await kms.getKeyPolicy({ KeyId });
      assert.match(present(Policy), /kms:ViaService/);
      await assertRefused(kms.putKeyPolicy({ KeyId, Policy }), "AccessDeniedException");
    },
  },
  {
    date: "2019-11-04",
    feature: "hybrid post-quantum key exchange in TLS",
    async show() {
      await using server = await startDevServer({ args: ["--tls", "self-signed"] });
      const { hostname, port } = new URL(server.endpoint);
      for (const ecdhCurve of ["X25519MLKEM768", "X25519", "P-256"]) {
        const at = { host: hostname, port: Number(port), rejectUnauthorized: false };
        const socket = connect({ ...at, ecdhCurve, minVersion: "TLSv1.3" });
        await once(socket, "secureConnect");
        assert.equal(socket.getProtocol(), "TLSv1.3", ecdhCurve);
        socket.destroy();
      }
    },
  },
  {
    date: "2019-09-18",
    feature: "higher quotas of some management operations",
    async show() {
      assert.deepEqual(await quotasOf("L-0428A42E", "L-FAE8F084", "L-BE799B67"), [50, 2_000, 15]);
      const there = held.client("us-east-2");
      const { KeyId } = await newKey(there);
      const GranteePrincipal = `arn:aws:iam::${ACCOUNT}:root`;
      const grant = () => there.createGrant({ KeyId, GranteePrincipal, Operations: ["Decrypt"] });
      await grant();
      await assertRefused(grant(), "ThrottlingException");
    },
  },
  {
    date: "2019-03-27",
    feature: "quotas of keys, of aliases and of grants on a key",
    async show() {
      assert.deepEqual(await quotasOf("L-C2F1777E", "L-340F62FB", "L-D594A657"), [100_000, 50, 50_000]);
      const there = held.client("eu-north-1");
      const { KeyId } = await newKey(there);
      const grant = { KeyId, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`, Operations: ["Decrypt" as const] };
      await there.createGrant(grant);
      await assertRefused(there.createGrant(grant), "LimitExceededException");
      for (const name of ["one", "two"]) await there.createAlias({ AliasName: `alias/${name}`, TargetKeyId: KeyId });
      const third = there.createAlias({ AliasName: "alias/three", TargetKeyId: KeyId });
      await assertRefused(third, "LimitExceededException");
    },
  },
  {
    date: "2019-03-07",
    feature: "request quota of each custom key store",
    async show() {
      const there = held.client("eu-west-1");
      const CustomKeyStoreId = await world.newConnected(there, { name: "limited", host: "limited.example.net" });
      const KeyId = await world.newKey(there, CustomKeyStoreId, "limited-1");
      await encrypted(KeyId, there);
      await encrypted(KeyId, there);
      await assertRefused(there.encrypt({ KeyId, Plaintext }), "ThrottlingException");
      await encrypted((await newKey(there)).KeyId, there);
    },
  },
  {
    date: "2018-11-26",
    feature: "custom key stores in CloudHSM clusters",
    async show() {
      const id = await world.newClusterStore("cluster", world.newCluster({}, world.newHsm(PASSWORD)));
      await world.connect(kms, id);
      const { KeyId } = await world.newTokenKey(id);
      const CiphertextBlob = await encrypted(KeyId);
      await world.disconnect(kms, id);
      await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException");
      await world.connect(kms, id);
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
    },
  },
  {
    date: "2018-08-21",
    feature: "a request quota that uses of keys share",
    async show() {
      const there = held.client("eu-central-1");
      const { KeyId } = await newKey(there);
      const CiphertextBlob = await encrypted(KeyId, there);
      await there.decrypt({ CiphertextBlob });
      await assertRefused(there.generateDataKey({ KeyId, KeySpec: "AES_256" }), "ThrottlingException");
      assert.equal(await stateOf(KeyId, there), "Enabled");
    },
  },
  {
    date: "2018-07-13",
    feature: "Secrets Manager keeps secrets under KMS keys",
    async show() {
      const { KeyId, Arn } = await newKey(kms);
      const secrets = world.clientFor(SecretsManager);
      const { ARN, VersionId } = await secrets.createSecret({
        Name: "dated",
        SecretString: "open sesame",
        KmsKeyId: KeyId,
      });
      assert.equal((await secrets.getSecretValue({ SecretId: present(ARN) })).SecretString, "open sesame");
      const uses = await records.where(
        ({ eventName, resources }) => eventName === "Decrypt" && resources?.[0]?.ARN === Arn,
      );
      const { userIdentity, requestParameters } = present(uses.at(-1));
      assert.equal(userIdentity["invokedBy"], "secretsmanager.amazonaws.com");
      assert.deepEqual(requestParameters?.["encryptionContext"], {
        SecretARN: ARN,
        SecretVersionId: VersionId,
      });
      await kms.disableKey({ KeyId });
      await assertRefused(secrets.getSecretValue({ SecretId: present(ARN) }), /AccessDenied|DecryptionFailure/);
    },
  },
  {
    date: "2018-05-23",
    feature: "DynamoDB encrypts tables, each with the table's name for a context",
    async show() {
      const dynamodb = world.service("dynamodb");
      const KeyId = await dynamodb.managedKey();
      const EncryptionContext = { "aws:dynamodb:tableName": "Books", "aws:dynamodb:subscriberId": ACCOUNT };
      const input = { KeyId, KeySpec: "AES_256" as const, EncryptionContext };
      const { CiphertextBlob, Plaintext: tableKey } = await dynamodb.perform("GenerateDataKey", input);
      const opened = await dynamodb.perform("Decrypt", { CiphertextBlob: present(CiphertextBlob), EncryptionContext });
      assert.deepEqual(opened.Plaintext, tableKey);
      await assertRefused(kms.generateDataKey(input), "AccessDeniedException");
    },
  },
  {
    date: "2018-01-22",
    feature: "private VPC endpoints",
    async show() {
      const inside = await throughEndpoint(["kms:*"]);
      const answer = await inside.kms.createKey({});
      assert.equal((await records.of(requestIdOf(answer))).vpcEndpointId, inside.id);
      const listed = await kms.listKeys({});
      assert.equal((await records.of(requestIdOf(listed))).vpcEndpointId, undefined);
    },
  },
];

describe("the document history of the guide, from 2018 on", () => {
  for (const { date, feature, show } of FEATURES) it(`S08-029: ${date} ${feature}`, show);
});
