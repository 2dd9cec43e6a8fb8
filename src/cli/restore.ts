/** `keystead restore` and `keystead import`: a store made anew of a file. */

import { outboxRecorder } from "../audit/recorder.ts";
import type { TrailEvent } from "../audit/trail.ts";
import { systemClock } from "../base/clock.ts";
import type { RootKey } from "../custody/root-key.ts";
import { openCustody } from "../custody/software.ts";
import { disableWhenRestored } from "../kms/restored-keys.ts";
import { domainKeyStore } from "../storage/domain-keys.ts";
import { SCHEMA_VERSION } from "../storage/migrations.ts";
import { UnknownTableError } from "../storage/snapshot.ts";
import type { Store } from "../storage/store.ts";
import { BackupFileError, type BackupHeader, type OpenedBackup, openBackup } from "./backup-file.ts";
import { UsageError } from "./options.ts";
import { type NewPlace, takePlace } from "./restore-places.ts";
import { readChanges, reapply, type TrailOutcome } from "./restore-trail.ts";
import { openRootKey, type RootKeyOptions } from "./root-keys.ts";

interface ImportOptions extends RootKeyOptions {
  readonly from: string;
}

interface RestoreOptions extends ImportOptions {
  readonly audit?: readonly string[];
  readonly acceptResurrection?: boolean;
}

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
  await make(options, { backup, rootKey, now }, async (store) => {
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
  await make(options, { backup, rootKey, now }, async () => {});
  tellDone(options, backup.header, "Imported");
}

interface Source {
  readonly backup: OpenedBackup;
  readonly rootKey: RootKey;
  readonly now: number;
}

/** Makes a store beside its place, has `finish` work on it, and puts it in its place as a whole. */
async function make(options: ImportOptions, source: Source, finish: (store: Store) => Promise<void>): Promise<void> {
  requireReadable(source.backup.header);
  await using place = await takePlace(options);
  await load(place, source);
  await open(place, source, finish);
  await place.finish();
}

async function load(place: NewPlace, { backup, now }: Source): Promise<void> {
  await using loader = await place.openLoader(backup.header.store, now);
  try {
    for await (const { table, rows } of backup.batches()) await loader.insert(table, rows);
    await loader.complete();
  } catch (cause) {
    if (cause instanceof UnknownTableError) throw new BackupFileError(cause.message, { cause });
    throw cause;
  }
}

/** Opens the store as a server would: its root key has to open it. */
async function open(place: NewPlace, { backup, rootKey, now }: Source, finish: (store: Store) => Promise<void>) {
  const clock = { now: () => now };
  await using store = await place.openStore(backup.header.store.kind, clock);
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

function tellDone({ data, database }: ImportOptions, { store, madeAt }: BackupHeader, what: string): void {
  process.stdout.write(
    `${what} store ${store.id}, as it was at ${madeAt}, into ${database === undefined ? data : "the database"}. Sessions of before are not accepted.\n`,
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
