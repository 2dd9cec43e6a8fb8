/** The file of `--key-stores`: what it says, and what it can't. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseKeyStores } from "../../src/cli/key-stores-file.ts";

const parse = (text: string, kind: "dev" | "serve" = "serve") =>
  parseKeyStores(text, { kind, readFile: (path) => `PEM of ${path}` });

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
    });
    assert.equal(parse("{}").timeoutMs, 250);
  });

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
