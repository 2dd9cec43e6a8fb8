/** What was answered while a server is killed again and again has an order in which it happened. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { clusterClients, NodeProcess } from "./clusters.ts";
import { runHistory } from "./linearizability.ts";
import { runNodes } from "./linearizability-nodes.ts";
import { initStore, startProcess, TemporaryDirectory } from "./processes.ts";

it("key states, policies, grants and descriptions are linearizable over kill -9", async () => {
  using directory = new TemporaryDirectory();
  const data = directory.at("store");
  const { account, credentials } = await initStore(data);
  const node = await NodeProcess.start("server", (port) => startProcess(["serve", "--data", data, "--port", port]));
  try {
    const clients = await clusterClients([node], account, credentials);
    const report = await runHistory({
      ...clients,
      rounds: 3,
      faults: [{ name: "kill -9", happen: () => node.killAndStart() }],
      registersOfKind: 1,
      readers: 4,
    });
    clients.close();
    assert.deepEqual(report.anomalies, []);
    assert.equal(report.faults["kill -9"], 3);
    assert.ok(report.acknowledged >= 48 && report.reads > 50, JSON.stringify(report));
  } finally {
    await node.stop();
  }
});

it("they are so on three nodes that share a database, over nodes killed and paused and the database restarted and crashed", async () => {
  const report = await runNodes(5);
  assert.deepEqual(report.anomalies, []);
  assert.equal(Object.keys(report.faults).length, 5);
  assert.ok(report.acknowledged >= 72 && report.reads > 100, JSON.stringify(report));
});
