/** Rows of domain keys and their recipients, in the shape in which custody asks for them (its `DomainKeyStore`). */

import type { Clock } from "../base/clock.ts";
import { lockRecipients } from "./recipients.ts";
import type { DomainKeyPurpose, RecipientTable } from "./schema.ts";
import type { Store, Tx } from "./store.ts";

interface StoredRecipient {
  readonly id: string;
  readonly kind: RecipientTable["kind"];
  readonly sealedKey: Uint8Array;
}

interface StoredDomainKey {
  readonly region: string;
  readonly purpose: DomainKeyPurpose;
  readonly version: number;
  readonly seals: number;
  readonly copies: readonly { readonly recipient: string; readonly sealed: Uint8Array }[];
}

/** Custody's domain keys in a store; each call is a read or a transaction of its own. */
export function domainKeyStore(store: Pick<Store, "db" | "transaction">, clock: Clock) {
  return {
    async recipients(): Promise<StoredRecipient[]> {
      const rows = await store.db.selectFrom("recipient").selectAll().orderBy("id").execute();
      return rows.map(({ id, kind, sealed_key }) => ({ id, kind, sealedKey: sealed_key }));
    },

    async loadAll(): Promise<StoredDomainKey[]> {
      const keys = await store.db
        .selectFrom("domain_key")
        .select(["region", "purpose", "version", "seals"])
        .orderBy("purpose")
        .orderBy("region")
        .orderBy("version")
        .execute();
      const copies = await store.db.selectFrom("domain_key_copy").selectAll().orderBy("recipient").execute();
      const byName = Map.groupBy(copies, nameOf);
      return keys.map((key) => ({
        ...key,
        copies: (byName.get(nameOf(key)) ?? []).map(({ recipient, sealed }) => ({ recipient, sealed })),
      }));
    },

    addRecipients(recipients: readonly StoredRecipient[], keys: readonly StoredDomainKey[]): Promise<boolean> {
      return store.transaction((tx) => addRecipients(tx, { recipients, keys, now: clock.now() }));
    },

    async findSecret(name: string): Promise<Uint8Array | undefined> {
      const row = await store.db
        .selectFrom("deployment_secret")
        .select("sealed")
        .where("name", "=", name)
        .executeTakeFirst();
      return row?.sealed;
    },

    replaceStoreRows(
      recipients: readonly StoredRecipient[],
      secrets: readonly { readonly name: string; readonly sealed: Uint8Array }[],
    ): Promise<void> {
      return store.transaction(async ({ db }) => {
        for (const { id, sealedKey } of recipients) {
          await db.updateTable("recipient").set({ sealed_key: sealedKey }).where("id", "=", id).execute();
        }
        for (const { name, sealed } of secrets) {
          const insert = db.insertInto("deployment_secret").values({ name, sealed });
          await insert.onConflict((conflict) => conflict.column("name").doUpdateSet({ sealed })).execute();
        }
      });
    },

    async load(region: string, purpose: DomainKeyPurpose): Promise<StoredDomainKey[]> {
      const of = { region, purpose };
      const keys = await store.db
        .selectFrom("domain_key")
        .select(["version", "seals"])
        .where("region", "=", region)
        .where("purpose", "=", purpose)
        .orderBy("version")
        .execute();
      const copies = await store.db
        .selectFrom("domain_key_copy")
        .select(["version", "recipient", "sealed"])
        .where("region", "=", region)
        .where("purpose", "=", purpose)
        .orderBy("recipient")
        .execute();
      return keys.map((key) => ({
        ...of,
        ...key,
        copies: copies
          .filter(({ version }) => version === key.version)
          .map(({ recipient, sealed }) => ({ recipient, sealed })),
      }));
    },

    insert(key: StoredDomainKey, recipients: readonly StoredRecipient[] = []): Promise<boolean> {
      return store.transaction((tx) => insertDomainKey(tx, key, recipients, clock.now()));
    },

    erase({ region, purpose, before }: { region: string; purpose: DomainKeyPurpose; before: number }): Promise<void> {
      return store.transaction(async ({ db }) => {
        for (const table of ["domain_key_copy", "domain_key"] as const) {
          await db
            .deleteFrom(table)
            .where("region", "=", region)
            .where("purpose", "=", purpose)
            .where("version", "<", before)
            .execute();
        }
      });
    },

    reserveSeals(
      { region, purpose, version }: { region: string; purpose: DomainKeyPurpose; version: number },
      count: number,
    ): Promise<number> {
      return store.transaction(async ({ db }) => {
        const { seals } = await db
          .updateTable("domain_key")
          .set(({ eb }) => ({ seals: eb("seals", "+", count) }))
          .where("region", "=", region)
          .where("purpose", "=", purpose)
          .where("version", "=", version)
          .returning("seals")
          .executeTakeFirstOrThrow();
        return seals - count;
      });
    },
  };
}

async function insertDomainKey(
  { db }: Tx,
  { region, purpose, version, seals, copies }: StoredDomainKey,
  recipients: readonly StoredRecipient[],
  now: number,
): Promise<boolean> {
  await lockRecipients(db);
  if (recipients.length === 0 && !(await areRecipients(db, copies))) return false;
  const insert = db.insertInto("domain_key").values({ region, purpose, version, seals, created_at: now });
  const { numInsertedOrUpdatedRows } = await insert
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  const rows = copies.map((copy) => ({ region, purpose, version, ...copy }));
  if (rows.length > 0) await db.insertInto("domain_key_copy").values(rows).execute();
  await insertRecipients(db, recipients, now);
  return true;
}

/**
 * Adds recipients with copies of every domain key. Domain keys that are gone by then are left out.
 *
 * @returns false, with nothing changed, when there is a domain key that is not among `keys`
 */
export async function addRecipients(
  { db }: Tx,
  {
    recipients,
    keys,
    now,
  }: {
    readonly recipients: readonly StoredRecipient[];
    readonly keys: readonly StoredDomainKey[];
    readonly now: number;
  },
): Promise<boolean> {
  await lockRecipients(db);
  const byName = new Map(keys.map((key) => [nameOf(key), key]));
  const there = await db.selectFrom("domain_key").select(["region", "purpose", "version"]).execute();
  if (!there.every((key) => byName.has(nameOf(key)))) return false;
  for (const { region, purpose, version } of there) {
    const copies = byName.get(nameOf({ region, purpose, version }))?.copies ?? [];
    const rows = copies.map((copy) => ({ region, purpose, version, ...copy }));
    if (rows.length > 0) await db.insertInto("domain_key_copy").values(rows).execute();
  }
  await insertRecipients(db, recipients, now);
  return true;
}

/** Whether copies are for the recipients of this moment. */
async function areRecipients(db: Tx["db"], copies: StoredDomainKey["copies"]): Promise<boolean> {
  const rows = await db.selectFrom("recipient").select("id").execute();
  const sealedTo = new Set(copies.map(({ recipient }) => recipient));
  return rows.length === sealedTo.size && rows.every(({ id }) => sealedTo.has(id));
}

async function insertRecipients(db: Tx["db"], recipients: readonly StoredRecipient[], now: number): Promise<void> {
  const rows = recipients.map(({ id, kind, sealedKey }) => ({ id, kind, sealed_key: sealedKey, created_at: now }));
  if (rows.length > 0) await db.insertInto("recipient").values(rows).execute();
}

function nameOf({ region, purpose, version }: Pick<StoredDomainKey, "region" | "purpose" | "version">): string {
  return `${purpose}/${region}/${version}`;
}
