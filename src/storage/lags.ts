/** What waits in a store, and what its database says of itself. */

import { type Kysely, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** What waits, and what there is; each costs the reading of few rows. */
export interface Lags {
  /** Records of changes that are not in a segment yet. */
  readonly outboxRecords: number;
  /** Customer managed keys of all accounts. */
  readonly keys: number;
}

export async function readLags(db: Kysely<Schema>): Promise<Lags> {
  const outbox = await db
    .selectFrom("outbox")
    .select(({ fn }) => fn.countAll<number | bigint>().as("rows"))
    .executeTakeFirstOrThrow();
  const keys = await db
    .selectFrom("key_count")
    .select(({ fn }) => fn.sum<number | bigint | string | null>("keys").as("keys"))
    .executeTakeFirstOrThrow();
  return {
    outboxRecords: Number(outbox.rows),
    keys: Number(keys.keys ?? 0),
  };
}

/** Everybody may count standbys and read the setting; which of them is synchronous is told to monitors alone. */
export const ASYNCHRONOUS_STANDBYS =
  "SELECT count(*) > 0 AND current_setting('synchronous_standby_names') = '' AS asynchronous FROM pg_stat_replication";

/** Whether a PostgreSQL server has standbys of which none is synchronous: a failover may then lose what was answered. */
export async function hasAsynchronousStandbys(db: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql.raw<{ readonly asynchronous: boolean }>(ASYNCHRONOUS_STANDBYS).execute(db);
  return rows[0]?.asynchronous === true;
}
