/** The client for URLs that tenants name: where it goes, and where it never does. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { isPublicAddress } from "../../src/base/addresses.ts";
import { OutboundClient, OutboundError } from "../../src/base/outbound.ts";

const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.headers.host}${request.url}`);
  if (request.url === "/silent") return;
  response.writeHead(200).end(request.url === "/text" ? "no JSON" : '{"ok":true}');
});
let port: number;
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function kindOf(fetching: Promise<unknown>): Promise<string> {
  const error = await fetching.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof OutboundError, String(error));
  return error.kind;
}

describe("an address", () => {
  for (const address of [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "",
    "localhost",
    "1.2.3",
    "0x7f000001",
  ]) {
    it(`'${address}' is not one of the public internet`, () => assert.equal(isPublicAddress(address), false));
  }
  for (const address of ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700:4700::1111", "2a00::1"]) {
    it(`${address} is one of the public internet`, () => assert.equal(isPublicAddress(address), true));
  }
});

describe("the outbound client", () => {
  it("fetches from hosts that the operator lists, at the address that was looked up", async () => {
    const names: string[] = [];
    const client = new OutboundClient([`idp.example:${port}`], async (host) => {
      names.push(host);
      return [{ address: "127.0.0.1", family: 4 }];
    });
    assert.deepEqual(await client.fetchJson(`http://idp.example:${port}/keys`), { ok: true });
    assert.deepEqual(names, ["idp.example"], "a name is looked up once, so that it can't change its meaning");
    assert.equal(asked.at(-1), `idp.example:${port}/keys`);
  });

  for (const { title, url, addresses = ["127.0.0.1"] } of [
    { title: "plain HTTP", url: () => `http://idp.example:${port}/`, addresses: ["192.88.98.1"] },
    { title: "a name that means this machine", url: () => `https://idp.example:${port}/` },
    { title: "a name that means a private network", url: () => "https://idp.example/", addresses: ["10.0.0.1", "::1"] },
    { title: "a name that means nothing", url: () => "https://idp.example/", addresses: [] },
    { title: "this machine's address", url: () => `https://127.0.0.1:${port}/` },
    { title: "this machine's address as a number", url: () => `https://2130706433:${port}/` },
    { title: "this machine's IPv6 address", url: () => `https://[::1]:${port}/` },
    { title: "an IPv4 address inside an IPv6 one", url: () => `https://[::ffff:127.0.0.1]:${port}/` },
    { title: "the metadata service", url: () => "https://169.254.169.254/latest" },
    { title: "a listed host under another port", url: () => "https://listed.example:1/" },
    { title: "a URL with a password", url: () => `http://user:pass@listed.example:${port}/` },
    { title: "another scheme", url: () => "file:///etc/passwd" },
    { title: "no URL", url: () => "idp.example" },
    { title: "a URL that is too long", url: () => `http://listed.example:${port}/${"a".repeat(2_048)}` },
  ] as { title: string; url: () => string; addresses?: string[] }[]) {
    it(`refuses ${title}`, async () => {
      const resolve = async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
      const client = new OutboundClient([`listed.example:${port}`], resolve);
      const before = asked.length;
      assert.equal(await kindOf(client.fetchJson(url())), "refused");
      assert.equal(asked.length, before);
    });
  }

  it("tells what can't be reached from what answers nonsense", async () => {
    const client = new OutboundClient(["127.0.0.1", "gone.example"], async () => {
      throw new Error("ENOTFOUND");
    });
    assert.equal(await kindOf(client.fetchJson("http://gone.example/")), "unreachable");
    assert.equal(await kindOf(client.fetchJson("http://127.0.0.1:1/")), "unreachable");
    assert.equal(await kindOf(client.fetchJson(`http://127.0.0.1:${port}/text`)), "unfit");
  });

  it("gives up on what does not answer, and has no more than 32 fetches under way", async () => {
    const client = new OutboundClient(["127.0.0.1"]);
    const silent = Array.from({ length: 32 }, () => kindOf(client.fetchJson(`http://127.0.0.1:${port}/silent`)));
    assert.equal(await kindOf(client.fetchJson(`http://127.0.0.1:${port}/`)), "unreachable");
    assert.deepEqual(new Set(await Promise.all(silent)), new Set(["unreachable"]));
    assert.deepEqual(await client.fetchJson(`http://127.0.0.1:${port}/`), { ok: true });
  });
});
