/** Locks between processes: one holds a file at a time, and the system lets go for it however it ends. */

import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const SQLITE_BUSY = 5;

/** Another process holds the file. */
export class FileInUseError extends Error {
  override readonly name = "FileInUseError";
}

/**
 * Holds an exclusive lock of SQLite on a file of its own, which is made where it is missing.
 *
 * @param waitMs how long the thread waits for whoever holds it
 * @returns lets go
 * @throws FileInUseError it is held after that time
 */
export function lockFile(path: string, waitMs: number): () => void {
  const database = new DatabaseSync(path, { timeout: waitMs });
  chmodSync(path, 0o600);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw cause;
    throw new FileInUseError(`${path} is held by another process.`, { cause });
  }
  return () => {
    if (database.isOpen) database.close();
  };
}
