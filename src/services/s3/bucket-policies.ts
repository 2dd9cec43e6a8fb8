/** PutBucketPolicy, GetBucketPolicy and DeleteBucketPolicy. */

import { findNamedPrincipals, parsePrincipalIds, printPrincipalIds, shownPolicy } from "../../access/principals.ts";
import { coded } from "../../base/errors.ts";
import type { Target } from "../../pipeline/operation.ts";
import { type Document, PolicySyntaxError, parsePolicy, type Statement } from "../../policy/document.ts";
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
    const names = document.statements.flatMap(({ principals }) => [...(principals?.aws ?? [])]);
    const { ids, unknown } = await tx.settle((reader) => findNamedPrincipals(names, reader));
    if (unknown.length > 0) {
      if (!unknownPrincipals.allow) throw new MalformedPolicy("Invalid principal in policy");
      unknownPrincipals.warn(unknown);
    }
    await updateBucket(tx, row, { policy: text, policy_principals: printPrincipalIds(ids) });
    return {};
  },
});

/** What each statement has, under one of two names. */
const FIELDS = ["Effect", "Principal", "Action", "Resource"] as const;

/** @throws MalformedPolicy in S3's words, as far as they are known (public test suites recorded on S3) */
function requireFields(text: string): void {
  const json = findJson(text);
  if (!text.startsWith("{") || json === undefined) {
    throw new MalformedPolicy("Policies must be valid JSON and the first byte must be '{'");
  }
  const { Statement } = json as { readonly Statement?: unknown };
  if (Statement === undefined) throw new MalformedPolicy("Missing required field Statement");
  for (const statement of [Statement].flat()) {
    if (typeof statement !== "object" || statement === null) continue; // what it is then, the parser says
    const missing = FIELDS.find((name) => !(name in statement) && !(`Not${name}` in statement));
    if (missing !== undefined) throw new MalformedPolicy(`Missing required field ${missing}`);
  }
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function parseOrRefuse(text: string): Document {
  requireFields(text);
  try {
    const document = parsePolicy(text, "endpoint");
    compileDocument(document);
    return document;
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new MalformedPolicy(cause.message);
    throw cause;
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
