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
  /** Undefined in policies of identities, which are about whoever has them. */
  readonly principals: Principals | undefined;
  /** Undefined: the statement has no effect (KMS accepts it). */
  readonly actions: Patterns | undefined;
  /** `implied` in trust policies: the role itself. */
  readonly resources: Patterns | undefined | "implied";
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

export const INVALID_JSON = "This policy contains invalid Json";
/** As IAM words it of actions and of condition keys. */
const NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
export const NO_ACTIONS = "Policy statement must contain actions.";
export const NO_RESOURCES = "Policy statement must contain resources.";
/** Of policies that are about whoever has them. */
export const NO_PRINCIPAL_MAY_BE = "Policy document should not specify a principal.";

export const DOCUMENT_MEMBERS: ReadonlySet<string> = new Set(["Version", "Id", "Statement"]);
export const STATEMENT_MEMBERS: ReadonlySet<string> = new Set([
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

const PRINCIPAL_KINDS = new Set(["AWS", "Service", "Federated", "CanonicalUser"]);

type Json = Readonly<Record<string, unknown>>;

/**
 * What a policy is put on; it decides which elements a statement must and may have, and how refusals are worded.
 *
 * - `resource`: key policies; repeated Sids, Sids with spaces, and statements without Resource or Action are accepted, as KMS
 *   does (KMS guide, Key policies);
 * - `endpoint`: policies of VPC endpoints and of secrets;
 * - `bucket`: policies of buckets of S3;
 * - `trust`: who may assume a role; the resource is the role itself;
 * - `identity`: policies of users, groups, roles and sessions, and permissions boundaries; no principals. Their parts alone are
 *   looked at here, so that whatever IAM has taken can be read; what IAM takes, `requireIdentityPolicy` says (identity-policies.ts);
 * - `control`: service control policies; no principals;
 * - `resource-control`: resource control policies, which deny, to everybody, named actions of named services.
 */
export type PolicyKind = "resource" | "endpoint" | "bucket" | "trust" | "identity" | "control" | "resource-control";

/** Those of which AWS names the field that a statement lacks. */
const NAMES_FIELDS: ReadonlySet<PolicyKind> = new Set(["trust", "bucket"]);

/**
 * Parses a policy document. Unknown members are refused whatever the kind.
 *
 * @throws PolicySyntaxError
 */
export function parsePolicy(text: string, kind: PolicyKind): Document {
  const document = asObject(parseJson(text), "Policy document must be a JSON object.");
  requireMembers(document, DOCUMENT_MEMBERS);
  const { Version = "2008-10-17", Id, Statement } = document;
  if (Version !== "2012-10-17" && Version !== "2008-10-17") {
    throw new PolicySyntaxError("The policy must contain a valid version string");
  }
  if (Id !== undefined && typeof Id !== "string") throw new PolicySyntaxError("Policy Id must be a string.");
  const statements = Array.isArray(Statement) ? Statement : [Statement];
  if (Statement === undefined && kind === "bucket") throw new PolicySyntaxError("Missing required field Statement");
  if (Statement === undefined || statements.length === 0) {
    throw new PolicySyntaxError("Could not parse the policy: Statement is empty!");
  }
  const parsed = statements.map((statement) => parseStatement(statement, kind));
  if (kind === "trust" || kind === "control" || kind === "resource-control") requireSids(parsed);
  return { version: Version, statements: parsed };
}

/** @throws PolicySyntaxError as IAM words it */
export function requireSids(statements: readonly Statement[]): void {
  const sids = statements.flatMap(({ sid }) => (sid === undefined || sid === "" ? [] : [sid]));
  if (!sids.every((sid) => /^[0-9A-Za-z]*$/.test(sid))) {
    throw new PolicySyntaxError(
      "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
    );
  }
  if (new Set(sids).size < sids.length) {
    throw new PolicySyntaxError("Statement IDs (SID) in a single policy must be unique.");
  }
}

function parseJson(text: string): unknown {
  try {
    return parseUnambiguousJson(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new PolicySyntaxError(INVALID_JSON);
  }
}

function parseStatement(value: unknown, kind: PolicyKind): Statement {
  const statement = asObject(value, "Policy statement must be a JSON object.");
  requireMembers(statement, STATEMENT_MEMBERS);
  if (kind === "resource-control") requireDenial(statement);
  const { Sid, Effect } = statement;
  if (Sid !== undefined && typeof Sid !== "string") throw new PolicySyntaxError("Statement Sid must be a string.");
  return {
    sid: Sid,
    effect: effectOf(Effect, kind),
    principals: principalsOf(statement, kind),
    actions: actionsOf(statement, kind),
    resources: resourcesOf(statement, kind),
    conditions: parseConditions(statement["Condition"], kind),
  };
}

/**
 * What resource control policies of customers are made of beyond what every policy is (Organizations user guide, RCP syntax).
 *
 * @throws PolicySyntaxError
 */
function requireDenial({ Effect, Principal, NotAction, Action }: Json): void {
  const actions: readonly unknown[] = Array.isArray(Action) ? Action : [Action];
  const isNamed = (action: unknown): boolean => typeof action === "string" && /^[a-z0-9-]+:/.test(action);
  if (Effect === "Deny" && Principal === "*" && NotAction === undefined && actions.every(isNamed)) return;
  throw new PolicySyntaxError("A resource control policy denies actions of named services to everybody.");
}

/** Whether the letters' case is right in an identity policy is looked at after everything else that is of form. */
function effectOf(value: unknown, kind: PolicyKind): Statement["effect"] {
  const text = kind === "identity" ? String(value).toLowerCase() : value;
  for (const effect of ["Allow", "Deny"] as const) {
    if (text === (kind === "identity" ? effect.toLowerCase() : effect)) return effect;
  }
  if (value === undefined) throw new PolicySyntaxError("Missing required field Effect");
  throw new PolicySyntaxError(
    typeof value === "string" ? `Invalid effect: ${value}` : "Statement Effect must be Allow or Deny.",
  );
}

function principalsOf(statement: Json, kind: PolicyKind): Principals | undefined {
  const { Principal, NotPrincipal } = statement;
  if (kind === "identity" || kind === "control") {
    if (Principal !== undefined || NotPrincipal !== undefined) throw new PolicySyntaxError(NO_PRINCIPAL_MAY_BE);
    return undefined;
  }
  if (NAMES_FIELDS.has(kind) && Principal === undefined && NotPrincipal === undefined) {
    throw new PolicySyntaxError("Missing required field Principal");
  }
  return parsePrincipals(statement, kind);
}

function actionsOf(statement: Json, kind: PolicyKind): Patterns | undefined {
  const actions = parsePatterns(statement, "Action", "NotAction", kind);
  if (kind === "identity") return actions;
  if (actions === undefined && kind !== "resource") {
    throw new PolicySyntaxError(NAMES_FIELDS.has(kind) ? "Missing required field Action" : NO_ACTIONS);
  }
  actions?.values.forEach(requireAction);
  return actions;
}

/** @throws PolicySyntaxError an action that is not of the form `service:Name`, as IAM words it */
export function requireAction(action: string): void {
  if (action === "*") return;
  const [vendor = "", name, ...rest] = action.split(":");
  if (name === undefined) throw new PolicySyntaxError(NO_VENDOR);
  if (rest.length > 0) throw new PolicySyntaxError("Actions/Condition can contain only one colon.");
  if (vendor !== "*" && !/^[a-zA-Z0-9.-]+$/.test(vendor)) throw new PolicySyntaxError(`Vendor ${vendor} is not valid`);
}

function resourcesOf(statement: Json, kind: PolicyKind): Statement["resources"] {
  const resources = parsePatterns(statement, "Resource", "NotResource", kind);
  if (kind === "trust") {
    if (resources !== undefined) throw new PolicySyntaxError("Has prohibited field Resource");
    return "implied";
  }
  if (resources === undefined && kind !== "resource" && kind !== "identity") {
    throw new PolicySyntaxError(NAMES_FIELDS.has(kind) ? "Missing required field Resource" : NO_RESOURCES);
  }
  return resources;
}

function parsePatterns(statement: Json, plain: string, negated: string, kind: PolicyKind): Patterns | undefined {
  const [is, isNot] = [statement[plain], statement[negated]];
  if (is !== undefined && isNot !== undefined) {
    throw new PolicySyntaxError(`Statement must contain ${plain} or ${negated}, not both.`);
  }
  const value = is ?? isNot;
  if (value === undefined) return undefined;
  const isNegated = is === undefined;
  if (kind === "identity" && isEmptyList(value)) return { negated: isNegated, values: [] };
  const member = isNegated ? negated : plain;
  return { negated: isNegated, values: asTexts(value, `Statement ${member} must be a string or a list of strings.`) };
}

function parsePrincipals({ Principal, NotPrincipal }: Json, kind: PolicyKind): Principals {
  if (Principal !== undefined && NotPrincipal !== undefined) {
    throw new PolicySyntaxError("Statement must contain Principal or NotPrincipal, not both.");
  }
  const value = Principal ?? NotPrincipal;
  if (value === undefined) throw new PolicySyntaxError(NO_PRINCIPAL);
  const negated = Principal === undefined;
  if (value === "*") {
    return { negated, everyone: true, aws: new Set(), services: new Set(), federated: new Set() };
  }
  const invalid = kind === "bucket" ? "Invalid principal in policy" : INVALID_PRINCIPAL;
  const kinds = asObject(value, invalid);
  if (!Object.keys(kinds).every((name) => PRINCIPAL_KINDS.has(name))) throw new PolicySyntaxError(invalid);
  const listed = (kind: string): string[] =>
    kinds[kind] === undefined || isEmptyList(kinds[kind]) ? [] : asTexts(kinds[kind], invalid);
  const aws = listed("AWS");
  const services = listed("Service");
  const federated = [...listed("Federated"), ...listed("CanonicalUser")];
  if (aws.length + services.length + federated.length === 0) {
    throw new PolicySyntaxError(
      NAMES_FIELDS.has(kind) ? "Missing required field Principal cannot be empty!" : NO_PRINCIPAL,
    );
  }
  if (!aws.every(isAwsPrincipal) || !services.every(isServicePrincipal)) throw new PolicySyntaxError(invalid);
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
export const INVALID_PRINCIPAL = "Policy contains a statement with one or more invalid principals.";

const PRINCIPAL_ARN =
  /^arn:aws(?:-cn|-us-gov)?:(?:iam::[0-9]{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::[0-9]{12}:(?:assumed-role\/[\w+=,.@-]+|federated-user)\/[\w+=,.@-]+)$/;

/** An account id, the ARN of an account, user, role or session, or everyone; a group is no principal. */
export function isAwsPrincipal(text: string): boolean {
  return text === "*" || /^[0-9]{12}$/.test(text) || PRINCIPAL_ARN.test(text);
}

/** Which services there are, is not known here. */
export function isServicePrincipal(text: string): boolean {
  return /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/.test(text);
}

/** In identity policies an operator of any name may stand there without keys, and a key without a service (recorded on IAM). */
function parseConditions(value: unknown, kind: PolicyKind): Statement["conditions"] {
  if (value === undefined) return [];
  const message = "Statement Condition must map operators to condition keys and values.";
  return Object.entries(asObject(value, message)).flatMap(([name, keys]) => {
    const type = asConditionType(name);
    const entries = Object.entries(asObject(keys, message));
    if (type === undefined) {
      if (kind === "identity" && entries.length === 0) return [];
      throw new PolicySyntaxError(`Invalid Condition type : ${name}`);
    }
    return entries.map(([key, values]) => {
      if (kind !== "identity" && !/^[^:]+:./.test(key)) throw new PolicySyntaxError(NO_VENDOR);
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

/** @throws PolicySyntaxError */
export function requireMembers(value: Json, members: ReadonlySet<string>): void {
  const unknown = Object.keys(value).find((member) => !members.has(member));
  if (unknown !== undefined) throw new PolicySyntaxError(`Unknown field ${unknown}`);
}
