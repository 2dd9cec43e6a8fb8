/** A server of several processes: what one of them is told holds in all, and whichever dies, nothing that was answered is lost. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { readSegments } from "../../src/audit/segment-files.ts";
import { freePort } from "../free-port.ts";
import { present } from "../kms-client.ts";
import { segmentFolders } from "./audit-trail.ts";
import { childrenOf, isAlive, untilGone } from "./process-tree.ts";
import {
  initStore,
  type MadeStore,
  type RunningProcess,
  runKeystead,
  startServe,
  TemporaryDirectory,
} from "./processes.ts";
import { type AccessKey, callKms, type ServerAddress } from "./signed-requests.ts";
import { runClients } from "./storm-clients.ts";
import { Ledger } from "./storm-ledger.ts";
import { verifyClosed, verifyFiles, verifyKey } from "./storm-verification.ts";

const WORKERS = 3;
const CONNECTIONS = 40;
/** The kernel deals connections out by a hash of their ports, and forty in a row may all miss one worker. */
const BATCHES_MAX = 25;
const CLIENTS = 12;
const ALL_SLOTS = ["1", "2", "3"];
const REGION = "us-east-1";

const directory = new TemporaryDirectory();
const data = directory.at("store");
let made: MadeStore;
let server: RunningProcess;

before(async () => {
  made = await initStore(data);
  server = await startServe(data, ["--workers", String(WORKERS)]);
});
after(async () => {
  await server.kill();
  directory[Symbol.dispose]();
});

/**
 * Makes a call over many new connections, until every worker has answered some where that can be seen.
 *
 * @returns the codes of all answers, and the audit slots in which their records are
 */
async function callMany(address: ServerAddress, operation: string, input: unknown, recorded: boolean) {
  const agent = new Agent({ keepAlive: false, maxSockets: 8 });
  const call = () => callKms(address, operation, input, { agent });
  const codes = new Set<string | undefined>();
  const slots = new Set<string>();
  for (let batch = 0; batch < (recorded ? BATCHES_MAX : 1) && slots.size < WORKERS; batch += 1) {
    const answers = await Promise.all(Array.from({ length: CONNECTIONS }, call));
    for (const { code } of answers) codes.add(code);
    for (const slot of await slotsOf(new Set(answers.map(({ requestId }) => requestId)))) slots.add(slot);
  }
  return { codes: [...codes], slots: [...slots].sort() };
}

/** The slots whose segments have a record of each of these requests. */
async function slotsOf(requestIds: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const slots = new Set<string>();
  for (const folder of segmentFolders(data)) {
    for await (const { record } of readSegments(folder)) {
      if (requestIds.has(String(record["requestID"]))) slots.add(folder.slice(folder.lastIndexOf("/") + 1));
    }
  }
  return slots;
}

describe("a server of several processes", () => {
  it("tells Prometheus of the requests of all of them, whichever is asked", async () => {
    const agent = new Agent({ keepAlive: false, maxSockets: 8 });
    const address: ServerAddress = { endpoint: server.endpoint, credentials: made.credentials };
    await Promise.all(Array.from({ length: CONNECTIONS }, () => callKms(address, "ListAliases", {}, { agent })));
    for (let asked = 0; asked < 2 * WORKERS; asked += 1) {
      const text = await (await fetch(`${server.endpoint}/metrics`, { headers: { connection: "close" } })).text();
      assert.ok(text.includes(`{service="kms",operation="ListAliases",code="OK"} ${CONNECTIONS}\n`), text);
      assert.match(text, /^keystead_destructive_work_wait_seconds [1-9]/m);
    }
  });

  it("decides in all of them, from the next request on, by a change that one of them has answered", async () => {
    const root = { endpoint: server.endpoint, region: REGION, credentials: made.credentials, maxAttempts: 1 };
    const [kms, iam] = [new KMS(root), new IAM(root)];
    const { Arn: keyArn } = present((await kms.createKey({})).KeyMetadata);
    const KeyId = present(keyArn);
    const user = present((await iam.createUser({ UserName: "app" })).User);
    const accessKey = present((await iam.createAccessKey({ UserName: "app" })).AccessKey);
    const credentials: AccessKey = {
      accessKeyId: present(accessKey.AccessKeyId),
      secretAccessKey: present(accessKey.SecretAccessKey),
    };
    const app: ServerAddress = { endpoint: server.endpoint, credentials };

    /** The codes of the answers over new connections; each worker has to have given some. */
    const ask = async ({ recorded = true } = {}): Promise<readonly (string | undefined)[]> => {
      const { codes, slots } = await callMany(app, "Encrypt", { KeyId, Plaintext: "aGVsbG8=" }, recorded);
      if (recorded) assert.deepEqual(slots, ALL_SLOTS, "every worker answered");
      return codes;
    };
    const policy = (...statements: readonly object[]): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${made.account}:root` }, Action: "kms:*", Resource: "*" },
          ...statements,
        ],
      });
    const denial = { Effect: "Deny", Principal: { AWS: user.Arn }, Action: "kms:Encrypt", Resource: "*" };
    let grantId = "";

    const steps: readonly { title: string; change: () => Promise<unknown>; code: string | undefined }[] = [
      { title: "nothing allows it", change: async () => undefined, code: "AccessDeniedException" },
      {
        title: "CreateGrant",
        async change() {
          const grant = { KeyId, GranteePrincipal: present(user.Arn), Operations: ["Encrypt" as const] };
          grantId = present((await kms.createGrant(grant)).GrantId);
        },
        code: undefined,
      },
      { title: "DisableKey", change: () => kms.disableKey({ KeyId }), code: "DisabledException" },
      { title: "EnableKey", change: () => kms.enableKey({ KeyId }), code: undefined },
      {
        title: "PutKeyPolicy",
        change: () => kms.putKeyPolicy({ KeyId, Policy: policy(denial) }),
        code: "AccessDeniedException",
      },
      { title: "PutKeyPolicy back", change: () => kms.putKeyPolicy({ KeyId, Policy: policy() }), code: undefined },
      {
        title: "RevokeGrant",
        change: () => kms.revokeGrant({ KeyId, GrantId: grantId }),
        code: "AccessDeniedException",
      },
    ];
    for (const { title, change, code } of steps) {
      await change();
      assert.deepEqual(await ask(), [code], title);
    }
    await iam.updateAccessKey({ UserName: "app", AccessKeyId: credentials.accessKeyId, Status: "Inactive" });
    assert.deepEqual(await ask({ recorded: false }), ["UnrecognizedClientException"], "UpdateAccessKey");
    kms.destroy();
    iam.destroy();
  });

  it("replaces a worker that is killed under load; only its connections break, and every answer has its record", async () => {
    const address = { endpoint: server.endpoint, credentials: made.credentials };
    const ledger = new Ledger();
    const [victim] = childrenOf(server.child.pid);
    assert.ok(victim);
    let isOver = false;
    let lost = 0;
    const clients = runClients(
      address,
      ledger,
      CLIENTS,
      () => isOver,
      () => {
        lost += 1;
      },
    );
    const kill = async (): Promise<void> => {
      await ledger.begun;
      while (ledger.requests.length < 200) await turn();
      process.kill(victim, "SIGKILL");
      while (!server.log().includes("another one takes its place")) await turn();
      const { arn } = ledger.keys[0] ?? assert.fail("no key");
      while ((await callMany(address, "DescribeKey", { KeyId: arn }, true)).slots.length < WORKERS);
      const answered = ledger.requests.length;
      while (ledger.requests.length < answered + 200) await turn();
      isOver = true;
    };
    await Promise.all([clients, kill()]);
    assert.ok(lost <= CLIENTS, `${lost} connections of ${CLIENTS} broke`);

    const checks = new Ledger();
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    for (const key of ledger.keys.slice(-20)) await verifyKey({ server: address, agent, ledger: checks }, key);
    agent.destroy();

    const pids = [...childrenOf(server.child.pid)];
    assert.equal(pids.length, WORKERS);
    assert.equal(await server.stop(), 0);
    assert.deepEqual(pids.filter(isAlive), [], "SIGTERM ends all of them");
    const requests = [...ledger.requests, ...checks.requests];
    await verifyFiles(data, requests);
    await verifyClosed(data, requests);
  });

  it("ends its workers when the primary is killed, waits for one that has not ended, and ends when none can start", async () => {
    const port = String(await freePort());
    const first = await startServe(data, ["--port", port, "--workers", "2"]);
    const [stopped, other] = childrenOf(first.child.pid);
    assert.ok(stopped && other);
    process.kill(stopped, "SIGSTOP");
    first.child.kill("SIGKILL");
    await untilGone([other]);
    const again = ["serve", "--data", data, "--port", port, "--workers", "2"];
    const refused = await runKeystead(again);
    assert.match(refused.stderr, /^keystead: A worker of an earlier Keystead server still runs on /);
    assert.equal(refused.code, 1);
    process.kill(stopped, "SIGCONT");
    await untilGone([stopped]);
    await using second = await startServe(data, ["--port", port, "--workers", "2"]);
    assert.equal((await fetch(`${second.endpoint}/readyz`)).status, 200);

    // Without its root key no worker comes up again: the server says so and ends.
    renameSync(join(data, "root.key"), directory.at("root.key"));
    const ended = once(second.child, "close"); // when it has ended and all that it wrote is read
    for (const pid of childrenOf(second.child.pid)) process.kill(pid, "SIGKILL");
    assert.deepEqual(await ended, [1, null]);
    assert.match(second.log(), /root\.key does not exist/);
    assert.match(second.log(), /The server ends: it has no workers/);
    renameSync(directory.at("root.key"), join(data, "root.key"));
  });

  it("refuses a port that somebody else has, who would share it", async () => {
    const stranger = createServer().listen({ host: "127.0.0.1", port: 0, reusePort: true });
    await once(stranger, "listening");
    const { port } = stranger.address() as { port: number };
    const refused = await runKeystead(["serve", "--data", data, "--port", String(port), "--workers", "2"]);
    assert.match(
      refused.stderr,
      new RegExp(`^keystead: Can't listen on port ${port} of 127.0.0.1: it is in use.$`, "m"),
    );
    assert.equal(refused.code, 1);
    stranger.close();
  });
});
