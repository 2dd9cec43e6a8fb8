/** `keystead account`: accounts of a store, also while it is served. */

import { systemClock } from "../base/clock.ts";
import { type AccessKey, accountId, newAccount, newAccountId, replaceCredentials } from "./accounts.ts";
import { UsageError } from "./options.ts";
import type { RootKeyOptions } from "./root-keys.ts";
import { withStore } from "./with-store.ts";

/** `account create`: a new account, whose root access key is shown once. */
export async function createAccount(
  options: RootKeyOptions & { readonly account?: string; readonly accountName: string },
): Promise<void> {
  const id = options.account === undefined ? newAccountId() : accountId(options.account);
  await withStore(options, async (parts) => {
    const key = await newAccount(parts, { id, name: options.accountName }, systemClock.now());
    if (key === undefined) throw new UsageError(`The account ${id} exists already.`);
    showAccessKey(id, key);
  });
}

/** `account reset-credentials`: the account's access keys stop working, and a new one is shown once. */
export async function resetCredentials(options: RootKeyOptions & { readonly account: string }): Promise<void> {
  const id = accountId(options.account);
  await withStore(options, async (parts) => {
    const key = await replaceCredentials(parts, id, systemClock.now());
    if (key === undefined) throw new UsageError(`There is no account ${id}.`);
    showAccessKey(id, key);
  });
}

/** Prints an access key, the only time that it is seen. */
export function showAccessKey(id: string, { accessKeyId, secretAccessKey }: AccessKey): void {
  process.stdout.write(
    `Account ${id}; its root access key (shown once):\n  AWS_ACCESS_KEY_ID=${accessKeyId}\n  AWS_SECRET_ACCESS_KEY=${secretAccessKey}\n`,
  );
}
