/** What IAM asks of a policy of users, groups, roles and sessions before it keeps it; simulations don't ask. */

import { asConditionType } from "./conditions.ts";
import { PolicySyntaxError, requireSids, STATEMENT_MEMBERS } from "./document.ts";
import { parseUnambiguousJson } from "./json.ts";

/**
 * Refuses what IAM refuses, in its order and words, as moto's and Versity's public test suites recorded them: syntax, version,
 * what its older parser can't read, Sids, actions, resources, and the services of both.
 *
 * @param version whether 2012-10-17 is asked for, as in managed policies
 * @throws PolicySyntaxError
 */
export function requireIdentityDocument(text: string, { version }: { readonly version: boolean }): void {
  const { Version, statements } = documentOf(text);
  if (statements.some((statement) => "Principal" in statement || "NotPrincipal" in statement)) {
    throw new PolicySyntaxError("Policy document should not specify a principal.");
  }
  if (version && Version !== "2012-10-17") {
    throw new PolicySyntaxError("Policy document must be version 2012-10-17 or greater.");
  }
  for (const statement of statements) requireOlderSyntax(statement);
  const wrongResource = findWrongResource(statements);
  requireSids(statements.map(({ Sid }) => Sid as string | undefined)); // syntax is checked
  if (!statements.every((statement) => textsOf(statement, "Action").length > 0)) {
    throw new PolicySyntaxError("Policy statement must contain actions.");
  }
  if (!statements.every((statement) => textsOf(statement, "Resource").length > 0)) {
    throw new PolicySyntaxError("Policy statement must contain resources.");
  }
  if (wrongResource !== undefined) throw new PolicySyntaxError(wrongResource);
}

type Json = Readonly<Record<string, unknown>>;

const SYNTAX = "Syntax errors in policy.";
const OLDER_SYNTAX = "The policy failed legacy parsing";

/** The statements of a document whose members have the types that they must have. */
function documentOf(text: string): { readonly Version: unknown; readonly statements: readonly Json[] } {
  const document = jsonOf(text);
  if (!isObject(document)) throw new PolicySyntaxError(SYNTAX);
  const { Version, Id, Statement, ...others } = document;
  const statements: unknown[] = Array.isArray(Statement) ? Statement : [Statement];
  const isGood =
    Object.keys(others).length === 0 &&
    (Version === undefined || Version === "2012-10-17" || Version === "2008-10-17") &&
    (Id === undefined || typeof Id === "string") &&
    statements.length > 0 &&
    statements.every(isStatement);
  if (!isGood) throw new PolicySyntaxError(SYNTAX);
  return { Version, statements: statements as Json[] };
}

function jsonOf(text: string): unknown {
  try {
    return parseUnambiguousJson(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new PolicySyntaxError(SYNTAX);
    throw cause;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStatement(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { Sid, Effect, Condition } = value;
  return (
    Object.keys(value).every((member) => STATEMENT_MEMBERS.has(member)) &&
    (Sid === undefined || typeof Sid === "string") &&
    typeof Effect === "string" &&
    /^(?:allow|deny)$/i.test(Effect) &&
    ["Action", "Resource"].every(
      (name) =>
        (value[name] === undefined || value[`Not${name}`] === undefined) &&
        textsOf(value, name).every((text) => typeof text === "string"),
    ) &&
    (Condition === undefined || isCondition(Condition))
  );
}

/** An operator that nobody knows does no harm where it has no keys. */
function isCondition(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([operator, keys]) =>
        isObject(keys) &&
        (asConditionType(operator) !== undefined || Object.keys(keys).length === 0) &&
        Object.values(keys)
          .flat()
          .every((item) => /^(?:string|number|boolean)$/.test(typeof item)),
    )
  );
}

/** The values of `Action` or `NotAction`, of `Resource` or `NotResource`; empty where a statement has neither. */
function textsOf(statement: Json, name: string): readonly unknown[] {
  return [statement[name] ?? statement[`Not${name}`] ?? []].flat();
}

function requireOlderSyntax({ Effect, Condition = {} }: Json): void {
  const dates = Object.entries(Condition as Record<string, Json>).flatMap(([operator, keys]) =>
    asConditionType(operator)?.operator.startsWith("date") === true ? Object.values(keys).flat() : [],
  );
  const isGood = (Effect === "Allow" || Effect === "Deny") && dates.every((date) => isDate(String(date)));
  if (!isGood) throw new PolicySyntaxError(OLDER_SYNTAX);
}

/** Loosely ISO 8601, without regard to case, or seconds since the epoch that fit into 63 bits. */
const DATE =
  /^-?\d{1,9}(?:-(?:0?[1-9]|1[0-2])(?:-(?:0?[1-9]|[12]\d|3[01]))?)?(?:t(?:(?:[01]?\d|2[0-3])(?::[0-5]?\d(?::[0-5]?\d(?:\.\d{1,9})?)?)?(?:z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?)?$/i;

function isDate(text: string): boolean {
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) < 2 ** 63 : DATE.test(text);
}

/**
 * What is wrong with the first resource that is no ARN which IAM knows; that is told only once actions are there.
 *
 * @throws PolicySyntaxError a resource before it that the older parser can't read
 */
function findWrongResource(statements: readonly Json[]): string | undefined {
  for (const resource of statements.flatMap((statement) => textsOf(statement, "Resource")) as string[]) {
    if (resource.startsWith("arn:") && !isOlderArn(resource)) throw new PolicySyntaxError(OLDER_SYNTAX);
    const wrong = wrongIn(resource);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

const PARTITION = /^(?:\*|aws(?:-[a-z]+)*)$/;
/** With which the resources of IAM's ARNs begin. */
const IAM_PATHS =
  "user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/";

function wrongIn(resource: string): string | undefined {
  if (resource === "*") return undefined;
  const [prefix = "", partition = "*", service, region = "*", account = "*", ...rest] = resource.split(":");
  if (prefix === resource) return `Resource ${resource} must be in ARN format or "*".`;
  if (!PARTITION.test(partition)) {
    const named = [partition, service ?? "*", region, account, rest.length === 0 ? "*" : rest.join(":")];
    return `Partition "${partition}" is not valid for resource "arn:${named.join(":")}".`;
  }
  if (service === undefined || /[*?]/.test(service)) {
    return "Resource vendor must be fully qualified and cannot contain regexes.";
  }
  const name = rest.join(":");
  if (service === "iam" && region !== "") return `IAM resource ${resource} cannot contain region information.`;
  if (service === "s3" && region !== "" && !name.startsWith("accesspoint")) {
    return `Resource ${resource} can not contain region information.`;
  }
  const isPath = name === "*" || IAM_PATHS.split(", ").some((path) => name.startsWith(path));
  return service === "iam" && !isPath ? `IAM resource path must either be "*" or start with ${IAM_PATHS}.` : undefined;
}

/** The older parser wants all six parts, or none that is empty; a service; and no variable or placeholder for the account. */
function isOlderArn(resource: string): boolean {
  const parts = resource.split(":");
  const [, , service, , account = ""] = parts;
  return (parts.length > 5 || !resource.includes("::")) && service !== "" && /^[\w*?-]*$/.test(account);
}
