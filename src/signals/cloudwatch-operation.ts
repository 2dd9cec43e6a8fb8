/** How an operation of CloudWatch is declared, and what its operations have in common. */

import type { CloudWatch, Dimension } from "@aws-sdk/client-cloudwatch";
import { coded } from "../base/errors.ts";
import type { InputOf, OperationsOf, OutputOf } from "../pipeline/client-types.ts";
import type { Call, Operation } from "../pipeline/operation.ts";
import { pageOf } from "../pipeline/pages.ts";
import type { MetricOwner } from "../storage/metrics.ts";
import type { AlarmStates } from "./alarms/states.ts";
import type { Dimensions } from "./metrics/catalog.ts";
import type { MetricReader } from "./metrics/reader.ts";
import { type ArnsOf, declare, type ReadContext, type SignalEnvironment, type WriteContext } from "./operation.ts";

export class InvalidFormatFault extends coded("InvalidFormatFault") {}
export class InvalidNextToken extends coded("InvalidNextToken") {}
export class InvalidParameterCombinationException extends coded("InvalidParameterCombinationException") {}
export class InvalidParameterValueException extends coded("InvalidParameterValueException") {}
export class LimitExceededFault extends coded("LimitExceededFault") {}
export class MissingRequiredParameterException extends coded("MissingRequiredParameterException") {}
export class ResourceNotFound extends coded("ResourceNotFound", 404) {}
/** Of the operations on tags alone. */
export class ResourceNotFoundException extends coded("ResourceNotFoundException", 404) {}

/** What every run gets. */
export interface CloudWatchEnvironment extends SignalEnvironment {
  readonly metrics: MetricReader;
  readonly states: AlarmStates;
}

/** Operations of CloudWatch, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<CloudWatch>;
export type Input<N extends OperationName> = InputOf<CloudWatch, N>;
export type Output<N extends OperationName> = OutputOf<CloudWatch, N>;

interface Declared<N extends OperationName, C> {
  readonly on: ArnsOf<Input<N>>;
  readonly onMax?: number;
  validate?(input: Input<N>): void;
  run(input: Input<N>, context: C): Output<N> | Promise<Output<N>>;
}

/** An operation that only looks. */
export function read<N extends OperationName>(
  name: N,
  declared: Declared<N, ReadContext<CloudWatchEnvironment>>,
): Operation {
  return declare({ prefix: "cloudwatch", name, kind: "read" }, declared);
}

/** An operation that changes rows. */
export function change<N extends OperationName>(
  name: N,
  declared: Declared<N, WriteContext<CloudWatchEnvironment>>,
): Operation {
  return declare({ prefix: "cloudwatch", name, kind: "change" }, declared);
}

/** Whose metrics and alarms a call is about. */
export function ownerOf({ principal, region }: Call): MetricOwner {
  return { account: principal.account, region };
}

/** Such as `arn:aws:cloudwatch:us-east-1:111122223333:alarm:expiry`. */
export function alarmArn(
  { partition, account, region }: MetricOwner & { readonly partition: string },
  name: string,
): string {
  return `arn:${partition}:cloudwatch:${region}:${account}:alarm:${name}`;
}

/** The ARN of an alarm of the caller's. */
export function ownAlarmArn(call: Call, name: string): string {
  return alarmArn({ ...ownerOf(call), partition: call.partition }, name);
}

/** Dimensions as they are in memory. */
export function dimensionsIn(list: readonly Dimension[] = []): Dimensions {
  return Object.fromEntries(list.map(({ Name = "", Value = "" }) => [Name, Value]));
}

/** Dimensions as the API has them. */
export function dimensionsOut(dimensions: Dimensions): Dimension[] {
  return Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
}

/** One page of a list that is in memory, in its order; what is named must differ. */
export async function page<T>(
  { NextToken: marker, limit }: { readonly NextToken: string | undefined; readonly limit: number },
  context: ReadContext<CloudWatchEnvironment>,
  { all, filter, nameOf }: { readonly all: readonly T[]; readonly filter: string; nameOf(item: T): string },
): Promise<{ readonly items: readonly T[]; readonly NextToken?: string }> {
  const list = (after: string | undefined, count: number): readonly T[] => {
    const start = after === undefined ? 0 : all.findIndex((item) => nameOf(item) === after) + 1;
    return all.slice(start, start + count);
  };
  const invalidMarker = () => new InvalidNextToken("The next token specified is invalid.");
  const { items, next } = await pageOf({ marker, limit, filter, list, nameOf, invalidMarker }, context);
  return { items, ...(next !== undefined && { NextToken: next }) };
}
