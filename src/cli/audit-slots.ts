/** Writer slots of the audit trail: each is a directory of segments that one process at a time may write to. */

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "../base/errors.ts";
import { FileInUseError, lockFile } from "../storage/file-lock.ts";

/** The slot of the process that moves the outbox; workers have 1 and up. */
export const PRIMARY_SLOT = 0;

const LOCK_FILE = "lock.db";
const SLOT_NAME = /^[1-9][0-9]*$/;
/** Workers end as soon as they notice that the process above them has gone, unless they are stopped or busy. */
const WAIT_MS = 5_000;

/** The directory of a slot's segments. */
export function slotDirectory(directory: string, slot: number): string {
  return join(directory, "audit", String(slot));
}

/**
 * Takes a worker's slot for as long as this process lives.
 *
 * @throws OperatorError another process has it and keeps it
 */
export function takeSlot(directory: string, slot: number): void {
  const path = slotDirectory(directory, slot);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  held.push(lock(directory, path));
}

/** What would let go; keeping it keeps the locks. */
const held: (() => void)[] = [];

/**
 * Waits until no worker of an earlier server is left, which may have been killed without them.
 *
 * @throws OperatorError one is left
 */
export function requireNoWorkers(directory: string): void {
  const audit = join(directory, "audit");
  mkdirSync(audit, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(audit)) if (SLOT_NAME.test(name)) lock(directory, join(audit, name))();
}

function lock(directory: string, slotPath: string): () => void {
  try {
    return lockFile(join(slotPath, LOCK_FILE), WAIT_MS);
  } catch (cause) {
    if (!(cause instanceof FileInUseError)) throw cause;
    throw new OperatorError(`A worker of an earlier Keystead server still runs on ${directory}.`, { cause });
  }
}
