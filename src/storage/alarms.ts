/** Rows of alarms and of what happened to them. */

import type { Kysely } from "kysely";
import type { Slice } from "./keys.ts";
import type { MetricOwner } from "./metrics.ts";
import type { Schema } from "./schema.ts";
import type { AlarmHistoryRow, MetricAlarmRow } from "./signal-schema.ts";
import type { Tx } from "./store.ts";

/** An alarm of an owner. */
export interface AlarmName extends MetricOwner {
  readonly name: string;
}

/** The alarm of that name, if there is one. */
export async function findAlarm(
  db: Kysely<Schema>,
  { account, region, name }: AlarmName,
): Promise<MetricAlarmRow | undefined> {
  const query = db.selectFrom("metric_alarm").selectAll().where("account", "=", account);
  return await query.where("region", "=", region).where("name", "=", name).executeTakeFirst();
}

/** Alarms of an owner in the order of their names. */
export async function listAlarms(
  db: Kysely<Schema>,
  { account, region }: MetricOwner,
  { after = "", count }: Slice,
): Promise<MetricAlarmRow[]> {
  const query = db.selectFrom("metric_alarm").selectAll().where("account", "=", account).where("region", "=", region);
  return await query.where("name", ">", after).orderBy("name").limit(count).execute();
}

/** The alarms of everybody, after one of them. */
export async function listAllAlarms(
  db: Kysely<Schema>,
  after: AlarmName | undefined,
  count: number,
): Promise<MetricAlarmRow[]> {
  let query = db.selectFrom("metric_alarm").selectAll();
  if (after !== undefined) {
    const { account, region, name } = after;
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("account", "region", "name"), ">", tuple(account, region, name)),
    );
  }
  return await query.orderBy("account").orderBy("region").orderBy("name").limit(count).execute();
}

/** How many alarms an owner has. */
export async function countAlarms(db: Kysely<Schema>, { account, region }: MetricOwner): Promise<number> {
  const query = db.selectFrom("metric_alarm").where("account", "=", account).where("region", "=", region);
  const { rows } = await query.select(({ fn }) => fn.countAll<number | bigint>().as("rows")).executeTakeFirstOrThrow();
  return Number(rows);
}

/** Adds an alarm, or puts its definition in the place of the one of that name, whose state stays. */
export async function putAlarm(tx: Tx, row: MetricAlarmRow): Promise<void> {
  const { definition, configured_at } = row;
  await tx.db
    .insertInto("metric_alarm")
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(["account", "region", "name"]).doUpdateSet({ definition, configured_at }),
    )
    .execute();
}

/** Sets the state of an alarm. */
export async function setAlarmState(
  tx: Tx,
  { account, region, name }: AlarmName,
  columns: Pick<MetricAlarmRow, "state" | "reason" | "reason_data" | "updated_at" | "changed_at">,
): Promise<void> {
  const update = tx.db.updateTable("metric_alarm").set(columns).where("account", "=", account);
  await update.where("region", "=", region).where("name", "=", name).execute();
}

/** Removes an alarm. @returns whether it was there */
export async function deleteAlarm(tx: Tx, { account, region, name }: AlarmName): Promise<boolean> {
  const removal = tx.db.deleteFrom("metric_alarm").where("account", "=", account).where("region", "=", region);
  const { numDeletedRows } = await removal.where("name", "=", name).executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** Notes what happened to an alarm. */
export async function insertHistory(tx: Tx, row: AlarmHistoryRow): Promise<void> {
  await tx.db.insertInto("alarm_history").values(row).execute();
}

/** What is asked of the history of an owner's alarms. */
export interface HistoryFilter extends MetricOwner {
  readonly name?: string;
  readonly kind?: AlarmHistoryRow["kind"];
  readonly from: number;
  readonly until: number;
}

/** What happened to an owner's alarms, the oldest first. */
export async function listHistory(db: Kysely<Schema>, filter: HistoryFilter): Promise<AlarmHistoryRow[]> {
  const { account, region, name, kind, from, until } = filter;
  let query = db.selectFrom("alarm_history").selectAll().where("account", "=", account).where("region", "=", region);
  if (name !== undefined) query = query.where("name", "=", name);
  if (kind !== undefined) query = query.where("kind", "=", kind);
  query = query.where("happened_at", ">=", from).where("happened_at", "<=", until);
  return await query.orderBy("happened_at").orderBy("id").execute();
}

/** Removes what happened before a moment. */
export async function pruneHistory(tx: Tx, before: number): Promise<void> {
  await tx.db.deleteFrom("alarm_history").where("happened_at", "<", before).execute();
}
