/** What event history is asked, and what it answers, wherever its records lie. */

import type { EventAttribute } from "./facts.ts";

/** Where an event stands in the order of answers: newest first, and what came later first in one second. */
export interface EventPlace {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly sequence: number;
}

/** What is looked for, in one account and Region. */
export interface EventQuery {
  readonly account: string;
  readonly region: string;
  /** All events when not given. */
  readonly attribute?: EventAttribute;
  /** Milliseconds since the epoch; both ends count. */
  readonly from: number;
  readonly to: number;
  /** Only events that come after this one in the order of answers. */
  readonly after?: EventPlace;
  readonly count: number;
}

/** An event that was found. */
export interface FoundEvent extends EventPlace {
  /** The record's JSON text. */
  readonly json: string;
}

/** The events of every account. */
export interface EventHistory {
  /** Up to `count` events, newest first. */
  find(query: EventQuery): Promise<readonly FoundEvent[]>;
}

/** Whether a place comes after another one in the order of answers. */
export function isAfter({ time, sequence }: EventPlace, other: EventPlace | undefined): boolean {
  return other === undefined || time < other.time || (time === other.time && sequence < other.sequence);
}
