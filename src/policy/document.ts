/** Policy documents as typed trees, and the only parser that makes them (IAM JSON policy elements reference). */

import { asConditionType, type Condition } from "./conditions.ts";
import { parseUnambiguousJson } from "./json.ts";

/** A text that is no policy document; the message is for whoever sent it. */
export class PolicySyntaxError extends Error {
  override readonly name = "PolicySyntaxError";
}

export interface Document {
  readonly version: "2012-10-17" | "2008-10-17";
  readonly statements: readonly Statement[];
}

/** A list of patterns, or everything but them. */
export interface Patterns {
  readonly negated: boolean;
  readonly values: readonly string[];
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly principals: Principals;
  /** Undefined: the statement has no effect (KMS accepts it). */
  readonly actions: Patterns | undefined;
  readonly resources: Patterns | undefined;
  /** All of them must hold. */
  readonly conditions: readonly Condition[];
}

/** Who a statement is about, or about whom it is not. */
export interface Principals {
  readonly negated: boolean;
  /** `"*"` or `{"AWS": "*"}`. */
  readonly everyone: boolean;
  /** Account ids, and ARNs as they are written. */
  readonly aws: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  readonly federated: ReadonlySet<string>;
}

/** As IAM words it of actions and of condition keys. */
const NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";

const DOCUMENT_MEMBERS = new Set(["Version", "Id", "Statement"]);
const STATEMENT_MEMBERS = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

type Json = Readonly<Record<string, unknown>>;

/**
 * Parses a resource policy: every statement has a principal.
 *
 * Repeated Sids, Sids with spaces, and statements without Resource or Action are accepted, as KMS does (KMS guide, Key
 * policies); unknown members are not.
 *
 * @throws PolicySyntaxError
 */
export function parseResourcePolicy(text: string): Document {
  const document = asObject(parseJson(text), "Policy document must be a JSON object.");
  requireMembers(document, DOCUMENT_MEMBERS, "policy document");
  const { Version = "2008-10-17", Id, Statement } = document;
  if (Version !== "2012-10-17" && Version !== "2008-10-17") {
    throw new PolicySyntaxError("The policy must contain a valid version string.");
  }
  if (Id !== undefined && typeof Id !== "string") throw new PolicySyntaxError("Policy Id must be a string.");
  const statements = Array.isArray(Statement) ? Statement : [Statement];
  if (Statement === undefined || statements.length === 0) {
    throw new PolicySyntaxError("Policy document must contain a statement.");
  }
  return { version: Version, statements: statements.map(parseStatement) };
}

function parseJson(text: string): unknown {
  try {
    return parseUnambiguousJson(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new PolicySyntaxError("This policy contains invalid Json");
  }
}

function parseStatement(value: unknown): Statement {
  const statement = asObject(value, "Policy statement must be a JSON object.");
  requireMembers(statement, STATEMENT_MEMBERS, "policy statement");
  const { Sid, Effect } = statement;
  if (Sid !== undefined && typeof Sid !== "string") throw new PolicySyntaxError("Statement Sid must be a string.");
  if (Effect !== "Allow" && Effect !== "Deny") throw new PolicySyntaxError("Statement Effect must be Allow or Deny.");
  return {
    sid: Sid,
    effect: Effect,
    principals: parsePrincipals(statement),
    actions: parsePatterns(statement, "Action", "NotAction"),
    resources: parsePatterns(statement, "Resource", "NotResource"),
    conditions: parseConditions(statement["Condition"]),
  };
}

function parsePatterns(statement: Json, plain: string, negated: string): Patterns | undefined {
  const [is, isNot] = [statement[plain], statement[negated]];
  if (is !== undefined && isNot !== undefined) {
    throw new PolicySyntaxError(`Statement must contain ${plain} or ${negated}, not both.`);
  }
  if (is === undefined && isNot === undefined) return undefined;
  const values = asTexts(
    is ?? isNot,
    `Statement ${is === undefined ? negated : plain} must be a string or a list of strings.`,
  );
  if (plain === "Action" && !values.every((action) => action === "*" || /^[a-zA-Z0-9-]+:\S+$/.test(action))) {
    throw new PolicySyntaxError(NO_VENDOR);
  }
  return { negated: is === undefined, values };
}

function parsePrincipals({ Principal, NotPrincipal }: Json): Principals {
  if (Principal !== undefined && NotPrincipal !== undefined) {
    throw new PolicySyntaxError("Statement must contain Principal or NotPrincipal, not both.");
  }
  const value = Principal ?? NotPrincipal;
  if (value === undefined) throw new PolicySyntaxError(NO_PRINCIPAL);
  const negated = Principal === undefined;
  if (value === "*") {
    return { negated, everyone: true, aws: new Set(), services: new Set(), federated: new Set() };
  }
  const kinds = asObject(value, INVALID_PRINCIPAL);
  requireMembers(kinds, new Set(["AWS", "Service", "Federated", "CanonicalUser"]), "Principal");
  const listed = (kind: string): string[] =>
    kinds[kind] === undefined || isEmptyList(kinds[kind]) ? [] : asTexts(kinds[kind], INVALID_PRINCIPAL);
  const aws = listed("AWS");
  const services = listed("Service");
  const federated = [...listed("Federated"), ...listed("CanonicalUser")];
  if (aws.length + services.length + federated.length === 0) throw new PolicySyntaxError(NO_PRINCIPAL);
  const valid =
    aws.every(isAwsPrincipal) && services.every((name) => /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/.test(name));
  if (!valid) throw new PolicySyntaxError(INVALID_PRINCIPAL);
  return {
    negated,
    everyone: aws.includes("*"),
    aws: new Set(aws),
    services: new Set(services),
    federated: new Set(federated),
  };
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** As KMS words it; it says the same of an empty list. */
const NO_PRINCIPAL = "Policy contains a statement with no principal.";
/** As KMS words it (spec 03, Key policy: document rules). */
const INVALID_PRINCIPAL = "Policy contains a statement with one or more invalid principals.";

const PRINCIPAL_ARN =
  /^arn:aws(?:-cn|-us-gov)?:(?:iam::[0-9]{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::[0-9]{12}:(?:assumed-role\/[\w+=,.@-]+|federated-user)\/[\w+=,.@-]+)$/;

/** An account id, the ARN of an account, user, role or session, or everyone; a group is no principal. */
function isAwsPrincipal(text: string): boolean {
  return text === "*" || /^[0-9]{12}$/.test(text) || PRINCIPAL_ARN.test(text);
}

function parseConditions(value: unknown): Statement["conditions"] {
  if (value === undefined) return [];
  const message = "Statement Condition must map operators to condition keys and values.";
  return Object.entries(asObject(value, message)).flatMap(([name, keys]) => {
    const type = asConditionType(name);
    if (type === undefined) throw new PolicySyntaxError(`Invalid Condition type : ${name}`);
    return Object.entries(asObject(keys, message)).map(([key, values]) => {
      if (!/^[^:]+:./.test(key)) throw new PolicySyntaxError(NO_VENDOR);
      return { ...type, key: key.toLowerCase(), values: asScalars(values, message) };
    });
  });
}

function asObject(value: unknown, message: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new PolicySyntaxError(message);
  return value as Json; // just checked
}

function asTexts(value: unknown, message: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new PolicySyntaxError(message);
  return list.map((item) => {
    if (typeof item !== "string") throw new PolicySyntaxError(message);
    return item;
  });
}

/** Condition values may be booleans and numbers; they mean their texts. */
function asScalars(value: unknown, message: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (typeof item !== "string" && typeof item !== "number" && typeof item !== "boolean") {
      throw new PolicySyntaxError(message);
    }
    return String(item);
  });
}

function requireMembers(value: Json, members: ReadonlySet<string>, what: string): void {
  const unknown = Object.keys(value).find((member) => !members.has(member));
  if (unknown !== undefined) throw new PolicySyntaxError(`The ${what} contains the unknown member ${unknown}.`);
}
