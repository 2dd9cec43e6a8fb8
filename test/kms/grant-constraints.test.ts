/** Grant constraints: the guide's tables, and what strictness has to mean. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Constraints,
  contextConstraintOf,
  isAsStrict,
  keepsContext,
  pairsOf,
  requireConstraints,
} from "../../src/kms/grant-constraints.ts";

type Context = Readonly<Record<string, string>>;

const equals = (context: Context): Constraints => ({ EncryptionContextEquals: { ...context } });
const subset = (context: Context): Constraints => ({ EncryptionContextSubset: { ...context } });

/** Whether a request with an encryption context keeps constraints, as far as they are about it. */
function keeps(constraints: Constraints, context: Context): boolean {
  const constraint = contextConstraintOf(constraints);
  return constraint === undefined || keepsContext(constraint, pairsOf(context));
}

describe("a constraint on the encryption context", () => {
  // KMS guide, Using grant constraints; the last rows are those of the API reference, GrantConstraints.
  for (const { title, pairs, context, byEquals, bySubset } of [
    { title: "its pairs", pairs: { A: "1" }, context: { A: "1" }, byEquals: true, bySubset: true },
    { title: "more", pairs: { A: "1" }, context: { A: "1", B: "2" }, byEquals: false, bySubset: true },
    { title: "none", pairs: { A: "1" }, context: {}, byEquals: false, bySubset: false },
    { title: "fewer", pairs: { A: "1", B: "2" }, context: { A: "1" }, byEquals: false, bySubset: false },
    {
      title: "another order",
      pairs: { A: "1", B: "2" },
      context: { B: "2", A: "1" },
      byEquals: true,
      bySubset: true,
    },
    { title: "another value", pairs: { A: "1" }, context: { A: "2" }, byEquals: false, bySubset: false },
    { title: "another case of the value", pairs: { A: "x" }, context: { A: "X" }, byEquals: false, bySubset: false },
    { title: "another case of the name", pairs: { Key: "x" }, context: { kEY: "x" }, byEquals: true, bySubset: true },
    { title: "nothing, when it demands nothing", pairs: {}, context: {}, byEquals: true, bySubset: true },
    { title: "something, when it demands nothing", pairs: {}, context: { A: "1" }, byEquals: false, bySubset: true },
    {
      title: "pairs whose joined texts are the same",
      pairs: { a: "bc" },
      context: { ab: "c" },
      byEquals: false,
      bySubset: false,
    },
  ]) {
    it(`S03-019: takes ${title} as equal: ${byEquals}, as a superset: ${bySubset}`, () => {
      assert.equal(keeps(equals(pairs), context), byEquals);
      assert.equal(keeps(subset(pairs), context), bySubset);
    });
  }
});

describe("constraints of a grant made through another", () => {
  const P = { Department: "IT" };
  const more = { Department: "IT", Project: "x" };
  const source = (SourceArn: string, rest: Constraints = {}): Constraints => ({ ...rest, SourceArn });
  for (const { title, parent, child, strict } of [
    { title: "none under none", parent: undefined, child: undefined, strict: true },
    { title: "any under none", parent: undefined, child: subset(P), strict: true },
    { title: "none under a subset", parent: subset(P), child: undefined, strict: false },
    { title: "the same subset", parent: subset(P), child: subset(P), strict: true },
    { title: "a subset with one pair more", parent: subset(P), child: subset(more), strict: true },
    { title: "a subset with one pair fewer", parent: subset(more), child: subset(P), strict: false },
    { title: "a subset with another value", parent: subset(P), child: subset({ Department: "HR" }), strict: false },
    { title: "equality under a subset", parent: subset(P), child: equals(P), strict: true },
    { title: "equality with more pairs under a subset", parent: subset(P), child: equals(more), strict: true },
    { title: "equality without the subset's pair", parent: subset(P), child: equals({ Project: "x" }), strict: false },
    { title: "the same equality", parent: equals(P), child: equals(P), strict: true },
    { title: "a subset under equality", parent: equals(P), child: subset(P), strict: false },
    { title: "equality with one pair more", parent: equals(P), child: equals(more), strict: false },
    { title: "equality with one pair fewer", parent: equals(more), child: equals(P), strict: false },
    { title: "none under equality", parent: equals(P), child: undefined, strict: false },
    { title: "the same source", parent: source("arn:a"), child: source("arn:a"), strict: true },
    { title: "another source", parent: source("arn:a"), child: source("arn:b"), strict: false },
    { title: "no source under one", parent: source("arn:a"), child: subset(P), strict: false },
    { title: "a source under none", parent: subset(P), child: source("arn:a", subset(P)), strict: true },
  ]) {
    it(`S03-021: are ${strict ? "" : "not "}as strict with ${title}`, () => {
      assert.equal(isAsStrict(child, parent), strict);
    });
  }

  it("never let through what those of the other would not", () => {
    const word = fc.constantFrom("a", "A", "b", "c");
    const context = fc.dictionary(word, fc.constantFrom("1", "2"), { maxKeys: 3 });
    const constraints = fc.option(
      fc.oneof(
        context.map((pairs) => equals(pairs)),
        context.map((pairs) => subset(pairs)),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        constraints,
        constraints,
        fc.array(context, { minLength: 1, maxLength: 20 }),
        (parent, child, asked) => {
          if (!isAsStrict(child, parent)) return;
          for (const request of asked) if (keeps(child, request)) assert.ok(keeps(parent, request));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("constraints that are refused", () => {
  const pairs = (count: number): Context =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`name-${index}`, "v"]));
  const VALIDATION = "ValidationException";
  for (const { title, constraints, code } of [
    { title: "have 9 pairs in a subset", constraints: subset(pairs(9)), code: VALIDATION },
    { title: "have 9 pairs in an equality", constraints: equals(pairs(9)), code: VALIDATION },
    { title: "have a value of 385 characters", constraints: subset({ a: "x".repeat(385) }), code: VALIDATION },
    { title: "are of both kinds", constraints: { ...equals(pairs(1)), ...subset(pairs(1)) }, code: VALIDATION },
    { title: "name a source that is no ARN", constraints: { SourceArn: "a-bucket" }, code: "InvalidArnException" },
  ]) {
    it(`S03-018: ${title}`, () => assert.throws(() => requireConstraints(constraints), { code, status: 400 }));
  }

  it("S03-018: are none with 8 pairs and values of 384 characters", () => {
    requireConstraints(subset(pairs(8)));
    requireConstraints(equals({ a: "😀".repeat(384) }));
    requireConstraints({ SourceArn: "arn:aws:s3:::a-bucket" });
    requireConstraints(undefined);
  });
});
