/** The thread that indexes audit records, one request after another. */

import { getPriority, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { uptime } from "../../base/clock.ts";
import type { IndexReply, IndexRequest } from "./background-indexer.ts";
import { Indexer } from "./indexer.ts";

const port = parentPort;
if (port === null) throw new Error("This file is the entry of a thread");
// Requests come first where cores are few. Linux alone has a priority for each thread (setpriority(2)).
if (process.platform === "linux") setPriority(Math.min(19, getPriority() + 10));
let now = 0;
const indexer = new Indexer({
  directory: workerData as string,
  clock: { now: () => now },
  uptime,
});

port.on("message", async (request: IndexRequest) => {
  if (request.kind === "stop") {
    await indexer.stop();
    port.close();
    return;
  }
  now = request.now;
  const reply = await (request.kind === "pass" ? indexer.pass() : indexer.catchUp()).then(
    (): IndexReply => ({}),
    (cause: Error): IndexReply => ({ error: cause.message }),
  );
  port.postMessage(reply);
});
