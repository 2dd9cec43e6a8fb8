/** External key stores as their administrators meet them: made, changed, connected, disconnected, deleted (spec 06). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { HealthWatch } from "../../src/kms/key-stores/health-watch.ts";
import type { VpcEndpointService } from "../../src/kms/key-stores/places.ts";
import type { XksClient } from "../../src/kms/key-stores/xks-client.ts";
import { XksError } from "../../src/kms/key-stores/xks-failures.ts";
import { insertKeyStore } from "../../src/storage/key-stores.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import {
  ACCOUNT,
  assertRefused,
  membersOf,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  requestIdOf,
} from "../kms-client.ts";
import { keyStore } from "../storage/stores.ts";
import { type Disturbance, PROXY_CREDENTIAL, PROXY_PATH } from "../xks-proxy.ts";
import { MOMENT_MS, publicStore, startKeyStoreWorld } from "./key-store-world.ts";

const service = (name: string, changes: Partial<VpcEndpointService> = {}): Omit<VpcEndpointService, "place"> => ({
  name: `com.amazonaws.vpce.us-east-1.vpce-svc-${name}`,
  owner: ACCOUNT,
  privateDnsName: `${name}.vpc.example.net`,
  domainVerification: "verified",
  availabilityZones: ["us-east-1a", "us-east-1b"],
  loadBalancer: "network",
  acceptanceRequired: false,
  allowedPrincipals: ["cks.kms.us-east-1.amazonaws.com"],
  ...changes,
});

const { privateDnsName: _unnamed, ...unnamed } = service("unnamed");

const world = await startKeyStoreWorld({
  services: [
    service("good"),
    service("shared"),
    service("theirs", { owner: OTHER_ACCOUNT }),
    service("stranger", { allowedPrincipals: ["cks.kms.eu-west-1.amazonaws.com"] }),
    { ...service("far"), name: "com.amazonaws.vpce.eu-west-1.vpce-svc-far" },
    service("onezone", { availabilityZones: ["us-east-1a", "us-east-1a"] }),
    service("gateway", { loadBalancer: "gateway" }),
    service("manual", { acceptanceRequired: true }),
    unnamed,
    service("unverified", { domainVerification: "pendingVerification" }),
    service("mismatch", { privateDnsName: "else.vpc.example.net" }),
  ],
});
after(() => world[Symbol.asyncDispose]());
const { kms, proxy, held } = world;
const other = world.client(OTHER_ACCOUNT);

const vpcStore = (name: string, changes: object = {}) => ({
  ...publicStore({ name: `vpc-${name}`, host: `${name}.vpc.example.net` }),
  XksProxyConnectivity: "VPC_ENDPOINT_SERVICE" as const,
  XksProxyVpcEndpointServiceName: `com.amazonaws.vpce.us-east-1.vpce-svc-${name}`,
  ...changes,
});

/** Lets the proxy answer otherwise while a body runs. */
async function disturbed<T>(disturb: Disturbance, body: () => Promise<T>): Promise<T> {
  proxy.disturb = disturb;
  try {
    return await body();
  } finally {
    proxy.disturb = undefined;
  }
}

async function described(client: KMS, CustomKeyStoreId: string) {
  return present((await client.describeCustomKeyStores({ CustomKeyStoreId })).CustomKeyStores?.[0]);
}

const stateOf = async (id: string) => {
  const { ConnectionState, ConnectionErrorCode } = await described(kms, id);
  return [ConnectionState, ConnectionErrorCode];
};

/** A store in a Region of its own is nobody else's name or place. */
const regions = [
  "us-east-2",
  "us-west-1",
  "us-west-2",
  "eu-west-1",
  "eu-west-2",
  "eu-central-1",
  "ap-south-1",
].values();
const newRegion = (): KMS => world.client(ACCOUNT, present(regions.next().value));

const refusing =
  (status: number, errorName: string): Disturbance =>
  () => ({ status, body: { errorName } });

describe("CreateCustomKeyStore", () => {
  const { XksProxyAuthenticationCredential: _credential, ...withoutCredential } = publicStore({ name: "x" });
  for (const { title, input } of [
    { title: "a credential", input: withoutCredential },
    { title: "a connectivity", input: { ...publicStore({ name: "x" }), XksProxyConnectivity: undefined } },
    { title: "an endpoint", input: { ...publicStore({ name: "x" }), XksProxyUriEndpoint: undefined } },
    { title: "a path", input: { ...publicStore({ name: "x" }), XksProxyUriPath: undefined } },
    {
      title: "the name of its VPC endpoint service",
      input: vpcStore("good", { XksProxyVpcEndpointServiceName: undefined }),
    },
    {
      title: "both halves of the credential",
      input: {
        ...publicStore({ name: "x" }),
        XksProxyAuthenticationCredential: { AccessKeyId: PROXY_CREDENTIAL.AccessKeyId } as never,
      },
    },
  ]) {
    it(`S06b-001, S06b-011: needs ${title}`, async () => {
      await assertRefused(kms.createCustomKeyStore(input), "ValidationException");
    });
  }

  it("S06b-001, S06a-030, S06a-036: answers the id alone, and the store is disconnected; its secret is shown nowhere", async () => {
    const client = newRegion();
    const answer = await client.createCustomKeyStore(publicStore({ name: "first" }));
    const { CustomKeyStoreId = "", ...rest } = membersOf(answer);
    assert.match(CustomKeyStoreId, /^cks-[0-9a-f]{17}$/);
    assert.deepEqual(rest, {});
    const { CreationDate, ...entry } = await described(client, CustomKeyStoreId);
    assert.ok(CreationDate instanceof Date);
    assert.deepEqual(entry, {
      CustomKeyStoreId,
      CustomKeyStoreName: "first",
      ConnectionState: "DISCONNECTED",
      CustomKeyStoreType: "EXTERNAL_KEY_STORE",
      XksProxyConfiguration: {
        AccessKeyId: PROXY_CREDENTIAL.AccessKeyId,
        Connectivity: "PUBLIC_ENDPOINT",
        UriEndpoint: "https://proxy.keys.example.net",
        UriPath: PROXY_PATH,
      },
    });
  });

  for (const [member, value] of [
    ["XksProxyUriEndpoint", "https://proxy.keys.example.net:8443"],
    ["XksProxyUriEndpoint", "https://proxy.keys.example.net/"],
    ["XksProxyUriEndpoint", "https://proxy.keys.example.net/a"],
    ["XksProxyUriEndpoint", "http://proxy.keys.example.net"],
    ["XksProxyUriPath", "/team-a/kms/xks"],
    ["XksProxyUriPath", "/team-a/kms/xks/v123"],
    ["XksProxyUriPath", "/kms/xks/v1/"],
    ["CustomKeyStoreName", ""],
  ] as const) {
    it(`S06b-002: refuses ${member} ${value}`, async () => {
      await assertRefused(
        kms.createCustomKeyStore({ ...publicStore({ name: "x" }), [member]: value }),
        "ValidationException",
      );
    });
  }

  it("S06b-003, S06b-004: no name, address or endpoint is another store's", async () => {
    const host = "apart.keys.example.net";
    await world.newStore(kms, { name: "apart", host });
    await assertRefused(
      world.newStore(kms, { name: "apart", host: "b.example.net" }),
      "CustomKeyStoreNameInUseException",
    );
    await assertRefused(
      world.newStore(kms, { name: "apart-2", host: host.toUpperCase() }),
      "XksProxyUriInUseException",
    );
    await kms.createCustomKeyStore(vpcStore("good"));
    const publicToo = publicStore({ name: "same-endpoint", host: "good.vpc.example.net" });
    await assertRefused(kms.createCustomKeyStore(publicToo), "XksProxyUriInUseException");
    await assertRefused(other.createCustomKeyStore(publicToo), "XksProxyUriEndpointInUseException");
    const reused = vpcStore("shared");
    await kms.createCustomKeyStore(reused);
    await assertRefused(
      kms.createCustomKeyStore({ ...reused, CustomKeyStoreName: "again", XksProxyUriPath: "/b/kms/xks/v1" }),
      "XksProxyVpcEndpointServiceInUseException",
    );
  });

  it("S06b-003: stores at public endpoints share one when their paths differ", async () => {
    const client = newRegion();
    await world.newStore(client, { name: "one" });
    // The proxy knows one path; what a path leads to is not this test's.
    await assertRefused(
      world.newStore(client, { name: "two", path: "/b/kms/xks/v1" }),
      "XksProxyInvalidConfigurationException",
      /invalid URI path/,
    );
    assert.equal((await client.describeCustomKeyStores({})).CustomKeyStores?.length, 1);
  });

  it("S06b-005: asks the proxy for its health, signed, and takes a degraded one", async () => {
    const client = newRegion();
    proxy.requests.length = 0;
    proxy.health = ["UNAVAILABLE", "DEGRADED"];
    const answer = await client.createCustomKeyStore(publicStore({ name: "health" })).finally(() => {
      proxy.health = ["ACTIVE"];
    });
    const [asked, ...more] = proxy.taken("health");
    assert.deepEqual(more, []);
    assert.deepEqual(asked?.body, {
      requestMetadata: { kmsOperation: "CreateCustomKeyStore", kmsRequestId: requestIdOf(answer) },
    });
  });

  const failing: readonly { title: string; error: string; message: RegExp; disturb?: Disturbance; input?: object }[] = [
    {
      title: "does not know the credential",
      error: "XksProxyIncorrectAuthenticationCredentialException",
      message: /^The external key store proxy rejected the request because it could not authenticate AWS KMS\./,
      input: { XksProxyAuthenticationCredential: { ...PROXY_CREDENTIAL, RawSecretAccessKey: "x".repeat(43) } },
    },
    {
      title: "is at another path",
      error: "XksProxyInvalidConfigurationException",
      message: /^The external key store proxy rejected the request because of an invalid URI path\./,
      input: { XksProxyUriPath: "/team-b/kms/xks/v1" },
    },
    {
      title: "is not there",
      error: "XksProxyUriUnreachableException",
      message: /^AWS KMS cannot communicate with the external key store proxy\./,
      input: { XksProxyUriEndpoint: "https://a.nowhere.example.net" },
    },
    {
      title: "answers no JSON",
      error: "XksProxyInvalidResponseException",
      message: /^AWS KMS cannot interpret the response from the external key store proxy\./,
      disturb: () => ({ status: 200, body: "<html>" }),
    },
    {
      title: "answers with a member missing",
      error: "XksProxyInvalidResponseException",
      message: /^AWS KMS cannot interpret/,
      disturb: () => ({ status: 200, body: { xksProxyFleetSize: 1 } }),
    },
    {
      title: "refuses with a name that is not its status's",
      error: "XksProxyInvalidResponseException",
      message: /^AWS KMS cannot interpret/,
      disturb: refusing(500, "AuthenticationFailedException"),
    },
    {
      title: "is throttled",
      error: "XksProxyUriUnreachableException",
      message: /very high request rate/,
      disturb: refusing(429, "ThrottlingException"),
    },
    {
      title: "has no key manager",
      error: "XksProxyInvalidResponseException",
      message: /cannot communicate with the external key manager/,
      disturb: refusing(500, "InternalException"),
    },
    {
      title: "waits for its key manager",
      error: "XksProxyUriUnreachableException",
      message: /in the time allotted/,
      disturb: refusing(503, "DependencyTimeoutException"),
    },
    {
      title: "finds its request invalid",
      error: "XksProxyInvalidResponseException",
      message: /cannot interpret/,
      disturb: refusing(400, "ValidationException"),
    },
  ];
  for (const { title, error, message, disturb, input } of failing) {
    it(`S06b-005, S06a-030: leaves no store whose proxy ${title}`, async () => {
      const name = `failing: ${title}`;
      const create = () => kms.createCustomKeyStore({ ...publicStore({ name }), ...input });
      await disturbed(disturb ?? ((_request, answer) => answer()), () => assertRefused(create(), error, message));
      await assertRefused(kms.describeCustomKeyStores({ CustomKeyStoreName: name }), "CustomKeyStoreNotFoundException");
    });
  }

  it("S06b-005: leaves no store whose key manager has nobody left", async () => {
    proxy.health = ["UNAVAILABLE"];
    const create = kms.createCustomKeyStore(publicStore({ name: "nobody" }));
    await assertRefused(create, "XksProxyUriUnreachableException", /unhealthy state/).finally(() => {
      proxy.health = ["ACTIVE"];
    });
  });

  const NOT_FOUND = "XksProxyVpcEndpointServiceNotFoundException";
  const WRONG = "XksProxyVpcEndpointServiceInvalidConfigurationException";
  for (const [name, error, changes] of [
    ["absent", NOT_FOUND, {}],
    ["stranger", NOT_FOUND, {}],
    ["theirs", NOT_FOUND, {}],
    ["far", NOT_FOUND, { XksProxyVpcEndpointServiceName: "com.amazonaws.vpce.eu-west-1.vpce-svc-far" }],
    ["onezone", WRONG, {}],
    ["gateway", WRONG, {}],
    ["manual", WRONG, {}],
    ["unnamed", WRONG, {}],
    ["unverified", WRONG, {}],
    ["mismatch", WRONG, {}],
  ] as const) {
    it(`S06b-006, S06a-031: refuses the VPC endpoint service "${name}", and asks no proxy`, async () => {
      const before = proxy.seen;
      await assertRefused(kms.createCustomKeyStore(vpcStore(name, changes)), error);
      assert.equal(proxy.seen, before);
    });
  }

  it("S06b-006: takes the service of another account that is named as its owner, and asks no proxy", async () => {
    const before = proxy.seen;
    const { CustomKeyStoreId = "" } = await kms.createCustomKeyStore(
      vpcStore("theirs", { XksProxyVpcEndpointServiceOwner: OTHER_ACCOUNT }),
    );
    assert.equal(proxy.seen, before);
    const { XksProxyConfiguration } = await described(kms, CustomKeyStoreId);
    assert.equal(XksProxyConfiguration?.VpcEndpointServiceOwner, OTHER_ACCOUNT);
    assert.equal(XksProxyConfiguration?.VpcEndpointServiceName, "com.amazonaws.vpce.us-east-1.vpce-svc-theirs");
  });

  it("S07-020, S06a-003: an account has ten in a Region, in whatever state", async () => {
    const client = newRegion();
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1)
      ids.push(await world.newStore(client, { name: `n${n}`, host: `n${n}.example.net` }));
    await world.connect(client, present(ids[0]));
    await assertRefused(world.newStore(client, { name: "n10", host: "n10.example.net" }), "LimitExceededException");
    await client.deleteCustomKeyStore({ CustomKeyStoreId: present(ids[9]) });
    await world.newStore(client, { name: "n10", host: "n10.example.net" });
  });

  it("is refused for a CloudHSM cluster, since none is known, and in China", async () => {
    const input = {
      CustomKeyStoreName: "hsm",
      CloudHsmClusterId: "cluster-abcdefghijk",
      KeyStorePassword: "secret7",
      TrustAnchorCertificate: "PEM",
    };
    await assertRefused(kms.createCustomKeyStore(input), "CloudHsmClusterNotFoundException");
    const china = world.client(ACCOUNT, "cn-north-1");
    await assertRefused(world.newStore(china, { name: "cn" }), "UnsupportedOperationException");
  });
});

describe("UpdateCustomKeyStore", () => {
  it("S06b-008: changes name, path and credential of a connected store, and nothing else", async () => {
    const client = newRegion();
    const CustomKeyStoreId = await world.newConnected(client, { name: "connected" });
    proxy.credentials.set("A".repeat(20), "y".repeat(43));
    const XksProxyAuthenticationCredential = { AccessKeyId: "A".repeat(20), RawSecretAccessKey: "y".repeat(43) };
    for (const change of [
      { NewCustomKeyStoreName: "renamed" },
      { XksProxyUriPath: PROXY_PATH },
      { XksProxyAuthenticationCredential },
    ]) {
      assert.deepEqual(membersOf(await client.updateCustomKeyStore({ CustomKeyStoreId, ...change })), {});
    }
    const entry = await described(client, CustomKeyStoreId);
    assert.equal(entry.CustomKeyStoreName, "renamed");
    assert.equal(entry.ConnectionState, "CONNECTED");
    assert.equal(entry.XksProxyConfiguration?.AccessKeyId, "A".repeat(20));
    for (const change of [
      { XksProxyConnectivity: "PUBLIC_ENDPOINT" as const, XksProxyUriEndpoint: "https://b.example.net" },
      { XksProxyUriEndpoint: "https://b.example.net" },
      { XksProxyVpcEndpointServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-good" },
    ]) {
      const refused = client.updateCustomKeyStore({ CustomKeyStoreId, ...change });
      await assertRefused(refused, "CustomKeyStoreInvalidStateException");
    }
  });

  it("S06b-009: tries the new values first, and where they fail keeps the old ones", async () => {
    const client = newRegion();
    const CustomKeyStoreId = await world.newConnected(client, { name: "tried" });
    proxy.requests.length = 0;
    const good = await client.updateCustomKeyStore({ CustomKeyStoreId, XksProxyUriPath: PROXY_PATH });
    assert.deepEqual(proxy.taken("health").at(-1)?.metadata, {
      kmsOperation: "UpdateCustomKeyStore",
      kmsRequestId: requestIdOf(good),
    });
    const bad = { ...PROXY_CREDENTIAL, RawSecretAccessKey: "z".repeat(43) };
    await assertRefused(
      client.updateCustomKeyStore({ CustomKeyStoreId, XksProxyAuthenticationCredential: bad }),
      "XksProxyIncorrectAuthenticationCredentialException",
    );
    await world.newKey(client, CustomKeyStoreId, "tried");
    const before = proxy.seen;
    await client.updateCustomKeyStore({ CustomKeyStoreId, NewCustomKeyStoreName: "only-the-name" });
    assert.equal(proxy.seen, before);
  });

  it("S06b-010: another connectivity needs an endpoint; a public one forgets the VPC endpoint service", async () => {
    const CustomKeyStoreId = present(
      (await kms.describeCustomKeyStores({ CustomKeyStoreName: "vpc-shared" })).CustomKeyStores?.[0]?.CustomKeyStoreId,
    );
    const change = { CustomKeyStoreId, XksProxyConnectivity: "PUBLIC_ENDPOINT" as const };
    await assertRefused(kms.updateCustomKeyStore(change), "ValidationException");
    await kms.updateCustomKeyStore({ ...change, XksProxyUriEndpoint: "https://now-public.example.net" });
    const { XksProxyConfiguration } = await described(kms, CustomKeyStoreId);
    assert.equal(XksProxyConfiguration?.VpcEndpointServiceName, undefined);
    assert.equal(XksProxyConfiguration?.UriEndpoint, "https://now-public.example.net");
    const back = {
      ...change,
      XksProxyConnectivity: "VPC_ENDPOINT_SERVICE" as const,
      XksProxyUriEndpoint: "https://shared.vpc.example.net",
    };
    await assertRefused(kms.updateCustomKeyStore(back), "ValidationException");
    await kms.updateCustomKeyStore({ ...back, XksProxyVpcEndpointServiceName: service("shared").name });
  });
});

describe("a connection", () => {
  it("S06b-012: is under way when ConnectCustomKeyStore answers, and is there a moment later", async () => {
    const id = await world.newStore(kms, { name: "way", host: "way.example.net" });
    assert.deepEqual(membersOf(await kms.connectCustomKeyStore({ CustomKeyStoreId: id })), {});
    assert.deepEqual(await stateOf(id), ["CONNECTING", undefined]);
    await kms.connectCustomKeyStore({ CustomKeyStoreId: id });
    await held.advance(MOMENT_MS);
    assert.deepEqual(await stateOf(id), ["CONNECTED", undefined]);
    await kms.connectCustomKeyStore({ CustomKeyStoreId: id });
    assert.deepEqual(await stateOf(id), ["CONNECTED", undefined]);
    await kms.disconnectCustomKeyStore({ CustomKeyStoreId: id });
    assert.deepEqual(await stateOf(id), ["DISCONNECTING", undefined]);
    for (const call of ["connectCustomKeyStore", "disconnectCustomKeyStore"] as const) {
      await assertRefused(kms[call]({ CustomKeyStoreId: id }), "CustomKeyStoreInvalidStateException");
    }
    await held.advance(MOMENT_MS);
    assert.deepEqual(await stateOf(id), ["DISCONNECTED", undefined]);
    await assertRefused(kms.disconnectCustomKeyStore({ CustomKeyStoreId: id }), "CustomKeyStoreInvalidStateException");
    await kms.connectCustomKeyStore({ CustomKeyStoreId: id });
    await world.disconnect(kms, id);
    assert.deepEqual(await stateOf(id), ["DISCONNECTED", undefined]);
  });

  const codes: readonly { code: string; disturb: Disturbance }[] = [
    { code: "XKS_PROXY_ACCESS_DENIED", disturb: refusing(403, "AccessDeniedException") },
    { code: "INVALID_CREDENTIALS", disturb: refusing(401, "AuthenticationFailedException") },
    { code: "XKS_PROXY_INVALID_CONFIGURATION", disturb: refusing(404, "InvalidUriPathException") },
    { code: "XKS_PROXY_INVALID_RESPONSE", disturb: () => ({ status: 200, body: [] }) },
    { code: "XKS_PROXY_TIMED_OUT", disturb: refusing(503, "DependencyTimeoutException") },
    { code: "XKS_PROXY_NOT_REACHABLE", disturb: refusing(500, "InternalException") },
  ];
  for (const { code, disturb } of codes) {
    it(`S06b-013, S06b-014: fails with ${code}, and begins again after it was disconnected`, async () => {
      const client = world.client(OTHER_ACCOUNT, "eu-west-3");
      const id = await world.newStore(client, {
        name: code,
        host: `${code.toLowerCase().replaceAll("_", "-")}.example.net`,
      });
      await disturbed(disturb, () => world.connect(client, id));
      const failed = await described(client, id);
      assert.deepEqual([failed.ConnectionState, failed.ConnectionErrorCode], ["FAILED", code]);
      for (const refused of [
        () => client.connectCustomKeyStore({ CustomKeyStoreId: id }),
        () => client.updateCustomKeyStore({ CustomKeyStoreId: id, NewCustomKeyStoreName: "b" }),
        () => client.deleteCustomKeyStore({ CustomKeyStoreId: id }),
      ]) {
        await assertRefused(refused(), "CustomKeyStoreInvalidStateException");
      }
      await world.disconnect(client, id);
      const { ConnectionState, ConnectionErrorCode } = await described(client, id);
      assert.deepEqual([ConnectionState, ConnectionErrorCode], ["DISCONNECTED", undefined]);
      await client.deleteCustomKeyStore({ CustomKeyStoreId: id });
    });
  }

  it("S06a-031: of a VPC endpoint service asks the proxy when it is made", async () => {
    const { CustomKeyStores } = await kms.describeCustomKeyStores({ CustomKeyStoreName: "vpc-good" });
    const id = present(CustomKeyStores?.[0]?.CustomKeyStoreId);
    proxy.requests.length = 0;
    const { $metadata } = await kms.connectCustomKeyStore({ CustomKeyStoreId: id });
    await held.advance(MOMENT_MS);
    assert.deepEqual(await stateOf(id), ["CONNECTED", undefined]);
    const [{ metadata } = { metadata: {} }] = proxy.taken("health");
    assert.deepEqual(metadata, { kmsOperation: "ConnectCustomKeyStore", kmsRequestId: $metadata.requestId });
  });
});

describe("the health of proxies", () => {
  it("S06b-015, S02-030: is asked for of connected stores alone, and counted by state", async () => {
    const client = world.client(ACCOUNT, "ap-northeast-1");
    const [connected, never, was] = [
      await world.newConnected(client, { name: "connected", host: "connected.example.net" }),
      await world.newStore(client, { name: "never", host: "never.example.net" }),
      await world.newConnected(client, { name: "was", host: "was.example.net" }),
    ];
    await world.disconnect(client, was);
    const asked: string[] = [];
    const health: XksClient["health"] = async (store, { kmsOperation }) => {
      asked.push(`${store.id} ${kmsOperation}`);
      throw new XksError("unreachable");
    };
    await using store = await openMemoryStore({ kind: "serve", clock: { now: () => 0 } });
    const rows = [
      keyStore({ id: connected, name: "a", connection_state: "CONNECTED" }),
      keyStore({ id: never, name: "b" }),
      keyStore({ id: was, name: "c", connection_state: "FAILED" }),
      keyStore({ id: "cks-2", name: "d", connection_state: "CONNECTED" }),
    ];
    await store.transaction(async (tx) => {
      for (const row of rows) await insertKeyStore(tx, row);
    });
    await new HealthWatch({ store, xks: { health }, onError: (cause) => assert.ifError(cause) }).askAll();
    assert.deepEqual(asked, [`cks-2 KmsHealthCheck`, `${connected} KmsHealthCheck`].toSorted());
    assert.ok(world.meter.states.includes(`${connected} {"ACTIVE":1,"DEGRADED":0,"UNAVAILABLE":0}`));
  });
});

describe("who may manage custom key stores", () => {
  it("S06a-008: is said by identity policies of the own account, and by no key policy", async () => {
    const iam = new IAM({ ...held.address, region: REGION, maxAttempts: 1 });
    await iam.createUser({ UserName: "keeper" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "keeper" });
    const credentials = {
      accessKeyId: present(AccessKey?.AccessKeyId),
      secretAccessKey: present(AccessKey?.SecretAccessKey),
    };
    const keeper = new KMS({ endpoint: held.address.endpoint, region: "ap-southeast-1", credentials, maxAttempts: 1 });
    const owner = world.client(ACCOUNT, "ap-southeast-1");
    const CustomKeyStoreId = await world.newStore(owner, { name: "kept" });
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      CreateCustomKeyStore: () => keeper.createCustomKeyStore(publicStore({ name: "new", host: "new.example.net" })),
      DescribeCustomKeyStores: () => keeper.describeCustomKeyStores({}),
      UpdateCustomKeyStore: () => keeper.updateCustomKeyStore({ CustomKeyStoreId, NewCustomKeyStoreName: "kept-2" }),
      ConnectCustomKeyStore: () => keeper.connectCustomKeyStore({ CustomKeyStoreId }),
      DisconnectCustomKeyStore: () => keeper.disconnectCustomKeyStore({ CustomKeyStoreId }),
      DeleteCustomKeyStore: () => held.advance(MOMENT_MS).then(() => keeper.deleteCustomKeyStore({ CustomKeyStoreId })),
    };
    const before = proxy.seen;
    for (const call of Object.values(calls)) await assertRefused(call(), "AccessDeniedException");
    await assertRefused(keeper.connectCustomKeyStore({ CustomKeyStoreId: "cks-absent" }), "AccessDeniedException");
    assert.equal(proxy.seen, before, "nothing is asked of a proxy for somebody who may not");
    for (const [name, call] of Object.entries(calls)) {
      const PolicyDocument = policyOf({ Effect: "Allow", Action: `kms:${name}`, Resource: "*" });
      await iam.putUserPolicy({ UserName: "keeper", PolicyName: "one", PolicyDocument });
      await call();
    }
    keeper.destroy();
    iam.destroy();
  });
});

describe("DescribeCustomKeyStores and DeleteCustomKeyStore", () => {
  it("S06b-017, S08-027: list the account's own, by pages, by id or by name, and not what was deleted", async () => {
    const client = world.client(OTHER_ACCOUNT, "ca-central-1");
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) ids.push(await world.newStore(client, { name, host: `${name}.example.net` }));
    const first = await client.describeCustomKeyStores({ Limit: 2 });
    assert.equal(first.Truncated, true);
    const second = await client.describeCustomKeyStores({ Limit: 2, Marker: present(first.NextMarker) });
    const listed = [first, second].flatMap(({ CustomKeyStores = [] }) =>
      CustomKeyStores.map((entry) => entry.CustomKeyStoreId),
    );
    assert.deepEqual(listed, ids.toSorted());
    assert.equal(second.Truncated, false);
    const [id = ""] = ids;
    const both = { CustomKeyStoreId: id, CustomKeyStoreName: "a" };
    await assertRefused(client.describeCustomKeyStores(both), "ValidationException");
    const stranger = world.client(ACCOUNT, "ca-central-1");
    for (const refused of [
      () => stranger.describeCustomKeyStores({ CustomKeyStoreId: id }),
      () => stranger.describeCustomKeyStores({ CustomKeyStoreName: "a" }),
      () => stranger.connectCustomKeyStore({ CustomKeyStoreId: id }),
      () => stranger.deleteCustomKeyStore({ CustomKeyStoreId: id }),
      () => stranger.updateCustomKeyStore({ CustomKeyStoreId: id, NewCustomKeyStoreName: "mine" }),
    ]) {
      await assertRefused(refused(), "CustomKeyStoreNotFoundException");
    }
    await world.connect(client, id);
    await assertRefused(client.deleteCustomKeyStore({ CustomKeyStoreId: id }), "CustomKeyStoreInvalidStateException");
    const KeyId = await world.newKey(client, id, "deleted");
    await world.disconnect(client, id);
    await assertRefused(client.deleteCustomKeyStore({ CustomKeyStoreId: id }), "CustomKeyStoreHasCMKsException");
    await client.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await assertRefused(client.deleteCustomKeyStore({ CustomKeyStoreId: id }), "CustomKeyStoreHasCMKsException");
    await held.advance(7 * 86_400_000);
    assert.deepEqual(membersOf(await client.deleteCustomKeyStore({ CustomKeyStoreId: id })), {});
    for (const named of [{ CustomKeyStoreId: id }, { CustomKeyStoreName: "a" }]) {
      await assertRefused(client.describeCustomKeyStores(named), "CustomKeyStoreNotFoundException");
    }
  });
});

describe("records of custom key stores", () => {
  it("S02-013, S06b-007: have no resources and no secret, and name the store", async () => {
    const client = world.client(ACCOUNT, "sa-east-1");
    const created = await client.createCustomKeyStore(publicStore({ name: "recorded" }));
    const CustomKeyStoreId = present(created.CustomKeyStoreId);
    const record = await held.records.of(requestIdOf(created));
    assert.deepEqual(record.requestParameters, {
      customKeyStoreName: "recorded",
      customKeyStoreType: "EXTERNAL_KEY_STORE",
      xksProxyConnectivity: "PUBLIC_ENDPOINT",
      xksProxyUriEndpoint: "https://proxy.keys.example.net",
      xksProxyUriPath: PROXY_PATH,
      xksProxyAuthenticationCredential: "HIDDEN_DUE_TO_SECURITY_REASONS",
    });
    assert.deepEqual(record.responseElements, { customKeyStoreId: CustomKeyStoreId });
    for (const call of [
      () => client.connectCustomKeyStore({ CustomKeyStoreId }),
      () => client.disconnectCustomKeyStore({ CustomKeyStoreId }),
      () =>
        held
          .advance(MOMENT_MS)
          .then(() => client.updateCustomKeyStore({ CustomKeyStoreId, XksProxyUriPath: PROXY_PATH })),
      () => client.deleteCustomKeyStore({ CustomKeyStoreId }),
    ]) {
      const { additionalEventData, responseElements, resources, requestParameters } = await held.records.of(
        requestIdOf(await call()),
      );
      assert.deepEqual(additionalEventData, { customKeyStoreName: "recorded" });
      assert.deepEqual([responseElements, resources], [null, undefined]);
      assert.equal(requestParameters?.["customKeyStoreId"], CustomKeyStoreId);
    }
    const read = await held.records.of(requestIdOf(await client.describeCustomKeyStores({})));
    assert.deepEqual([read.readOnly, read.resources, read.responseElements], [true, undefined, null]);
    const text = JSON.stringify(held.records.all());
    assert.ok(!text.includes(PROXY_CREDENTIAL.RawSecretAccessKey));
    assert.ok(!text.includes(PROXY_CREDENTIAL.AccessKeyId));
  });
});
