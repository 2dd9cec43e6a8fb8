/** The file of `--key-stores`: what it says, and what it can't. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseKeyStores } from "../../src/cli/key-stores-file.ts";

const parse = (text: string, kind: "dev" | "serve" = "serve") =>
  parseKeyStores(text, { kind, readFile: (path) => `PEM of ${path}` });

const certificate = (text: string) => `-----BEGIN CERTIFICATE-----\n${btoa(text)}\n-----END CERTIFICATE-----\n`;

const SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d";

describe("the file of --key-stores", () => {
  it("says where hosts are, what services are like, whom to trust and how long to wait", () => {
    const settings = parse(`
proxyTimeoutMs: 400
certificateAuthorities: [ca.pem]
hosts:
  Proxy.Example.net: { address: 10.0.0.7, port: 8443 }
vpcEndpointServices:
  ${SERVICE}:
    owner: "111122223333"
    address: xks.internal
    privateDnsName: xks.example.net
    availabilityZones: [us-east-1a, us-east-1b]
    allowedPrincipals: [cks.kms.us-east-1.amazonaws.com]
`);
    assert.deepEqual(settings, {
      timeoutMs: 400,
      certificates: ["PEM of ca.pem"],
      hosts: new Map([["proxy.example.net", { address: "10.0.0.7", port: 8443, tls: true }]]),
      services: new Map([
        [
          SERVICE,
          {
            name: SERVICE,
            owner: "111122223333",
            place: { address: "xks.internal", port: 443, tls: true },
            privateDnsName: "xks.example.net",
            availabilityZones: ["us-east-1a", "us-east-1b"],
            allowedPrincipals: ["cks.kms.us-east-1.amazonaws.com"],
            domainVerification: "verified",
            loadBalancer: "network",
            acceptanceRequired: false,
          },
        ],
      ]),
      clusters: new Map(),
    });
    assert.equal(parse("{}").timeoutMs, 250);
  });

  const CLUSTER = "cluster-abcdefghijk";
  const [ANCHOR, CERTIFICATE] = [certificate("anchor"), certificate("cluster")];
  const parseCluster = (lines: string) =>
    parseKeyStores(`cloudHsmClusters:\n  ${CLUSTER}: ${lines}`, {
      kind: "serve",
      readFile: (path) => (path === "anchor.pem" ? ANCHOR : path === "cluster.pem" ? CERTIFICATE : "no certificate"),
    });
  const SMALL = `{ account: "111122223333", region: eu-west-1, library: /lib/p11.so, token: t, trustAnchor: anchor.pem }`;

  it("says what clusters are like and where their tokens are; a token has one certificate unless told otherwise", () => {
    assert.deepEqual(parseCluster(SMALL).clusters.get(CLUSTER), {
      id: CLUSTER,
      account: "111122223333",
      region: "eu-west-1",
      state: "ACTIVE",
      hsmType: "hsm2m.medium",
      mode: "NON_FIPS",
      createdAt: 0,
      subnets: new Map(),
      hsms: [],
      trustAnchor: ANCHOR,
      certificate: ANCHOR,
      place: {
        library: "/lib/p11.so",
        token: "t",
        environment: {},
        userPrefix: "",
        vectorsBy: "caller",
        changesPassword: true,
        sessions: 1,
        timeoutMs: 5_000,
      },
    });
    const full = parseCluster(
      `${SMALL.slice(0, -2)}, clusterCertificate: cluster.pem, createdAt: "2030-01-01T00:00:00Z", userPrefix: "kmsuser:",
      hsms: [{ id: hsm-abcdefghijk, availabilityZone: eu-west-1a, ip: 10.0.0.1 }], subnets: { eu-west-1a: subnet-1 } }`,
    ).clusters.get(CLUSTER);
    assert.equal(full?.certificate, CERTIFICATE);
    assert.equal(full?.createdAt, Date.UTC(2030, 0, 1));
    assert.equal(full?.place.userPrefix, "kmsuser:");
    assert.deepEqual(full?.hsms, [
      { id: "hsm-abcdefghijk", availabilityZone: "eu-west-1a", state: "ACTIVE", ip: "10.0.0.1" },
    ]);
  });

  for (const [what, lines, message] of [
    ["without a certificate", SMALL.replace("anchor.pem", "other.pem"), /other.pem does not hold one certificate/],
    ["with a library by its name alone", SMALL.replace("/lib/p11.so", "p11.so"), /absolute path/],
    ["with a word that it does not know", SMALL.replace("token: t", "token: t, pin: secret"), /pin/],
  ] as const) {
    it(`refuses a cluster ${what}`, () => {
      assert.throws(() => parseCluster(lines), message);
    });
  }

  it("takes plain HTTP in dev alone, and there on loopback", () => {
    const plain = (address: string) => `hosts: { a.example.net: { address: ${address}, tls: false } }`;
    assert.equal(parse(plain("127.0.0.1"), "dev").hosts.get("a.example.net")?.tls, false);
    assert.throws(() => parse(plain("127.0.0.1"), "serve"), /has no TLS/);
    assert.throws(() => parse(plain("10.0.0.7"), "dev"), /has no TLS/);
  });

  for (const [title, text] of [
    ["a word that it does not know", "hosts: { a.example.net: { address: b, prot: 1 } }"],
    ["a service of another name", "vpcEndpointServices: { vpce-svc-1: { owner: '111122223333', address: b } }"],
    ["an account without quotes", `vpcEndpointServices: { ${SERVICE}: { owner: 111122223333, address: b } }`],
    ["a scheme in a host", "hosts: { 'https://a.example.net': { address: b } }"],
    ["no YAML", "hosts: ["],
  ] as const) {
    it(`is refused with ${title}`, () => {
      assert.throws(() => parse(text), /The file of --key-stores is not/);
    });
  }
});
