/** Trails: make, change, remove and describe them. */

import { UnsupportedOperationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { pageOf } from "../../pipeline/pages.ts";
import type { TrailRow } from "../../storage/trail-schema.ts";
import * as rows from "../../storage/trails.ts";
import { contextOf, identityOf } from "../trails/kms.ts";
import { arnOf, isBucketName, isPrefix, logFolder, objectArn, requireTrailName } from "../trails/names.ts";
import {
  InsufficientS3BucketPolicyException,
  InvalidParameterCombinationException,
  InvalidS3BucketNameException,
  InvalidS3PrefixException,
  InvalidTokenException,
  MaximumNumberOfTrailsExceededException,
  ResourceNotFoundException,
  S3BucketDoesNotExistException,
  TrailAlreadyExistsException,
} from "./errors.ts";
import { change, type Input, type ReadContext, read } from "./operation.ts";
import {
  describe,
  findShownTrail,
  givenName,
  isShadow,
  meantArn,
  outputOf,
  requireTrailAtHome,
  throwUnknown,
} from "./trail-rows.ts";

/** For each account in a Region (CloudTrail user guide, Quotas). */
const TRAILS_MAX = 5;
const PAGE_SIZE = 100;

type Settings = Omit<Input<"UpdateTrail">, "Name">;

/** Makes a trail that does not log yet. */
export const createTrail = change("CreateTrail", {
  on: ({ Name }, call) => meantArn(call, Name),
  validate({ Name = "", ...settings }) {
    requireTrailName(Name);
    const { TagsList = [] } = settings;
    if (TagsList.length > 0) throw unsupported("tags of trails");
    requireServed(settings);
    requireCombination(settings.IsMultiRegionTrail === true, settings.IncludeGlobalServiceEvents !== false);
  },
  prepare: ({ Name = "", ...settings }, context) =>
    prepareSettings(newTrail(context.call, Name, settings), settings, context),
  async run({ Name = "" }, { call, tx, prepared }) {
    const { account } = call.principal;
    const all = await rows.listTrails(tx.db, account);
    if (all.some((row) => row.name === Name && (row.region === call.region || isShadow(row, call)))) {
      throw new TrailAlreadyExistsException(`Trail ${Name} already exists for customer: ${account}`);
    }
    if (all.filter((row) => row.region === call.region || isShadow(row, call)).length >= TRAILS_MAX) {
      throw new MaximumNumberOfTrailsExceededException(
        `User: ${account} already has ${TRAILS_MAX} trails in ${call.region}.`,
      );
    }
    await rows.insertTrail(tx, prepared);
    return outputOf(prepared);
  },
});

function newTrail(call: Call, name: string, settings: Settings): TrailRow {
  const { principal, region, partition, now } = call;
  return {
    ...settingsOf(settings),
    ...{ account: principal.account, region, name, partition, bucket: settings.S3BucketName ?? "" },
    ...{ prefix: settings.S3KeyPrefix ?? null, key_arn: null },
    multi_region: settings.IsMultiRegionTrail === true ? 1 : 0,
    global_events: settings.IncludeGlobalServiceEvents === false ? 0 : 1,
    validation: settings.EnableLogFileValidation === true ? 1 : 0,
    ...{ selectors: null, logging: 0, started_at: null, stopped_at: null, delivered_at: null, attempted_at: null },
    ...{ delivery_error: null, digested_at: null, digest_error: null, created_at: now },
  };
}

/** The columns that were given. */
function settingsOf(settings: Settings): Partial<TrailRow> {
  const { S3BucketName: bucket, S3KeyPrefix: prefix } = settings;
  const { IsMultiRegionTrail, IncludeGlobalServiceEvents, EnableLogFileValidation } = settings;
  return {
    ...(bucket !== undefined && { bucket }),
    ...(prefix !== undefined && { prefix }),
    ...(IsMultiRegionTrail !== undefined && { multi_region: Number(IsMultiRegionTrail) }),
    ...(IncludeGlobalServiceEvents !== undefined && { global_events: Number(IncludeGlobalServiceEvents) }),
    ...(EnableLogFileValidation !== undefined && { validation: Number(EnableLogFileValidation) }),
  };
}

/**
 * @throws UnsupportedOperationException what would not take effect here
 * @throws InvalidS3BucketNameException, InvalidS3PrefixException
 */
function requireServed(settings: Settings): void {
  const { S3BucketName, S3KeyPrefix, SnsTopicName, CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn } = settings;
  if (S3BucketName !== undefined && !isBucketName(S3BucketName)) {
    throw new InvalidS3BucketNameException(`Bucket name ${S3BucketName} is invalid.`);
  }
  if (S3KeyPrefix !== undefined && S3KeyPrefix !== "" && !isPrefix(S3KeyPrefix)) {
    throw new InvalidS3PrefixException(`The S3 prefix ${S3KeyPrefix} is invalid.`);
  }
  if (SnsTopicName !== undefined && SnsTopicName !== "") throw unsupported("notifications of trails");
  if ((CloudWatchLogsLogGroupArn ?? "") + (CloudWatchLogsRoleArn ?? "") !== "") throw unsupported("CloudWatch Logs");
  if (settings.IsOrganizationTrail === true) throw unsupported("organization trails");
}

/** The text is that of public test suites. */
function requireCombination(isMultiRegion: boolean, includesGlobal: boolean): void {
  if (!isMultiRegion || includesGlobal) return;
  throw new InvalidParameterCombinationException("Multi-Region trail must include global service events.");
}

function unsupported(what: string): UnsupportedOperationException {
  return new UnsupportedOperationException(`Keystead does not support ${what} yet.`);
}

/**
 * Finds out whether CloudTrail may deliver, and encrypt, as the settings say.
 *
 * @returns the trail with its key
 * @throws S3BucketDoesNotExistException, InsufficientS3BucketPolicyException, and what KMS's refusals come to
 */
async function prepareSettings(
  trail: TrailRow,
  settings: Settings,
  { call, buckets, kms }: ReadContext,
): Promise<TrailRow> {
  const { bucket, partition } = trail;
  if (!(await buckets.has(bucket, partition))) {
    throw new S3BucketDoesNotExistException(`S3 bucket ${bucket} does not exist!`);
  }
  if (!(await buckets.isOpen(identityOf(trail, call.now), bucket, logFolder(trail)))) {
    throw new InsufficientS3BucketPolicyException(`Incorrect S3 bucket policy is detected for bucket: ${bucket}`);
  }
  const { KmsKeyId: keyId } = settings;
  if (keyId === undefined) return trail;
  if (keyId === "") return { ...trail, key_arn: null };
  const arn = arnOf(trail);
  const context = contextOf(arn, objectArn(partition, bucket, logFolder(trail)));
  return { ...trail, key_arn: await kms.requireKey(call, { keyId, trailArn: arn, bucket, context }) };
}

/** Changes what was given of a trail, in its home Region. */
export const updateTrail = change("UpdateTrail", {
  on: ({ Name }, call) => meantArn(call, Name),
  validate({ Name = "", ...settings }, call) {
    givenName(call, Name);
    requireServed(settings);
  },
  async prepare({ Name = "", ...settings }, context) {
    const row = await requireTrailAtHome(context.store.db, context.call, Name);
    return (await prepareSettings({ ...row, ...settingsOf(settings) }, settings, context)).key_arn;
  },
  async run({ Name = "", ...settings }, { call, tx, prepared: key_arn }) {
    const row = await requireTrailAtHome(tx.db, call, Name);
    const changed: TrailRow = { ...row, ...settingsOf(settings), ...(settings.KmsKeyId !== undefined && { key_arn }) };
    requireCombination(changed.multi_region === 1, changed.global_events === 1);
    await rows.updateTrail(tx, row, { ...settingsOf(settings), key_arn: changed.key_arn });
    if (changed.validation === 0) await rows.deleteChains(tx, row);
    else if (row.validation === 0 && row.logging === 1) await rows.beginChain(tx, row, row.region, call.now);
    return outputOf(changed);
  },
});

/** Removes a trail; what it has delivered stays. */
export const deleteTrail = change("DeleteTrail", {
  on: ({ Name }, call) => meantArn(call, Name),
  async run({ Name = "" }, { call, tx }) {
    await rows.deleteTrail(tx, await requireTrailAtHome(tx.db, call, Name));
    return {};
  },
});

/** One trail. */
export const getTrail = read("GetTrail", {
  on: ({ Name }, call) => meantArn(call, Name),
  async run({ Name = "" }, { call, store }) {
    return { Trail: describe((await findShownTrail(store.db, call, Name)) ?? throwUnknown(call, Name)) };
  },
});

/**
 * The trails of the Region and, unless they are not asked for, those of others that are for all Regions. Names mean those of the
 * Region alone (API reference).
 */
export const describeTrails = read("DescribeTrails", {
  async run({ trailNameList = [], includeShadowTrails = true }, { call, store }) {
    const given = trailNameList.map((text) => givenName(call, text));
    const all = await rows.listTrails(store.db, call.principal.account);
    const shown = all.filter((row) => row.region === call.region || (includeShadowTrails && isShadow(row, call)));
    const named = shown.filter((row) => given.some(({ name, region }) => name === row.name && region === row.region));
    return { trailList: (given.length === 0 ? shown : named).map(describe) };
  },
});

/** The trails of the account in every Region of the partition. */
export const listTrails = read("ListTrails", {
  async run({ NextToken }, context) {
    const { call, store } = context;
    const all = (await rows.listTrails(store.db, call.principal.account)).filter(
      ({ partition }) => partition === call.partition,
    );
    const { items, next } = await pageOf<TrailRow>(
      {
        marker: NextToken,
        limit: PAGE_SIZE,
        filter: "",
        list: (after = "", count) =>
          all
            .filter((row) => arnOf(row) > after)
            .sort(byArn)
            .slice(0, count),
        nameOf: arnOf,
        invalidMarker: () => new InvalidTokenException("Invalid token."),
      },
      context,
    );
    const Trails = items.map((row) => ({ TrailARN: arnOf(row), Name: row.name, HomeRegion: row.region }));
    return { Trails, ...(next !== undefined && { NextToken: next }) };
  },
});

/** The tags of trails, which here have none: clients ask for them whenever they look at a trail. */
export const listTags = read("ListTags", {
  on: ({ ResourceIdList }, call) => meantArn(call, ResourceIdList?.[0]),
  async run({ ResourceIdList = [] }, { call, store }) {
    for (const arn of ResourceIdList) {
      if ((await findShownTrail(store.db, call, arn)) !== undefined) continue;
      throw new ResourceNotFoundException(`Resource ${arn} is not found.`);
    }
    return { ResourceTagList: ResourceIdList.map((ResourceId) => ({ ResourceId, TagsList: [] })) };
  },
});

function byArn(left: TrailRow, right: TrailRow): number {
  return arnOf(left) < arnOf(right) ? -1 : 1;
}
