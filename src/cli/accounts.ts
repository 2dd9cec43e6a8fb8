/** Accounts and the root access keys that open them. */

import { randomInt, randomUUID } from "node:crypto";
import { findPartition } from "../base/arn.ts";
import { type AccountId, asAccountId } from "../base/ids.ts";
import type { Custody } from "../custody/custody.ts";
import { identityArn, newAccessKeyId, newSecretAccessKey } from "../identity/credentials.ts";
import { insertAccount } from "../storage/accounts.ts";
import { deleteCredential, deleteRootCredentials, insertCredential } from "../storage/credentials.ts";
import type { IdentityRow } from "../storage/identity-schema.ts";
import type { CredentialRow } from "../storage/schema.ts";
import type { Store, Tx } from "../storage/store.ts";
import { UsageError } from "./options.ts";

/** An access key in the clear, on its way in (dev, seeds) or out (shown once). */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Parts {
  readonly store: Store;
  readonly custody: Custody;
}

/** The account of `keystead dev`, whose access key everybody knows. */
export const DEV_ACCOUNT = {
  id: "111122223333" as AccountId,
  name: "dev",
  credential: {
    accessKeyId: "AKIAKEYSTEADDEVELOPR",
    secretAccessKey: "keystead/dev/secret/not/for/production/0",
  },
};

/** Root principals are written in the `aws` partition; the partition of a call is that of its Region. */
const HOME_PARTITION = findPartition("us-east-1") ?? "aws";

/** Parses an account id given by the operator. */
export function accountId(text: string): AccountId {
  const id = asAccountId(text);
  if (id === undefined) throw new UsageError(`An account id has 12 digits, not '${text}'.`);
  return id;
}

/** A random account id without a leading zero. */
export function newAccountId(): AccountId {
  return accountId(String(randomInt(100_000_000_000, 200_000_000_000)));
}

/** Sees to it that an account is there with this root access key and secret, whatever was there under its id. */
export async function ensureAccount(
  { store, custody }: Parts,
  account: { readonly id: string; readonly name: string; readonly credential: AccessKey },
  now: number,
): Promise<void> {
  const { id, name, credential } = account;
  const row = await sealedCredential(custody, id, credential, now);
  await store.transaction(async (tx) => {
    await addAccount(tx, { id, name }, now);
    await putCredential(tx, row);
  });
}

/** Sees to it that an account is there, whether or not its root user has access keys. */
export async function addAccount(
  tx: Tx,
  { id, name }: { readonly id: string; readonly name: string },
  now: number,
): Promise<void> {
  const found = await tx.settle((reader) => reader.find("account", id));
  if (found === undefined) await insertAccount(tx, { id, name, created_at: now });
}

/** Sees to it that a user has this access key and secret. */
export async function ensureUserKey(
  { store, custody }: Parts,
  user: IdentityRow,
  key: AccessKey,
  now: number,
): Promise<void> {
  const row = await sealedCredential(custody, user.account, key, now);
  const principal_arn = identityArn(user, HOME_PARTITION);
  await store.transaction((tx) => putCredential(tx, { ...row, principal_arn, user_id: user.unique_id }));
}

/** Puts an access key in place of the one of its id, which may not be another account's. */
async function putCredential(tx: Tx, row: CredentialRow): Promise<void> {
  const found = await tx.settle((reader) => reader.find("credential", row.access_key_id));
  if (found !== undefined && found.account !== row.account) {
    throw new UsageError(`The access key id ${row.access_key_id} belongs to another account.`);
  }
  if (found !== undefined) await deleteCredential(tx, row.access_key_id);
  await insertCredential(tx, row);
}

/** Makes an account with a new root access key. Returns undefined, with nothing changed, when the id is taken. */
export async function newAccount(
  parts: Parts,
  account: { readonly id: string; readonly name: string },
  now: number,
): Promise<AccessKey | undefined> {
  if ((await parts.store.settle((reader) => reader.find("account", account.id))) !== undefined) return undefined;
  return withNewKey(parts, account.id, now, (tx) =>
    insertAccount(tx, { id: account.id, name: account.name, created_at: now }),
  );
}

/** Replaces every root access key of an account by a new one. Returns undefined when there is no such account. */
export async function replaceCredentials(parts: Parts, id: string, now: number): Promise<AccessKey | undefined> {
  if ((await parts.store.settle((reader) => reader.find("account", id))) === undefined) return undefined;
  return withNewKey(parts, id, now, (tx) => deleteRootCredentials(tx, id));
}

async function withNewKey(
  { store, custody }: Parts,
  account: string,
  now: number,
  before: (tx: Tx) => Promise<unknown>,
): Promise<AccessKey> {
  const secret = newSecretAccessKey();
  const key = { accessKeyId: newAccessKeyId(), secretAccessKey: Buffer.from(secret).toString("latin1") };
  secret.fill(0);
  const row = await sealedCredential(custody, account, key, now);
  await store.transaction(async (tx) => {
    await before(tx);
    await insertCredential(tx, row);
  });
  return key;
}

async function sealedCredential(custody: Custody, account: string, key: AccessKey, now: number) {
  const secret = new TextEncoder().encode(key.secretAccessKey);
  const sealed = await custody.sealCredential({ account, accessKeyId: key.accessKeyId }, secret);
  secret.fill(0);
  return {
    access_key_id: key.accessKeyId,
    account,
    principal_arn: `arn:${HOME_PARTITION}:iam::${account}:root`,
    user_id: null,
    secret: sealed,
    status: "Active" as const,
    revision: randomUUID(),
    created_at: now,
  };
}
