/** Rows of what is charged: counts of requests, and the times between which keys are. */

import type { Kysely } from "kysely";
import type { KeyName } from "./keys.ts";
import type { RequestCountRow } from "./meter-schema.ts";
import type { KeyRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds requests to those that are there, whoever counted them. */
export async function addRequests(tx: Tx, row: RequestCountRow): Promise<void> {
  await tx.db
    .insertInto("request_count")
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(["month", "account", "region", "operation", "spec"])
        .doUpdateSet(({ eb }) => ({ requests: eb("request_count.requests", "+", row.requests) })),
    )
    .execute();
}

/** The requests of a month, of one account or of all. */
export async function listRequests(db: Kysely<Schema>, month: string, account?: string): Promise<RequestCountRow[]> {
  let query = db.selectFrom("request_count").selectAll().where("month", "=", month);
  if (account !== undefined) query = query.where("account", "=", account);
  return await query.orderBy("account").orderBy("region").orderBy("operation").orderBy("spec").execute();
}

/** Notes that a key is not charged any more, unless that was noted before. Keys that are not customers' never are. */
export async function endCharge(tx: Tx, key: KeyRow, endedAt: number): Promise<void> {
  if (key.manager !== "CUSTOMER") return;
  const { region, key_id, account, created_at } = key;
  const rotations = (await listRotations(tx.db, [key])).map(({ rotatedAt }) => rotatedAt);
  await tx.db
    .insertInto("charge_end")
    .values({ region, key_id, account, created_at, rotations: JSON.stringify(rotations), ended_at: endedAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** A key that came back is charged as if it had never been scheduled for deletion. */
export async function resumeCharge(tx: Tx, { region, keyId }: KeyName): Promise<void> {
  await tx.db.deleteFrom("charge_end").where("region", "=", region).where("key_id", "=", keyId).execute();
}

/** A key, or one that was, and when it is charged. */
export interface ChargedKey {
  readonly account: string;
  readonly createdAt: number;
  /** When its material was rotated, in this order. */
  readonly rotations: readonly number[];
  /** Absent: it is charged still. */
  readonly endedAt?: number;
}

/** So many keys are read at once. */
const PAGE = 1_000;

/** The keys that were there and not on their way out at some time of a period, of one account or of all. */
export async function* chargedKeys(
  db: Kysely<Schema>,
  { from, until, account }: { readonly from: number; readonly until: number; readonly account?: string | undefined },
): AsyncGenerator<ChargedKey, void, void> {
  yield* endedKeys(db, { from, until, account });
  let last: Pick<KeyRow, "region" | "key_id"> = { region: "", key_id: "" };
  for (;;) {
    const { region, key_id } = last;
    let query = db
      .selectFrom("key as k")
      .leftJoin("charge_end as e", (join) => join.onRef("e.region", "=", "k.region").onRef("e.key_id", "=", "k.key_id"))
      .select(["k.region", "k.key_id", "k.account", "k.created_at"])
      .where("k.manager", "=", "CUSTOMER")
      .where("k.created_at", "<", until)
      .where("e.ended_at", "is", null)
      .where((eb) =>
        eb.or([eb("k.region", ">", region), eb.and([eb("k.region", "=", region), eb("k.key_id", ">", key_id)])]),
      );
    if (account !== undefined) query = query.where("k.account", "=", account);
    const page = await query.orderBy("k.region").orderBy("k.key_id").limit(PAGE).execute();
    const rotations = Map.groupBy(await listRotations(db, page), ({ name }) => name);
    for (const key of page) {
      const ofKey = rotations.get(nameOf(key)) ?? [];
      yield { account: key.account, createdAt: key.created_at, rotations: ofKey.map(({ rotatedAt }) => rotatedAt) };
    }
    const end = page.at(-1);
    if (end === undefined || page.length < PAGE) return;
    last = end;
  }
}

async function* endedKeys(
  db: Kysely<Schema>,
  { from, until, account }: { readonly from: number; readonly until: number; readonly account?: string | undefined },
): AsyncGenerator<ChargedKey, void, void> {
  let query = db.selectFrom("charge_end").selectAll().where("ended_at", ">", from).where("created_at", "<", until);
  if (account !== undefined) query = query.where("account", "=", account);
  for (const row of await query.execute()) {
    const rotations = JSON.parse(row.rotations) as readonly number[];
    yield { account: row.account, createdAt: row.created_at, rotations, endedAt: row.ended_at };
  }
}

/** When the materials of some keys were rotated; those of one key in their order. */
async function listRotations(
  db: Kysely<Schema>,
  keys: readonly Pick<KeyRow, "region" | "key_id">[],
): Promise<{ readonly name: string; readonly rotatedAt: number }[]> {
  if (keys.length === 0) return [];
  const rows = await db
    .selectFrom("material")
    .select(["region", "key_id", "rotated_at"])
    .where("rotated_at", "is not", null)
    .where("key_id", "in", [...new Set(keys.map(({ key_id }) => key_id))])
    .where("region", "in", [...new Set(keys.map(({ region }) => region))])
    .execute();
  const rotations = rows.map((row) => ({ name: nameOf(row), rotatedAt: row.rotated_at ?? 0 }));
  return rotations.sort((one, other) => one.rotatedAt - other.rotatedAt);
}

function nameOf({ region, key_id }: Pick<KeyRow, "region" | "key_id">): string {
  return `${region} ${key_id}`;
}
