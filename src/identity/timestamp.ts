/** The times in signed requests. */

const BASIC = /^\d{8}T\d{6}Z$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** A moment, to the second. */
export interface Timestamp {
  /** Such as `20260131T235959Z`. */
  readonly basic: string;
  /** Seconds since the epoch. */
  readonly seconds: number;
}

let latest: Timestamp | undefined;

/** Reads ISO 8601 basic format, which is what `x-amz-date` holds. Undefined for anything else, also for a 30 February. */
export function asTimestamp(text: string): Timestamp | undefined {
  if (text === latest?.basic) return latest; // the requests of one second
  if (!BASIC.test(text)) return undefined;
  const part = (from: number, to: number): number => Number(text.slice(from, to));
  const [month, day, hour, minute, second] = [part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15)];
  const date = new Date(Date.UTC(part(0, 4), month - 1, day, hour, minute, second));
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal) return undefined;
  latest = { basic: text, seconds: date.getTime() / 1000 };
  return latest;
}

/** Reads a `Date` header: basic format, or the format of HTTP (RFC 9110, 5.6.7: IMF-fixdate). */
export function asHttpTimestamp(text: string): Timestamp | undefined {
  if (!HTTP_DATE.test(text)) return asTimestamp(text);
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : timestampOf(milliseconds / 1000);
}

/** @param seconds since the epoch, between the years 0 and 9999 */
export function timestampOf(seconds: number): Timestamp {
  const basic = new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d{3}/g, "");
  return { basic, seconds };
}
