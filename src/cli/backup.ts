/** `keystead backup` and `keystead export`: a whole store in one sealed file. */

import { unlinkSync } from "node:fs";
import { sql } from "kysely";
import { systemClock } from "../base/clock.ts";
import type { RootKey } from "../custody/root-key.ts";
import { openCustody } from "../custody/software.ts";
import { domainKeyStore } from "../storage/domain-keys.ts";
import { lockDirectory, requireStore } from "../storage/open.ts";
import { listLiveProcesses } from "../storage/recipients.ts";
import type { Snapshot } from "../storage/snapshot.ts";
import { type BackupHeader, writeBackup } from "./backup-file.ts";
import { openSnapshot } from "./open-store.ts";
import { UsageError } from "./options.ts";
import { openRootKey, type RootKeyOptions } from "./root-keys.ts";

interface BackupOptions extends RootKeyOptions {
  readonly to: string;
}

/** Backs up a store, also while it is served. Nothing of the store is changed. */
export async function backup(options: BackupOptions): Promise<void> {
  await using snapshot = await openSnapshot(options);
  const { rows, sizeBytes } = await backUp({ snapshot, rootKey: await openRootKey(options), to: options.to });
  say(`Backed up to ${options.to}`, rows, sizeBytes);
}

/** Writes a store that nobody serves to a file, from which `import` makes it anew. */
export async function exportStore(options: BackupOptions): Promise<void> {
  if (options.database === undefined) requireStore(options.data);
  const release = options.database === undefined ? lockDirectory(options.data) : () => {};
  try {
    await using snapshot = await openSnapshot(options);
    await requireUnserved(snapshot);
    const rootKey = await openRootKey(options);
    const { rows, sizeBytes } = await backUp({ snapshot, rootKey, to: options.to, purpose: "export" });
    await requireUnchanged(snapshot, options);
    say(`Exported to ${options.to}`, rows, sizeBytes);
    process.stdout.write("Don't serve this store any more once the import is served: they would drift apart.\n");
  } finally {
    release();
  }
}

/** A directory is locked; of a database, nodes tell that they live. */
async function requireUnserved({ db, engine }: Snapshot): Promise<void> {
  if (engine === "sqlite") return;
  const processes = await listLiveProcesses(db, systemClock.now());
  const now = sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
  const leases = await db.selectFrom("node_lease").select("node").where("expires_at", ">", now).execute();
  if (processes.length === 0 && leases.length === 0) return;
  const labels = processes.map(({ label }) => label).join("; ") || `${leases.length} processes`;
  throw new UsageError(
    `The store is in use (${labels}). End every node first; one that was killed is forgotten after 20 seconds.`,
  );
}

/** No lock keeps nodes from starting on a database while it is exported, so it is looked at again. */
async function requireUnchanged({ engine, facts }: Snapshot, options: BackupOptions): Promise<void> {
  if (engine === "sqlite") return;
  try {
    await using after = await openSnapshot(options);
    await requireUnserved(after);
    if (after.facts.feedPosition !== facts.feedPosition) {
      throw new UsageError("The store was changed while it was exported. End every node first.");
    }
  } catch (cause) {
    unlinkSync(options.to); // it says less than the store does
    throw cause;
  }
}

/**
 * Writes a backup of a snapshot and reads it back.
 *
 * @param rootKey one of the store's
 * @throws WrongRootKeyError it is not one of the store's
 * @throws BackupFileError the file is there already or can't be written
 */
export async function backUp({
  snapshot,
  rootKey,
  to,
  purpose = "backup",
}: {
  readonly snapshot: Snapshot;
  readonly rootKey: RootKey;
  readonly to: string;
  readonly purpose?: BackupHeader["purpose"];
}) {
  const custody = await openCustody({
    store: snapshotDomainKeys(snapshot),
    rootKeys: [rootKey],
    clock: systemClock,
  });
  try {
    const key = await custody.newBackupKey();
    return await writeBackup({ snapshot, key, rootKey, purpose, path: to, now: systemClock.now() });
  } finally {
    custody.close();
  }
}

/** The domain keys of a snapshot, for a custody that only opens. */
export function snapshotDomainKeys({ db }: Snapshot) {
  const transaction = () => Promise.reject(new Error("A snapshot of a store can't be changed."));
  return domainKeyStore({ db, transaction }, systemClock);
}

function say(what: string, rows: Readonly<Record<string, number>>, sizeBytes: number): void {
  const keys = rows["key"] ?? 0;
  const accounts = rows["account"] ?? 0;
  process.stdout.write(
    `${what}: ${keys} keys, ${accounts} accounts, ${sizeBytes} bytes. It was read back and is whole.\n`,
  );
}
