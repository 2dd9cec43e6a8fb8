/** How API values are written inside a record: member names, dates, and what may never be there. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Structures have the few names of the service models; beyond this many, names are not remembered. */
const NAMES_MAX = 4_096;

interface MemberName {
  /** `"keyId":` */
  readonly label: string;
  /** Encryption contexts are maps whoever built them; their keys are the caller's. */
  readonly isMap: boolean;
}

const names = new Map<string, MemberName>();

/**
 * Writes a value of an API structure as JSON: members begin with a small letter at every depth (`AWSAccountId` becomes
 * `aWSAccountId`), keys of maps stay as they are, dates are English text, absent members are left out.
 *
 * Maps are objects without a prototype, as the decoders make them, and members whose name holds `EncryptionContext`.
 *
 * @throws TypeError for bytes or anything else that no record may hold: our bug, told without the value
 */
export function renderValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) throw new TypeError("A record cannot hold a number that is not finite.");
      return String(value);
    case "object":
      return value === null ? "null" : renderObject(value);
    default:
      throw new TypeError(`A record cannot hold a value of type ${typeof value}.`);
  }
}

function renderObject(value: object): string {
  if (Array.isArray(value)) return renderList(value);
  if (value instanceof Date) return `"${englishDate(value)}"`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return renderStructure(value as Readonly<Record<string, unknown>>);
  if (prototype === null) return renderMap(value as Readonly<Record<string, unknown>>);
  throw new TypeError("A record cannot hold bytes or instances of classes.");
}

function renderList(list: readonly unknown[]): string {
  let text = "";
  for (const item of list) text += `${text === "" ? "[" : ","}${renderValue(item)}`;
  return text === "" ? "[]" : `${text}]`;
}

function renderStructure(structure: Readonly<Record<string, unknown>>): string {
  let text = "";
  for (const name of Object.keys(structure)) {
    const value = structure[name];
    if (value === undefined) continue;
    const { label, isMap } = memberName(name);
    text += (text === "" ? "{" : ",") + label + (isMap && isPlain(value) ? renderMap(value) : renderValue(value));
  }
  return text === "" ? "{}" : `${text}}`;
}

function renderMap(map: Readonly<Record<string, unknown>>): string {
  let text = "";
  for (const key of Object.keys(map)) {
    const value = map[key];
    if (value === undefined) continue;
    text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${renderValue(value)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function memberName(name: string): MemberName {
  const known = names.get(name);
  if (known !== undefined) return known;
  const lowered = name.charAt(0).toLowerCase() + name.slice(1);
  const made = { label: `${JSON.stringify(lowered)}:`, isMap: name.includes("EncryptionContext") };
  if (names.size < NAMES_MAX) names.set(name, made);
  return made;
}

/** `Feb 3, 2031, 4:05:06 AM`, in UTC (spec 02, Value formats). By hand: newer ICU data puts a narrow space before AM. */
function englishDate(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new TypeError("A record cannot hold an invalid date.");
  const hours = date.getUTCHours();
  const clock = [hours % 12 || 12, twoDigits(date.getUTCMinutes()), twoDigits(date.getUTCSeconds())].join(":");
  const day = `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`;
  return `${day}, ${clock} ${hours < 12 ? "AM" : "PM"}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
