/** Trails as the API names, finds and shows them. */

import type { Trail } from "@aws-sdk/client-cloudtrail";
import type { Kysely } from "kysely";
import { asArn } from "../../base/arn.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { Schema } from "../../storage/schema.ts";
import type { TrailRow } from "../../storage/trail-schema.ts";
import { findTrail, listTrails } from "../../storage/trails.ts";
import { arnOf, type GivenName, parseTrailName, trailArn } from "../trails/names.ts";
import { InvalidHomeRegionException, TrailNotFoundException } from "./errors.ts";

/** What names a trail to a call. */
export function givenName(call: Call, text: string): GivenName {
  return parseTrailName(text, { account: call.principal.account, region: call.region });
}

/** The ARN on which a call is authorized, whether or not there is such a trail, or can be. */
export function meantArn(call: Call, text: string | undefined): string {
  if (text !== undefined && asArn(text) !== undefined) return text;
  return trailArn({ account: call.principal.account, region: call.region, name: text ?? "" }, call.partition);
}

/**
 * The trail that a caller means: by ARN, or by its name in the Region. That of another Region, which shows here because it is for
 * all of them, is known by its ARN alone (API reference, GetTrailStatus; recorded refusals of UpdateTrail).
 *
 * @throws TrailNotFoundException there is none of the caller's
 */
export async function requireTrail(db: Kysely<Schema>, call: Call, text: string): Promise<TrailRow> {
  return (await findOwnTrail(db, call, givenName(call, text))) ?? throwUnknown(call, meantArn(call, text));
}

async function findOwnTrail(db: Kysely<Schema>, call: Call, given: GivenName): Promise<TrailRow | undefined> {
  return given.account === call.principal.account ? await findTrail(db, given) : undefined;
}

/** The trail of that ARN, or of that name in the Region or, where it is for all Regions, in another one. */
export async function findShownTrail(db: Kysely<Schema>, call: Call, text: string): Promise<TrailRow | undefined> {
  const given = givenName(call, text);
  const found = await findOwnTrail(db, call, given);
  if (found !== undefined || given.isArn) return found;
  const all = await listTrails(db, call.principal.account);
  return all.find((row) => isShadow(row, call) && row.name === given.name);
}

/** Most operations name the ARN of a trail that is not there, GetTrail what was given (recorded refusals). */
export function throwUnknown({ principal }: Call, named: string): never {
  throw new TrailNotFoundException(`Unknown trail: ${named} for the user: ${principal.account}`);
}

/**
 * The same, in its home Region, where alone it can be changed.
 *
 * @throws TrailNotFoundException
 * @throws InvalidHomeRegionException the call is in another Region
 */
export async function requireTrailAtHome(db: Kysely<Schema>, call: Call, text: string): Promise<TrailRow> {
  const row = await requireTrail(db, call, text);
  if (row.region === call.region) return row;
  throw new InvalidHomeRegionException(`The trail ${row.name} can be changed in its home Region ${row.region} only.`);
}

/** Whether a trail of another home Region shows in the Region of a call. */
export function isShadow(row: TrailRow, { region, partition }: Call): boolean {
  return row.region !== region && row.multi_region === 1 && row.partition === partition;
}

/** What CreateTrail and UpdateTrail answer. */
export function outputOf(row: TrailRow) {
  const { prefix, key_arn } = row;
  return {
    Name: row.name,
    S3BucketName: row.bucket,
    ...(prefix !== null && prefix !== "" && { S3KeyPrefix: prefix }),
    IncludeGlobalServiceEvents: row.global_events === 1,
    IsMultiRegionTrail: row.multi_region === 1,
    TrailARN: arnOf(row),
    LogFileValidationEnabled: row.validation === 1,
    ...(key_arn !== null && { KmsKeyId: key_arn }),
    IsOrganizationTrail: false,
  };
}

/** A trail as it is described. */
export function describe(row: TrailRow): Trail {
  return {
    ...outputOf(row),
    HomeRegion: row.region,
    HasCustomEventSelectors: row.selectors !== null,
    HasInsightSelectors: false,
  };
}
