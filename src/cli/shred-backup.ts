/** The backup that a shred makes: one that is there already counts only when it is whole and holds nothing old. */

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { RootKey } from "../custody/root-key.ts";
import type { KeptVersion } from "../storage/shreds.ts";
import { BackupFileError, openBackup } from "./backup-file.ts";

/** @throws BackupFileError the file is there already, or there is no such folder */
export function requireFree(path: string): void {
  if (existsSync(path)) throw new BackupFileError(`${path} exists already and is left as it is.`);
  if (!existsSync(dirname(resolve(path))))
    throw new BackupFileError(`${path} can't be written: its folder is not there.`);
}

/**
 * Reads a backup to its end.
 *
 * @param versions of each domain key the first one that may be in it
 * @throws BackupFileError it is damaged, or was made before the old domain keys were erased
 * @throws WrongRootKeyError it is sealed to other root keys
 */
export async function requireBackup(path: string, rootKey: RootKey, versions: readonly KeptVersion[]): Promise<void> {
  const first = new Map(versions.map(({ region, purpose, version }) => [`${purpose}/${region}`, version]));
  await using backup = await openBackup(path, rootKey);
  for await (const { table, rows } of backup.batches()) {
    if (table.name !== "domain_key") continue;
    for (const row of rows) {
      const [region, purpose, version] = ["region", "purpose", "version"].map(
        (name) => row[table.columns.indexOf(name)],
      );
      if (Number(version) >= (first.get(`${purpose}/${region}`) ?? 0)) continue;
      throw new BackupFileError(`${path} holds domain keys that are shredded: it was made before this shred.`);
    }
  }
}
