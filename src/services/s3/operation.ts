/** How an operation of S3 is declared. */

import type { S3 } from "@aws-sdk/client-s3";
import { accessDenied, type Denial } from "../../access/decide.ts";
import type { UnknownPrincipals } from "../../access/principals.ts";
import { resourcePolicyOf } from "../../access/resource-policies.ts";
import { AccessDeniedException } from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import { decideAlso } from "../../pipeline/also.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type {
  Call,
  ChangeContext,
  Operation,
  Resolution,
  Resource,
  RunContext,
  Target,
} from "../../pipeline/operation.ts";
import { verbatimMembers } from "../../pipeline/verbatim.ts";
import type { S3BucketRow } from "../../storage/service-schema.ts";
import type { Reader } from "../../storage/store.ts";
import type { ForwardingKms } from "../forwarding.ts";
import type { Bodies } from "./bodies.ts";
import type { BucketKeys } from "./bucket-keys.ts";
import { s3Condition } from "./conditions.ts";
import { NoSuchBucket, WrongRegion } from "./errors.ts";
import { s3Arn } from "./names.ts";

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly kms: ForwardingKms;
  readonly bodies: Bodies;
  readonly bucketKeys: BucketKeys;
  readonly unknownPrincipals: UnknownPrincipals;
}

export type OperationName = OperationsOf<S3>;
export type Input<N extends OperationName> = InputOf<S3, N>;
export type Output<N extends OperationName> = OutputOf<S3, N>;

/** A bucket, or an object in it, whether or not the object is there: reads tell that once they may. */
export interface BucketResource extends Resource {
  readonly row: S3BucketRow;
}

export type Context = RunContext & Environment & { readonly bucket: BucketResource };
export type Change<P> = ChangeContext<P> & Environment & { readonly bucket: BucketResource };

type Members = Readonly<Record<string, unknown>>;

interface OnBucket {
  readonly as?: string;
  /** Whether the bucket may be in another Region than the request. */
  readonly anyRegion?: boolean;
  /** The bucket and the key that an input means; those that the request is for, if not given. */
  named?(input: Members): { readonly bucket: string; readonly key?: string };
}

/** A permission on the bucket of a request. */
export function onBucket(action: string | undefined, options: OnBucket = {}): Target<never, BucketResource> {
  const named = options.named ?? (({ Bucket }: Members) => ({ bucket: String(Bucket) }));
  return onResource(action, { ...options, named });
}

/** A permission on the object of a request. */
export function onObject(action: string, options: OnBucket = {}): Target<never, BucketResource> {
  const named = options.named ?? (({ Bucket, Key }: Members) => ({ bucket: String(Bucket), key: String(Key) }));
  return onResource(action, { ...options, named });
}

function onResource(
  action: string | undefined,
  { as = "bucket", anyRegion = false, named }: OnBucket & Required<Pick<OnBucket, "named">>,
): Target<never, BucketResource> {
  const target: Target<Members, BucketResource> = {
    as,
    action,
    resolve(input, call, reader) {
      const { bucket, key } = named(input);
      return found(requireBucket(bucket, call, reader, anyRegion), call, key);
    },
    allow({ account }, { ExpectedBucketOwner, ExpectedSourceBucketOwner }) {
      const expected = as === "source" ? ExpectedSourceBucketOwner : ExpectedBucketOwner;
      if (expected !== undefined && expected !== account) throw new AccessDeniedException("Access Denied");
    },
    denied(call, input, denial) {
      const { bucket, key } = named(input);
      return deniedAs({ call, action: action ?? "", arn: s3Arn(call.partition, bucket, key) }, denial);
    },
    conditions: (key, { input, call, resource }) => s3Condition(key, input, call, resource.account),
  };
  return target as unknown as Target<never, BucketResource>;
}

/**
 * The bucket of a name. That one is there is no secret: names are everybody's, and S3 says so to any caller.
 *
 * @throws NoSuchBucket, WrongRegion it is not there, or not in the Region of the request
 */
function requireBucket(name: string, call: Call, reader: Reader, anyRegion: boolean): S3BucketRow {
  const row = reader.find("bucket", call.partition, name);
  if (row === undefined) throw new NoSuchBucket(name);
  if (row.region !== call.region && !anyRegion) throw new WrongRegion(call.region, row.region);
  return row;
}

function found(row: S3BucketRow, call: Call, key: string | undefined): Resolution<BucketResource> {
  return { kind: "found", resource: resourceOf(row, call, key) };
}

/** A bucket or an object of it as decisions see it. */
export function resourceOf(row: S3BucketRow, { partition }: Call, key?: string): BucketResource {
  const policy = resourcePolicyOf(row);
  const { account, name } = row;
  return { arn: s3Arn(partition, name, key), account, row, ownedByAccount: true, ...(policy && { policy }) };
}

/**
 * S3's words: it puts the ARN in quotes, and gives no reason outside of the caller's account and organization (user guide,
 * Troubleshoot access denied errors).
 */
export function deniedAs(
  { call, action, arn }: { readonly call: Call; readonly action: string; readonly arn: string },
  denial: Denial,
): AccessDeniedException {
  if (denial.isFar === true || denial.why === "another account's") return new AccessDeniedException("Access Denied");
  const resource = { arn: action === "s3:ListAllMyBuckets" ? "*" : `"${arn}"`, account: "" };
  const { principal } = call;
  return accessDenied({ principal, action, resource }, denial);
}

/** Whether the caller may do something else, too, on which an answer depends. */
export async function mayAlso(
  action: string,
  resource: BucketResource,
  { call, input, settle }: { readonly call: Call; readonly input: Members; readonly settle: Settle },
): Promise<Denial | undefined> {
  const conditions = (key: string) => s3Condition(key, input, call, resource.account);
  return await settle((reader) => {
    const decision = decideAlso({ call, action, resource, conditions }, reader);
    return decision.allowed ? undefined : decision;
  });
}

/** Runs a reading, over the view or in a transaction. */
type Settle = <T>(reading: (reader: Reader) => T) => T | Promise<T>;

interface Declared<N extends OperationName, C> {
  readonly targets: readonly Target<never>[];
  validate?(input: Input<N>, call: Call): void;
  run(input: Input<N>, context: C): Promise<Output<N>>;
}

/** An operation that only reads; one on an object calls KMS. */
export function read<N extends OperationName>(name: N, declared: Declared<N, Context>): Operation {
  return { ...(declared as unknown as Operation), name, kind: "read", record: recordOf(declared.targets, true) };
}

/** An operation that changes buckets or objects; `prepare` calls KMS and writes files before the transaction. */
export function change<N extends OperationName, P = undefined>(
  name: N,
  declared: Declared<N, Change<P>> & { prepare?(input: Input<N>, context: Context): Promise<P> },
): Operation {
  return { ...(declared as unknown as Operation), name, kind: "change", record: recordOf(declared.targets, false) };
}

/** What records have of requests about buckets (CloudTrail log file entries for S3). */
const RECORDED = ["CreateBucketConfiguration", "ServerSideEncryptionConfiguration", "ACL", "ObjectOwnership"] as const;

function recordOf(targets: readonly Target<never>[], readOnly: boolean): Operation["record"] {
  return {
    readOnly,
    request(input) {
      const members = input as Members;
      const request: Record<string, unknown> = {};
      if (members["Bucket"] !== undefined) request["bucketName"] = members["Bucket"];
      if (typeof members["Policy"] === "string") request["bucketPolicy"] = jsonOf(members["Policy"]);
      for (const name of RECORDED) if (members[name] !== undefined) request[name] = members[name];
      return verbatimMembers(request);
    },
    resources: targets.map(({ as }) => as),
    received: () => verbatimMembers({ SignatureVersion: "SigV4", AuthenticationMethod: "AuthHeader" }),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the request is refused for it
  }
}
