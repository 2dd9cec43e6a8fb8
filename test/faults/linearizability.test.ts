/** What was answered while processes are killed and paused has an order in which it happened. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { clusterClients, NodeProcess } from "./clusters.ts";
import { runHistory } from "./linearizability.ts";
import { runNodes } from "./linearizability-nodes.ts";
import { childrenOf, isAlive } from "./process-tree.ts";
import { initStore, startProcess, TemporaryDirectory } from "./processes.ts";

it("key states, policies, grants and descriptions are linearizable over workers and their primary killed and paused", async () => {
  using directory = new TemporaryDirectory();
  const data = directory.at("store");
  const { account, credentials } = await initStore(data);
  const node = await NodeProcess.start("server", (port) =>
    startProcess(["serve", "--data", data, "--port", port, "--workers", "3"]),
  );
  const aWorker = (): number => childrenOf(node.pid).find(isAlive) ?? assert.fail("there are no workers");
  try {
    const clients = await clusterClients([node], account, credentials);
    const report = await runHistory({
      ...clients,
      rounds: 3,
      faults: [
        { name: "a worker killed", happen: async () => void process.kill(aWorker(), "SIGKILL") },
        { name: "a worker paused", happen: () => pause(aWorker()) },
        { name: "the primary killed", happen: () => node.killAndStart() },
      ],
      registersOfKind: 1,
      readers: 4,
    });
    clients.close();
    assert.deepEqual(report.anomalies, []);
    assert.equal(Object.keys(report.faults).length, 3);
    assert.ok(report.acknowledged >= 32 && report.reads > 40, JSON.stringify(report));
  } finally {
    await node.stop();
  }
});

/** SIGSTOP, and SIGCONT after a second, in which the primary may have killed and replaced it. */
async function pause(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await after(1_000);
  if (isAlive(pid)) process.kill(pid, "SIGCONT");
}

it("S08-030: SC-19 an answered change decides on all of three nodes that share a database, over nodes killed and paused and the database restarted and crashed", async () => {
  const report = await runNodes(5);
  assert.deepEqual(report.stale, []);
  assert.equal(Object.keys(report.faults).length, 5);
  assert.ok(report.acknowledged >= 48 && report.reads > 60, JSON.stringify(report));
});
