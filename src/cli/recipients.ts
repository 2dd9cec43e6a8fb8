/** `keystead recipients`: the root keys that open a store, also while it is served (DESIGN §6, root rotation). */

import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../base/clock.ts";
import { createRecoveryKey, type RootKey } from "../custody/root-key.ts";
import { readSystemdCredential, takeRootKeyFile } from "../custody/root-key-file.ts";
import { listLiveProcesses, listRecipients, type Removal, removeRecipients } from "../storage/recipients.ts";
import type { Store } from "../storage/store.ts";
import { openStore, requireStoreAt } from "./open-store.ts";
import { UsageError } from "./options.ts";
import { databaseOf, type RootKeyOptions } from "./root-keys.ts";
import { withStore } from "./with-store.ts";

/** How often a removal that waits for processes looks again. */
const LOOK_MS = 250;
/** How often a write-ahead log that somebody reads is tried again; each try waits a quarter of a second. */
const ERASE_TRIES = 8;

/** `recipients list`: every root key by its id, oldest first, and who has opened the store with it. */
export async function listRootKeys(options: Pick<RootKeyOptions, "data" | "database">): Promise<void> {
  requireStoreAt(options);
  const clock = systemClock;
  await using store = await openStore(
    { kind: "serve", directory: options.data, create: false, ...databaseOf(options) },
    { lock: "tool", clock },
  );
  const processes = await listLiveProcesses(store.db, clock.now());
  for (const { id, kind, created_at } of await listRecipients(store.db)) {
    const holders = processes.filter(({ recipients }) => recipients.includes(id)).map(({ label }) => label);
    const added = new Date(created_at).toISOString();
    process.stdout.write(`${id}  ${kind.padEnd(8)}  ${added}  ${holders.join("; ") || "-"}\n`);
  }
}

interface AddOptions extends RootKeyOptions {
  readonly newRootKey?: string;
  readonly newRootKeyCredential?: string;
  readonly newRecoveryKey?: boolean;
}

/** `recipients add`: one more root key opens the store from then on. */
export async function addRootKey(options: AddOptions): Promise<void> {
  const { newRootKey, newRootKeyCredential, newRecoveryKey } = options;
  if ([newRootKey, newRootKeyCredential, newRecoveryKey].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError("Give one of --new-root-key, --new-root-key-credential and --new-recovery-key.");
  }
  await withStore(options, async ({ store, custody }) => {
    const added = await newRootKeyOf(options);
    const there = await listRecipients(store.db);
    if (there.some(({ id }) => id === added.id)) {
      process.stdout.write(`Root key ${added.id} opens this store already.\n`);
      return;
    }
    await custody.recipients.add([added]);
    await custody.recipients.verify();
    process.stdout.write(`Root key ${added.id} (${added.kind}) opens this store from now on.\n`);
  });
}

function newRootKeyOf({ newRootKey, newRootKeyCredential }: AddOptions): Promise<RootKey> | RootKey {
  if (newRootKey !== undefined) return takeRootKeyFile(newRootKey);
  if (newRootKeyCredential !== undefined) {
    return readSystemdCredential(newRootKeyCredential, process.env["CREDENTIALS_DIRECTORY"]);
  }
  return showRecoveryKey((text) => void process.stdout.write(text));
}

/** Makes a recovery key and shows it, before anything is sealed to it: one that nobody has seen must open nothing. */
export function showRecoveryKey(print: (text: string | Uint8Array) => void): RootKey {
  const { rootKey, text: secret } = createRecoveryKey();
  using text = secret;
  print("Recovery key (shown once; keep it offline, it opens everything):\n");
  print(text.bytes);
  print("\n");
  return rootKey;
}

interface RemoveOptions extends RootKeyOptions {
  /** Seconds. */
  readonly wait: number;
  readonly singleRootKey?: boolean;
}

/** `recipients remove`: a root key opens the store no more, once every live process has shown that it needs it no more. */
export async function removeRootKey(id: string, options: RemoveOptions): Promise<void> {
  await withStore(options, async ({ store, custody, clock }) => {
    if ((await custody.recipients.held()).includes(id)) {
      throw new UsageError(`Root key ${id} is the one that this command was given: give it one that stays.`);
    }
    await custody.recipients.verify([id]);
    const leastLeft = options.singleRootKey === true ? 1 : 2;
    const remove = (): Promise<Removal> =>
      store.transaction((tx) => removeRecipients(tx, { ids: [id], leastLeft, now: clock.now() }));
    const until = clock.now() + options.wait * 1000;
    let removal = await remove();
    while (removal.kind === "in-use" && clock.now() < until) {
      await wait(LOOK_MS);
      removal = await remove();
    }
    requireRemoved(id, removal);
    process.stdout.write(
      `Root key ${id} does not open this store any more. Older copies of the store it still opens.\n`,
    );
    if (!(await eraseCopies(store))) {
      process.stderr.write(
        "keystead: the copies that were sealed to it are still in the write-ahead log, which somebody reads; they go with the next checkpoint.\n",
      );
    }
  });
}

function requireRemoved(id: string, removal: Removal): void {
  switch (removal.kind) {
    case "removed":
      return;
    case "unknown":
      throw new UsageError(`There is no root key ${id}: \`keystead recipients list\` shows those that there are.`);
    case "too-few":
      throw new UsageError(
        removal.left === 0
          ? `Root key ${id} is the only one: without it nothing opens this store.`
          : "One root key would be left, and losing it would be losing everything: add another first, or give --single-root-key.",
      );
    default: {
      const names = removal.processes.map(({ label }) => label).join("; ");
      throw new UsageError(`Root key ${id} is the only one that these processes have opened the store with: ${names}.`);
    }
  }
}

/** Takes erased rows out of the write-ahead log; false when somebody goes on reading it. */
export async function eraseCopies(store: Store): Promise<boolean> {
  for (let tries = 0; tries < ERASE_TRIES; tries += 1) if (await store.truncateLog()) return true;
  return false;
}
