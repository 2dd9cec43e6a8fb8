/** What operations say to conditions that no key policy can ask: those on the account and on aliases. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RootPrincipal } from "../../src/identity/principal.ts";
import { kmsConditionValues } from "../../src/kms/conditions.ts";
import { operations } from "../../src/kms/operations/index.ts";
import { Key } from "../../src/kms/resources.ts";
import type { Call, Operation } from "../../src/pipeline/operation.ts";
import { key } from "../storage/stores.ts";

const ACCOUNT = "111122223333";
const principal: RootPrincipal = {
  kind: "root",
  account: ACCOUNT,
  partition: "aws",
  arn: `arn:aws:iam::${ACCOUNT}:root`,
  accountArn: `arn:aws:iam::${ACCOUNT}:root`,
  uniqueId: ACCOUNT,
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
};

/** What the first target of an operation says to a condition key, when the input is this. */
function valuesOf(name: string, key: string, input: object): readonly string[] | undefined {
  const { targets } = operations.get(name) as Operation;
  const resource = { arn: "*", account: ACCOUNT };
  const call: Call = {
    requestId: "",
    service: "kms",
    operation: name,
    principal,
    partition: "aws",
    region: "us-east-1",
    now: 0,
    client: { address: "127.0.0.1", userAgent: undefined, host: "" },
  };
  return targets[0]?.conditions?.(key, {
    input,
    call,
    resource,
    found: {},
    examined: {},
    reader: { find: () => undefined },
  });
}

describe("CreateKey", () => {
  const full = {
    KeySpec: "RSA_2048",
    KeyUsage: "SIGN_VERIFY",
    Origin: "EXTERNAL",
    MultiRegion: true,
    BypassPolicyLockoutSafetyCheck: false,
    Tags: [
      { TagKey: "Purpose", TagValue: "Test" },
      { TagKey: "Team", TagValue: "a" },
    ],
  };
  for (const { key, given, initial } of [
    { key: "kms:keyspec", given: ["RSA_2048"], initial: ["SYMMETRIC_DEFAULT"] },
    { key: "kms:customermasterkeyspec", given: ["RSA_2048"], initial: ["SYMMETRIC_DEFAULT"] },
    { key: "kms:keyusage", given: ["SIGN_VERIFY"], initial: ["ENCRYPT_DECRYPT"] },
    { key: "kms:customermasterkeyusage", given: ["SIGN_VERIFY"], initial: ["ENCRYPT_DECRYPT"] },
    { key: "kms:keyorigin", given: ["EXTERNAL"], initial: ["AWS_KMS"] },
    { key: "kms:multiregion", given: ["true"], initial: ["false"] },
    { key: "kms:calleraccount", given: [ACCOUNT], initial: [ACCOUNT] },
    { key: "kms:bypasspolicylockoutsafetycheck", given: ["false"], initial: undefined },
    { key: "aws:tagkeys", given: ["Purpose", "Team"], initial: undefined },
    { key: "aws:requesttag/purpose", given: ["Test"], initial: [] },
    { key: "kms:viaservice", given: undefined, initial: undefined },
  ]) {
    it(`S04-011: has ${key} as it was asked for, else its default`, () => {
      assert.deepEqual(valuesOf("CreateKey", key, full), given);
      assert.deepEqual(valuesOf("CreateKey", key, {}), initial);
    });
  }
});

describe("an alias", () => {
  it("S01-032: has none of the attributes of its key", () => {
    for (const operation of ["CreateAlias", "UpdateAlias", "DeleteAlias"]) {
      const input = { AliasName: "alias/a", TargetKeyId: "alias/b" };
      for (const key of ["kms:keyspec", "kms:keyorigin", "kms:calleraccount", "kms:requestalias", "constructor"]) {
        assert.equal(valuesOf(operation, key, input), undefined, `${operation} ${key}`);
      }
    }
  });
});

describe("operations without a key", () => {
  it("have no attribute of a key", () => {
    for (const operation of ["ListKeys", "ListAliases", "GenerateRandom"]) {
      assert.equal(valuesOf(operation, "kms:keyspec", {}), undefined);
    }
  });
});

describe("kms:ResourceAliases", () => {
  const aliasesOf = (count: number): readonly string[] | undefined => {
    const aliases = Array.from({ length: count }, (_, index) => `alias/${index}`);
    const resource = new Key(key());
    const reader = { find: () => ({ aliases, tags: [] }) as never };
    const call = { principal } as Call;
    return kmsConditionValues(
      "kms:resourcealiases",
      undefined,
      {},
      { call, resource, found: {}, examined: {}, reader },
    );
  };

  it("S04-017: are all aliases of the key, up to the quota; a key with more has none, so that nobody reaches it by them", () => {
    assert.deepEqual(aliasesOf(2), ["alias/0", "alias/1"]);
    assert.equal(aliasesOf(50)?.length, 50);
    assert.equal(aliasesOf(51), undefined);
  });
});
