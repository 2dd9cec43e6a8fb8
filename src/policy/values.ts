/** Values of conditions that are more than texts: numbers, dates, bytes and IP ranges. Each parser gives undefined for what is none. */

const NUMBER = /^[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?$/;

/** An integer or a decimal number. */
export function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

const DATE =
  /^(?<year>-?\d{1,9})(?:-(?<month>\d{1,2})(?:-(?<day>\d{1,2}))?)?(?:t(?:(?<hour>\d{1,2})(?::(?<minute>\d{1,2})(?::(?<second>\d{1,2})(?:\.(?<fraction>\d{1,9}))?)?)?(?<zone>z|[+-]\d{2}(?::?\d{2})?)?)?)?$/i;

const MINUTE_MS = 60_000;

/**
 * A moment in milliseconds since the epoch: an ISO 8601 date, or seconds since the epoch (IAM guide, Date condition operators).
 * Four digits are a year.
 *
 * What IAM takes for a date is read, so that no statement is without effect that was taken: numbers without leading zeros, letters in either
 * case, times of fewer parts, times without a zone, which are UTC (recorded on IAM: `requireIdentityPolicy` has the source).
 */
export function parseDate(text: string): number | undefined {
  const seconds = /^\d{4}$/.test(text) ? undefined : parseNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  const parts = DATE.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const numberOf = (part: string, absent = 0): number => Number(parts[part] ?? absent);
  const [year, month, day] = [numberOf("year"), numberOf("month", 1), numberOf("day", 1)];
  const [hour, minute, second] = [numberOf("hour"), numberOf("minute"), numberOf("second")];
  const zone = zoneMinutes(parts["zone"]);
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || zone === undefined) return undefined;
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  const ms = Number((parts["fraction"] ?? "").padEnd(3, "0").slice(0, 3));
  const at = moment.setUTCHours(hour, minute, second, ms) - zone * MINUTE_MS;
  // Years that no Date has are before or after every moment.
  return Number.isNaN(at) ? Math.sign(year) * Number.POSITIVE_INFINITY : at;
}

/** How many minutes a zone is ahead of UTC. */
function zoneMinutes(zone = "z"): number | undefined {
  if (zone === "z" || zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(":", ""))];
  if (hours > 23 || minutes > 59) return undefined;
  return (hours * 60 + minutes) * (zone.startsWith("-") ? -1 : 1);
}

/** The bytes of a base64 text, in hexadecimal digits. */
export function parseBinary(text: string): string | undefined {
  try {
    return Uint8Array.fromBase64(text).toHex();
  } catch {
    return undefined;
  }
}

/** An IP address as 16-bit groups: two of IPv4, eight of IPv6. */
type Address = readonly number[];

const GROUP_BITS = 16;

function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

const ZERO = "0".charCodeAt(0);
const DOT = ".".charCodeAt(0);

/** Read digit by digit: every request from an address is asked this once for each condition on addresses. */
function parseIpv4(text: string): Address | undefined {
  const bytes: number[] = [];
  let byte = -1;
  for (let index = 0; index <= text.length; index += 1) {
    const code = index === text.length ? DOT : text.charCodeAt(index);
    const digit = code - ZERO;
    if (code === DOT) {
      if (byte < 0) return undefined;
      bytes.push(byte);
      byte = -1;
    } else if (digit < 0 || digit > 9 || byte === 0) return undefined;
    else {
      byte = byte < 0 ? digit : byte * 10 + digit;
      if (byte > 255) return undefined;
    }
  }
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  return bytes.length === 4 ? [first * 256 + second, third * 256 + fourth] : undefined;
}

function parseIpv6(text: string): Address | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const left = parseGroups(head);
  const right = parseGroups(tail ?? "");
  if (left === undefined || right === undefined) return undefined;
  if (tail === undefined) return left.length === 8 ? left : undefined;
  const missing = 8 - left.length - right.length;
  return missing < 1 ? undefined : [...left, ...new Array<number>(missing).fill(0), ...right];
}

/** Groups between colons; the last two may be written as an IPv4 address (RFC 4291, 2.2). */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  for (const group of text.split(":")) {
    const embedded = group.includes(".") ? parseIpv4(group) : undefined;
    if (embedded !== undefined) groups.push(...embedded);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) groups.push(Number.parseInt(group, 16));
    else return undefined;
  }
  return groups;
}

/** A range in CIDR notation, or one address, as a function; undefined when it is neither. */
export function parseIpRange(text: string): ((address: string) => boolean) | undefined {
  const [base = "", bits, ...more] = text.split("/");
  const network = parseAddress(base);
  if (network === undefined || more.length > 0) return undefined;
  const bitsMax = network.length * GROUP_BITS;
  const prefix = bits === undefined ? bitsMax : (parsePrefix(bits) ?? -1);
  if (prefix < 0 || prefix > bitsMax) return undefined;
  const masks = network.map((_, index) => maskOf(prefix - index * GROUP_BITS));
  return (text) => {
    const address = parseAddress(text);
    if (address?.length !== network.length) return false;
    return network.every((group, index) => ((group ^ (address[index] ?? 0)) & (masks[index] ?? 0)) === 0);
  };
}

function parsePrefix(text: string): number | undefined {
  return /^[0-9]{1,3}$/.test(text) ? Number(text) : undefined;
}

/** A group's mask whose first `bits` bits count. */
function maskOf(bits: number): number {
  const used = Math.min(GROUP_BITS, Math.max(0, bits));
  return (0xffff << (GROUP_BITS - used)) & 0xffff;
}
