/** Calendar months of UTC, in which is charged. */

/** A month and its bounds, in milliseconds since the epoch. */
export interface Month {
  /** Such as `2026-11`. */
  readonly name: string;
  readonly from: number;
  /** When the next one begins. */
  readonly until: number;
}

const HOUR_MS = 3_600_000;
const NAME = /^[0-9]{4}-(?:0[1-9]|1[0-2])$/;

/** The month of a moment. */
export function monthOf(time: number): Month {
  const date = new Date(time);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const from = Date.UTC(year, month);
  return { name: new Date(from).toISOString().slice(0, 7), from, until: Date.UTC(year, month + 1) };
}

/** The month of a name, undefined where it is none. */
export function findMonth(name: string): Month | undefined {
  return NAME.test(name) ? monthOf(Date.parse(`${name}-01T00:00:00Z`)) : undefined;
}

/**
 * Hours that are charged from one moment to another: those of the clock that begin in between, so that hours of adjoining periods
 * add up to those of the whole.
 */
export function hoursBetween(from: number, until: number): number {
  return Math.max(0, Math.ceil(until / HOUR_MS) - Math.ceil(from / HOUR_MS));
}
