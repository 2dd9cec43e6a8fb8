/** Processes that hold keys: nobody of the same user may have them handed out by node itself. */

import { UsageError } from "./options.ts";

/**
 * Flags of node: without the first two another process of the same user could have every key handed to it (DESIGN §6); with
 * the others what lives as long as one request is collected before it is moved, and a start moves little (docs/performance.md).
 */
export const NODE_FLAGS: readonly string[] = [
  "--disable-sigusr1",
  "--report-exclude-env",
  "--max-semi-space-size=16",
  "--min-semi-space-size=4",
];

/** Refuses a process that can be inspected, and runs itself anew with the flags that keep it from being so. */
export function requireGuardedProcess(): void {
  const options = process.env["NODE_OPTIONS"];
  if (options !== undefined && options !== "") throw new UsageError("serve does not start with NODE_OPTIONS set.");
  if (process.execArgv.some((argument) => argument.startsWith("--inspect"))) {
    throw new UsageError("serve does not start with --inspect.");
  }
  const missing = NODE_FLAGS.filter((flag) => !process.execArgv.includes(flag));
  if (missing.length === 0) return;
  if (process.execve === undefined) throw new UsageError(`serve has to be run by node ${missing.join(" ")}.`);
  const [, ...script] = process.argv;
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...missing, ...script], process.env);
}
