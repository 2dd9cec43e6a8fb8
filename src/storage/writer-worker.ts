/** The writer's own thread: it alone waits for locks and for the disk. Imports no more than it needs: it is start-up time. */

import { parentPort, workerData } from "node:worker_threads";
import { openWriter } from "./connections.ts";
import type { Answer } from "./statements.ts";
import { type Step, Writer } from "./writer.ts";

/** From the store to the writer. */
export type WriterRequest =
  | { readonly kind: "run"; readonly id: number; readonly steps: readonly Step[] }
  | { readonly kind: "close" };

/** From the writer to the store; errors lose their class on the way. */
export type WriterReply =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  | { readonly kind: "error"; readonly id: number; readonly message: string; readonly errcode: number | undefined };

const port = parentPort;
if (port === null) throw new Error("The writer runs in a worker thread only.");
const database = openWriter(String((workerData as { path: unknown }).path));
const writer = new Writer(database);

port.on("message", (request: WriterRequest) => {
  if (request.kind === "close") {
    database.close();
    port.close();
    return;
  }
  port.postMessage(perform(request.id, request.steps));
});
port.postMessage({ kind: "ready" } satisfies WriterReply);

function perform(id: number, steps: readonly Step[]): WriterReply {
  try {
    return { kind: "answer", id, answer: writer.run(steps) };
  } catch (cause) {
    const { message, errcode } = cause as { message: string; errcode?: number };
    return { kind: "error", id, message, errcode };
  }
}
