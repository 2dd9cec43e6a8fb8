/** How SQLite connections are opened: the settings on which durability and deletion rest. */

import { DatabaseSync } from "node:sqlite";

/** How long the writer waits for another process's transaction; it waits in a thread of its own. */
const WRITER_WAIT_MS = 10_000;
/** Readers wait only while another process recovers the log after a crash. */
const READER_WAIT_MS = 1_000;
/** The write-ahead log shrinks back to this size after it has grown. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Opens a connection that may write: every commit reaches the disk, and deleted rows are overwritten with zeros.
 *
 * @param path of the database file, or `:memory:`
 * @throws Error with `errcode` 26 when the file is no database
 */
export function openWriter(path: string): DatabaseSync {
  return open(
    path,
    WRITER_WAIT_MS,
    `PRAGMA secure_delete = ON;
     PRAGMA synchronous = FULL;
     PRAGMA journal_size_limit = ${LOG_BYTES_MAX};
     PRAGMA temp_store = MEMORY;
     PRAGMA trusted_schema = OFF;
     PRAGMA cell_size_check = ON;`,
  );
}

/** Opens a connection that can only read. Statements run to their end, so it is never in a transaction. */
export function openReader(path: string): DatabaseSync {
  return open(path, READER_WAIT_MS, "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;");
}

function open(path: string, timeout: number, settings: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout, enableForeignKeyConstraints: false });
  try {
    database.exec(settings);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}
