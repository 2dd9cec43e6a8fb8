/** What becomes due: deletions now, later rotations and expiries; done in due-time order, each exactly once. */

import type { Clock, MovableClock } from "../base/clock.ts";
import { clearDue, nextDue } from "../storage/due.ts";
import type { DueRow } from "../storage/schema.ts";
import type { Store, Tx } from "../storage/store.ts";

/** What an action knows beside its row. */
export interface DueMoment<P> {
  /** What this action sees as now, and what its consequences are dated from. */
  readonly now: number;
  /** What `prepare` came to. */
  readonly prepared: P;
}

/** Does one kind of due work in the transaction in which its row is taken. */
export interface DueHandler<P = unknown> {
  /** Whether it destroys: such work waits after a restart and after a leap of the clock (DESIGN §7, Time). */
  readonly destructive: boolean;
  /** Slow work before the transaction, such as making key material; in vain where somebody else took the row meanwhile. */
  prepare?(row: DueRow): Promise<P>;
  /**
   * Acts; the row is cleared unless the handler set a new due time. It re-reads what it acts on: a change that committed first
   * wins.
   */
  perform(tx: Tx, row: DueRow, moment: DueMoment<P>): Promise<void>;
  /** After the commit. */
  finished?(): Promise<void>;
}

/**
 * How often what is due is looked for, which is one read of an index: so late may be what a change made due at once (EnableKey
 * after a missed rotation), what failed and is tried again, and the notice of a leap of the wall clock.
 */
const PAUSE_MS = 1_000;

export interface DueWorkOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly handlers: ReadonlyMap<string, DueHandler>;
  /** Whether destructive work may run at the moment; always when not given. */
  readonly mayDestroy?: (now: number) => boolean;
  readonly onError: (cause: unknown) => void;
}

/**
 * Runs due work: by itself while started, and on demand.
 *
 * Each action is one transaction that takes its row, re-reads its due time, acts and clears it, so that two runners do nothing
 * twice and what fell due while the process was down is done once.
 */
export class DueWork {
  readonly #options: DueWorkOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: DueWorkOptions) {
    this.#options = options;
  }

  /** Runs what is due now and keeps running. */
  start(): void {
    void this.#tick();
  }

  /** Ends after the action that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running.catch(() => undefined);
  }

  /** When the first of what is planned becomes due, or became: what waits for the guard of destruction included. */
  async firstDueAt(): Promise<number | undefined> {
    return (await nextDue(this.#options.store.db, [...this.#options.handlers.keys()]))?.due_at;
  }

  /** Runs everything that is due at this moment; resolves when nothing due is left. */
  async runDue(): Promise<void> {
    const { clock } = this.#options;
    await this.#inTurn(async () => {
      while (!this.#stopped && (await this.#performNext(clock.now(), () => clock.now())));
    });
  }

  /**
   * Moves a clock to `target`, stepping through due work on the way: each action sees its own due time as now, so that what it
   * makes due in turn is done too where that falls before `target`.
   */
  async moveClock(clock: MovableClock, target: number): Promise<void> {
    await this.#inTurn(async () => {
      try {
        while (await this.#performNext(target, (row) => this.#holdAt(clock, row)));
      } finally {
        clock.set(target);
      }
    });
  }

  #holdAt(clock: MovableClock, row: DueRow): number {
    clock.hold(Math.max(row.due_at, clock.now()));
    return clock.now();
  }

  /** Runs bodies one after another; an error ends its own body alone. */
  async #inTurn(body: () => Promise<void>): Promise<void> {
    const turn = this.#running.catch(() => undefined).then(body);
    this.#running = turn;
    await turn;
  }

  async #tick(): Promise<void> {
    try {
      await this.runDue();
    } catch (cause) {
      this.#options.onError(cause);
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#tick(), PAUSE_MS);
    this.#timer.unref();
  }

  #kinds(now = this.#options.clock.now()): string[] {
    const { handlers, mayDestroy } = this.#options;
    const destroys = mayDestroy === undefined || mayDestroy(now);
    return [...handlers].filter(([, { destructive }]) => destroys || !destructive).map(([kind]) => kind);
  }

  /** Performs the earliest action due at `until`; returns false when there is none. */
  async #performNext(until: number, nowOf: (row: DueRow) => number): Promise<boolean> {
    const { store, handlers } = this.#options;
    const row = await nextDue(store.db, this.#kinds());
    if (row === undefined || row.due_at > until) return false;
    const handler = handlers.get(row.kind);
    if (handler === undefined) return false;
    const now = nowOf(row);
    const prepared = await handler.prepare?.(row);
    await store.transaction(async (tx) => {
      if (await clearDue(tx, row, row.due_at)) await handler.perform(tx, row, { now, prepared });
    });
    await handler.finished?.();
    return true;
  }
}
