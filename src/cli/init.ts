/** `keystead init`: a new store for `serve`. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { createRecoveryKey } from "../custody/root-key.ts";
import { createRootKeyFile } from "../custody/root-key-file.ts";
import { openCustody } from "../custody/software.ts";
import { domainKeyStore } from "../storage/domain-keys.ts";
import { requirePrivate } from "../storage/open.ts";
import { showAccessKey } from "./account.ts";
import { accountId, newAccount, newAccountId } from "./accounts.ts";
import { openStore } from "./open-store.ts";
import { makeDirectory, UsageError } from "./options.ts";
import { databaseOf, openRootKey, type RootKeyOptions, rootKeyPath } from "./root-keys.ts";

interface InitOptions extends RootKeyOptions {
  readonly account?: string;
  readonly accountName: string;
  readonly singleRootKey?: boolean;
}

/** Makes root key, recovery key, database and first account, and shows what is shown once. Refuses a directory in use. */
export async function init(options: InitOptions): Promise<void> {
  const id = options.account === undefined ? newAccountId() : accountId(options.account);
  await requireNoStore(options);
  makeDirectory(options.data);
  requirePrivate(options.data);
  const rootKey =
    options.rootKeyCredential === undefined
      ? await createRootKeyFile(rootKeyPath(options))
      : await openRootKey(options);
  const recovery = options.singleRootKey === true ? undefined : createRecoveryKey();
  const clock = systemClock;
  await using store = await openStore(
    { kind: "serve", directory: options.data, create: true, ...databaseOf(options) },
    { lock: "server", clock },
  );
  const custody = await openCustody({
    store: domainKeyStore(store, clock),
    rootKeys: recovery === undefined ? [rootKey] : [rootKey, recovery.rootKey],
    clock,
    singleRootKey: recovery === undefined,
  });
  const accessKey = await newAccount({ store, custody }, { id, name: options.accountName }, clock.now());
  if (accessKey === undefined) throw new UsageError(`The account ${id} exists already.`);
  process.stdout.write(`Store made in ${options.database === undefined ? options.data : "the database"}.\n`);
  if (options.rootKeyCredential === undefined) process.stdout.write(`Root key: ${rootKeyPath(options)}\n`);
  if (recovery !== undefined) {
    using text = recovery.text;
    process.stdout.write("Recovery key (shown once; keep it offline, it opens everything):\n");
    process.stdout.write(text.bytes);
    process.stdout.write("\n");
  }
  showAccessKey(id, accessKey);
  custody.close();
}

/** @throws UsageError the directory or the database is in use */
async function requireNoStore({ data, database }: InitOptions): Promise<void> {
  if (existsSync(join(data, "keystead.db"))) throw new UsageError(`${data} holds a Keystead store already.`);
  if (database === undefined) return;
  const { hasPostgresStore } = await import("../storage/open-postgres.ts");
  if (await hasPostgresStore(database)) throw new UsageError("The database holds a Keystead store already.");
}
