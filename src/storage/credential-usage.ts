/** Rows of the last use of access keys. They are written in the background and never enter the feed. */

import type { Kysely, Selectable } from "kysely";
import type { CredentialUsageTable } from "./identity-schema.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

export type CredentialUsageRow = Readonly<Selectable<CredentialUsageTable>>;

/** Keeps a use unless a later one is there already, or the access key is gone. */
export async function upsertCredentialUsage(tx: Tx, row: CredentialUsageRow): Promise<void> {
  const { access_key_id, used_at, region, service } = row;
  await tx.db
    .insertInto("credential_usage")
    .columns(["access_key_id", "used_at", "region", "service"])
    .expression(({ selectFrom, val }) =>
      selectFrom("credential")
        .select(["access_key_id", val(used_at).as("used_at"), val(region).as("region"), val(service).as("service")])
        .where("access_key_id", "=", access_key_id),
    )
    .onConflict((conflict) =>
      conflict
        .column("access_key_id")
        .doUpdateSet({ used_at, region, service })
        .where("credential_usage.used_at", "<=", used_at),
    )
    .execute();
}

/** The last use of an access key that has been written, or undefined. */
export async function findCredentialUsage(
  db: Kysely<Schema>,
  accessKeyId: string,
): Promise<CredentialUsageRow | undefined> {
  return await db
    .selectFrom("credential_usage")
    .selectAll()
    .where("access_key_id", "=", accessKeyId)
    .executeTakeFirst();
}
