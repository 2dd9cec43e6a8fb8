/** Brings events from their rows to their targets: at least once, with growing pauses between tries, given up at last. */

import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import {
  claimDelivery,
  countFailure,
  deleteDelivery,
  insertDeliveries,
  listDeliveries,
  postponeDelivery,
} from "../../storage/events.ts";
import type { EventDeliveryRow } from "../../storage/signal-schema.ts";
import type { Store } from "../../storage/store.ts";

/** Hands a body to what an ARN stands for, in seconds. @throws Error why it was not taken; the message is kept, and may be shown */
export type Send = (arn: string, body: string) => Promise<void>;

/** Deliveries that are tried at a time. */
const BATCH = 16;
/** How long a try may take; after that somebody else may try, so an event may come twice. */
const CLAIM_MS = 60_000;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 900_000;
/** How often rows are looked for that another process has written. */
const POLL_MS = 1_000;
/** What commits within this time goes out together. */
const WAKE_MS = 20;
/** The dead letter itself is tried for as long as EventBridge tries events. */
const DEAD_LETTER = { attempts_max: 186, age_ms: 86_400_000 };
const REASON_CHARACTERS_MAX = 200;

export interface DeliveriesOptions {
  readonly store: Pick<Store, "db" | "transaction">;
  readonly machineClock: Clock;
  readonly send: Send;
  /** Is told when rows could not be read or written; it is tried again. */
  readonly onError: (cause: unknown) => void;
  /** Is told of each delivery that is given up. */
  readonly onGivenUp: (delivery: EventDeliveryRow, reason: string) => void;
}

/** Several may run on one database: each try is taken by one of them. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #running: Promise<void> = Promise.resolve();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Delivers what is there and goes on. */
  start(): void {
    this.#schedule(0);
  }

  /** Sees to it that what is being committed goes out soon; does nothing before `start`. */
  wake(): void {
    if (this.#timer !== undefined) this.#schedule(WAKE_MS);
  }

  /** Ends after the tries that are under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    const at = Date.now() + delayMs;
    if (this.#stop.signal.aborted || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#running = this.#running.then(() => this.run()).catch(this.#options.onError);
      void this.#running.finally(() => this.#schedule(POLL_MS));
    }, delayMs).unref();
  }

  /** Tries everything that is to be tried now. */
  async run(): Promise<void> {
    const { store, machineClock } = this.#options;
    while (!this.#stop.signal.aborted) {
      const rows = await listDeliveries(store.db, machineClock.now(), BATCH);
      if (rows.length === 0) return;
      const until = machineClock.now() + CLAIM_MS;
      const taken = await store.transaction(async (tx) => {
        const mine: EventDeliveryRow[] = [];
        for (const row of rows) if (await claimDelivery(tx, row, until)) mine.push(row);
        return mine;
      });
      const outcomes = await Promise.all(taken.map(async (row) => ({ row, reason: await this.#try(row) })));
      await this.#settle(outcomes);
    }
  }

  /** @returns why it was not taken, undefined when it was */
  async #try({ arn, body }: EventDeliveryRow): Promise<string | undefined> {
    try {
      await this.#options.send(arn, body);
      return undefined;
    } catch (cause) {
      return (cause instanceof Error ? cause.message : "It failed.").slice(0, REASON_CHARACTERS_MAX);
    }
  }

  async #settle(outcomes: readonly { readonly row: EventDeliveryRow; readonly reason: string | undefined }[]) {
    const now = this.#options.machineClock.now();
    const givenUp: (readonly [EventDeliveryRow, string])[] = [];
    await this.#options.store.transaction(async (tx) => {
      for (const { row, reason } of outcomes) {
        const attempts = row.attempts + 1;
        const next_at = now + pauseAfter(attempts);
        if (reason !== undefined && attempts < row.attempts_max && next_at < row.expires_at) {
          await postponeDelivery(tx, row.id, { attempts, next_at });
          continue;
        }
        await deleteDelivery(tx, row.id);
        if (reason === undefined) continue;
        await countFailure(tx, row, { reason, now });
        if (row.dead_letter_arn !== null) await insertDeliveries(tx, [deadLetterOf(row, row.dead_letter_arn, now)]);
        givenUp.push([row, reason]);
      }
    });
    for (const [row, reason] of givenUp) this.#options.onGivenUp(row, reason);
  }
}

/** Twice the pause before, up to a quarter of an hour, and never the same for all that failed together. */
function pauseAfter(attempts: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), PAUSE_MS_MAX);
  return Math.round(pause * (0.5 + Math.random() / 2));
}

function deadLetterOf(row: EventDeliveryRow, arn: string, now: number): EventDeliveryRow {
  const { attempts_max, age_ms } = DEAD_LETTER;
  const fresh = { attempts: 0, attempts_max, next_at: now, expires_at: now + age_ms };
  return { ...row, ...fresh, id: randomUUID(), arn, dead_letter_arn: null };
}
