/** What a policy says, worked out slowly and in the plainest words: the compiled evaluator is held against it. */

/** One request: who, what, on what, and its condition keys as they are written. */
export interface ReferenceRequest {
  readonly principal: ReferencePrincipal;
  readonly action: string;
  readonly resourceArn: string;
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

/** A root user, a user, or a session with the role or user on which it rests. */
export interface ReferencePrincipal {
  readonly arn: string;
  readonly account: string;
  readonly accountArn: string;
  readonly baseArn?: string;
  readonly identityId?: string;
}

/** What names meant when the policy was written: unique ids of users and roles, by ARN. */
export type ReferenceIds = Readonly<Record<string, string>>;

interface ReferenceStatement {
  readonly Effect: string;
  /** Policies of users and roles have none. */
  readonly Principal?: "*" | { readonly AWS: string };
  readonly Action: string;
  /** Trust policies have none: the role is meant. */
  readonly Resource?: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Denied when a statement denies, else allowed when one allows: as near to the caller as the nearest that does. */
export function referenceVerdict(
  statements: readonly ReferenceStatement[],
  request: ReferenceRequest,
  ids: ReferenceIds = {},
): string {
  const inForce = statements.filter((statement) => isInForce(statement, request));
  const effects = inForce.map(({ Effect, Principal }) => `${Effect} ${nearness(Principal, request.principal, ids)}`);
  if (effects.some((effect) => effect.startsWith("Deny") && effect !== "Deny nobody")) return "deny";
  const near = ["direct", "base", "account"].find((reach) => effects.includes(`Allow ${reach}`));
  return near === undefined ? "none" : `allow ${near}`;
}

/** How a statement means the caller: itself or everybody, the role or user on which its session rests, or its account. */
function nearness(Principal: ReferenceStatement["Principal"], caller: ReferencePrincipal, ids: ReferenceIds): string {
  if (Principal === undefined || Principal === "*" || Principal.AWS === "*") return "direct";
  const name = Principal.AWS;
  const id = ids[name];
  const { arn, account, accountArn, baseArn, identityId } = caller;
  const rests = baseArn === undefined ? "direct" : "base";
  if (id !== undefined) return id === identityId ? rests : "nobody";
  if (name === arn) return "direct";
  if (name === baseArn) return "base";
  return name === account || name === accountArn ? "account" : "nobody";
}

function isInForce(statement: ReferenceStatement, request: ReferenceRequest): boolean {
  const { Action, Resource, Condition = {} } = statement;
  const isAction = wildcard(Action.toLowerCase(), request.action.toLowerCase());
  const resource = fill(Resource ?? "*", request);
  const isResource = resource !== undefined && wildcard(resource, request.resourceArn);
  const outcomes = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => condition(operator, key, [values].flat(), request)),
  );
  return isAction && isResource && !outcomes.includes(false);
}

/** Whether a key is in the request, and with which values. */
function find(key: string, { keys }: ReferenceRequest): readonly string[] | undefined {
  return Object.entries(keys).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
}

/** Characters that a variable brought in, moved to where no wildcard is. */
const LITERAL: Readonly<Record<string, string>> = { "*": "\ue001", "?": "\ue002" };
const literal = (text: string): string => text.replaceAll(/[*?]/g, (char) => LITERAL[char] ?? char);

function fill(text: string, request: ReferenceRequest): string | undefined {
  let unknown = false;
  const filled = text.replaceAll(/\$\{([^}']*?)(?:, *'([^']*)')?\}/g, (_all, name: string, fallback?: string) => {
    if (["*", "?", "$"].includes(name)) return literal(name);
    const values = find(name, request);
    const value = values?.length === 1 ? values[0] : fallback;
    if (value === undefined) unknown = true;
    return literal(value ?? "");
  });
  return unknown ? undefined : filled;
}

function wildcard(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const rest = pattern.slice(1);
  if (pattern[0] === "*") {
    return Array.from({ length: text.length + 1 }, (_, index) => text.slice(index)).some((tail) =>
      wildcard(rest, tail),
    );
  }
  const isSame = pattern[0] === "?" || pattern[0] === literal(text[0] ?? "") || pattern[0] === text[0];
  return text !== "" && isSame && wildcard(rest, text.slice(1));
}

function condition(operator: string, key: string, values: readonly string[], request: ReferenceRequest): boolean {
  const actual = find(key, request) ?? [];
  if (operator === "Null") return values.includes(String(actual.length === 0));
  const [, set, name = "", ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(.*?)(IfExists)?$/.exec(operator) ?? [];
  const isNegated = name.includes("Not");
  const isAbsent = actual.length === 0 || (set !== undefined && actual.join() === "");
  if (isAbsent && ifExists !== undefined) return true;
  if (isAbsent) return set === undefined ? isNegated : set === "ForAllValues";
  const plain = name.replace("Not", "");
  const outcomes = actual.map((each) => values.some((value) => compare(plain, each, value, request)) !== isNegated);
  const mustAll = set === undefined ? isNegated : set === "ForAllValues";
  return mustAll ? !outcomes.includes(false) : outcomes.includes(true);
}

function compare(operator: string, actual: string, written: string, request: ReferenceRequest): boolean {
  const order = (left: number, right: number): boolean =>
    operator.endsWith("LessThan")
      ? left < right
      : operator.endsWith("LessThanEquals")
        ? left <= right
        : operator.endsWith("GreaterThan")
          ? left > right
          : operator.endsWith("GreaterThanEquals")
            ? left >= right
            : left === right;
  if (operator.startsWith("Numeric")) return order(numberOf(actual), numberOf(written));
  if (operator.startsWith("Date")) return order(dateOf(actual), dateOf(written));
  if (operator === "IpAddress") return isInRange(actual, written);
  const value = fill(written, request);
  if (value === undefined) return false;
  if (operator === "StringLike") return wildcard(value, actual);
  if (operator.startsWith("Arn")) {
    const [patterns, parts] = [sixParts(written), sixParts(actual)];
    return (
      patterns.length === 6 &&
      parts.length === 6 &&
      patterns.every((part, at) => wildcard(fill(part, request) ?? "\0", parts[at] ?? ""))
    );
  }
  const exact = literal(value) === literal(actual);
  const folded = literal(value).toLowerCase() === literal(actual).toLowerCase();
  return operator === "StringEquals" ? exact : folded;
}

const numberOf = (text: string): number => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN);
const dateOf = (text: string): number =>
  /^\d{5,}/.test(text) ? numberOf(text) * 1000 : /^\d{4}(-|$)/.test(text) ? Date.parse(text) : numberOf(text) * 1000;

/** Colons inside a variable are no separators. */
function sixParts(text: string): string[] {
  const hidden = text.replaceAll(/\$\{[^}]*\}/g, (variable) => variable.replaceAll(":", "\ue003"));
  const parts = hidden.split(":");
  const six = parts.length < 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(":")];
  return six.map((part) => part.replaceAll("\ue003", ":"));
}

/** IPv4 alone: as a text of 32 bits. */
function isInRange(address: string, range: string): boolean {
  const [base = "", length = "32"] = range.split("/");
  const bits = (text: string): string =>
    text
      .split(".")
      .map((byte) => Number(byte).toString(2).padStart(8, "0"))
      .join("");
  const isAddress = (text: string): boolean => /^(\d{1,3}\.){3}\d{1,3}$/.test(text);
  return isAddress(address) && isAddress(base) && bits(address).startsWith(bits(base).slice(0, Number(length)));
}
