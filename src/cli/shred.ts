/** `keystead shred`: replaces every root key and domain key, so that older copies of a store open with nothing that is left. */

import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Kysely } from "kysely";
import { type Clock, systemClock } from "../base/clock.ts";
import type { RootKey } from "../custody/root-key.ts";
import { destroyRootKeyFile, readRootKeyFile, takeRootKeyFile } from "../custody/root-key-file.ts";
import { openCustody, type SoftwareCustody } from "../custody/software.ts";
import { addRecipients, domainKeyStore } from "../storage/domain-keys.ts";
import { type LiveProcess, listLiveProcesses, listRecipients, removeRecipients } from "../storage/recipients.ts";
import type { Schema } from "../storage/schema.ts";
import {
  findShred,
  insertShred,
  type KeptVersion,
  requireNoShred,
  type Shred,
  updateShred,
} from "../storage/shreds.ts";
import type { Store } from "../storage/store.ts";
import { backUp } from "./backup.ts";
import { openSnapshot, openStore, requireStoreAt } from "./open-store.ts";
import { UsageError } from "./options.ts";
import { eraseCopies, showRecoveryKey } from "./recipients.ts";
import { resealRows } from "./reseal.ts";
import { databaseOf, openRootKey, type RootKeyOptions, rootKeyPath } from "./root-keys.ts";
import { RootProof } from "./root-proof.ts";
import { requireBackup, requireFree } from "./shred-backup.ts";

/** How long a shred waits for others: a little longer than what was killed is taken for alive. */
const ALONE_MS = 25_000;
const LOOK_MS = 250;
/** What the old root key file is called while it is destroyed. */
const DOOMED = ".shredded";

export interface ShredOptions extends RootKeyOptions {
  readonly newRootKey: string;
  readonly singleRootKey?: boolean;
  /** The file of the backup that takes the place of the older ones. */
  readonly backupTo?: string;
  /** False: none is made. */
  readonly backup?: boolean;
}

/** The backup of a shred. */
export interface ShredBackup {
  /** @throws OperatorError it can't be made where it is to be; asked before anything is changed */
  requirePlace(): void;
  /** Makes it, or finds that an earlier run has. */
  make(rootKey: RootKey, versions: readonly KeptVersion[]): Promise<void>;
}

/** What a shred works with. */
export interface ShredParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly options: ShredOptions;
  /** Whether a lock keeps every server and every other shred away; then those that are noted are dead. */
  readonly isLocked: boolean;
  /** Tells the operator, whole lines. */
  print(text: string | Uint8Array): void;
  /** Writes the backup that takes the place of the older ones, once the store holds nothing old any more. */
  readonly backup?: ShredBackup;
}

/** Shreds the store that the options name, or finishes a shred that was cut off. */
export async function shred(options: ShredOptions): Promise<void> {
  requireStoreAt(options);
  if (resolve(options.newRootKey) === resolve(rootKeyPath(options))) {
    throw new UsageError("The new root key needs a file of its own: --root-key is the old one.");
  }
  const { backupTo: to, backup } = options;
  if ((to === undefined) !== (backup === false)) {
    throw new UsageError(
      "Give --backup-to FILE for the backup that takes the place of the older ones, or --no-backup: those can't be restored any more.",
    );
  }
  const clock = systemClock;
  await using store = await openStore(
    { kind: "serve", directory: options.data, create: false, ...databaseOf(options) },
    { lock: "server", clock },
  );
  await shredStore({
    store,
    clock,
    options,
    isLocked: options.database === undefined,
    ...(to !== undefined && { backup: backupOf(options, to) }),
    print: (text) => void process.stdout.write(text),
  });
}

/** A backup of the store that the options name. */
function backupOf(options: RootKeyOptions, to: string): ShredBackup {
  return {
    requirePlace: () => requireFree(to),
    async make(rootKey, versions) {
      if (existsSync(to)) return await requireBackup(to, rootKey, versions);
      await using snapshot = await openSnapshot(options);
      await backUp({ snapshot, rootKey, to });
      process.stdout.write(`Backed up to ${to}. Older backups can't be restored any more.\n`);
    },
  };
}

/**
 * The steps of a shred, each of which may be the last one that is done: the next call goes on from there.
 *
 * The new root keys open all that is there before the old ones are taken off; new domain keys are sealed to the new ones alone;
 * an old domain key is erased when nothing is sealed under it any more; the old root key file goes last.
 *
 * @throws UsageError other processes have the store open, or the new root key is not that of the shred that was begun
 * @throws SealedRowError a row was altered; nothing is lost, and nothing was destroyed
 */
export async function shredStore(parts: ShredParts): Promise<void> {
  const { store, clock, options, print } = parts;
  const last = await findShred(store.db);
  if (last !== undefined && last.state !== "done" && !existsSync(options.newRootKey)) {
    throw new UsageError("A shred was begun and is not finished: give --new-root-key the file that it was begun with.");
  }
  const newRoot = await takeRootKeyFile(options.newRootKey);
  const isBegun = last?.newRecipients.includes(newRoot.id) === true;
  if (isBegun && last.state === "done") {
    print(`This store has been shredded: root key ${newRoot.id} opens it.\n`);
    return;
  }
  if (!isBegun) {
    if (last !== undefined && last.state !== "done") {
      throw new UsageError("A shred was begun with another new root key: give --new-root-key that file.");
    }
    parts.backup?.requirePlace();
    await begin(parts, newRoot);
  }
  const begun = await findShred(store.db);
  if (begun === undefined) throw new Error("A shred was begun and has left no row");
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys: [newRoot], clock });
  const proof = await RootProof.begin({
    store,
    recipients: custody.recipients,
    clock,
    kind: "shred",
  });
  try {
    if (begun.state === "sealing") await replaceDomainKeys({ ...parts, custody, proof, begun });
    await parts.backup?.make(newRoot, begun.versions);
    await destroyOldRoot(parts, begun);
    await store.transaction((tx) => updateShred(tx, "done", clock.now()));
    printWhatIsLeft(parts, begun, newRoot);
  } finally {
    await proof.close();
    custody.close();
  }
}

/** Adds the new root keys and notes what is to be done, in one transaction. From here on nobody else opens the store. */
async function begin(parts: ShredParts, newRoot: RootKey): Promise<void> {
  const { store, clock, options } = parts;
  const rows = domainKeyStore(store, clock);
  const custody = await openCustody({
    rootKeys: [await openRootKey(options)],
    clock,
    store: {
      ...rows,
      addRecipients: (recipients, keys) =>
        store.transaction(async (tx) => {
          const oldRecipients = (await listRecipients(tx.db)).map(({ id, kind }) => ({ id, kind }));
          const now = clock.now();
          if (!(await addRecipients(tx, { recipients, keys, now }))) return false;
          await requireNoShred(tx.db);
          await requireAlone(tx.db, parts);
          const newRecipients = recipients.map(({ id }) => id);
          await insertShred(tx, { newRecipients, oldRecipients, versions: nextVersions(keys) }, now);
          return true;
        }),
    },
  });
  try {
    await waitUntilAlone(parts);
    if ((await listRecipients(store.db)).some(({ id }) => id === newRoot.id)) {
      throw new UsageError(`Root key ${newRoot.id} opens this store already: name a file that is not there yet.`);
    }
    await custody.recipients.verify();
    const recovery = options.singleRootKey === true ? [] : [showRecoveryKey(parts.print)];
    await custody.recipients.add([newRoot, ...recovery]);
  } finally {
    custody.close();
  }
}

/** Waits until nobody else has the store open; what was killed is forgotten by then. */
async function waitUntilAlone(parts: ShredParts, but?: RootProof): Promise<void> {
  const until = parts.clock.now() + ALONE_MS;
  while (parts.clock.now() < until && (await listOthers(parts.store.db, parts, but)).length > 0) await wait(LOOK_MS);
  await requireAlone(parts.store.db, parts, but);
}

async function requireAlone(db: Kysely<Schema>, parts: ShredParts, but?: RootProof): Promise<void> {
  const others = await listOthers(db, parts, but);
  if (others.length === 0) return;
  const labels = others.map(({ label }) => label).join("; ");
  throw new UsageError(`The store can't be shredded while others have it open: ${labels}.`);
}

async function listOthers(
  db: Kysely<Schema>,
  { clock, isLocked }: ShredParts,
  but?: RootProof,
): Promise<LiveProcess[]> {
  const processes = await listLiveProcesses(db, clock.now());
  return processes.filter(({ process, kind }) => process !== but?.process && (kind === "command" || !isLocked));
}

/** Of each domain key the version after its newest. */
function nextVersions(keys: readonly KeptVersion[]): readonly KeptVersion[] {
  const byName = Map.groupBy(keys, ({ purpose, region }) => `${purpose}/${region}`);
  return [...byName.values()].flatMap((versions) => {
    const [newest] = versions.toSorted((left, right) => right.version - left.version);
    return newest === undefined ? [] : [{ ...keyOf(newest), version: newest.version + 1 }];
  });
}

function keyOf({ region, purpose }: KeptVersion): Pick<KeptVersion, "region" | "purpose"> {
  return { region, purpose };
}

interface Begun extends ShredParts {
  readonly custody: SoftwareCustody;
  readonly proof: RootProof;
  readonly begun: Shred;
}

async function replaceDomainKeys({ custody, proof, begun, ...parts }: Begun): Promise<void> {
  const { store, clock, print } = parts;
  await waitUntilAlone(parts, proof);
  await custody.recipients.verify();
  await removeOldRecipients(store, clock, begun);
  for (const kept of begun.versions) await custody.recipients.renew(keyOf(kept), kept.version);
  let rows = 0;
  // The pass that finds nothing is the proof that nothing old is left.
  for (let sealed = -1; sealed !== 0; rows += sealed) sealed = await resealRows({ store, custody, begun });
  await custody.recipients.resealStoreRows();
  for (const kept of begun.versions) await custody.recipients.eraseBefore(keyOf(kept), kept.version);
  await custody.recipients.verify();
  if (!(await eraseCopies(store))) {
    throw new UsageError("The old domain keys are still in the write-ahead log, which somebody reads: run this again.");
  }
  await store.transaction((tx) => updateShred(tx, "sealed", clock.now()));
  print(`${rows} secrets were sealed anew under ${begun.versions.length} new domain keys.\n`);
}

async function removeOldRecipients(store: Store, clock: Clock, { oldRecipients }: Shred): Promise<void> {
  await store.transaction(async (tx) => {
    const there = (await listRecipients(tx.db)).map(({ id }) => id);
    const ids = oldRecipients.map(({ id }) => id).filter((id) => there.includes(id));
    if (ids.length === 0) return;
    const removal = await removeRecipients(tx, { ids, leastLeft: 1, now: clock.now() });
    if (removal.kind !== "removed") throw new Error(`The old root keys could not be removed: ${removal.kind}`);
  });
}

/** Destroys the file of the old root key, under another name, by which it is known when this is cut off. */
async function destroyOldRoot({ options }: ShredParts, { oldRecipients }: Shred): Promise<void> {
  if (options.rootKeyCredential !== undefined) return;
  const path = rootKeyPath(options);
  if (existsSync(path)) {
    const { id } = await readRootKeyFile(path);
    if (!oldRecipients.some((old) => old.id === id)) return;
    await rename(path, path + DOOMED);
  }
  if (existsSync(path + DOOMED)) await destroyRootKeyFile(path + DOOMED);
}

function printWhatIsLeft({ options, print }: ShredParts, { oldRecipients }: Shred, newRoot: RootKey): void {
  if (options.rootKeyCredential === undefined && !existsSync(rootKeyPath(options)))
    print(`The root key file ${rootKeyPath(options)} was overwritten and removed.\n`);
  print(`Root key ${newRoot.id} opens the store now: give serve --root-key ${options.newRootKey}.\n`);
  print("Older copies of the store open with its old root keys alone. Destroy every copy of these that is left:\n");
  for (const { id, kind } of oldRecipients) print(`  ${id} (${kind})\n`);
  print("Sessions, import tokens and pagination markers from before are refused; access keys and ciphertexts go on.\n");
}
