/** What workers and the process that holds the writer say to each other of write transactions. */

import type { Answer } from "./statements.ts";

/** Messages both ways between two processes of one server. They arrive in their order, or the channel ends. */
export interface Channel<Sent, Received> {
  send(message: Sent): void;
  onMessage(listener: (message: Received) => void): void;
  /** Called once, when the other process has gone. */
  onEnd(listener: () => void): void;
}

/** A failure on its way to another process: errors lose their class there. */
export interface Fault {
  readonly message: string;
  /** SQLite's extended result code, where it was SQLite that failed. */
  readonly errcode?: number;
}

/**
 * From a worker; `id` numbers its transactions.
 *
 * - `begin` asks for a turn, which `granted` answers;
 * - `execute` runs a statement in it, the worker's `statement`th one;
 * - `end` ends it, to be undone where it failed; `outcome` answers once the commit is over;
 * - `truncate` asks to empty the write-ahead log.
 */
export type FromWorker =
  | { readonly do: "begin" | "truncate"; readonly id: number }
  | {
      readonly do: "execute";
      readonly id: number;
      readonly statement: number;
      readonly sql: string;
      readonly parameters: readonly unknown[];
    }
  | { readonly do: "end"; readonly id: number; readonly failed: boolean };

/** To a worker. Without a `fault` it went well. */
export type ToWorker =
  | { readonly do: "granted"; readonly id: number }
  | { readonly do: "answer"; readonly id: number; readonly statement: number; readonly answer: Answer }
  | { readonly do: "failure"; readonly id: number; readonly statement: number; readonly fault: Fault }
  | { readonly do: "outcome"; readonly id: number; readonly fault?: Fault }
  | { readonly do: "truncated"; readonly id: number; readonly done: boolean; readonly fault?: Fault };

/** A worker's end. */
export type WorkerChannel = Channel<FromWorker, ToWorker>;

/** The end of the process that holds the writer. */
export type PrimaryChannel = Channel<ToWorker, FromWorker>;

/** An error as it is told to another process. */
export function faultOf(cause: unknown): Fault {
  const { message, errcode } = cause as { message?: unknown; errcode?: unknown };
  const text = typeof message === "string" ? message : "A transaction failed.";
  return typeof errcode === "number" ? { message: text, errcode } : { message: text };
}
