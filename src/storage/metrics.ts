/** Rows of metrics: the data points of a series, an hour in each. */

import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { MetricHourRow } from "./signal-schema.ts";
import type { Tx } from "./store.ts";

/** Whose metrics. */
export interface MetricOwner {
  readonly account: string;
  readonly region: string;
}

/** One metric with its dimensions, as rows name it. */
export interface SeriesName extends MetricOwner {
  readonly metric: string;
  /** JSON: pairs of name and value, sorted by name. */
  readonly dimensions: string;
}

/** What was measured in one minute. */
export interface MinutePoint {
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly samples: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
}

type StoredPoint = readonly [minuteOfHour: number, samples: number, sum: number, minimum: number, maximum: number];

const MINUTES = 60;

/** Adds points, all of one hour, to those that are there. */
export async function addPoints(
  tx: Tx,
  series: SeriesName,
  hour: number,
  points: readonly MinutePoint[],
): Promise<void> {
  const { account, region, metric, dimensions } = series;
  const row = await tx.db
    .selectFrom("metric_hour")
    .select("points")
    .where("account", "=", account)
    .where("region", "=", region)
    .where("metric", "=", metric)
    .where("dimensions", "=", dimensions)
    .where("hour", "=", hour)
    .executeTakeFirst();
  const merged = new Map(pointsOf({ hour, points: row?.points ?? "[]" }).map((point) => [point.minute, point]));
  for (const point of points) merged.set(point.minute, joined(merged.get(point.minute), point));
  const stored = [...merged.values()].map(
    ({ minute, samples, sum, minimum, maximum }): StoredPoint => [
      minute - hour * MINUTES,
      samples,
      sum,
      minimum,
      maximum,
    ],
  );
  const text = JSON.stringify(stored.sort(([left], [right]) => left - right));
  await tx.db
    .insertInto("metric_hour")
    .values({ account, region, metric, dimensions, hour, points: text })
    .onConflict((conflict) =>
      conflict.columns(["account", "region", "metric", "dimensions", "hour"]).doUpdateSet({ points: text }),
    )
    .execute();
}

/** Two points of one minute as one. */
export function joined(left: MinutePoint | undefined, right: MinutePoint): MinutePoint {
  if (left === undefined) return right;
  return {
    minute: right.minute,
    samples: left.samples + right.samples,
    sum: left.sum + right.sum,
    minimum: Math.min(left.minimum, right.minimum),
    maximum: Math.max(left.maximum, right.maximum),
  };
}

function pointsOf({ hour, points }: Pick<MetricHourRow, "hour" | "points">): MinutePoint[] {
  return (JSON.parse(points) as readonly StoredPoint[]).map(([minute, samples, sum, minimum, maximum]) => ({
    minute: hour * MINUTES + minute,
    samples,
    sum,
    minimum,
    maximum,
  }));
}

/** The points of a series from a minute on and before another, in their order. */
export async function readPoints(
  db: Kysely<Schema>,
  { account, region, metric, dimensions }: SeriesName,
  { from, until }: { readonly from: number; readonly until: number },
): Promise<MinutePoint[]> {
  const rows = await db
    .selectFrom("metric_hour")
    .select(["hour", "points"])
    .where("account", "=", account)
    .where("region", "=", region)
    .where("metric", "=", metric)
    .where("dimensions", "=", dimensions)
    .where("hour", ">=", Math.floor(from / MINUTES))
    .where("hour", "<=", Math.floor(until / MINUTES))
    .orderBy("hour")
    .execute();
  return rows.flatMap(pointsOf).filter(({ minute }) => minute >= from && minute < until);
}

/** The series of an owner that have points since an hour, in the order of their names. */
export async function listSeries(
  db: Kysely<Schema>,
  { account, region }: MetricOwner,
  sinceHour: number,
): Promise<Pick<MetricHourRow, "metric" | "dimensions">[]> {
  const query = db.selectFrom("metric_hour").select(["metric", "dimensions"]).distinct();
  const own = query.where("account", "=", account).where("region", "=", region);
  return await own.where("hour", ">=", sinceHour).orderBy("metric").orderBy("dimensions").execute();
}

/** Removes points of before an hour. */
export async function prunePoints(tx: Tx, beforeHour: number): Promise<void> {
  await tx.db.deleteFrom("metric_hour").where("hour", "<", beforeHour).execute();
}

/** A key whose imported material expires. */
export interface ExpiringKey {
  readonly keyId: string;
  readonly validTo: number;
  /** When the material that expires first was imported. */
  readonly since: number;
}

/** The key of an owner whose imported material expires, by its id. */
export async function findExpiringKey(
  db: Kysely<Schema>,
  { account, region }: MetricOwner,
  keyId: string,
): Promise<ExpiringKey | undefined> {
  const query = expiringKeys(db, { account, region }).where("k.key_id", "=", keyId);
  return (await query.execute()).at(0);
}

/** The keys of an owner whose imported material expires, in the order of their ids. */
export async function listExpiringKeys(db: Kysely<Schema>, owner: MetricOwner, count: number): Promise<ExpiringKey[]> {
  return await expiringKeys(db, owner).orderBy("k.key_id").limit(count).execute();
}

function expiringKeys(db: Kysely<Schema>, { account, region }: MetricOwner) {
  return db
    .selectFrom("key as k")
    .where("k.region", "=", region)
    .where("k.account", "=", account)
    .where("k.valid_to", "is not", null)
    .select((eb) => [
      "k.key_id as keyId",
      eb.fn.coalesce("k.valid_to", eb.lit(0)).as("validTo"),
      eb.fn
        .coalesce(
          eb
            .selectFrom("material as m")
            .whereRef("m.region", "=", "k.region")
            .whereRef("m.key_id", "=", "k.key_id")
            .whereRef("m.expires_at", "=", "k.valid_to")
            .select(({ fn }) => fn.max("m.created_at").as("since")),
          "k.created_at",
        )
        .as("since"),
    ]);
}
