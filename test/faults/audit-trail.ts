/** Everything that a data directory's audit trail holds: records in segments, and those that still wait in the outbox. */

import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readSegments } from "../../src/audit/segment-files.ts";

export type AuditRecord = Readonly<Record<string, unknown>>;

export interface AuditTrail {
  /** In the order of writing; a record that lies there twice is here twice. */
  readonly inSegments: readonly AuditRecord[];
  readonly inOutbox: readonly AuditRecord[];
}

/** Reads a directory that no server is writing to. @throws Error when a segment is damaged before its end */
export async function readTrail(directory: string): Promise<AuditTrail> {
  const inSegments: AuditRecord[] = [];
  for (const folder of segmentFolders(directory)) {
    for await (const { record } of readSegments(folder)) inSegments.push(record);
  }
  return { inSegments, inOutbox: outboxOf(directory) };
}

/** The folders below `audit/` that hold segments. */
export function segmentFolders(directory: string): readonly string[] {
  const audit = join(directory, "audit");
  if (!existsSync(audit)) return [];
  return [...new Set(globSync("**/*.seg", { cwd: audit }).map((file) => dirname(join(audit, file))))].sort();
}

function outboxOf(directory: string): readonly AuditRecord[] {
  using database = new DatabaseSync(join(directory, "keystead.db"), { readOnly: true });
  return database
    .prepare("SELECT record FROM outbox ORDER BY sequence")
    .all()
    .map(({ record }) => JSON.parse(String(record)) as AuditRecord);
}
