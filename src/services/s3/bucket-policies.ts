/** PutBucketPolicy, GetBucketPolicy and DeleteBucketPolicy. */

import { findNamedPrincipals, parsePrincipalIds, printPrincipalIds, shownPolicy } from "../../access/principals.ts";
import { coded } from "../../base/errors.ts";
import type { Target } from "../../pipeline/operation.ts";
import { type Document, INVALID_JSON, PolicySyntaxError, parsePolicy, type Statement } from "../../policy/document.ts";
import { compileDocument } from "../../policy/policy.ts";
import { updateBucket } from "../../storage/buckets.ts";
import { MalformedPolicy, NoSuchBucketPolicy } from "./errors.ts";
import { s3Arn } from "./names.ts";
import { change, onBucket, read } from "./operation.ts";

class MethodNotAllowed extends coded("MethodNotAllowed", 405) {}

/** Policy documents (S3 user guide, Bucket policies). */
const POLICY_BYTES_MAX = 20_480;

/**
 * A permission on a bucket's policy: none of its statements can keep the root user of its own account from it, so that nobody is locked out
 * (API reference, PutBucketPolicy), and no other account may have it.
 */
function onPolicy(action: string): Target<never> {
  const target = onBucket(action);
  return {
    ...target,
    resolve(input, call, reader) {
      const resolution = target.resolve(input, call, reader);
      const { principal } = call;
      if (principal.account !== resolution.resource.account || principal.kind !== "root") return resolution;
      const { policy: _policy, ...resource } = resolution.resource;
      return { ...resolution, resource } as typeof resolution;
    },
    allow(resource, input, call) {
      target.allow?.(resource as never, input, call);
      if (resource.account === call.principal.account) return;
      throw new MethodNotAllowed("The specified method is not allowed against this resource.");
    },
  } as Target<never>;
}

/** Sets a bucket's policy. */
export const putBucketPolicy = change("PutBucketPolicy", {
  targets: [onPolicy("s3:PutBucketPolicy")],
  async run({ Policy: text }, { tx, bucket, call, unknownPrincipals }) {
    if (Buffer.byteLength(text) > POLICY_BYTES_MAX) throw new MalformedPolicy("Policies must be 20 KB or smaller");
    const document = parseOrRefuse(text);
    const { row } = bucket;
    const arn = s3Arn(call.partition, row.name);
    if (!document.statements.every((statement) => isAbout(statement, arn))) {
      throw new MalformedPolicy("Policy has invalid resource");
    }
    if (!document.statements.every(isOfS3)) throw new MalformedPolicy("Policy has invalid action");
    if (!document.statements.every((statement) => appliesTo(statement, arn))) {
      throw new MalformedPolicy("Action does not apply to any resource(s) in statement");
    }
    const names = document.statements.flatMap(({ principals }) => [...(principals?.aws ?? [])]);
    const { ids, unknown } = await tx.settle((reader) => findNamedPrincipals(names, reader, call.partition));
    if (unknown.length > 0) {
      if (!unknownPrincipals.allow) throw new MalformedPolicy("Invalid principal in policy");
      unknownPrincipals.warn(unknown);
    }
    await updateBucket(tx, row, { policy: text, policy_principals: printPrincipalIds(ids) });
    return {};
  },
});

const NO_JSON = "Policies must be valid JSON and the first byte must be '{'";

/** @throws MalformedPolicy in S3's words, as far as they are known (public test suites recorded on S3) */
function parseOrRefuse(text: string): Document {
  try {
    if (!text.startsWith("{")) throw new PolicySyntaxError(INVALID_JSON);
    const document = parsePolicy(text, "bucket");
    compileDocument(document);
    return document;
  } catch (cause) {
    if (!(cause instanceof PolicySyntaxError)) throw cause;
    throw new MalformedPolicy(cause.message === INVALID_JSON ? NO_JSON : cause.message);
  }
}

/** A bucket's policy is about the bucket and what is in it. */
function isAbout({ resources }: Statement, arn: string): boolean {
  if (resources === undefined || resources === "implied") return false;
  return resources.values.every((value) => value === arn || value.startsWith(`${arn}/`) || value === `${arn}*`);
}

function isOfS3({ actions }: Statement): boolean {
  return actions?.values.every((value) => value === "*" || value.toLowerCase().startsWith("s3:")) === true;
}

/** Actions on objects, in lower case (Service Authorization Reference, S3). */
const ON_OBJECTS =
  /^s3:(?:(?!(?:get|put)bucket)\w*object\w*|abortmultipartupload|bypassgovernanceretention|initiatereplication|listmultipartuploadparts|replicatedelete|replicatetags)$/;
/** Actions on buckets, if they are on no objects. */
const ON_BUCKETS = /^s3:(?:\w*bucket\w*|(?:get|put)\w*configuration)$/;

/** Whether each action that is written out has a resource in the statement that it can be on. */
function appliesTo({ actions, resources }: Statement, arn: string): boolean {
  if (actions?.negated !== false || resources === undefined || resources === "implied" || resources.negated)
    return true;
  const isOnObjects = resources.values.some((value) => value !== arn);
  const isOnBucket = resources.values.some((value) => value === arn || value === `${arn}*`);
  return actions.values.every((value) => {
    const action = value.toLowerCase();
    if (ON_OBJECTS.test(action)) return isOnObjects;
    return isOnBucket || !ON_BUCKETS.test(action);
  });
}

/** The policy; users and roles that are gone are named by their unique ids. */
export const getBucketPolicy = read("GetBucketPolicy", {
  targets: [onPolicy("s3:GetBucketPolicy")],
  async run(_input, { bucket, store }) {
    const { policy, policy_principals: principals, name } = bucket.row;
    if (policy === null) throw new NoSuchBucketPolicy("The bucket policy does not exist", { BucketName: name });
    return { Policy: await store.settle((reader) => shownPolicy(policy, parsePrincipalIds(principals), reader)) };
  },
});

/** Removes the policy; one that is not there is no harm. */
export const deleteBucketPolicy = change("DeleteBucketPolicy", {
  targets: [onPolicy("s3:DeleteBucketPolicy")],
  async run(_input, { tx, bucket }) {
    await updateBucket(tx, bucket.row, { policy: null, policy_principals: "{}" });
    return {};
  },
});
