/** The default bus: what is sent is matched with the rules of its account and Region inside the transaction of its cause. */

import { randomUUID } from "node:crypto";
import type { Target } from "@aws-sdk/client-eventbridge";
import type { Clock } from "../../base/clock.ts";
import { Memo } from "../../base/memo.ts";
import type { Entry, InternalEntry } from "../../pipeline/operation.ts";
import { type Bus, insertDeliveries, type LiveTarget, listLiveTargets } from "../../storage/events.ts";
import type { EventDeliveryRow } from "../../storage/signal-schema.ts";
import type { Tx } from "../../storage/store.ts";
import { inputOf } from "./input.ts";
import { compileEventPattern, type Matches } from "./pattern.ts";

/** An event that is sent; the bus adds version and id. */
export interface BusEvent extends Bus {
  readonly detailType: string;
  readonly source: string;
  /** Milliseconds since the epoch, by the injected clock. */
  readonly time: number;
  readonly resources: readonly string[];
  /** JSON of an object. */
  readonly detail: string;
  /** Random if not given. */
  readonly id?: string;
}

/** A record as trails have it. */
interface TrailRecord {
  readonly account: string;
  readonly json: string;
}

/** What EventBridge does when a target says nothing (API reference, RetryPolicy). */
const RETRIES_MAX = 185;
const AGE_SECONDS_MAX = 86_400;
const SECOND_MS = 1_000;
/** Patterns whose compiled form is remembered. */
const PATTERNS_MAX = 1_000;

const patterns = new Memo<{ readonly matches: Matches }>(PATTERNS_MAX, (text) => ({
  matches: compileEventPattern(text),
}));

export interface EventBusOptions {
  /** Retries and their ends go by the machine's clock: what they wait for is the network. */
  readonly machineClock: Clock;
  /** Is told that a transaction that may commit has added deliveries. */
  readonly sent: () => void;
}

/** Sends events to the rules of default buses. */
export class EventBus {
  readonly #machineClock: Clock;
  readonly #sent: () => void;

  constructor({ machineClock, sent }: EventBusOptions) {
    this.#machineClock = machineClock;
    this.#sent = sent;
  }

  /**
   * Sends what the record of a change tells: the event that the service has for it, if it has one, and the record itself as
   * `AWS API Call via CloudTrail` (EventBridge reference, Events from AWS services). Reads of rules cost one query.
   */
  async sendRecords(tx: Tx, entry: Entry | InternalEntry, records: readonly TrailRecord[]): Promise<void> {
    const { service, region, now } = "call" in entry ? entry.call : entry;
    const source = `aws.${service}`;
    const isCall = "call" in entry || entry.requestId !== undefined;
    const notices = "call" in entry ? [] : noticesOf(entry, source);
    const recorded = records.map(({ account, json }) => ({
      account,
      region,
      source,
      detailType: isCall ? "AWS API Call via CloudTrail" : "AWS Service Event via CloudTrail",
      time: now,
      resources: [],
      detail: json,
    }));
    for (const account of new Set(recorded.map((event) => event.account))) {
      const ofAccount = [...notices, ...recorded].filter((event) => event.account === account);
      await this.send(tx, { account, region }, ofAccount);
    }
  }

  /** Sends events to the rules of one bus. @returns how many deliveries they led to */
  async send(tx: Tx, bus: Bus, events: readonly BusEvent[]): Promise<number> {
    const targets = await listLiveTargets(tx.db, bus);
    if (targets.length === 0) return 0;
    const rows = events.flatMap((event) => this.#deliveriesOf(event, targets));
    await insertDeliveries(tx, rows);
    if (rows.length > 0) this.#sent();
    return rows.length;
  }

  /** Sends a body to one ARN that no rule names (the actions of alarms). */
  async sendTo(
    tx: Tx,
    to: Pick<EventDeliveryRow, "account" | "region" | "rule" | "target" | "arn" | "body">,
  ): Promise<void> {
    const now = this.#machineClock.now();
    const expires_at = now + AGE_SECONDS_MAX * SECOND_MS;
    const fresh = { dead_letter_arn: null, attempts: 0, attempts_max: 1 + RETRIES_MAX, next_at: now, expires_at };
    await insertDeliveries(tx, [{ ...to, ...fresh, id: randomUUID() }]);
    this.#sent();
  }

  #deliveriesOf(event: BusEvent, targets: readonly LiveTarget[]): EventDeliveryRow[] {
    const json = eventJson(event);
    const parsed: unknown = JSON.parse(json);
    return targets
      .filter(({ pattern }) => patterns.of(pattern).matches(parsed))
      .map((target) => this.#delivery(target, json));
  }

  #delivery({ account, region, rule, id: target, arn, definition }: LiveTarget, json: string): EventDeliveryRow {
    const parsed = JSON.parse(definition) as Target & { readonly RuleArn: string };
    const now = this.#machineClock.now();
    const { MaximumRetryAttempts = RETRIES_MAX, MaximumEventAgeInSeconds = AGE_SECONDS_MAX } = parsed.RetryPolicy ?? {};
    const facts = { ruleName: rule, ruleArn: parsed.RuleArn, ingestionTime: new Date(now).toISOString() };
    return {
      id: randomUUID(),
      account,
      region,
      rule,
      target,
      arn,
      body: inputOf(parsed, json, facts),
      dead_letter_arn: parsed.DeadLetterConfig?.Arn ?? null,
      attempts: 0,
      attempts_max: 1 + MaximumRetryAttempts,
      next_at: now,
      expires_at: now + MaximumEventAgeInSeconds * SECOND_MS,
    };
  }
}

/** The event of what a service did by itself, such as `KMS CMK Rotation`. */
function noticesOf({ account, region, now, resources = [], notice }: InternalEntry, source: string): BusEvent[] {
  if (notice === undefined) return [];
  const { detailType, detail } = notice;
  const arns = resources.map(({ arn }) => arn);
  return [{ account, region, source, detailType, time: now, resources: arns, detail: JSON.stringify(detail) }];
}

/** The envelope (EventBridge user guide, Event structure); its time has whole seconds. */
export function eventJson({ id = randomUUID(), detailType, source, account, time, region, ...rest }: BusEvent): string {
  const head = {
    version: "0",
    id,
    "detail-type": detailType,
    source,
    account,
    time: new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z"),
    region,
    resources: rest.resources,
  };
  return `${JSON.stringify(head).slice(0, -1)},"detail":${rest.detail}}`;
}
