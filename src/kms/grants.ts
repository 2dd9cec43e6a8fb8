/** Grants as resources, and the one question about them: does one of these allow this? */

import type { GrantListEntry } from "@aws-sdk/client-kms";
import type { GrantMatch } from "../access/decide.ts";
import { shownPrincipal } from "../access/principals.ts";
import { formatArn } from "../base/arn.ts";
import type { Question, Resource } from "../pipeline/operation.ts";
import { requestContext } from "../pipeline/request-context.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import type { GrantedRow, GrantRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import {
  type Constraints,
  type ContextConstraint,
  constraintsOf,
  contextConstraintOf,
  isAsStrict,
  keepsContext,
  pairsOf,
} from "./grant-constraints.ts";
import { contextFor } from "./grant-operations.ts";
import { parseGrantToken } from "./grant-tokens.ts";
import { keyArn } from "./identifiers.ts";
import { isPropagated } from "./propagation.ts";
import { Key } from "./resources.ts";

/** A grant that exists. It stands in records and policies under its key's ARN and account; no policy is its own. */
export class Grant implements Resource {
  readonly row: GrantRow;
  readonly arn: string;
  readonly account: string;
  readonly operations: ReadonlySet<string>;
  readonly constraints: Constraints;
  readonly contextConstraint: ContextConstraint | undefined;
  /** No policy lets anybody retire a grant: the grant itself says who may (KMS guide, RetireGrant). */
  readonly policy: CompiledPolicy = { statements: [] };

  constructor(row: GrantRow) {
    this.row = row;
    this.account = row.key_account;
    this.arn = keyArn({ ...row, account: row.key_account, keyId: row.key_id });
    this.operations = new Set(JSON.parse(row.operations) as string[]);
    this.constraints = row.constraints === null ? undefined : (JSON.parse(row.constraints) as Constraints);
    this.contextConstraint = contextConstraintOf(this.constraints);
  }

  get id(): string {
    return this.row.grant_id;
  }

  /** `IssuingAccount`: the root of the account whose principal made the grant. */
  get issuer(): string {
    return rootArn(this.row.partition, this.row.issuing_account);
  }

  /** The root of the account whose key it is on. */
  get keyOwner(): string {
    return rootArn(this.row.partition, this.account);
  }
}

function rootArn(partition: string, account: string): string {
  return formatArn({ partition, service: "iam", region: "", account, resource: "root" });
}

/** The grants of one operation: those that no encryption context binds, and the others by one pair that they demand. */
interface Shelf {
  readonly unbound: Grant[];
  readonly byPair: Map<string, Grant[]>;
}

/**
 * The grants of one grantee on one key, sorted so that a request looks at few of them, however many there are: a service may
 * have one for each of its resources, which differ in a pair of their encryption contexts.
 */
class Grants {
  readonly #shelves = new Map<string, Shelf>();
  /** How many of the grants demand a pair: each grant is found under its rarest. */
  readonly #demands = new Map<string, number>();

  constructor({ grants }: GrantedRow) {
    const all = grants.map((row) => new Grant(row));
    for (const { contextConstraint } of all) {
      for (const pair of contextConstraint?.pairs ?? []) this.#demands.set(pair, (this.#demands.get(pair) ?? 0) + 1);
    }
    for (const grant of all) {
      const pair = this.#rarestPair(grant);
      for (const operation of grant.operations) this.#put(grant, operation, pair);
    }
  }

  /** The grants of an operation that may fit. @param pairs those of the request, where constraints ask for them */
  *candidates(operation: string, pairs: ReadonlySet<string> | undefined): Iterable<Grant> {
    const shelf = this.#shelves.get(operation);
    if (shelf === undefined) return;
    yield* shelf.unbound;
    const wanted = pairs ?? shelf.byPair.keys();
    for (const pair of wanted) yield* shelf.byPair.get(pair) ?? [];
  }

  #rarestPair({ contextConstraint }: Grant): string | undefined {
    const demands = (pair: string): number => this.#demands.get(pair) ?? 0;
    return [...(contextConstraint?.pairs ?? [])].sort((left, right) => demands(left) - demands(right))[0];
  }

  #put(grant: Grant, operation: string, pair: string | undefined): void {
    const shelf = this.#shelves.get(operation) ?? { unbound: [], byPair: new Map<string, Grant[]>() };
    this.#shelves.set(operation, shelf);
    if (pair === undefined) {
      shelf.unbound.push(grant);
      return;
    }
    const grants = shelf.byPair.get(pair);
    if (grants === undefined) shelf.byPair.set(pair, [grant]);
    else grants.push(grant);
  }
}

const grantsOfRow = new WeakMap<GrantedRow, Grants>();

/** One object for each version of the list, so that it is sorted once. */
function asGrants(row: GrantedRow): Grants {
  let grants = grantsOfRow.get(row);
  if (grants === undefined) {
    grants = new Grants(row);
    grantsOfRow.set(row, grants);
  }
  return grants;
}

/**
 * The grant that lets one of these principals do a grant operation, if there is one (KMS guide, Grants).
 *
 * On a key: a grant on it whose grantee is one of them, that has the operation and whose constraints the request keeps. On a
 * grant, which is to be retired: that grant itself, when one of them is the retiring principal, the grantee where it has the
 * operation RetireGrant, or the account that issued it or owns the key.
 */
export function findGrant(
  operation: string,
  principalNames: readonly string[],
  question: Question,
): GrantMatch | undefined {
  const { resource, input, reader } = question;
  if (resource instanceof Grant) {
    return mayRetire(resource, principalNames, question) ? { grantId: resource.id } : undefined;
  }
  if (!(resource instanceof Key)) return undefined;
  const context = contextFor(operation, input);
  const pairs = context && pairsOf(context);
  for (const name of principalNames) {
    const row = reader.find("granted", resource.row.region, resource.id, name);
    if (row === undefined) continue;
    for (const grant of asGrants(row).candidates(operation, pairs)) {
      const counts = isKnown(grant.row, question) && means(grant.row.grantee_id, question);
      if (counts && allows(grant, operation, pairs, question)) return { grantId: grant.id };
    }
  }
  return undefined;
}

/** Whether a grant has got about, or the request brings its token (KMS guide, Grant tokens). */
function isKnown({ grant_id, created_at }: GrantRow, { call, input }: Question): boolean {
  if (isPropagated(created_at, call)) return true;
  const { GrantTokens: tokens = [] } = input as { readonly GrantTokens?: readonly string[] };
  return tokens.some((token) => parseGrantToken(token) === grant_id);
}

/** Whether a party of a grant is the caller's user or role, and not another one that had its name. */
function means(identityId: string | null, { call: { principal } }: Question): boolean {
  return identityId === null || ("identityId" in principal && principal.identityId === identityId);
}

/**
 * The retiring principal, the grantee where the grant says so, and the issuer's and the key's account: its root user, and whom
 * its IAM policies let do it (KMS guide, Retiring and revoking grants).
 */
function mayRetire(grant: Grant, names: readonly string[], question: Question): boolean {
  const { retirer, retirer_id, grantee, grantee_id } = grant.row;
  if (retirer !== null && names.includes(retirer) && means(retirer_id, question)) return true;
  if (names.includes(grant.issuer) || names.includes(grant.keyOwner)) return true;
  return grant.operations.has("RetireGrant") && names.includes(grantee) && means(grantee_id, question);
}

function allows(
  { constraints, contextConstraint, operations }: Grant,
  operation: string,
  pairs: ReadonlySet<string> | undefined,
  question: Question,
): boolean {
  const source = constraints?.SourceArn;
  if (source !== undefined && !requestContext(question)("aws:sourcearn")?.includes(source)) return false;
  if (operation === "CreateGrant") {
    const child = question.input as { readonly Operations: readonly string[]; readonly Constraints?: Constraints };
    return child.Operations.every((inner) => operations.has(inner)) && isAsStrict(constraintsOf(child), constraints);
  }
  return pairs === undefined || contextConstraint === undefined || keepsContext(contextConstraint, pairs);
}

/**
 * A grant as lists have it: members that it lacks are left out, but its name is then empty (KMS guide, Viewing grants). Users
 * and roles are named as in policies, those that are gone by their unique ids (hashicorp/terraform-provider-aws, issue 29340).
 */
export function grantListEntry(row: GrantRow, reader: Reader): GrantListEntry {
  const { constraints, operations, issuer, arn } = new Grant(row);
  const { grantee_is_service, retirer_is_service } = row;
  const grantee = shownPrincipal(row.grantee, row.grantee_id, reader);
  const retirer = row.retirer && shownPrincipal(row.retirer, row.retirer_id, reader);
  return {
    KeyId: arn,
    GrantId: row.grant_id,
    Name: row.name,
    CreationDate: new Date(row.created_at),
    ...(grantee_is_service === 1 ? { GranteeServicePrincipal: grantee } : { GranteePrincipal: grantee }),
    ...(retirer !== null &&
      (retirer_is_service === 1 ? { RetiringServicePrincipal: retirer } : { RetiringPrincipal: retirer })),
    IssuingAccount: issuer,
    Operations: [...operations] as NonNullable<GrantListEntry["Operations"]>,
    ...(constraints && { Constraints: constraints }),
  };
}
