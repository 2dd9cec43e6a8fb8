/** Signed requests as a whole server takes them: under any name of the host, in the query, once each part is what was signed. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { exchange } from "../faults/raw-exchange.ts";
import {
  bytesOf,
  callerIdentityDraft,
  callKms,
  type Draft,
  kmsDraft,
  presign,
  type SignedRequest,
  send,
  sign,
} from "../faults/signed-requests.ts";

const QUERY = "Action=GetCallerIdentity&Version=2011-06-15";
const GET: Draft = { method: "GET", path: `/?${QUERY}` };
const STS = { service: "sts", expiresIn: 900 } as const;

let server: DevServer;
before(async () => {
  server = await startDevServer();
});
after(() => server.stop());

describe("a signature", () => {
  for (const host of [
    "kms.us-east-1.amazonaws.com",
    "localhost:1",
    "keystead.example.internal",
    "KMS.Example.Internal:8443",
    "[::1]:4599",
    "10.0.0.1",
  ]) {
    it(`holds for a client that calls us ${host}`, async () => {
      assert.equal((await callKms(server, "ListKeys", {}, { host })).status, 200);
    });
  }

  it("does not hold under another name than the one that was signed", async () => {
    const signed = await sign(server, kmsDraft("ListKeys", {}), { host: "kms.us-east-1.amazonaws.com" });
    await refuse(
      { ...signed, headers: { ...signed.headers, host: "kms.us-west-2.amazonaws.com" } },
      /InvalidSignatureException/,
    );
  });

  it("holds of a header that comes twice, whose values it has with a comma between them, in their order alone", async () => {
    const draft = kmsDraft("ListKeys", {});
    const signed = await sign(server, { ...draft, headers: { ...draft.headers, "x-amz-meta": "b,a" } });
    const sendAs = async (first: string, second: string): Promise<string> => {
      const text = bytesOf(signed).toString("latin1");
      const twice = text.replace("x-amz-meta: b,a\r\n", `X-Amz-Meta: ${first}\r\nx-amz-meta:  ${second} \r\n`);
      assert.notEqual(twice, text);
      const outcome = await exchange(server.endpoint, [Buffer.from(twice, "latin1")]);
      return outcome.kind === "answered" ? String(outcome.answers[0]?.body) : outcome.kind;
    };
    assert.match(await sendAs("b", "a"), /"Keys"/);
    assert.match(await sendAs("a", "b"), /InvalidSignatureException/);
    assert.match(await sendAs("b,a", "a"), /InvalidSignatureException/);
  });

  it("chooses the Region by its scope", async () => {
    const { output } = await callKms(server, "CreateKey", {}, { region: "ap-southeast-2" });
    assert.match(JSON.stringify(output), /arn:aws:kms:ap-southeast-2:111122223333:key/);
    const china = await callKms(server, "CreateKey", {}, { region: "cn-north-1" });
    assert.match(JSON.stringify(china.output), /arn:aws-cn:kms:cn-north-1:/);
    assert.deepEqual((await callKms(server, "ListKeys", {}, { region: "eu-central-1" })).output["Keys"], []);
  });
});

describe("a presigned GetCallerIdentity", () => {
  it("is answered as a GET", async () => {
    const { status, body } = await send(server.endpoint, await presign(server, GET, STS));
    assert.equal(status, 200, body.toString("utf8"));
    assert.match(body.toString("utf8"), /<Account>111122223333<\/Account>/);
  });

  it("is answered as a POST", async () => {
    const { status, body } = await send(server.endpoint, await presign(server, callerIdentityDraft(), STS));
    assert.equal(status, 200, body.toString("utf8"));
    assert.match(body.toString("utf8"), /<Arn>arn:aws:iam::111122223333:root<\/Arn>/);
  });

  it("is answered with a further signed header, as clusters send it", async () => {
    const draft = { ...GET, headers: { "x-k8s-aws-id": "cluster" } };
    const signed = await presign(server, draft, { ...STS, expiresIn: 60 });
    assert.equal((await send(server.endpoint, signed)).status, 200);
    await refuse({ ...signed, headers: { ...signed.headers, "x-k8s-aws-id": "other" } }, /SignatureDoesNotMatch/);
  });

  it("is answered until it expires, and not after", async () => {
    const date = new Date(Date.now() - 600_000);
    assert.equal(
      (await send(server.endpoint, await presign(server, GET, { ...STS, date, expiresIn: 900 }))).status,
      200,
    );
    await refuse(
      await presign(server, GET, { ...STS, date, expiresIn: 300 }),
      /SignatureDoesNotMatch|RequestExpired|Expired/,
    );
  });

  for (const { title, spoil } of [
    { title: "another action", spoil: (path: string) => path.replace("GetCallerIdentity", "GetSessionToken") },
    { title: "a longer life", spoil: (path: string) => path.replace("X-Amz-Expires=900", "X-Amz-Expires=901") },
    { title: "another signature", spoil: (path: string) => path.replace(/(Signature=)./, (_, name) => `${name}x`) },
    { title: "another Region", spoil: (path: string) => path.replace("us-east-1", "us-west-2") },
    { title: "a parameter more", spoil: (path: string) => `${path}&a=b` },
    { title: "a signature twice", spoil: (path: string) => `${path}&X-Amz-Signature=${"0".repeat(64)}` },
  ]) {
    it(`is refused with ${title}`, async () => {
      const signed = await presign(server, GET, STS);
      const path = spoil(signed.path);
      assert.notEqual(path, signed.path);
      await refuse({ ...signed, path });
    });
  }

  it("is refused with another body", async () => {
    const signed = await presign(server, callerIdentityDraft(), STS);
    const body = Buffer.from("Action=GetCallerIdentity&Version=2011-06-16");
    await refuse({ ...signed, body }, /SignatureDoesNotMatch/);
  });
});

async function refuse(request: SignedRequest, code = /<Code>\w+<\/Code>|"__type"/): Promise<void> {
  const { status, body } = await send(server.endpoint, request);
  assert.ok(status >= 400 && status < 500, `${status} ${body.toString("utf8")}`);
  assert.match(body.toString("utf8"), code);
}
