/**
 * What IAM takes for the trust policy of a role: its checks and its words.
 *
 * Users and public tools quote them of CreateRole and UpdateAssumeRolePolicy. What is checked here goes before what
 * `parsePolicy` checks of every policy.
 */

import {
  DOCUMENT_MEMBERS,
  type Document,
  isAwsPrincipal,
  isServicePrincipal,
  PolicySyntaxError,
  parsePolicy,
  requireMembers,
  STATEMENT_MEMBERS,
} from "./document.ts";
import { parseUnambiguousJson } from "./json.ts";
import { compileDocument } from "./policy.ts";

type Json = Readonly<Record<string, unknown>>;

/** @throws PolicySyntaxError the first check that fails; last, whether its policy variables can be read */
export function requireTrustDocument(text: string): Document {
  if (text.startsWith(" ")) throw new PolicySyntaxError("JSON strings must not have leading spaces");
  requireForm(text);
  const document = parsePolicy(text, "trust");
  compileDocument(document);
  return document;
}

/** Passes over what is no object: of that, `parsePolicy` speaks. */
function requireForm(text: string): void {
  const document = parsed(text);
  if (!isObject(document)) return;
  requireMembers(document, DOCUMENT_MEMBERS);
  const { Version, Statement } = document;
  if (typeof Version === "string" && Version !== "2012-10-17" && Version !== "2008-10-17") {
    throw new PolicySyntaxError("The policy must contain a valid version string");
  }
  if (Statement === undefined) throw new PolicySyntaxError("Missing required field Statement");
  const statements = [Statement].flat().filter(isObject);
  if (Array.isArray(Statement) && Statement.length === 0) {
    throw new PolicySyntaxError("Could not parse the policy: Statement is empty!");
  }
  for (const statement of statements) requireStatement(statement);
  const sids = statements.flatMap(({ Sid }) => (Sid === undefined || Sid === "" ? [] : [Sid]));
  if (new Set(sids).size < sids.length) {
    throw new PolicySyntaxError("The Statement Ids in the policy are not unique");
  }
}

function parsed(text: string): unknown {
  try {
    return parseUnambiguousJson(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function requireStatement(statement: Json): void {
  requireMembers(statement, STATEMENT_MEMBERS);
  const { Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement;
  if (Effect === undefined) throw new PolicySyntaxError("Missing required field Effect");
  if (Effect !== "Allow" && Effect !== "Deny") throw new PolicySyntaxError(`Invalid effect: ${String(Effect)}`);
  if (NotPrincipal !== undefined) {
    throw new PolicySyntaxError(
      Effect === "Allow"
        ? "Allow with NotPrincipal is not allowed."
        : "AssumeRole policy must not contain NotPrincipal field.",
    );
  }
  requirePrincipal(Principal);
  if (Action === undefined && NotAction === undefined) throw new PolicySyntaxError("Missing required field Action");
  for (const action of [Action, NotAction].flat()) {
    if (typeof action === "string" && !/^sts:/i.test(action)) {
      throw new PolicySyntaxError("AssumeRole policy may only specify STS AssumeRole actions.");
    }
  }
  if (Resource !== undefined) throw new PolicySyntaxError("Has prohibited field Resource");
  if (NotResource !== undefined) throw new PolicySyntaxError("AssumeRole policy must not contain resources.");
}

const KINDS: ReadonlySet<string> = new Set(["AWS", "Service", "Federated", "CanonicalUser"]);

/** Everyone is `{"AWS": "*"}`; the short form is refused, whatever the guide says (AWS CDK issue 5732). */
function requirePrincipal(principal: unknown): void {
  if (principal === undefined) throw new PolicySyntaxError("Missing required field Principal");
  if (principal === "*") {
    throw new PolicySyntaxError('AssumeRolepolicy contained an invalid principal: "STAR":"*".');
  }
  if (!isObject(principal)) throw new PolicySyntaxError("Principal must be a JSON object.");
  const kinds = Object.keys(principal);
  if (kinds.length === 0) throw new PolicySyntaxError("Missing required field Principal cannot be empty!");
  const unknown = kinds.find((kind) => !KINDS.has(kind));
  if (unknown !== undefined) throw new PolicySyntaxError(`Invalid principal in policy: "${unknown}"`);
  const values = Object.entries(principal).flatMap(([kind, value]) => [value].flat().map((name) => ({ kind, name })));
  if (values.length === 0) {
    throw new PolicySyntaxError(
      "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!",
    );
  }
  for (const { kind, name } of values) {
    if (typeof name === "string" && !isPrincipal(kind, name)) {
      throw new PolicySyntaxError(`Invalid principal in policy: "${kind.toUpperCase()}":"${name}"`);
    }
  }
}

function isPrincipal(kind: string, name: string): boolean {
  if (kind === "AWS") return isAwsPrincipal(name);
  return kind !== "Service" || isServicePrincipal(name);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
