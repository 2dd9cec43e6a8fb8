/** `keystead restore` and `keystead import`: a store made anew of a file. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { outboxRecorder } from "../audit/recorder.ts";
import type { TrailEvent } from "../audit/trail.ts";
import { systemClock } from "../base/clock.ts";
import type { RootKey } from "../custody/root-key.ts";
import { openCustody } from "../custody/software.ts";
import { disableWhenRestored } from "../kms/restored-keys.ts";
import { domainKeyStore } from "../storage/domain-keys.ts";
import { SCHEMA_VERSION } from "../storage/migrations.ts";
import { DATABASE_FILE, lockDirectory, openFileStore, requirePrivate, syncNames } from "../storage/open.ts";
import { UnknownTableError } from "../storage/snapshot.ts";
import { openSqliteLoader } from "../storage/sqlite-loader.ts";
import type { Store } from "../storage/store.ts";
import { BackupFileError, type BackupHeader, type OpenedBackup, openBackup } from "./backup-file.ts";
import { makeDirectory, UsageError } from "./options.ts";
import { readChanges, reapply, type TrailOutcome } from "./restore-trail.ts";
import { openRootKey, type RootKeyOptions } from "./root-keys.ts";

interface ImportOptions extends RootKeyOptions {
  readonly from: string;
}

interface RestoreOptions extends ImportOptions {
  readonly audit?: readonly string[];
  readonly acceptResurrection?: boolean;
}

/** Where a store is while it is being made; nobody takes that for a store. */
const UNFINISHED = "restoring";
/** What an empty place may hold. */
const ALLOWED: ReadonlySet<string> = new Set(["root.key", "lock.db", "lock.db-journal", UNFINISHED]);
/** How long an export can be imported: later it says too little of what the store has become. */
const EXPORT_HOURS_MAX = 24;
const HOUR_MS = 3_600_000;

/** Restores a backup into an empty place, and makes again what was destroyed and revoked since. */
export async function restore(options: RestoreOptions): Promise<void> {
  const { audit, acceptResurrection = false } = options;
  if (acceptResurrection === (audit !== undefined)) {
    throw new UsageError(
      "Give the audit records of after the backup with --audit, or --accept-resurrection: without them, what was deleted and revoked since comes back, and every customer key is left disabled.",
    );
  }
  const rootKey = await openRootKey(options);
  await using backup = await openBackup(options.from, rootKey);
  const events = audit === undefined ? undefined : await readChanges(audit, backup.header);
  const now = systemClock.now();
  await make(options.data, { backup, rootKey, now }, async (store) => {
    if (events !== undefined) {
      tellOutcome(await reapply(store, events, now));
      return;
    }
    const keys = await disableWhenRestored(store, { recorder: outboxRecorder(), now });
    process.stdout.write(
      `${keys} customer keys were left disabled, and no deletion is pending: enable what may be used.\n`,
    );
  });
  tellDone(options, backup.header, "Restored");
  process.stdout.write(
    "Access keys of root users are those of the backup: where one was replaced since, run `keystead account reset-credentials`.\n",
  );
}

/** Makes a store of an export: the same store, elsewhere. */
export async function importStore(options: ImportOptions): Promise<void> {
  const rootKey = await openRootKey(options);
  await using backup = await openBackup(options.from, rootKey);
  const { purpose, madeAt } = backup.header;
  const now = systemClock.now();
  if (purpose !== "export") throw new UsageError(`${options.from} is a backup: \`keystead restore\` restores it.`);
  if (now - Date.parse(madeAt) > EXPORT_HOURS_MAX * HOUR_MS) {
    throw new UsageError(`${options.from} is older than ${EXPORT_HOURS_MAX} hours: \`keystead restore\` restores it.`);
  }
  await make(options.data, { backup, rootKey, now }, async () => {});
  tellDone(options, backup.header, "Imported");
}

interface Source {
  readonly backup: OpenedBackup;
  readonly rootKey: RootKey;
  readonly now: number;
}

/** Makes a store beside its place, has `finish` work on it, and puts it in its place as a whole. */
async function make(directory: string, source: Source, finish: (store: Store) => Promise<void>): Promise<void> {
  requireReadable(source.backup.header);
  makeDirectory(directory);
  requirePrivate(directory);
  const release = lockDirectory(directory);
  const unfinished = join(directory, UNFINISHED);
  try {
    requireEmpty(directory);
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: 0o700 });
    await load(join(unfinished, DATABASE_FILE), source);
    await open(unfinished, source, finish);
    if (existsSync(join(unfinished, `${DATABASE_FILE}-wal`))) throw new Error("The restored store was not closed.");
    renameSync(join(unfinished, DATABASE_FILE), join(directory, DATABASE_FILE));
    syncNames(directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
    release();
  }
}

async function load(path: string, { backup, now }: Source): Promise<void> {
  await using loader = openSqliteLoader(path, backup.header.store, now);
  try {
    for await (const { table, rows } of backup.batches()) await loader.insert(table, rows);
    await loader.complete();
  } catch (cause) {
    if (cause instanceof UnknownTableError) throw new BackupFileError(cause.message, { cause });
    throw cause;
  }
}

/** Opens the store as a server would: its root key has to open it. */
async function open(directory: string, { backup, rootKey, now }: Source, finish: (store: Store) => Promise<void>) {
  const { kind } = backup.header.store;
  const clock = { now: () => now };
  await using store = await openFileStore({ directory, kind, create: false, lock: "server", clock });
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys: [rootKey], clock });
  try {
    await finish(store);
  } finally {
    custody.close();
  }
}

function requireReadable({ store: { minimumReader, schemaVersion } }: BackupHeader): void {
  if (minimumReader <= SCHEMA_VERSION && schemaVersion <= SCHEMA_VERSION) return;
  throw new UsageError(
    `The backup was written by a newer version of Keystead (schema ${schemaVersion}; this one knows up to ${SCHEMA_VERSION}).`,
  );
}

function requireEmpty(directory: string): void {
  const found = readdirSync(directory).filter((name) => !ALLOWED.has(name));
  if (found.length === 0) return;
  throw new UsageError(
    `${directory} is not empty (${found.slice(0, 5).join(", ")}): a store is made in an empty place only.`,
  );
}

function tellDone({ data }: ImportOptions, { store, madeAt }: BackupHeader, what: string): void {
  process.stdout.write(
    `${what} store ${store.id}, as it was at ${madeAt}, into ${data}. Sessions of before are not accepted.\n`,
  );
}

function tellOutcome({ reapplied, toReview, lost }: TrailOutcome): void {
  tell("Made again, as it happened since the backup", reapplied);
  tell("NOT made again, and may have taken access away: look at each", toReview);
  tell("Made since the backup, and not in it", lost);
}

function tell(title: string, events: readonly TrailEvent[]): void {
  process.stdout.write(`${title}: ${events.length}\n`);
  for (const { time, service, name, account, region, principal, resources, request, eventId } of events) {
    const about = resources.length > 0 ? resources.join(" ") : JSON.stringify(request).slice(0, 300);
    const who = principal === "" ? "" : ` by ${principal}`;
    process.stdout.write(
      `  ${new Date(time).toISOString().slice(0, 19)}Z ${service}:${name} ${account} ${region} ${about}${who} (event ${eventId})\n`,
    );
  }
}
