/** The routes beside the APIs: health, readiness, and the clock that only this machine may move. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { initStore, startServe, TemporaryDirectory } from "../faults/processes.ts";
import { type Answer, callKms, send } from "../faults/signed-requests.ts";

let server: DevServer;
before(async () => {
  server = await startDevServer();
});
after(() => server.stop());

const ask = (method: string, path: string, { host = "", body = "" } = {}): Promise<Answer> =>
  send(server.endpoint, {
    method,
    path,
    headers: { host: host === "" ? new URL(server.endpoint).host : host, "content-length": String(body.length) },
    body: Buffer.from(body),
  });

describe("a server that runs", () => {
  for (const { path, text } of [
    { path: "/healthz", text: "ok\n" },
    { path: "/readyz", text: "ready\n" },
  ]) {
    it(`says so at ${path}, unsigned`, async () => {
      const { status, body, headers } = await ask("GET", path);
      assert.equal(status, 200);
      assert.equal(body.toString("utf8"), text);
      assert.equal(headers["content-length"], String(text.length));
      assert.ok(headers["x-amzn-requestid"]);
    });
  }

  it("has nothing else to say to unsigned requests", async () => {
    for (const path of ["/", "/metrics/x", "/healthz/", "/_keystead", "/_keystead/clock/x"]) {
      assert.equal((await ask("GET", path)).status, 400, path);
    }
  });
});

describe("the clock", () => {
  for (const host of ["localhost", "localhost:4599", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:4599"]) {
    it(`is shown to a client that calls us ${host}`, async () => {
      const { status, body } = await ask("GET", "/_keystead/clock", { host });
      assert.equal(status, 200);
      const { now } = JSON.parse(body.toString("utf8")) as { now: string };
      assert.ok(Number.isFinite(Date.parse(now)));
    });
  }

  // A page in a browser on this machine can name any host and have it resolve to loopback.
  for (const host of [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "kms.us-east-1.amazonaws.com",
    "[::2]",
    "a@localhost",
  ]) {
    it(`is neither shown to nor moved by a client that calls us ${host}`, async () => {
      const before = await server.clock.now();
      assert.equal((await ask("GET", "/_keystead/clock", { host })).status, 403);
      assert.equal((await ask("PUT", "/_keystead/clock", { host, body: '{"advance":"P30D"}' })).status, 403);
      assert.ok((await server.clock.now()).getTime() - before.getTime() < 3_600_000);
    });
  }

  for (const body of [
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"advance":"30 days"}',
    '{"now":"yesterday"}',
    '{"now":1}',
    '{"advance":"-P1D"}',
    '{"advance":"P9999Y"}',
    '{"now":"2020-01-01T00:00:00Z"}',
    '{"now":"2030-01-01T00:00:00Z","advance":"P1D"}',
  ]) {
    it(`is not moved by ${body || "an empty body"}`, async () => {
      const { status, body: told } = await ask("PUT", "/_keystead/clock", { body });
      assert.equal(status, 400);
      assert.equal(typeof (JSON.parse(told.toString("utf8")) as { error?: unknown }).error, "string");
    });
  }

  it("is moved forward, and deletes what became due on the way", async () => {
    const { output } = await callKms(server, "CreateKey", {});
    const { KeyId } = output["KeyMetadata"] as { KeyId: string };
    await callKms(server, "ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
    const before = await server.clock.now();
    const after = await server.clock.advance("P8D");
    assert.ok(after.getTime() - before.getTime() >= 8 * 86_400_000);
    assert.equal((await callKms(server, "DescribeKey", { KeyId })).code, "NotFoundException");
  });

  it("is not there in production", async () => {
    using directory = new TemporaryDirectory();
    await initStore(directory.at("store"));
    await using production = await startServe(directory.at("store"));
    const { status } = await fetch(`${production.endpoint}/_keystead/clock`);
    assert.equal(status, 400);
    assert.equal((await fetch(`${production.endpoint}/readyz`)).status, 200);
  });
});
