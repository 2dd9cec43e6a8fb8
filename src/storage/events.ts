/** Rows of EventBridge: rules, their targets, and what is still to be delivered. */

import type { Kysely } from "kysely";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { EventDeliveryRow, EventRuleRow, EventTargetRow } from "./signal-schema.ts";
import type { Tx } from "./store.ts";

/** The default bus of an account in a Region. */
export interface Bus {
  readonly account: string;
  readonly region: string;
}

/** A rule on a default bus. */
export interface RuleName extends Bus {
  readonly name: string;
}

/** The rule of that name, if there is one. */
export async function findRule(
  db: Kysely<Schema>,
  { account, region, name }: RuleName,
): Promise<EventRuleRow | undefined> {
  const query = db.selectFrom("event_rule").selectAll().where("account", "=", account).where("region", "=", region);
  return await query.where("name", "=", name).executeTakeFirst();
}

/** Rules of a bus in the order of their names. */
export async function listRules(
  db: Kysely<Schema>,
  { account, region }: Bus,
  { after = "", count }: Slice,
): Promise<EventRuleRow[]> {
  const query = db.selectFrom("event_rule").selectAll().where("account", "=", account).where("region", "=", region);
  return await query.where("name", ">", after).orderBy("name").limit(count).execute();
}

/** How many rules a bus has. */
export async function countRules(db: Kysely<Schema>, { account, region }: Bus): Promise<number> {
  const query = db.selectFrom("event_rule").where("account", "=", account).where("region", "=", region);
  const { rules } = await query
    .select(({ fn }) => fn.countAll<number | bigint>().as("rules"))
    .executeTakeFirstOrThrow();
  return Number(rules);
}

/** Adds a rule, or puts it in the place of the one of that name. */
export async function putRule(tx: Tx, row: EventRuleRow): Promise<void> {
  const { account: _account, region: _region, name: _name, created_by: _by, ...columns } = row;
  await tx.db
    .insertInto("event_rule")
    .values(row)
    .onConflict((conflict) => conflict.columns(["account", "region", "name"]).doUpdateSet(columns))
    .execute();
}

/** Turns a rule on or off. */
export async function setRuleState(
  tx: Tx,
  { account, region, name }: RuleName,
  state: EventRuleRow["state"],
): Promise<void> {
  const update = tx.db.updateTable("event_rule").set({ state }).where("account", "=", account);
  await update.where("region", "=", region).where("name", "=", name).execute();
}

/** Removes a rule; what it has to deliver is delivered. */
export async function deleteRule(tx: Tx, { account, region, name }: RuleName): Promise<void> {
  const removal = tx.db.deleteFrom("event_rule").where("account", "=", account).where("region", "=", region);
  await removal.where("name", "=", name).execute();
}

/** All targets of a rule in the order of their ids; a rule has few. */
export async function listTargets(db: Kysely<Schema>, { account, region, name }: RuleName): Promise<EventTargetRow[]> {
  const query = db.selectFrom("event_target").selectAll().where("account", "=", account).where("region", "=", region);
  return await query.where("rule", "=", name).orderBy("id").execute();
}

/** Adds a target, or puts it in the place of the one of that id. */
export async function putTarget(tx: Tx, row: EventTargetRow): Promise<void> {
  const { arn, definition } = row;
  await tx.db
    .insertInto("event_target")
    .values(row)
    .onConflict((conflict) => conflict.columns(["account", "region", "rule", "id"]).doUpdateSet({ arn, definition }))
    .execute();
}

/** Removes a target. @returns whether it was there */
export async function deleteTarget(tx: Tx, { account, region, name }: RuleName, id: string): Promise<boolean> {
  const removal = tx.db.deleteFrom("event_target").where("account", "=", account).where("region", "=", region);
  const { numDeletedRows } = await removal.where("rule", "=", name).where("id", "=", id).executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** A target of a rule that is on, with the rule's pattern. */
export type LiveTarget = EventTargetRow & Pick<EventRuleRow, "pattern">;

/** The targets of all rules of a bus that are on: one query, and on most buses an empty answer. */
export async function listLiveTargets(db: Kysely<Schema>, { account, region }: Bus): Promise<LiveTarget[]> {
  return await db
    .selectFrom("event_rule as r")
    .innerJoin("event_target as t", (join) =>
      join.onRef("t.account", "=", "r.account").onRef("t.region", "=", "r.region").onRef("t.rule", "=", "r.name"),
    )
    .where("r.account", "=", account)
    .where("r.region", "=", region)
    .where("r.state", "=", "ENABLED")
    .select(["t.account", "t.region", "t.rule", "t.id", "t.arn", "t.definition", "r.pattern"])
    .execute();
}

/** Adds what is to be delivered to the transaction of what it tells of. */
export async function insertDeliveries(tx: Tx, rows: readonly EventDeliveryRow[]): Promise<void> {
  if (rows.length > 0)
    await tx.db
      .insertInto("event_delivery")
      .values([...rows])
      .execute();
}

/** What is to be tried at `now`, what waits longest first. */
export async function listDeliveries(db: Kysely<Schema>, now: number, count: number): Promise<EventDeliveryRow[]> {
  const query = db.selectFrom("event_delivery").selectAll().where("next_at", "<=", now);
  return await query.orderBy("next_at").orderBy("id").limit(count).execute();
}

/**
 * Takes a delivery for one try: until `until` nobody else does.
 *
 * @returns false when somebody else took it since `row` was read
 */
export async function claimDelivery(tx: Tx, row: EventDeliveryRow, until: number): Promise<boolean> {
  const update = tx.db.updateTable("event_delivery").set({ next_at: until }).where("id", "=", row.id);
  const { numUpdatedRows } = await update.where("next_at", "=", row.next_at).executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Puts off a delivery that failed. */
export async function postponeDelivery(
  tx: Tx,
  id: string,
  columns: Pick<EventDeliveryRow, "attempts" | "next_at">,
): Promise<void> {
  await tx.db.updateTable("event_delivery").set(columns).where("id", "=", id).execute();
}

/** Forgets a delivery: it was taken, or given up. */
export async function deleteDelivery(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("event_delivery").where("id", "=", id).execute();
}

/** Counts a delivery that was given up. */
export async function countFailure(
  tx: Tx,
  { account, region, rule, target }: EventDeliveryRow,
  { reason, now }: { readonly reason: string; readonly now: number },
): Promise<void> {
  await tx.db
    .insertInto("event_failure")
    .values({ account, region, rule, target, failures: 1, reason, failed_at: now })
    .onConflict((conflict) =>
      conflict.columns(["account", "region", "rule", "target"]).doUpdateSet(({ eb }) => ({
        failures: eb("event_failure.failures", "+", 1),
        reason,
        failed_at: now,
      })),
    )
    .execute();
}

/** What waits and what was given up, of all accounts. */
export async function countDeliveries(
  db: Kysely<Schema>,
): Promise<{ readonly waiting: number; readonly failed: number }> {
  const waiting = await db
    .selectFrom("event_delivery")
    .select(({ fn }) => fn.countAll<number | bigint>().as("rows"))
    .executeTakeFirstOrThrow();
  const failed = await db
    .selectFrom("event_failure")
    .select(({ fn }) => fn.sum<number | bigint | null>("failures").as("rows"))
    .executeTakeFirstOrThrow();
  return { waiting: Number(waiting.rows), failed: Number(failed.rows ?? 0) };
}
