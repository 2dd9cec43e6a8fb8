/** GetContextKeysForCustomPolicy and GetContextKeysForPrincipalPolicy: which condition keys policies ask about. */

import { InvalidInputException } from "../../base/errors.ts";
import { findAwsManagedPolicy } from "../../identity/aws-managed-policies.ts";
import { PolicySyntaxError } from "../../policy/document.ts";
import { requireIdentityPolicy } from "../../policy/identity-policies.ts";
import type { Identity } from "../../storage/identity-rows.ts";
import type { Reader } from "../../storage/store.ts";
import { read } from "../operation.ts";
import { fixed, identityOfArn } from "../resources.ts";

/** The condition keys of policies in the request. */
export const getContextKeysForCustomPolicy = read("GetContextKeysForCustomPolicy", {
  targets: [{ as: "account", action: "iam:GetContextKeysForCustomPolicy", resource: fixed("*") }],
  run: ({ PolicyInputList }) => ({ ContextKeyNames: contextKeysOf(PolicyInputList) }),
});

/** The condition keys of all policies of a user (groups included), group or role, and of those in the request. */
export const getContextKeysForPrincipalPolicy = read("GetContextKeysForPrincipalPolicy", {
  targets: [
    {
      as: "principal",
      action: "iam:GetContextKeysForPrincipalPolicy",
      resource: identityOfArn("PolicySourceArn"),
    },
  ],
  async run({ PolicyInputList = [] }, { principal, store }) {
    const own = await store.settle((reader) => documentsOf(principal.identity, reader));
    return { ContextKeyNames: contextKeysOf([...own, ...PolicyInputList]) };
  },
});

/** The texts of every policy of a user (groups included), group or role. */
function documentsOf({ inline, attached, groups }: Identity, reader: Reader): string[] {
  const managed = attached.flatMap(
    (arn) => (findAwsManagedPolicy(arn) ?? reader.find("managedPolicy", arn))?.document ?? [],
  );
  const ofGroups = groups.flatMap((id) => {
    const group = reader.find("identity", id);
    return group === undefined ? [] : documentsOf(group, reader);
  });
  return [...inline.map(({ document }) => document), ...managed, ...ofGroups];
}

/** @throws InvalidInputException a text is no policy */
function contextKeysOf(documents: readonly string[]): string[] {
  documents.forEach(requirePolicy);
  return [...contextKeyNames(documents).values()];
}

/**
 * The names of the condition keys and policy variables in documents, each once, in the order and spelling of their first
 * appearance, by the name in lower case.
 *
 * @param documents that were found good
 */
export function contextKeyNames(documents: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const name of documents.flatMap((text) => namesIn(JSON.parse(text)))) {
    if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
  }
  return names;
}

function requirePolicy(text: string): void {
  try {
    requireIdentityPolicy(text, "inline");
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new InvalidInputException(cause.message);
    throw cause;
  }
}

/** Names under the operators of `Condition`, and variables in any text of a document that has been found well-formed. */
function namesIn(value: unknown): string[] {
  if (typeof value === "string") return variablesIn(value);
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([member, part]) => [
    ...(member === "Condition" ? conditionKeysIn(part) : []),
    ...namesIn(part),
  ]);
}

function conditionKeysIn(condition: unknown): string[] {
  return Object.values(condition as Readonly<Record<string, object>>).flatMap((keys) => Object.keys(keys));
}

/** `${aws:username}` and `${aws:username, 'nobody'}`; `${*}`, `${?}` and `${$}` stand for characters. */
function variablesIn(text: string): string[] {
  return Array.from(text.matchAll(/\$\{\s*([^},\s]+:[^},\s]+)\s*(?:,[^}]*)?\}/g), ([, name = ""]) => name);
}
