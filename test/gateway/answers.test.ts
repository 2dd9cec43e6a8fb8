/** What every answer carries, whatever it answers: request id, length and date; and the same request id in its record. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { exchange, type RawAnswer } from "../faults/raw-exchange.ts";
import {
  type Answer,
  bytesOf,
  callerIdentityDraft,
  callKms,
  type Draft,
  kmsDraft,
  mustCallKms,
  send,
  sign,
} from "../faults/signed-requests.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Requests and what they are answered with. */
const cases: readonly {
  readonly title: string;
  readonly status: number;
  readonly draft: Draft;
  readonly service?: string;
}[] = [
  { title: "a success with a body", status: 200, draft: kmsDraft("CreateKey", {}) },
  {
    title: "a success without a body",
    status: 200,
    draft: kmsDraft("CreateAlias", { AliasName: "alias/a", TargetKeyId: "" }),
  },
  { title: "a failed validation", status: 400, draft: kmsDraft("DescribeKey", {}) },
  { title: "text that is no JSON", status: 400, draft: kmsDraft("DescribeKey", "{") },
  { title: "a key that is not there", status: 400, draft: kmsDraft("DescribeKey", { KeyId: "alias/none" }) },
  { title: "an operation that is not built", status: 400, draft: kmsDraft("CreateCustomKeyStore", {}) },
  { title: "an operation that does not exist", status: 400, draft: kmsDraft("Nothing", {}) },
  { title: "a body of more than 1 MiB", status: 413, draft: kmsDraft("DescribeKey", "x".repeat(1_048_577)) },
  { title: "STS's XML", status: 200, draft: callerIdentityDraft(), service: "sts" },
  {
    title: "an error of STS",
    status: 400,
    draft: callerIdentityDraft("Action=None&Version=2011-06-15"),
    service: "sts",
  },
];

describe("an answer", () => {
  let server: DevServer;
  let keyId: string;
  before(async () => {
    server = await startDevServer();
    const { output } = await mustCallKms(server, "CreateKey", {});
    keyId = String((output["KeyMetadata"] as Record<string, unknown>)["KeyId"]);
  });
  after(() => server.stop());

  const ask = async ({ draft, service = "kms" }: (typeof cases)[number]): Promise<Answer> => {
    const body =
      typeof draft.body === "string" ? draft.body.replace('"TargetKeyId":""', `"TargetKeyId":"${keyId}"`) : "";
    return send(server.endpoint, await sign(server, { ...draft, body }, { service }));
  };

  for (const testCase of cases) {
    it(`to ${testCase.title} has a request id, its length and the date`, async () => {
      const { status, headers, body } = await ask(testCase);
      assert.equal(status, testCase.status, body.toString("utf8"));
      assert.match(String(headers["x-amzn-requestid"]), UUID);
      assert.equal(Number(headers["content-length"]), body.length);
      assert.equal(headers["transfer-encoding"], undefined);
      assert.ok(Math.abs(Date.parse(String(headers.date)) - Date.now()) < 60_000, String(headers.date));
    });
  }

  it("without a body has length 0", async () => {
    const { headers, body } = await mustCallKms(server, "EnableKey", { KeyId: keyId });
    assert.equal(body.length, 0);
    assert.equal(headers["content-length"], "0");
  });

  it("to an unsigned request has a request id", async () => {
    const { host } = new URL(server.endpoint);
    const outcome = await exchange(server.endpoint, [Buffer.from(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`)]);
    const { status, headers } = firstOf(outcome);
    assert.equal(status, 400);
    assert.match(headers.get("x-amzn-requestid") ?? "", UUID);
  });

  it("keeps the date of the machine when the clock was moved", async () => {
    await using moved = await startDevServer();
    await moved.clock.advance("P400D");
    const { headers, output } = await mustCallKms(moved, "CreateKey", {});
    const created = Number((output["KeyMetadata"] as Record<string, unknown>)["CreationDate"]) * 1_000;
    assert.ok(Math.abs(Date.parse(String(headers.date)) - Date.now()) < 60_000);
    assert.ok(created - Date.now() > 399 * 86_400_000);
  });

  it("never has the request id of another", async () => {
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => (await callKms(server, "DescribeKey", { KeyId: keyId })).requestId),
    );
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe("a request over a kept connection", () => {
  it("is answered in its turn when several are sent at once", async () => {
    await using server = await startDevServer();
    const requests = await Promise.all([
      sign(server, kmsDraft("GenerateRandom", { NumberOfBytes: 1 })),
      sign(server, kmsDraft("GenerateRandom", { NumberOfBytes: 0 })),
      sign(server, kmsDraft("ListKeys", {})),
    ]);
    const outcome = await exchange(server.endpoint, [Buffer.concat(requests.map(bytesOf))], { expected: 3 });
    assert.ok(outcome.kind === "answered");
    assert.deepEqual(
      outcome.answers.map(({ status }) => status),
      [200, 400, 200],
    );
    assert.match(outcome.answers[2]?.body ?? "", /"Keys":\[\]/);
  });
});

describe("an audit record", () => {
  it("has the request id of the answer, once, for successes and failures", async () => {
    using directory = new TemporaryDirectory();
    const log = directory.at("audit.log");
    const ids = new Map<string, string | undefined>();
    {
      await using server = await startDevServer({ args: ["--audit-log", log] });
      const note = async (operation: string, input: unknown): Promise<Readonly<Record<string, unknown>>> => {
        const { requestId, code, output } = await callKms(server, operation, input);
        ids.set(requestId, code);
        return output;
      };
      const { KeyMetadata } = await note("CreateKey", {});
      const { KeyId } = KeyMetadata as { KeyId: string };
      await note("DescribeKey", { KeyId });
      await note("Encrypt", { KeyId, Plaintext: "AAAA" });
      await note("TagResource", { KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] });
      await note("DescribeKey", { KeyId: "alias/none" });
      await note("DescribeKey", {});
      await note("CreateCustomKeyStore", {});
    }
    const records = readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(records.length, ids.size);
    for (const [id, code] of ids) {
      const own = records.filter((record) => record["requestID"] === id);
      assert.equal(own.length, 1, id);
      assert.equal(/Exception$/.test(String(own[0]?.["errorCode"] ?? "")), code !== undefined, String(code));
    }
  });
});

function firstOf(outcome: Awaited<ReturnType<typeof exchange>>): RawAnswer {
  const answer = outcome.kind === "answered" ? outcome.answers[0] : undefined;
  assert.ok(answer !== undefined, outcome.kind);
  return answer;
}
