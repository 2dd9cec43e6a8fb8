/** What tests of IAM need: a server, clients of its two accounts, and users with clients of their own. */

import assert from "node:assert/strict";
import { IAM, type IAMServiceException } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import type { AccessKey } from "./faults/signed-requests.ts";
import { ACCOUNT, OTHER_ACCOUNT, policyOf, present, REGION, startWorld, type World } from "./kms-client.ts";

/** A user with an access key, and what it calls with. */
export interface Person {
  readonly name: string;
  readonly arn: string;
  readonly accessKeyId: string;
  readonly iam: IAM;
  readonly kms: KMS;
}

/** A running server with clients of IAM. */
export interface IamWorld extends World {
  /** The first account's root user. */
  readonly iam: IAM;
  /** The second account's root user. */
  readonly otherIam: IAM;
  /** Clients with an access key in a Region. */
  clients(credentials: AccessKey, region?: string): { readonly iam: IAM; readonly kms: KMS };
  /** Makes a user of either account, allowed by inline statements what is given, with an access key. */
  person(name: string, options?: { readonly allow?: readonly object[]; readonly account?: string }): Promise<Person>;
}

/** Starts a server for one test file, with further arguments of `keystead dev`. */
export async function startIamWorld(args: readonly string[] = []): Promise<IamWorld> {
  const world = await startWorld(args);
  const { endpoint, credentials } = world.server;
  const made: { destroy(): void }[] = [];
  const clients: IamWorld["clients"] = (key, region = REGION) => {
    const options = { endpoint, region, credentials: key, maxAttempts: 1 };
    const pair = { iam: new IAM(options), kms: new KMS(options) };
    made.push(pair.iam, pair.kms);
    return pair;
  };
  const { iam } = clients(credentials);
  const { iam: otherIam } = clients(world.otherCredentials);
  const stop = async (): Promise<void> => {
    for (const client of made) client.destroy();
    await world.stop();
  };
  return {
    ...world,
    iam,
    otherIam,
    clients,
    async person(name, { allow = [], account = ACCOUNT } = {}) {
      const { arn, ...key } = await newUser(account === OTHER_ACCOUNT ? otherIam : iam, name, allow);
      return { name, arn, accessKeyId: key.accessKeyId, ...clients(key) };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Makes a user who is allowed by inline statements what is given, and an access key for it. */
export async function newUser(
  iam: IAM,
  UserName: string,
  allow: readonly object[] = [],
): Promise<AccessKey & { readonly arn: string }> {
  const arn = present(present((await iam.createUser({ UserName })).User).Arn);
  if (allow.length > 0) {
    await iam.putUserPolicy({ UserName, PolicyName: "allowed", PolicyDocument: policyOf(...allow) });
  }
  const { AccessKeyId, SecretAccessKey } = present((await iam.createAccessKey({ UserName })).AccessKey);
  return { arn, accessKeyId: present(AccessKeyId), secretAccessKey: present(SecretAccessKey) };
}

/** A statement of an identity policy that allows. */
export function allow(action: string | readonly string[], resource: string | readonly string[] = "*"): object {
  return { Effect: "Allow", Action: action, Resource: resource };
}

/** A statement of an identity policy that denies. */
export function deny(action: string | readonly string[], resource: string | readonly string[] = "*"): object {
  return { Effect: "Deny", Action: action, Resource: resource };
}

/** A trust policy that lets a principal assume the role. */
export function trusting(principal: object): string {
  return policyOf({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" });
}

/** Asserts that a call of IAM is refused with this code on the wire, HTTP status and, where given, message. */
export async function assertIamRefused(
  call: Promise<unknown>,
  code: string,
  status: number,
  message?: string | RegExp,
): Promise<void> {
  const error: unknown = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Error, "the call was not refused");
  const { $metadata, Code = error.name } = error as IAMServiceException & { readonly Code?: string };
  if ($metadata === undefined) throw error;
  assert.deepEqual([Code, $metadata.httpStatusCode], [code, status], error.message);
  if (typeof message === "string") assert.equal(error.message, message);
  else if (message !== undefined) assert.match(error.message, message);
}
