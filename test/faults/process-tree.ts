/** Which processes a server consists of, and when they are gone (Linux: `/proc`). */

import { readFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";

const POLL_MS = 5;

/** The child processes of a process; none when it is gone. */
export function childrenOf(pid: number | undefined): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Whether a process is running or stopped; one that waits to be reaped is not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Resolves when all of these processes are gone. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await after(POLL_MS);
}
