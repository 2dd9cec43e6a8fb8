/** Rows of domain keys and their recipients, in the shape in which custody asks for them (its `DomainKeyStore`). */

import type { Clock } from "../base/clock.ts";
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
  const insert = db.insertInto("domain_key").values({ region, purpose, version, seals, created_at: now });
  const { numInsertedOrUpdatedRows } = await insert
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  const rows = copies.map((copy) => ({ region, purpose, version, ...copy }));
  if (rows.length > 0) await db.insertInto("domain_key_copy").values(rows).execute();
  const added = recipients.map(({ id, kind, sealedKey }) => ({ id, kind, sealed_key: sealedKey, created_at: now }));
  if (added.length > 0) await db.insertInto("recipient").values(added).execute();
  return true;
}
