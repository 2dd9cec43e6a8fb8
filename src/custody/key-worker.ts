/** The thread that does dear jobs with key pairs: one at a time, in the order in which they come. */

import { getPriority, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { type KeyJobs, keyJobs } from "./key-jobs.ts";
import { type KeyReply, type KeyRequest, READY } from "./key-workers.ts";
import { choosePrimitives } from "./primitives.ts";

const port = parentPort;
if (port === null) throw new Error("This file is the entry of a thread");
// Where cores are few, an RSA_4096 pair must not take the event loop's. Linux alone has a priority for each thread (setpriority(2)).
if (process.platform === "linux") setPriority(Math.min(19, getPriority() + 10));
const { primitives } = await choosePrimitives();
const jobs = keyJobs(primitives);

port.on("message", ({ id, job, args }: KeyRequest) => {
  try {
    // What was asked for and its arguments were typed together by `KeyWorkers.run`.
    const value = (jobs[job] as (...given: KeyRequest["args"]) => ReturnType<KeyJobs[keyof KeyJobs]>)(...args);
    reply({ id, value }, buffersOf(value));
  } catch (cause) {
    reply({ id, error: cause instanceof Error ? cause.message : "A job failed" }, []);
  } finally {
    for (const arg of args) if (arg instanceof Uint8Array) arg.fill(0); // this thread's own copies, a plaintext may be among them
  }
});

reply({ id: READY, value: undefined }, []);

function reply(message: KeyReply, buffers: readonly ArrayBuffer[]): void {
  port?.postMessage(message, [...buffers]);
}

/** The memory of a result is moved to the other thread, so that no copy of a secret stays here. */
function buffersOf(value: ReturnType<KeyJobs[keyof KeyJobs]>): readonly ArrayBuffer[] {
  if (value === undefined || typeof value === "boolean") return [];
  if (value instanceof Uint8Array) return [value.buffer as ArrayBuffer];
  return [value.privateKey.buffer as ArrayBuffer, value.publicKey.buffer as ArrayBuffer];
}
