/** The condition keys of IAM: what each says of a request (Service Authorization Reference, IAM). */

import type { Question } from "../pipeline/operation.ts";
import type { IamResource } from "./resources.ts";

type Value = string | readonly string[] | undefined;

/** One condition key; `name` is what follows the slash at the end of a family's name, in lower case. */
type ConditionKey = (question: Question, name: string) => Value;

/** Condition keys by name in lower case. A name that ends with a slash stands for a family, such as `aws:requesttag/`. */
export type ConditionKeys = Readonly<Record<string, ConditionKey>>;

function textOf({ input }: Question, member: string): string | undefined {
  const value = (input as Readonly<Record<string, unknown>>)[member];
  return typeof value === "string" ? value : undefined;
}

interface RequestTag {
  readonly Key?: string;
  readonly Value?: string;
}

function tagsOf({ input }: Question): readonly RequestTag[] | undefined {
  return (input as { readonly Tags?: readonly RequestTag[] }).Tags;
}

/** `iam:PolicyARN`, of attaching and detaching. */
export const policyCondition: ConditionKeys = { "iam:policyarn": (question) => textOf(question, "PolicyArn") };

/** `iam:PermissionsBoundary`: the boundary that the request sets, else the one that the user or role has. */
export const boundaryCondition: ConditionKeys = {
  "iam:permissionsboundary": (question) =>
    textOf(question, "PermissionsBoundary") ?? (question.resource as IamResource).identity?.boundary ?? undefined,
};

/** `aws:RequestTag/…` and `aws:TagKeys`. */
export const tagConditions: ConditionKeys = {
  "aws:tagkeys": (question) =>
    tagsOf(question)?.map(({ Key = "" }) => Key) ??
    (question.input as { readonly TagKeys?: readonly string[] }).TagKeys,
  "aws:requesttag/": (question, name) =>
    tagsOf(question)?.flatMap(({ Key = "", Value = "" }) => (Key.toLowerCase() === name ? [Value] : [])),
};

/** `iam:AWSServiceName`, of service-linked roles. */
export const serviceCondition: ConditionKeys = {
  "iam:awsservicename": (question) =>
    textOf(question, "AWSServiceName") ?? (question.resource as IamResource).identity?.linked_service ?? undefined,
};

const resourceTag: ConditionKey = ({ resource }, name) =>
  (resource as IamResource).tags.find(({ key }) => key.toLowerCase() === name)?.value;

/** What every resource can be asked. */
const ofResources: ConditionKeys = { "aws:resourcetag/": resourceTag, "iam:resourcetag/": resourceTag };

/**
 * What IAM answers to the conditions on one target.
 *
 * @param key in lower case
 */
export function iamConditionValues(
  key: string,
  declared: ConditionKeys | undefined,
  question: Question,
): readonly string[] | undefined {
  const value = valueIn({ ...ofResources, ...declared }, key, question);
  // A tag without a value is there, and its value is the empty text.
  if (typeof value === "string") return [value];
  return value === undefined || value.length === 0 ? undefined : value;
}

function valueIn(keys: ConditionKeys, key: string, question: Question): Value {
  if (Object.hasOwn(keys, key)) return keys[key]?.(question, "");
  const family = key.slice(0, key.indexOf("/") + 1);
  return Object.hasOwn(keys, family) ? keys[family]?.(question, key.slice(family.length)) : undefined;
}
