/**
 * What IAM takes for a policy of users, groups, roles and sessions: its checks in its order and its words.
 *
 * Both are recorded on AWS, of CreatePolicy, by LocalStack's public suite (`TestPolicyDocumentValidity`), whose documents are
 * those of moto's; users quote the same words of PutRolePolicy.
 */

import type { Condition } from "./conditions.ts";
import {
  type Document,
  INVALID_JSON,
  NO_ACTIONS,
  NO_PRINCIPAL_MAY_BE,
  NO_RESOURCES,
  type Patterns,
  PolicySyntaxError,
  parsePolicy,
  requireAction,
  requireSids,
  type Statement,
} from "./document.ts";
import { parseUnambiguousJson } from "./json.ts";
import { compileDocument } from "./policy.ts";

/** A managed policy must be of the current version; of a session policy STS says in its own words that it is no JSON. */
export type IdentityPolicyForm = "managed" | "inline" | "session";

/**
 * Checks a policy that is to be kept.
 *
 * @throws PolicySyntaxError the first check that fails; last, whether its policy variables can be read
 */
export function requireIdentityPolicy(text: string, form: IdentityPolicyForm): void {
  const document = parseOrRefuse(text, form);
  const { version, statements } = document;
  if (form === "managed" && version !== "2012-10-17") {
    throw new PolicySyntaxError("Policy document must be version 2012-10-17 or greater.");
  }
  if (form !== "session" && text.startsWith(" ")) throw failedLegacyParsing();
  requireLegacyEffects(text);
  requireLegacyDates(statements);
  const wrongResource = findWrongResource(statements);
  requireSids(statements);
  if (!statements.every(({ actions }) => hasValues(actions))) throw new PolicySyntaxError(NO_ACTIONS);
  if (!statements.every(({ resources }) => hasValues(patternsOf(resources)))) throw new PolicySyntaxError(NO_RESOURCES);
  if (wrongResource !== undefined) throw new PolicySyntaxError(wrongResource);
  for (const { actions } of statements) for (const action of actions?.values ?? []) requireAction(action);
  compileDocument(document);
}

function parseOrRefuse(text: string, form: IdentityPolicyForm): Document {
  try {
    return parsePolicy(text, "identity");
  } catch (cause) {
    if (!(cause instanceof PolicySyntaxError) || cause.message === NO_PRINCIPAL_MAY_BE) throw cause;
    const isNoJson = form === "session" && cause.message === INVALID_JSON;
    throw new PolicySyntaxError(isNoJson ? NO_JSON_FOR_STS : "Syntax errors in policy.", { cause });
  }
}

/** As users quote it; Ansible's suite for AWS expects it. */
const NO_JSON_FOR_STS = "The policy is not in the valid JSON format.";

function failedLegacyParsing(): PolicySyntaxError {
  return new PolicySyntaxError("The policy failed legacy parsing");
}

/** @param text a policy that could be parsed */
function requireLegacyEffects(text: string): void {
  const { Statement } = parseUnambiguousJson(text) as { readonly Statement: WithEffect | readonly WithEffect[] };
  for (const { Effect } of [Statement].flat()) {
    if (Effect !== "Allow" && Effect !== "Deny") throw failedLegacyParsing();
  }
}

interface WithEffect {
  readonly Effect: unknown;
}

function requireLegacyDates(statements: readonly Statement[]): void {
  const conditions = statements.flatMap((statement) => statement.conditions);
  if (!conditions.filter(isOfDates).every(({ values }) => values.every(isDate))) throw failedLegacyParsing();
}

function isOfDates({ operator }: Condition): boolean {
  return operator.startsWith("date");
}

const ISO_DATE =
  /^(?<year>-?\d{1,9})(?:-(?:0?[1-9]|1[0-2])(?:-(?:0?[1-9]|[12]\d|3[01]))?)?(?:t(?:(?:[01]?\d|2[0-3])(?::[0-5]?\d(?::[0-5]?\d(?:\.\d{1,9})?)?(?:z|[+-](?:[01]\d|2[0-3])(?::[0-5]\d)?)?)?)?)?$/i;

/** A time in a notation of ISO 8601 from the year on, whose numbers need no leading zeros, or milliseconds that fit into 64 bits. */
function isDate(text: string): boolean {
  if (/[t-]/i.test(text)) {
    const year = Number(ISO_DATE.exec(text)?.groups?.["year"]);
    return year >= -292_275_054 && year <= 292_278_993;
  }
  return /^\d{1,19}$/.test(text) && BigInt(text) < 1n << 63n;
}

/**
 * The first resource that is not written as IAM wants it, in its words; it comes to light after other checks.
 *
 * @throws PolicySyntaxError one before it has too few parts
 */
function findWrongResource(statements: readonly Statement[]): string | undefined {
  for (const resource of statements.flatMap(({ resources }) => patternsOf(resources)?.values ?? [])) {
    if (resource.startsWith("arn:") && !isLegacyArn(resource)) throw failedLegacyParsing();
    const wrong = wordsOn(resource);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Short ARNs pass where no part of them is empty; the service never is, and the account has no variable or placeholder. */
function isLegacyArn(resource: string): boolean {
  const parts = resource.split(":");
  const [, , service, , account = ""] = parts;
  return (parts.length > 5 || !resource.includes("::")) && service !== "" && /^[\w*?-]*$/.test(account);
}

const PARTITIONS: ReadonlySet<string> = new Set(["aws", "aws-cn", "aws-us-gov"]);

/** How the resource path of IAM's own resources begins. */
const IAM_PATHS = [
  "user/",
  "federated-user/",
  "role/",
  "group/",
  "instance-profile/",
  "mfa/",
  "server-certificate/",
  "policy/",
  "sms-mfa/",
  "saml-provider/",
  "oidc-provider/",
  "report/",
  "access-report/",
];

/** What IAM says of a resource, if anything. */
function wordsOn(resource: string): string | undefined {
  if (resource === "*") return undefined;
  const [scheme, partition, service, region = "", account = "", ...rest] = resource.split(":");
  if (partition === undefined) return notAnArn(resource);
  if (!PARTITIONS.has(partition) && !/[*?]/.test(partition)) {
    const [first = "*", second = "*", third = "*", ...last] = resource.split(":").slice(2);
    const shown = ["arn", partition, first, second, third, last.length === 0 ? "*" : last.join(":")].join(":");
    return `Partition "${partition}" is not valid for resource "${shown}".`;
  }
  if (scheme !== "arn") return notAnArn(resource);
  if (service === undefined || /[*?]/.test(service)) {
    return "Resource vendor must be fully qualified and cannot contain regexes.";
  }
  if (service === "iam") return wordsOnIam(resource, region, rest.join(":"));
  if (service === "s3" && region !== "" && account === "") {
    return `Resource ${resource} can not contain region information.`;
  }
  return undefined;
}

function notAnArn(resource: string): string {
  return `Resource ${resource} must be in ARN format or "*".`;
}

function wordsOnIam(resource: string, region: string, path: string): string | undefined {
  if (region !== "") return `IAM resource ${resource} cannot contain region information.`;
  if (path === "*" || path === "root" || IAM_PATHS.some((start) => path.startsWith(start))) return undefined;
  return `IAM resource path must either be "*", root, or start with ${IAM_PATHS.join(", ")}.`;
}

function patternsOf(resources: Statement["resources"]): Patterns | undefined {
  return resources === "implied" ? undefined : resources;
}

function hasValues(patterns: Patterns | undefined): boolean {
  return patterns !== undefined && patterns.values.length > 0;
}
