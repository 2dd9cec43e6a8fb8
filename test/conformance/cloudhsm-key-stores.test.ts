/** AWS CloudHSM key stores and their keys, over SoftHSM tokens (spec 06a). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { send, sign } from "../faults/signed-requests.ts";
import {
  ACCOUNT,
  assertRefused,
  membersOf,
  OTHER_ACCOUNT,
  present,
  REGION,
  refusalOf,
  requestIdOf,
} from "../kms-client.ts";
import { certificate, clusterStore, hsmsIn, PASSWORD, startClusterWorld, TRUST_ANCHOR } from "./cluster-world.ts";
import { publicStore } from "./key-store-world.ts";

const QUOTAS = `
quotas:
  - region: ${REGION}
    values:
      AWS CloudHSM key store request quota: { requests: 40, seconds: 3600 }
`;
const ROLE = "AWSServiceRoleForKeyManagementServiceCustomKeyStores";

const world = await startClusterWorld({ quotas: QUOTAS });
after(() => world[Symbol.asyncDispose]());
const { kms, held, clusters } = world;
const iam = new IAM({ ...held.address, region: REGION, maxAttempts: 1 });
after(() => iam.destroy());

async function described(CustomKeyStoreId: string) {
  return present((await kms.describeCustomKeyStores({ CustomKeyStoreId })).CustomKeyStores?.[0]);
}

const stateOf = async (id: string) => {
  const { ConnectionState, ConnectionErrorCode } = await described(id);
  return [ConnectionState, ConnectionErrorCode];
};

const keyState = async (KeyId: string) => (await kms.describeKey({ KeyId })).KeyMetadata?.KeyState;

/** A user who may do so much. */
async function newPerson(name: string, actions: readonly string[]): Promise<KMS> {
  await iam.createUser({ UserName: name });
  const Statement = [{ Effect: "Allow", Action: actions, Resource: "*" }];
  await iam.putUserPolicy({
    UserName: name,
    PolicyName: "may",
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
  });
  const { AccessKey } = await iam.createAccessKey({ UserName: name });
  const credentials = {
    accessKeyId: present(AccessKey?.AccessKeyId),
    secretAccessKey: present(AccessKey?.SecretAccessKey),
  };
  const client = new KMS({ endpoint: held.address.endpoint, region: REGION, credentials, maxAttempts: 1 });
  after(() => client.destroy());
  return client;
}

describe("CreateCustomKeyStore", () => {
  it("S06a-007: makes the service-linked role, for those who may make it and may look at clusters", async () => {
    const cluster = world.newCluster();
    const all = ["kms:CreateCustomKeyStore", "cloudhsm:DescribeClusters", "iam:CreateServiceLinkedRole"];
    for (const missing of all) {
      const person = await newPerson(
        `without-${missing.replace(":", "-")}`,
        all.filter((action) => action !== missing),
      );
      const refused = person.createCustomKeyStore(clusterStore("first", cluster));
      await assertRefused(refused, "AccessDeniedException", new RegExp(missing));
    }
    assert.equal((await refusalOf(iam.getRole({ RoleName: ROLE }))).name, "NoSuchEntityException");
    const person = await newPerson("with-all", all);
    await person.createCustomKeyStore(clusterStore("first", cluster));
    const { Role } = await iam.getRole({ RoleName: ROLE });
    assert.match(decodeURIComponent(present(Role?.AssumeRolePolicyDocument)), /cks\.kms\.amazonaws\.com/);
    await world.newClusterStore("role-again", world.newCluster());
    assert.equal((await iam.getRole({ RoleName: ROLE })).Role?.RoleId, Role?.RoleId);
    await assertRefused(person.describeCustomKeyStores({}), "AccessDeniedException");
  });

  it("S06a-001, S06a-002, S02-013: answers the id alone, shows no password, and is the same store when repeated", async () => {
    const cluster = world.newCluster();
    const input = clusterStore("harbor", cluster);
    const answer = await kms.createCustomKeyStore(input);
    const { CustomKeyStoreId = "", ...rest } = membersOf(answer);
    assert.match(CustomKeyStoreId, /^cks-[0-9a-f]{17}$/);
    assert.deepEqual(rest, {});
    const { CreationDate, ...entry } = await described(CustomKeyStoreId);
    assert.ok(CreationDate instanceof Date);
    assert.deepEqual(entry, {
      CustomKeyStoreId,
      CustomKeyStoreName: "harbor",
      CustomKeyStoreType: "AWS_CLOUDHSM",
      ConnectionState: "DISCONNECTED",
      CloudHsmClusterId: cluster.id,
      TrustAnchorCertificate: TRUST_ANCHOR,
    });
    const record = await held.records.of(requestIdOf(answer));
    assert.deepEqual(record.requestParameters, { customKeyStoreName: "harbor", clusterId: cluster.id });
    assert.deepEqual(record.responseElements, { customKeyStoreId: CustomKeyStoreId });
    assert.equal((await kms.createCustomKeyStore(input)).CustomKeyStoreId, CustomKeyStoreId);
    for (const other of [
      { KeyStorePassword: "anotherPassword" },
      { TrustAnchorCertificate: certificate("another") },
      { CloudHsmClusterId: world.newCluster().id },
    ]) {
      const refused = await refusalOf(kms.createCustomKeyStore({ ...input, ...other }));
      assert.match(refused.name, /NameInUse|InUse|IncorrectTrustAnchor/);
    }
  });

  it("S06a-004: refuses a cluster that has a store, and one with the same backup history, but not in another account", async () => {
    const first = world.newCluster();
    const related = world.newCluster({ certificate: first.certificate });
    await world.newClusterStore("owner", first);
    for (const cluster of [first, related]) {
      await assertRefused(world.newClusterStore("second", cluster), "CloudHsmClusterInUseException");
    }
    const theirs = world.newCluster({ account: OTHER_ACCOUNT, certificate: first.certificate });
    await assertRefused(world.newClusterStore("second", theirs), "CloudHsmClusterNotFoundException");
    await world.newClusterStore("second", theirs, world.client(OTHER_ACCOUNT));
  });

  for (const [what, changes, error] of [
    ["is not there", { state: "DELETED" }, "CloudHsmClusterNotFoundException"],
    ["is in another Region", { region: "eu-west-1" }, "CloudHsmClusterNotFoundException"],
    ["is not active", { state: "INITIALIZED" }, "CloudHsmClusterNotActiveException"],
    ["has one HSM", { hsms: hsmsIn("us-east-1a") }, "CloudHsmClusterInvalidConfigurationException"],
    [
      "has both in one zone",
      { hsms: hsmsIn("us-east-1a", "us-east-1a") },
      "CloudHsmClusterInvalidConfigurationException",
    ],
    ["has another trust anchor", { trustAnchor: certificate("x") }, "IncorrectTrustAnchorException"],
  ] as const) {
    it(`S06a-005: refuses a cluster that ${what}`, async () => {
      const cluster = world.newCluster(changes);
      await assertRefused(world.newClusterStore("refused", cluster), error);
      clusters.delete(cluster.id);
    });
  }

  it("S06a-006: checks the password's length and the name", async () => {
    const cluster = world.newCluster();
    const input = clusterStore("lengths", cluster);
    for (const KeyStorePassword of ["x".repeat(6), "x".repeat(33)]) {
      await assertRefused(kms.createCustomKeyStore({ ...input, KeyStorePassword }), "ValidationException");
    }
    const taken = { ...input, CustomKeyStoreName: "harbor" };
    await assertRefused(kms.createCustomKeyStore(taken), "CustomKeyStoreNameInUseException");
    await assertRefused(
      kms.createCustomKeyStore({ ...input, TrustAnchorCertificate: undefined }),
      "ValidationException",
    );
  });

  it("S06a-003, S06a-015: counts both types together, and lists both", async () => {
    const region = "ca-central-1";
    const client = world.client(ACCOUNT, region);
    const ids: (string | undefined)[] = [];
    for (let n = 0; n < 5; n += 1) {
      const cluster = world.newCluster({ region, id: `cluster-zyxwvutsrq${"abcde"[n]}` });
      ids.push(await world.newClusterStore(`hsm-${n}`, cluster, client));
      ids.push(await world.newStore(client, { name: `xks-${n}`, host: `n${n}.example.net` }));
    }
    await assertRefused(client.createCustomKeyStore(publicStore({ name: "x" })), "LimitExceededException");
    const last = world.newCluster({ region, id: "cluster-zyxwvutsrqz" });
    await assertRefused(world.newClusterStore("last", last, client), "LimitExceededException");
    const { CustomKeyStores = [] } = await client.describeCustomKeyStores({});
    assert.deepEqual(CustomKeyStores.map(({ CustomKeyStoreId }) => CustomKeyStoreId).sort(), ids.sort());
    const both = { CustomKeyStoreId: ids[0], CustomKeyStoreName: "hsm-0" };
    await assertRefused(client.describeCustomKeyStores(both), "ValidationException");
    await assertRefused(
      client.describeCustomKeyStores({ CustomKeyStoreName: "nobody" }),
      "CustomKeyStoreNotFoundException",
    );
    await assertRefused(
      world.client(OTHER_ACCOUNT, region).connectCustomKeyStore({ CustomKeyStoreId: ids[0] }),
      "CustomKeyStoreNotFoundException",
    );
  });
});

describe("DescribeClusters", () => {
  interface Answered {
    readonly Clusters?: readonly Record<string, unknown>[];
    readonly NextToken?: string;
    readonly __type?: string;
  }

  async function ask(input: object, account = ACCOUNT): Promise<Answered> {
    const { endpoint } = held.address;
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "BaldrApiService.DescribeClusters",
    };
    const draft = { headers, body: JSON.stringify(input) };
    const credentials = world.credentialsOf(account);
    const signed = await sign({ endpoint, credentials }, draft, { region: REGION, service: "cloudhsm" });
    return JSON.parse((await send(endpoint, signed)).body.toString("utf8")) as Answered;
  }

  it("tells what the operator says of the clusters of the account and Region", async () => {
    const cluster = world.newCluster({ hsms: hsmsIn("us-east-1a"), stateMessage: "one HSM left" });
    const { Clusters = [] } = await ask({ Filters: { clusterIds: [cluster.id] } });
    assert.deepEqual(Clusters, [
      {
        BackupPolicy: "DEFAULT",
        ClusterId: cluster.id,
        CreateTimestamp: 1893456000,
        Hsms: [
          {
            AvailabilityZone: "us-east-1a",
            ClusterId: cluster.id,
            SubnetId: "subnet-a",
            HsmId: "hsm-abcdefghija",
            State: "ACTIVE",
          },
        ],
        HsmType: "hsm2m.medium",
        SecurityGroup: "sg-865af2fb",
        State: "ACTIVE",
        StateMessage: "one HSM left",
        SubnetMapping: { "us-east-1a": "subnet-a", "us-east-1b": "subnet-b" },
        VpcId: "vpc-50ae0636",
        Certificates: { ClusterCertificate: cluster.certificate },
        Mode: "NON_FIPS",
      },
    ]);
    assert.deepEqual(await ask({ Filters: { clusterIds: [cluster.id] } }, OTHER_ACCOUNT), { Clusters: [] });
    assert.deepEqual(await ask({ Filters: { states: ["DELETED"] } }), { Clusters: [] });
  });

  it("lists them in pages, and refuses what it does not know", async () => {
    const ids: unknown[] = [];
    for (let NextToken: string | undefined, pages = 0; pages === 0 || NextToken !== undefined; pages += 1) {
      const page: Answered = await ask({ MaxResults: 3, ...(NextToken !== undefined && { NextToken }) });
      ids.push(...(page.Clusters ?? []).map(({ ClusterId }) => ClusterId));
      NextToken = page.NextToken;
    }
    const own = [...clusters.values()].filter(({ account, region }) => account === ACCOUNT && region === REGION);
    assert.deepEqual(ids, own.map(({ id }) => id).sort());
    for (const wrong of [{ Filters: { names: ["x"] } }, { NextToken: "x" }, { MaxResults: 26 }]) {
      assert.match(String((await ask(wrong)).__type), /CloudHsmInvalidRequestException/);
    }
  });
});

describe("a connection to a cluster", () => {
  it("S06a-009, S06a-013, S06a-014, S02-013: is made in the background, changes the password, and ends when asked to", async () => {
    const hsm = world.newHsm(PASSWORD);
    const cluster = world.newCluster({}, hsm);
    const id = await world.newClusterStore("connected", cluster);
    const call = { CustomKeyStoreId: id };
    await assertRefused(kms.disconnectCustomKeyStore(call), "CustomKeyStoreInvalidStateException");
    const answer = await kms.connectCustomKeyStore(call);
    assert.deepEqual(membersOf(answer), {});
    const record = await held.records.of(requestIdOf(answer));
    assert.deepEqual(record.additionalEventData, { customKeyStoreName: "connected", clusterId: cluster.id });
    assert.deepEqual(await stateOf(id), ["CONNECTING", undefined]);
    await world.connect(kms, id);
    assert.deepEqual(await stateOf(id), ["CONNECTED", undefined]);
    assert.throws(() => hsm.keysOf(PASSWORD), { code: 0xa0 });
    const { KeyId } = await world.newTokenKey(id);
    await kms.updateCustomKeyStore({ ...call, NewCustomKeyStoreName: "renamed" });
    for (const change of [{ CloudHsmClusterId: cluster.id }, { KeyStorePassword: PASSWORD }]) {
      await assertRefused(kms.updateCustomKeyStore({ ...call, ...change }), "CustomKeyStoreInvalidStateException");
    }
    await assertRefused(kms.deleteCustomKeyStore(call), "CustomKeyStoreInvalidStateException");
    await kms.disconnectCustomKeyStore(call);
    await assertRefused(kms.connectCustomKeyStore(call), "CustomKeyStoreInvalidStateException");
    assert.equal(await keyState(KeyId), "Unavailable");
    await held.advance(5_000);
    assert.deepEqual(await stateOf(id), ["DISCONNECTED", undefined]);
    await assertRefused(kms.disconnectCustomKeyStore(call), "CustomKeyStoreInvalidStateException");
    await world.connect(kms, id); // with the password that only KMS knows
    assert.equal(await keyState(KeyId), "Enabled");
    await world.disconnect(kms, id);
  });

  it("S06a-010, S06a-013, S06a-017: fails with the reason, and must be disconnected before it is tried again", async () => {
    const hsm = world.newHsm("anotherPassword1");
    const cluster = world.newCluster({}, hsm);
    const id = await world.newClusterStore("failing", cluster);
    const call = { CustomKeyStoreId: id };
    for (const [code, changes] of [
      ["INVALID_CREDENTIALS", {}],
      ["INSUFFICIENT_CLOUDHSM_HSMS", { hsms: [] }],
      ["CLUSTER_NOT_FOUND", { state: "DELETED" }],
      ["USER_NOT_FOUND", { place: world.newHsm().place }],
      ["NETWORK_ERRORS", { place: { ...hsm.place, library: "/nowhere/pkcs11.so" } }],
    ] as const) {
      world.alter(cluster.id, changes);
      await world.connect(kms, id);
      assert.deepEqual(await stateOf(id), ["FAILED", code]);
      await assertRefused(kms.connectCustomKeyStore(call), "CustomKeyStoreInvalidStateException");
      await assertRefused(kms.deleteCustomKeyStore(call), "CustomKeyStoreInvalidStateException");
      clusters.set(cluster.id, cluster);
      const update = kms.updateCustomKeyStore({ ...call, KeyStorePassword: PASSWORD });
      await assertRefused(update, "CustomKeyStoreInvalidStateException");
      await world.disconnect(kms, id);
      assert.deepEqual(await stateOf(id), ["DISCONNECTED", undefined]);
    }
    await kms.updateCustomKeyStore({ ...call, KeyStorePassword: "anotherPassword1" });
    assert.deepEqual(hsm.keysOf("anotherPassword1"), []);
    await world.connect(kms, id);
    assert.deepEqual(await stateOf(id), ["CONNECTED", undefined]);
    await world.disconnect(kms, id);
  });

  it("S06a-012: is not begun with a cluster that is not active", async () => {
    const cluster = world.newCluster();
    const id = await world.newClusterStore("inactive", cluster);
    world.alter(cluster.id, { state: "UNINITIALIZED" });
    const refused = kms.connectCustomKeyStore({ CustomKeyStoreId: id });
    await assertRefused(refused, "CloudHsmClusterNotActiveException");
    assert.deepEqual(await stateOf(id), ["DISCONNECTED", undefined]);
  });
});
