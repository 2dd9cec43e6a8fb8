/** Names of trails, buckets, prefixes, log files and digest files. */

import { asArn, formatArn } from "../../base/arn.ts";
import type { TrailRow } from "../../storage/trail-schema.ts";
import type { TrailName } from "../../storage/trails.ts";
import { CloudTrailARNInvalidException, InvalidTrailNameException } from "../api/errors.ts";

const NAME_LENGTH_MIN = 3;
const NAME_LENGTH_MAX = 128;
const PREFIX_LENGTH_MAX = 200;

/** ARN of a trail. */
export function trailArn({ account, region, name }: TrailName, partition: string): string {
  return formatArn({ partition, service: "cloudtrail", region, account, resource: `trail/${name}` });
}

/** ARN of a row's trail. */
export function arnOf(row: TrailRow): string {
  return trailArn(row, row.partition);
}

/**
 * Requires a name that a trail may have (API reference, CreateTrail; the texts are those of public test suites).
 *
 * @throws InvalidTrailNameException
 */
export function requireTrailName(name: string): void {
  const { length } = name;
  const specified = `Specified name length: ${length} characters.`;
  if (length < NAME_LENGTH_MIN) {
    throw new InvalidTrailNameException(
      `Trail name too short. Minimum allowed length: ${NAME_LENGTH_MIN} characters. ${specified}`,
    );
  }
  if (length > NAME_LENGTH_MAX) {
    throw new InvalidTrailNameException(
      `Trail name too long. Maximum allowed length: ${NAME_LENGTH_MAX} characters. ${specified}`,
    );
  }
  if (!/^[A-Za-z0-9]/.test(name))
    throw new InvalidTrailNameException("Trail name must starts with a letter or number.");
  if (!/[A-Za-z0-9]$/.test(name)) throw new InvalidTrailNameException("Trail name must ends with a letter or number.");
  if (!/^[A-Za-z0-9._-]+$/.test(name) || /[._-]{2}/.test(name)) {
    throw new InvalidTrailNameException(
      "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
    );
  }
  if (/^[0-9]+(?:\.[0-9]+){3}$/.test(name)) {
    throw new InvalidTrailNameException("Trail name must not be formatted as an IP address.");
  }
}

/** What names a trail: its ARN, or a name in the caller's account and Region. */
export interface GivenName extends TrailName {
  readonly isArn: boolean;
}

/**
 * Parses what names a trail.
 *
 * @throws CloudTrailARNInvalidException an ARN of something else
 * @throws InvalidTrailNameException
 */
export function parseTrailName(text: string, own: { readonly account: string; readonly region: string }): GivenName {
  if (!text.startsWith("arn:")) {
    requireTrailName(text);
    return { ...own, name: text, isArn: false };
  }
  const { service, region = "", account = "", resource = "" } = asArn(text) ?? {};
  const name = /^trail\/(.+)$/.exec(resource)?.[1];
  if (service !== "cloudtrail" || name === undefined) {
    throw new CloudTrailARNInvalidException(`Invalid trail ARN: ${text}.`);
  }
  requireTrailName(name);
  return { account, region, name, isArn: true };
}

/** Whether a bucket may have that name (S3 user guide, Bucket naming rules); never a path of more than one part. */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..") && !/^[0-9]+(?:\.[0-9]+){3}$/.test(name)
  );
}

/** Whether objects may begin with that prefix: parts of a path, none of them empty or dots alone. */
export function isPrefix(prefix: string): boolean {
  const parts = prefix.replace(/\/$/, "").split("/");
  return (
    prefix.length <= PREFIX_LENGTH_MAX && parts.every((part) => /^[\w!.*'()-]+$/.test(part) && !/^\.+$/.test(part))
  );
}

type Place = Pick<TrailRow, "prefix" | "account">;

/** The folder of a trail in its bucket, with its slash: what CloudTrail names when it is set up. */
export function logFolder({ prefix, account }: Place): string {
  return `${prefix === null || prefix === "" ? "" : `${prefix.replace(/\/$/, "")}/`}AWSLogs/${account}/`;
}

/** The key of a log file (CloudTrail user guide, Log file name format). */
export function logKey(
  trail: Place,
  file: { readonly region: string; readonly time: number; readonly unique: string },
): string {
  const { region, time, unique } = file;
  const { day, minute } = stamps(time);
  return `${logFolder(trail)}CloudTrail/${region}/${day}/${trail.account}_CloudTrail_${region}_${minute}Z_${unique}.json.gz`;
}

/** The key of a digest file (CloudTrail user guide, Digest file structure). */
export function digestKey(trail: TrailRow, digest: { readonly region: string; readonly end: number }): string {
  const { region, end } = digest;
  const { day, second } = stamps(end);
  const name = `${trail.account}_CloudTrail-Digest_${region}_${trail.name}_${trail.region}_${second}Z.json.gz`;
  return `${logFolder(trail)}CloudTrail-Digest/${region}/${day}/${name}`;
}

/** ARN of an object, or of what begins with a key. */
export function objectArn(partition: string, bucket: string, key: string): string {
  return `arn:${partition}:s3:::${bucket}/${key}`;
}

/** Such as `2031/01/03`, `20310103T0405` and `20310103T040506`. */
function stamps(time: number): { readonly day: string; readonly minute: string; readonly second: string } {
  const second = new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "");
  const day = `${second.slice(0, 4)}/${second.slice(4, 6)}/${second.slice(6, 8)}`;
  return { day, minute: second.slice(0, 13), second };
}
