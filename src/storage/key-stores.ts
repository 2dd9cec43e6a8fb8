/** Rows of custom key stores. */

import type { Kysely, Updateable } from "kysely";
import type { KeyStoreRow, KeyStoreTable } from "./key-store-schema.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Names one custom key store. */
export interface KeyStoreName {
  readonly region: string;
  readonly id: string;
}

interface Owner {
  readonly region: string;
  readonly account: string;
}

/** Adds a custom key store. Throws when the account has one of that name in the Region. */
export async function insertKeyStore(tx: Tx, row: KeyStoreRow): Promise<void> {
  await tx.db.insertInto("key_store").values(row).execute();
  await tx.changed("keyStore", row.region, row.id);
}

/** Changes columns of a custom key store that exists. */
export async function updateKeyStore(
  tx: Tx,
  { region, id }: KeyStoreName,
  columns: Omit<Updateable<KeyStoreTable>, "region" | "id" | "account" | "type">,
): Promise<void> {
  await tx.db.updateTable("key_store").set(columns).where("region", "=", region).where("id", "=", id).execute();
  await tx.changed("keyStore", region, id);
}

export async function deleteKeyStore(tx: Tx, { region, id }: KeyStoreName): Promise<void> {
  await tx.db.deleteFrom("key_store").where("region", "=", region).where("id", "=", id).execute();
  await tx.changed("keyStore", region, id);
}

/** Custom key stores of an account in a Region, in the order of their ids. */
export async function listKeyStores(
  db: Kysely<Schema>,
  { region, account }: Owner,
  { after = "", count }: Slice,
): Promise<KeyStoreRow[]> {
  const query = db.selectFrom("key_store").selectAll().where("region", "=", region).where("account", "=", account);
  return await query.where("id", ">", after).orderBy("id").limit(count).execute();
}

/** Whose custom key store has that id; ids are random. Read seldom: it looks through the stores of all. */
export async function findKeyStoreOwner(db: Kysely<Schema>, id: string): Promise<Owner | undefined> {
  return await db.selectFrom("key_store").select(["region", "account"]).where("id", "=", id).executeTakeFirst();
}

/** The custom key store of that name, if the account has one in the Region. */
export async function findKeyStoreNamed(
  db: Kysely<Schema>,
  { region, account }: Owner,
  name: string,
): Promise<KeyStoreRow | undefined> {
  const query = db.selectFrom("key_store").selectAll().where("region", "=", region).where("account", "=", account);
  return await query.where("name", "=", name).executeTakeFirst();
}

/** How many custom key stores an account has in a Region. */
export async function countKeyStores(db: Kysely<Schema>, { region, account }: Owner): Promise<number> {
  const query = db.selectFrom("key_store").select(({ fn }) => fn.countAll<number>().as("count"));
  const found = await query.where("region", "=", region).where("account", "=", account).executeTakeFirstOrThrow();
  return Number(found.count);
}

/** External key stores of every account in a Region with that endpoint or, if given, that VPC endpoint service. */
export async function listKeyStoresAt(
  db: Kysely<Schema>,
  { region, endpoint, vpcService }: { region: string; endpoint: string; vpcService: string | null },
): Promise<KeyStoreRow[]> {
  const query = db.selectFrom("key_store").selectAll().where("region", "=", region);
  return await query
    .where(({ or, eb, fn }) =>
      or([eb(fn<string>("lower", ["endpoint"]), "=", endpoint.toLowerCase()), eb("vpc_service", "=", vpcService)]),
    )
    .execute();
}

/** CloudHSM key stores of an account in a Region; there are few. */
export async function listClusterStores(db: Kysely<Schema>, { region, account }: Owner): Promise<KeyStoreRow[]> {
  const query = db.selectFrom("key_store").selectAll().where("region", "=", region).where("account", "=", account);
  return await query.where("type", "=", "AWS_CLOUDHSM").execute();
}

/** Whether any key is in a custom key store, in whatever state. */
export async function hasKeys(db: Kysely<Schema>, { region, id }: KeyStoreName): Promise<boolean> {
  const query = db.selectFrom("key").select("key_id").where("region", "=", region).where("key_store_id", "=", id);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

/** The key of a custom key store that has this external key, if there is one. */
export async function findExternalKeyUser(
  db: Kysely<Schema>,
  { region, id }: KeyStoreName,
  xksKeyId: string,
): Promise<string | undefined> {
  const query = db.selectFrom("key").select("key_id").where("region", "=", region).where("key_store_id", "=", id);
  return (await query.where("xks_key_id", "=", xksKeyId).executeTakeFirst())?.key_id;
}

/** Custom key stores of every account and Region, in the order of their names. */
export async function listEveryKeyStore(
  db: Kysely<Schema>,
  after: KeyStoreName | undefined,
  count: number,
): Promise<KeyStoreRow[]> {
  let query = db.selectFrom("key_store").selectAll();
  if (after !== undefined) {
    const { region, id } = after;
    query = query.where(({ and, eb, or }) =>
      or([eb("region", ">", region), and([eb("region", "=", region), eb("id", ">", id)])]),
    );
  }
  return await query.orderBy("region").orderBy("id").limit(count).execute();
}

/** Puts newly sealed secrets in the place of the old; what they are stays, so nobody needs to be told. */
export async function replaceSealedKeyStores(
  { db }: Tx,
  rows: readonly Pick<KeyStoreRow, "region" | "id" | "secret">[],
): Promise<void> {
  for (const { region, id, secret } of rows) {
    await db.updateTable("key_store").set({ secret }).where("region", "=", region).where("id", "=", id).execute();
  }
}
