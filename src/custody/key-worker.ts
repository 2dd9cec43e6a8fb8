/** The thread that does dear jobs with key pairs: one at a time, in the order in which they come. */

import { getPriority, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { type KeyJobs, keyJobs } from "./key-jobs.ts";
import type { KeyReply, KeyRequest } from "./key-workers.ts";
import { choosePrimitives } from "./primitives.ts";

const port = parentPort;
if (port === null) throw new Error("This file is the entry of a thread");
// Where cores are few, an RSA_4096 pair must not take the event loop's. Linux alone has a priority for each thread (setpriority(2)).
if (process.platform === "linux") setPriority(Math.min(19, getPriority() + 10));
const { primitives } = await choosePrimitives();
const jobs = keyJobs(primitives);

port.on("message", (batch: readonly KeyRequest[]) => {
  reply(batch.map(perform));
});

reply([]);

function perform({ id, job, args }: KeyRequest): KeyReply {
  try {
    // What was asked for and its arguments were typed together by `KeyWorkers.run`.
    return { id, value: (jobs[job] as (...given: KeyRequest["args"]) => ReturnType<KeyJobs[keyof KeyJobs]>)(...args) };
  } catch (cause) {
    return { id, error: cause instanceof Error ? cause.message : "A job failed" };
  } finally {
    for (const arg of args) if (arg instanceof Uint8Array) arg.fill(0); // this thread's own copies, a plaintext may be among them
  }
}

function reply(replies: readonly KeyReply[]): void {
  port?.postMessage(replies, replies.flatMap(buffersOf));
}

/** The memory of a result is moved to the other thread, so that no copy of a secret stays here. */
function buffersOf(reply: KeyReply): readonly ArrayBuffer[] {
  if ("error" in reply || reply.value === undefined || typeof reply.value === "boolean") return [];
  const { value } = reply;
  if (value instanceof Uint8Array) return [value.buffer as ArrayBuffer];
  return [value.privateKey.buffer as ArrayBuffer, value.publicKey.buffer as ArrayBuffer];
}
