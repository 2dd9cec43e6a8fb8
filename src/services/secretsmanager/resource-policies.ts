/** PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy and ValidateResourcePolicy: who may do what, said by the secret itself. */

import {
  findNamedPrincipals,
  parsePrincipalIds,
  printPrincipalIds,
  shownPolicy,
  type UnknownPrincipals,
} from "../../access/principals.ts";
import { decideAlso } from "../../pipeline/also.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { Condition } from "../../policy/conditions.ts";
import {
  type Document,
  INVALID_PRINCIPAL,
  PolicySyntaxError,
  parsePolicy,
  type Statement,
} from "../../policy/document.ts";
import { compileDocument, type PrincipalIds } from "../../policy/policy.ts";
import { updateSecret } from "../../storage/secrets.ts";
import type { Reader } from "../../storage/store.ts";
import { MalformedPolicyDocumentException, PublicPolicyException } from "./errors.ts";
import { type Context, change, conditions, type Input, onAccount, onSecret, read, StoredSecret } from "./operation.ts";

// The texts are those of the guide (Managing a resource-based policy for a secret).
const SYNTAX = "This resource policy contains a syntax error.";
const UNSUPPORTED_PRINCIPAL = "This resource policy contains an unsupported principal.";
const LOCKOUT = "Your requested changes will not allow you to manage this secret in the future.";
const BROAD_ACCESS = "This resource policy grants broad access to your secret.";
const BROAD = "You can't attach a resource-based policy that allows broad access to the secret.";

/** Gives a secret a policy, in the place of the one that it has. */
export const putResourcePolicy = change("PutResourcePolicy", {
  targets: [onSecret<Input<"PutResourcePolicy">>("PutResourcePolicy")],
  async run(input, { call, tx, secret, unknownPrincipals }) {
    const { ResourcePolicy: text, BlockPublicPolicy } = input;
    const { row } = secret;
    const document = parseOrRefuse(text);
    const { ids, unknown } = await tx.settle((reader) => {
      const named = findNamedPrincipals(namesIn(document), reader, call.partition);
      requireManageable(secret, { document, ids: named.ids, call }, reader);
      return named;
    });
    requireKnown(unknown, unknownPrincipals);
    if (BlockPublicPolicy === true && isBroad(document)) throw new PublicPolicyException(BROAD);
    await updateSecret(tx, row, { policy: text, policy_principals: printPrincipalIds(ids) });
    return { ARN: row.arn, Name: row.name };
  },
});

/** @throws MalformedPolicyDocumentException no policy that a resource can have */
function parseOrRefuse(text: string): Document {
  try {
    const document = parsePolicy(text, "endpoint");
    compileDocument(document);
    return document;
  } catch (cause) {
    if (!(cause instanceof PolicySyntaxError)) throw cause;
    throw new MalformedPolicyDocumentException(cause.message === INVALID_PRINCIPAL ? UNSUPPORTED_PRINCIPAL : SYNTAX);
  }
}

function namesIn({ statements }: Document): readonly string[] {
  return statements.flatMap(({ principals }) => [...(principals?.aws ?? [])]);
}

/** @throws MalformedPolicyDocumentException principals that are not here */
function requireKnown(unknown: readonly string[], unknownPrincipals: UnknownPrincipals): void {
  if (unknown.length === 0) return;
  if (!unknownPrincipals.allow) throw new MalformedPolicyDocumentException(UNSUPPORTED_PRINCIPAL);
  unknownPrincipals.warn(unknown);
}

/** @throws MalformedPolicyDocumentException under that policy the caller could not replace it; the code is ours */
function requireManageable(
  secret: StoredSecret,
  { document, ids, call }: { readonly document: Document; readonly ids: PrincipalIds; readonly call: Call },
  reader: Reader,
): void {
  const { arn, account, row, ownedByAccount } = secret;
  const found = new StoredSecret(row);
  const resource = { arn, account, ownedByAccount, policy: compileDocument(document, ids) };
  const also = {
    call,
    action: "secretsmanager:PutResourcePolicy",
    resource,
    conditions: (key: string) => conditions(key, { input: {}, call, resource: found, found: {}, reader, examined: {} }),
  };
  if (!decideAlso(also, reader).allowed) throw new MalformedPolicyDocumentException(LOCKOUT);
}

/** Keys of which a fixed value keeps a statement for everybody from being broad. */
const CONFINING: ReadonlySet<string> = new Set([
  "aws:sourcearn",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:sourceaccount",
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
]);

function isBroad({ statements }: Document): boolean {
  return statements.some(isBroadStatement);
}

function isBroadStatement({ effect, principals, conditions: all }: Statement): boolean {
  const isForEverybody = principals?.everyone === true || principals?.negated === true;
  return effect === "Allow" && isForEverybody && !all.some(isConfining);
}

function isConfining({ operator, set, ifExists, key, values }: Condition): boolean {
  const isPositive = /^(?:string|arn)(?:equals|like|equalsignorecase)$/.test(operator);
  return (
    isPositive && !ifExists && set !== "all" && CONFINING.has(key) && !values.some((value) => /[*?]|\$\{/.test(value))
  );
}

/** The policy, where there is one; users and roles that are gone are named by their unique ids. */
export const getResourcePolicy = read("GetResourcePolicy", {
  targets: [onSecret<Input<"GetResourcePolicy">>("GetResourcePolicy")],
  async run(_input, { store, secret: { row } }) {
    const { arn: ARN, name: Name, policy, policy_principals: principals } = row;
    if (policy === null) return { ARN, Name };
    const ResourcePolicy = await store.settle((reader) => shownPolicy(policy, parsePrincipalIds(principals), reader));
    return { ARN, Name, ResourcePolicy };
  },
});

/** Removes the policy; one that is not there is no harm. */
export const deleteResourcePolicy = change("DeleteResourcePolicy", {
  targets: [onSecret<Input<"DeleteResourcePolicy">>("DeleteResourcePolicy")],
  async run(_input, { tx, secret: { row } }) {
    await updateSecret(tx, row, { policy: null, policy_principals: "{}" });
    return { ARN: row.arn, Name: row.name };
  },
});

/** Tells what is wrong with a policy, without giving it to anything; the names of checks are ours. */
export const validateResourcePolicy = read<"ValidateResourcePolicy", Context>("ValidateResourcePolicy", {
  targets: [
    onSecret("ValidateResourcePolicy", { when: ({ SecretId }) => SecretId !== undefined }),
    onAccount<Input<"ValidateResourcePolicy">>("ValidateResourcePolicy", {
      when: ({ SecretId }) => SecretId === undefined,
    }),
  ],
  async run({ ResourcePolicy }, { call, store, unknownPrincipals }) {
    const document = parseOrRefuse(ResourcePolicy);
    const { unknown } = await store.settle((reader) => findNamedPrincipals(namesIn(document), reader, call.partition));
    requireKnown(unknown, unknownPrincipals);
    const ValidationErrors = isBroad(document) ? [{ CheckName: "BROAD_ACCESS", ErrorMessage: BROAD_ACCESS }] : [];
    return { PolicyValidationPassed: ValidationErrors.length === 0, ValidationErrors };
  },
});
