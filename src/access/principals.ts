/** Whom a policy or a grant names: whether they are here, and which users and roles they are now. */

import { asArn } from "../base/arn.ts";
import { identityArn } from "../identity/credentials.ts";
import { withPrincipals } from "../policy/json.ts";
import type { PrincipalIds } from "../policy/policy.ts";
import type { Reader } from "../storage/store.ts";

/** How policies with principals that are not here are taken: refused, unless the operator of a development server lets them in. */
export type UnknownPrincipals =
  | { readonly allow: false }
  | { readonly allow: true; warn(names: readonly string[]): void };

/** What names of principals came to. */
export interface NamedPrincipals {
  /** The unique ids of users and roles, by ARN. */
  readonly ids: PrincipalIds;
  /** Names of accounts, users and roles that are not here. */
  readonly unknown: readonly string[];
}

/**
 * Looks up the principals that a policy or grant names: `*`, account ids and ARNs (of accounts, users, roles, role sessions and
 * federated users). Of a session its role must be here, of a federated user the account.
 *
 * @param partition where accounts are named: who has the same number in another is somebody else; undefined: in any
 */
export function findNamedPrincipals(
  names: Iterable<string>,
  reader: Reader,
  partition: string | undefined,
): NamedPrincipals {
  const ids = new Map<string, string>();
  const unknown: string[] = [];
  for (const name of names) {
    if (name === "*") continue;
    const isElsewhere = partition !== undefined && (asArn(name)?.partition ?? partition) !== partition;
    const found = isElsewhere ? undefined : findNamed(name, reader);
    if (found === undefined) unknown.push(name);
    else if (found.uniqueId !== undefined) ids.set(name, found.uniqueId);
  }
  return { ids, unknown };
}

/** The ids that a row keeps as JSON. */
export function parsePrincipalIds(json: string): PrincipalIds {
  return new Map(Object.entries(JSON.parse(json) as Record<string, string>));
}

/** As `parsePrincipalIds` reads it. */
export function printPrincipalIds(ids: PrincipalIds): string {
  return JSON.stringify(Object.fromEntries(ids));
}

/**
 * A principal as it is shown. @param uniqueId what it was when it was named, of users and roles alone: one that is gone is
 * shown as this id, one that has another name or path by now as its ARN of today (IAM guide, Principal)
 */
export function shownPrincipal(name: string, uniqueId: string | null, reader: Reader): string {
  if (uniqueId === null) return name;
  const identity = reader.find("identity", uniqueId);
  return identity === undefined ? uniqueId : identityArn(identity, asArn(name)?.partition ?? "aws");
}

/** The text of a policy as it is shown: see `shownPrincipal`. */
export function shownPolicy(text: string, ids: PrincipalIds, reader: Reader): string {
  const shown = new Map([...ids].map(([arn, uniqueId]) => [arn, shownPrincipal(arn, uniqueId, reader)]));
  return [...shown].every(([arn, name]) => name === arn)
    ? text
    : withPrincipals(text, (name) => shown.get(name) ?? name);
}

function findNamed(name: string, reader: Reader): { readonly uniqueId?: string } | undefined {
  const arn = asArn(name);
  const account = arn?.account ?? name;
  if (reader.find("account", account) === undefined) return undefined;
  if (arn === undefined || arn.resource === "root") return {};
  const [kind, ...rest] = arn.resource.split("/");
  if (kind === "federated-user") return {};
  if (kind === "assumed-role" && isServiceRole(rest[0])) return {};
  const identityName = kind === "assumed-role" ? rest[0] : rest.at(-1);
  const entry = reader.find(
    "identityName",
    account,
    kind === "user" ? "user" : "role",
    (identityName ?? "").toLowerCase(),
  );
  const identity = entry && reader.find("identity", entry.unique_id);
  if (identity === undefined) return undefined;
  if (kind === "assumed-role") return identity.name === identityName ? {} : undefined;
  return identityArn(identity, arn.partition) === name ? { uniqueId: identity.unique_id } : undefined;
}

/** Roles of AWS's own services, such as `aws:ec2-infrastructure`, are in every account; no role of anybody's can have such a name. */
function isServiceRole(name: string | undefined): boolean {
  return name === "aws:ec2-infrastructure";
}
