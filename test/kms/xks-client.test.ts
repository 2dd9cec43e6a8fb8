/** The client of external key store proxies on the wire: signature, time, TLS, and where it never goes (spec 06b, appendices). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { type Post, PostClient, PostError } from "../../src/base/outbound-post.ts";
import { selfSigned } from "../../src/cli/self-signed.ts";
import { NO_SETTINGS } from "../../src/kms/key-stores/places.ts";
import { type ExternalStore, secretOf, XksClient } from "../../src/kms/key-stores/xks-client.ts";
import { XksError } from "../../src/kms/key-stores/xks-failures.ts";
import { CountingMeter } from "../conformance/key-store-world.ts";
import { ascii, newCustody } from "../custody/fixtures.ts";
import { PROXY_CREDENTIAL, PROXY_PATH, XksProxy } from "../xks-proxy.ts";

const { custody } = await newCustody();
after(() => custody.close());

const unsealed: ExternalStore = {
  region: "eu-west-1",
  id: "cks-0a5f3c77e2b941d68",
  account: "111122223333",
  partition: "aws",
  type: "EXTERNAL_KEY_STORE",
  revision: "r1",
  secret: new Uint8Array(0),
  secret_at: 0,
  created_at: 0,
  connectivity: "PUBLIC_ENDPOINT",
  endpoint: "https://proxy.keys.example.net",
  path: PROXY_PATH,
  access_key_id: PROXY_CREDENTIAL.AccessKeyId,
  vpc_service: null,
  vpc_owner: null,
  cluster_id: null,
  trust_anchor: null,
};
const store: ExternalStore = {
  ...unsealed,
  secret: await custody.sealKeyStoreSecret(secretOf(unsealed), ascii(PROXY_CREDENTIAL.RawSecretAccessKey)),
};
const metadata = { kmsRequestId: "0f5c1b7e-93aa-4c5d-8a7e-2d1b6f4e9c10", kmsOperation: "KmsHealthCheck" };
const machineClock = { now: () => Date.UTC(2024, 5, 15, 8, 15, 30, 900) };

function clientOver(post: (post: Post) => Promise<never>, timeoutMs = 250) {
  const meter = new CountingMeter();
  const settings = { ...NO_SETTINGS, timeoutMs };
  return { meter, client: new XksClient({ post: { post }, custody, settings, meter, machineClock }) };
}

async function messageOf(asking: Promise<unknown>): Promise<string> {
  const error = await asking.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof XksError, String(error));
  return error.message;
}

describe("a request to a proxy", () => {
  it("S06b-029: is signed as the vector, by no more than host and date", async () => {
    const posts: Post[] = [];
    const { client } = clientOver(async (post) => {
      posts.push(post);
      throw new PostError("unreachable", 1);
    });
    await messageOf(client.health(store, metadata));
    assert.deepEqual(posts, [
      {
        url: "https://proxy.keys.example.net/team-a/kms/xks/v1/health",
        headers: {
          host: "proxy.keys.example.net",
          "x-amz-date": "20240615T081530Z",
          authorization:
            "AWS4-HMAC-SHA256 Credential=QRSTUV234567WXYZABCD/20240615/eu-west-1/kms-xks-proxy/aws4_request, SignedHeaders=host;x-amz-date, Signature=9c7e4d48efd1d13dad099b03aca9571a1b0dc7247b2acdefdf76a661af6478d5",
          "content-type": "application/json",
        },
        body: '{"requestMetadata":{"kmsRequestId":"0f5c1b7e-93aa-4c5d-8a7e-2d1b6f4e9c10","kmsOperation":"KmsHealthCheck"}}',
        timeoutMs: 250,
      },
    ]);
  });

  it("S06b-029: is not signed with a secret that was sealed for another store or access key", async () => {
    const { client } = clientOver(async () => assert.fail("it was sent"));
    for (const changed of [
      { id: "cks-00000000000000000" },
      { access_key_id: "A".repeat(20) },
      { account: "444455556666" },
    ]) {
      await assert.rejects(client.health({ ...store, revision: "r2", ...changed }, metadata), /does not open/);
    }
  });

  for (const { kind, tries, latencyMs, errorType } of [
    { kind: "late", tries: 2, latencyMs: 500, errorType: "Retryable errors" },
    { kind: "unreachable", tries: 1, latencyMs: 7, errorType: "Retryable errors" },
    { kind: "tls", tries: 1, latencyMs: 7, errorType: "Retryable errors" },
    { kind: "unfit", tries: 1, latencyMs: 7, errorType: "Non-retryable errors" },
  ] as const) {
    it(`S06b-030, S02-028: is tried ${tries === 2 ? "twice" : "once"} where the connection is ${kind}, and counted once`, async () => {
      let sent = 0;
      const { client, meter } = clientOver(async () => {
        sent += 1;
        throw new PostError(kind, 7);
      });
      await messageOf(client.health(store, metadata));
      assert.equal(sent, tries);
      assert.deepEqual(
        meter.exchanges.map(({ exceptionName: _name, ...exchange }) => exchange),
        [
          {
            keyStoreId: store.id,
            kmsOperation: "KmsHealthCheck",
            xksOperation: "GetHealthStatus",
            errorType,
            latencyMs,
          },
        ],
      );
    });
  }
});

describe("a proxy over TLS", async () => {
  const { cert, key } = selfSigned("localhost", Date.now());
  const proxy = await XksProxy.start({ cert, key });
  after(() => proxy[Symbol.asyncDispose]());
  const place = { address: "127.0.0.1", port: proxy.port, tls: true };
  const clients: PostClient[] = [];
  after(() => {
    for (const client of clients) client.close();
  });
  const through = (endpoint: string, { certificates = [cert], timeoutMs = 10_000 } = {}) => {
    const meter = new CountingMeter();
    const hosts = new Map([[endpoint.slice("https://".length), place]]);
    const settings = { ...NO_SETTINGS, hosts, certificates, timeoutMs };
    const post = new PostClient({ certificates });
    clients.push(post);
    const client = new XksClient({ post, custody, settings, meter, machineClock: { now: () => Date.now() } });
    return { meter, ask: () => client.health({ ...store, endpoint }, metadata) };
  };
  const TLS = /^AWS KMS cannot establish a TLS connection to the external key store proxy\./;

  it("is asked over one kept connection, and its certificate is told", async () => {
    const { ask, meter } = through("https://localhost");
    await ask();
    await ask();
    assert.equal(proxy.seen, 2);
    assert.deepEqual(meter.states, [
      `${store.id} {"ACTIVE":1,"DEGRADED":1,"UNAVAILABLE":0}`,
      `${store.id} {"ACTIVE":1,"DEGRADED":1,"UNAVAILABLE":0}`,
    ]);
    assert.ok((meter.certificates[0]?.validTo ?? 0) > Date.now());
    assert.deepEqual(
      meter.exchanges.map(({ errorType, exceptionName }) => [errorType, exceptionName]),
      [
        ["N/A", "None"],
        ["N/A", "None"],
      ],
    );
  });

  it("S06b-014: is not believed when its certificate is nobody's, or another host's", async () => {
    const before = proxy.seen;
    assert.match(await messageOf(through("https://localhost", { certificates: [] }).ask()), TLS);
    assert.match(await messageOf(through("https://proxy.keys.example.net").ask()), TLS);
    assert.equal(proxy.seen, before);
  });

  it("S06b-005, S06b-030: is late when it does not answer, twice", async () => {
    proxy.disturb = () => "silent";
    const before = proxy.seen;
    const { ask, meter } = through("https://localhost", { timeoutMs: 250 });
    assert.match(await messageOf(ask()), /did not respond in time/);
    proxy.disturb = undefined;
    assert.ok(proxy.seen - before <= 2);
    assert.equal(meter.exchanges[0]?.latencyMs, 500);
  });
});

describe("many requests", () => {
  it("to a host that is slow fail at once beyond 512, and those to another host don't", async () => {
    const proxy = await XksProxy.start();
    after(() => proxy[Symbol.asyncDispose]());
    proxy.disturb = () => "silent";
    const place = { address: "127.0.0.1", port: proxy.port, tls: false };
    const client = new PostClient({});
    const post = (host: string, timeoutMs = 60_000) =>
      client
        .post({ url: `https://${host}/kms`, place, headers: {}, body: "{}", timeoutMs })
        .catch((cause: unknown) => cause);
    const waiting = Array.from({ length: 512 }, () => post("slow.example.net"));
    const refused = await post("slow.example.net");
    assert.ok(refused instanceof PostError && refused.kind === "unreachable" && refused.elapsedMs === 0);
    const other = await post("other.example.net");
    assert.ok(!(other instanceof Error), "a path that is not the proxy's is answered");
    await Promise.all(waiting);
    assert.ok(!((await post("slow.example.net")) instanceof Error), "places are given back");
    client.close();
  });
});

describe("a host that a tenant names", () => {
  for (const { url, allowed, kind } of [
    { url: "https://127.0.0.1/kms", allowed: [], kind: "refused" },
    { url: "https://169.254.169.254/kms", allowed: [], kind: "refused" },
    { url: "https://localhost/kms", allowed: [], kind: "refused" },
    { url: "http://example.com/kms", allowed: [], kind: "refused" },
    { url: "https://user:word@example.com/kms", allowed: [], kind: "refused" },
    { url: "https://localhost/kms", allowed: ["LOCALHOST"], kind: "unreachable" },
  ] as const) {
    it(`is ${kind} as ${url}${allowed.length > 0 ? ", which the operator lists" : ""}`, async () => {
      const client = new PostClient({ allowed });
      const error = await client.post({ url, headers: {}, body: "{}", timeoutMs: 10_000 }).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      client.close();
      assert.ok(error instanceof PostError, String(error));
      assert.equal(error.kind, kind);
    });
  }
});
