/** Grant constraints: their form, whether a request keeps them, and whether one is as strict as another. */

import type { GrantConstraints } from "@aws-sdk/client-kms";
import { asArn } from "../base/arn.ts";
import { InvalidArnException, ValidationException } from "../base/errors.ts";
import type { Key } from "./resources.ts";

/** As the API has them, or none. */
export type Constraints = Readonly<GrantConstraints> | undefined;

/**
 * The constraints that a request means. Of two on the encryption context an empty one says nothing: Terraform sends one beside
 * the other, and AWS takes them (hashicorp/terraform-provider-aws, internal/service/kms/grant.go).
 */
export function constraintsOf({ Constraints }: { readonly Constraints?: Constraints }): Constraints {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset, ...others } = Constraints ?? {};
  if (equals === undefined || subset === undefined) return Constraints;
  if (isEmpty(subset)) return { EncryptionContextEquals: equals, ...others };
  if (isEmpty(equals)) return { EncryptionContextSubset: subset, ...others };
  return Constraints;
}

function isEmpty(context: Readonly<Record<string, string>>): boolean {
  return Object.keys(context).length === 0;
}

/** The limits of one constraint on the encryption context (API reference, CreateGrant, Constraints). */
const PAIRS_MAX = 8;
const VALUE_CHARACTERS_MAX = 384;

/** A constraint on the encryption context, ready to be compared. */
export interface ContextConstraint {
  readonly type: "EncryptionContextEquals" | "EncryptionContextSubset";
  /** Of `pairsOf`. */
  readonly pairs: ReadonlySet<string>;
}

/**
 * The pairs of an encryption context as texts that are equal when the pairs are: names in any case, values exactly. The
 * guide wants the exact case of both; the API reference, which is newer, says this (GrantConstraints). Pairs that differ in the case of
 * their names alone are as many as they are: together they are another context than one of them.
 */
export function pairsOf(context: Readonly<Record<string, string>>): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const [name, value] of Object.entries(context)) {
    const pair = [name.toLowerCase(), value];
    let text = JSON.stringify(pair);
    for (let count = 2; pairs.has(text); count += 1) text = JSON.stringify([...pair, count]);
    pairs.add(text);
  }
  return pairs;
}

/** The constraint on the encryption context, if there is one. */
export function contextConstraintOf(constraints: Constraints): ContextConstraint | undefined {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = constraints ?? {};
  if (equals !== undefined) return { type: "EncryptionContextEquals", pairs: pairsOf(equals) };
  if (subset !== undefined) return { type: "EncryptionContextSubset", pairs: pairsOf(subset) };
  return undefined;
}

/** Whether the encryption context of a request keeps a constraint (KMS guide, Using grant constraints). */
export function keepsContext({ type, pairs }: ContextConstraint, requested: ReadonlySet<string>): boolean {
  if (type === "EncryptionContextEquals" && pairs.size !== requested.size) return false;
  return pairs.isSubsetOf(requested);
}

/**
 * Whether a grant that is made through another is bound at least as much as that one (KMS guide, Granting CreateGrant
 * permission): pairs may be added to a subset but not taken away, and a subset may become equality but not the reverse.
 */
export function isAsStrict(child: Constraints, parent: Constraints): boolean {
  if (parent?.SourceArn !== undefined && child?.SourceArn !== parent.SourceArn) return false;
  const outer = contextConstraintOf(parent);
  if (outer === undefined) return true;
  const inner = contextConstraintOf(child);
  if (inner === undefined) return false;
  if (outer.type === "EncryptionContextSubset") return outer.pairs.isSubsetOf(inner.pairs);
  return inner.type === outer.type && inner.pairs.size === outer.pairs.size && outer.pairs.isSubsetOf(inner.pairs);
}

/**
 * Requires constraints that a grant can have.
 *
 * @throws ValidationException both constraints on the encryption context, or one with more than 8 pairs or a value of more
 *   than 384 characters
 * @throws InvalidArnException the source is no ARN
 */
export function requireConstraints(constraints: Constraints): void {
  if (constraints === undefined) return;
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset, SourceArn } = constraints;
  if (equals !== undefined && subset !== undefined) {
    throw new ValidationException("More than one constraint supplied"); // the text that Terraform's grant.go quotes
  }
  const context = Object.entries(equals ?? subset ?? {});
  if (context.length > PAIRS_MAX) {
    throw new ValidationException(`A grant constraint can have at most ${PAIRS_MAX} encryption context pairs.`);
  }
  if (context.some(([, value]) => [...value].length > VALUE_CHARACTERS_MAX)) {
    throw new ValidationException(
      `An encryption context value in a grant constraint can have at most ${VALUE_CHARACTERS_MAX} characters.`,
    );
  }
  if (SourceArn !== undefined && asArn(SourceArn) === undefined) {
    throw new InvalidArnException(`Invalid arn ${SourceArn}`);
  }
}

/**
 * Comes before what the operations of a grant demand of its key: recorded of DynamoDB, whose grants on an HMAC key have both.
 *
 * @throws ValidationException the constraint is on the encryption context, and operations with the key have none
 */
export function requireConstraintsOfKey(constraints: Constraints, { isSymmetric }: Key): void {
  if (isSymmetric || contextConstraintOf(constraints) === undefined) return;
  throw new ValidationException(
    "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.",
  );
}
