/** Two thousand mutated requests against one server: each refused, none with an effect, and nothing left behind. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import type { Allowed, MutationKind, MutationSubject } from "./mutations.ts";
import { inputMutations } from "./mutations-of-input.ts";
import { signatureMutations } from "./mutations-of-signature.ts";
import { transportMutations } from "./mutations-of-transport.ts";
import { RandomChoices } from "./random-choices.ts";
import { exchange, type Outcome, type RawAnswer } from "./raw-exchange.ts";
import { callKms, keyArnOf, mustCallKms, send, sign, textOf } from "./signed-requests.ts";
import { snapshotOf } from "./snapshot.ts";

const REQUESTS = 2_000;
const WARM_UP_REQUESTS = 1_000;
const AT_ONCE = 16;
/** So many faults are told, each with so much of its request. */
const FAULTS_TOLD = 3;
const TOLD_BYTES = 900;
/** A small heap, so that garbage is collected soon and growth is what was kept; a server that keeps more ends. */
const HEAP = "--max-old-space-size=64 --max-semi-space-size=2";
/** 16 KiB for each request: less than the 90 MB that they send, by far. */
const GROWTH_BYTES_MAX = REQUESTS * 16 * 1024;

const kinds = [...inputMutations, ...signatureMutations, ...transportMutations];
const seed = Number(process.env["FAULTS_SEED"] ?? 20_261_126);

let server: Keystead;
let subject: MutationSubject;

before(async () => {
  server = await startKeystead({ env: { NODE_OPTIONS: HEAP } });
  subject = await makeSubject(server);
});
after(() => server.stop());

describe(`a server that gets ${REQUESTS} mutated requests (seed ${seed})`, () => {
  it("refuses each with a clear error or a closed connection, changes nothing, lives, and stays as small as it was", async (t) => {
    const stateBefore = await snapshotOf(server);
    requireNone(await sendAll(WARM_UP_REQUESTS, seed + REQUESTS));
    const memoryBefore = residentBytes(server.process.pid);
    requireNone(await sendAll(REQUESTS, seed));
    const growth = residentBytes(server.process.pid) - memoryBefore;
    t.diagnostic(`memory grew by ${(growth / 1024 / 1024).toFixed(1)} MiB over ${REQUESTS} requests`);
    assert.deepEqual(await snapshotOf(server), stateBefore);
    assert.equal(server.process.exitCode, null);
    assert.equal((await callKms(server, "DescribeKey", { KeyId: subject.keyArn })).status, 200);
    const absent = await sign(server, { method: "GET", path: "/bucket/key?attributes", body: "" }, { service: "s3" });
    assert.equal((await send(server.endpoint, absent)).status, 501, "what is not built is no fault to log");
    assert.ok(growth < GROWTH_BYTES_MAX, `the process grew by ${growth} bytes`);
    assert.doesNotMatch(server.log(), /failed/);
  });
});

describe("the judge of mutated requests", () => {
  const answered = (status: number, body: string): Outcome => ({
    kind: "answered",
    answers: [{ status, headers: new Map([["x-amzn-requestid", "1"]]), body }],
  });
  const allowed: Allowed = { codes: ["ValidationException"], statuses: [400] };
  for (const { title, outcome } of [
    { title: "a success", outcome: answered(200, "{}") },
    { title: "a fault of the server's own", outcome: answered(500, '{"__type":"KMSInternalException"}') },
    { title: "another error", outcome: answered(400, '{"__type":"NotFoundException"}') },
    { title: "an error without a code", outcome: answered(404, "no") },
    { title: "a connection that ends", outcome: { kind: "closed" } as const },
    { title: "silence", outcome: { kind: "hung" } as const },
  ]) {
    it(`does not take ${title} for a refusal`, () => assert.notEqual(faultOf(outcome, allowed), undefined));
  }
  it("takes the error that was expected", () => {
    assert.equal(faultOf(answered(400, '{"__type":"ValidationException"}'), allowed), undefined);
  });
});

/** Sends requests of every kind in turn, each made from a seed of its own; returns what was wrong with the answers. */
async function sendAll(count: number, firstSeed: number): Promise<readonly string[]> {
  const faults: string[] = [];
  let sent = 0;
  const work = async (): Promise<void> => {
    while (sent < count) {
      const number = sent++;
      const kind = kinds[number % kinds.length];
      if (kind === undefined) return;
      const fault = await sendOne(kind, new RandomChoices(firstSeed + number));
      if (fault !== undefined) faults.push(`${kind.name}, request ${number}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return faults;
}

function requireNone(faults: readonly string[]): void {
  assert.deepEqual(faults.slice(0, FAULTS_TOLD), [], `${faults.length} faults`);
}

async function sendOne(kind: MutationKind, random: RandomChoices): Promise<string | undefined> {
  const { parts, ending, allowed } = await kind.make(subject, random);
  const outcome = await exchange(server.endpoint, parts, { ending });
  const fault = faultOf(outcome, allowed);
  if (fault === undefined) return undefined;
  const sent = Buffer.concat(parts.map((part) => Buffer.from(part.subarray(0, TOLD_BYTES)))).toString("latin1");
  return `${fault}\n${sent.slice(0, TOLD_BYTES)}`;
}

/** What is wrong with an outcome; undefined when it is one of those allowed. */
function faultOf(outcome: Outcome, allowed: Allowed): string | undefined {
  switch (outcome.kind) {
    case "torn":
      return undefined;
    case "closed":
      return allowed.closed === true ? undefined : "closed without an answer";
    case "hung":
      return "neither an answer nor an end";
    case "answered":
      return outcome.answers.map((answer) => faultOfAnswer(answer, allowed)).find((fault) => fault !== undefined);
  }
}

function faultOfAnswer(
  { status, headers, body }: RawAnswer,
  { codes = [], statuses = [] }: Allowed,
): string | undefined {
  const told = `${status} ${body.slice(0, 300)}`;
  if (status < 400 || status > 499) return statuses.includes(status) ? undefined : told;
  const code = /^\{"__type":"(\w+)"/.exec(body)?.[1] ?? /<Code>(\w+)<\/Code>/.exec(body)?.[1];
  if (code === undefined) return statuses.includes(status) ? undefined : told;
  if (!headers.has("x-amzn-requestid")) return `no request id: ${told}`;
  return codes.includes(code) ? undefined : told;
}

async function makeSubject(on: Keystead): Promise<MutationSubject> {
  const { output } = await mustCallKms(on, "CreateKey", { Tags: [{ TagKey: "kept", TagValue: "yes" }] });
  const keyArn = keyArnOf(output);
  const aliasName = "alias/kept";
  await mustCallKms(on, "CreateAlias", { AliasName: aliasName, TargetKeyId: keyArn });
  const encrypted = await mustCallKms(on, "Encrypt", { KeyId: keyArn, Plaintext: "AAAA" });
  return { server: on, keyArn, aliasName, ciphertext: textOf(encrypted.output, "CiphertextBlob") };
}

/** The resident set of a process. */
function residentBytes(pid: number | undefined): number {
  const status = `/proc/${pid}/status`;
  const kibibytes = existsSync(status)
    ? /VmRSS:\s+(\d+)/.exec(readFileSync(status, "latin1"))?.[1]
    : execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "latin1" });
  return Number(kibibytes) * 1024;
}
