/** How an operation of EventBridge is declared, and what the operations have in common: buses, rules, their ARNs and errors. */

import type { EventBridge } from "@aws-sdk/client-eventbridge";
import { asArn } from "../../base/arn.ts";
import { coded, ValidationException } from "../../base/errors.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Call, Operation, RunContext } from "../../pipeline/operation.ts";
import { pageOf } from "../../pipeline/pages.ts";
import { findRule, type RuleName } from "../../storage/events.ts";
import type { EventRuleRow } from "../../storage/signal-schema.ts";
import type { Tx } from "../../storage/store.ts";
import { type ArnsOf, declare, type ReadContext, type SignalEnvironment, type WriteContext } from "../operation.ts";
import type { EventBus } from "./bus.ts";

export class LimitExceededException extends coded("LimitExceededException") {}
export class ResourceNotFoundException extends coded("ResourceNotFoundException") {}

/** What every run gets. */
export interface EventsEnvironment extends SignalEnvironment {
  readonly bus: EventBus;
}

/** Operations of EventBridge, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<EventBridge>;
export type Input<N extends OperationName> = InputOf<EventBridge, N>;
export type Output<N extends OperationName> = OutputOf<EventBridge, N>;

interface Declared<N extends OperationName, C> {
  readonly on: ArnsOf<Input<N>>;
  readonly onMax?: number;
  validate?(input: Input<N>): void;
  recorded?(input: Input<N>): Readonly<Record<string, unknown>>;
  run(input: Input<N>, context: C): Output<N> | Promise<Output<N>>;
}

/** An operation that only looks. */
export function read<N extends OperationName>(
  name: N,
  declared: Declared<N, ReadContext<EventsEnvironment>>,
): Operation {
  return declare({ prefix: "events", name, kind: "read" }, declared);
}

/** An operation that changes rows. */
export function change<N extends OperationName>(
  name: N,
  declared: Declared<N, WriteContext<EventsEnvironment>>,
): Operation {
  return declare({ prefix: "events", name, kind: "change" }, declared);
}

/** Every account has this bus in each Region, and here no other. */
export const DEFAULT_BUS = "default";

/** Such as `arn:aws:events:us-east-1:111122223333:rule/expiries`. */
export function ruleArn({ partition, region, principal }: Call, name: string): string {
  return `arn:${partition}:events:${region}:${principal.account}:rule/${name}`;
}

/** Such as `arn:aws:events:us-east-1:111122223333:event-bus/default`. */
export function busArn({ partition, region, principal }: Call, name: string = DEFAULT_BUS): string {
  return name.startsWith("arn:") ? name : `arn:${partition}:events:${region}:${principal.account}:event-bus/${name}`;
}

/** @throws ResourceNotFoundException the bus, a name or an ARN, is not the caller's default bus */
export function requireDefaultBus(call: Call, name: string = DEFAULT_BUS): void {
  if (name === DEFAULT_BUS || name === busArn(call)) return;
  throw new ResourceNotFoundException(`Event bus ${name.replace(/^.*event-bus\//, "")} does not exist.`);
}

/** Names a rule on the caller's default bus. */
export function ruleName({ principal, region }: Call, name: string): RuleName {
  return { account: principal.account, region, name };
}

/** @throws ResourceNotFoundException there is no such bus, or no such rule on it */
export async function requireRule(
  { call, store, tx }: RunContext & { readonly tx?: Tx },
  { name, bus }: { readonly name: string; readonly bus: string | undefined },
): Promise<EventRuleRow> {
  requireDefaultBus(call, bus);
  const row = await findRule(tx?.db ?? store.db, ruleName(call, name));
  if (row !== undefined) return row;
  throw new ResourceNotFoundException(`Rule ${name} does not exist on EventBus ${DEFAULT_BUS}.`);
}

/** The rule, and its bus where that is not the default one, that an ARN names; undefined of anything else. */
export function ruleInArn(arn: string): { readonly name: string; readonly bus: string | undefined } | undefined {
  const [, bus, name] = /^rule\/(?:(.+)\/)?([^/]+)$/.exec(asArn(arn)?.resource ?? "") ?? [];
  return name === undefined ? undefined : { name, bus };
}

/** Pages have so many items when nothing is asked. */
const PAGE_SIZE = 100;

/** One page of a list. */
export async function page<T>(
  { NextToken: marker, Limit: limit = PAGE_SIZE }: { readonly NextToken?: string; readonly Limit?: number },
  context: ReadContext<EventsEnvironment>,
  of: {
    readonly filter: string;
    list(after: string | undefined, count: number): Promise<readonly T[]>;
    nameOf(item: T): string;
  },
): Promise<{ readonly items: readonly T[]; readonly NextToken?: string }> {
  const invalidMarker = () => new ValidationException("Token is not valid.");
  const { items, next } = await pageOf({ marker, limit, ...of, invalidMarker }, context);
  return { items, ...(next !== undefined && { NextToken: next }) };
}
