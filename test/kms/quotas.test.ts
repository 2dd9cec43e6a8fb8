/** The table of KMS's quotas against the tables of the KMS guide (spec 07), and what each operation takes of it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operations } from "../../src/kms/operations/index.ts";
import { kmsQuotas } from "../../src/kms/quotas/limits.ts";
import { keyStoreQuotas } from "../../src/kms/quotas/request-quotas.ts";
import type { Call, Resource } from "../../src/pipeline/operation.ts";
import { defaultValue } from "../../src/pipeline/quotas.ts";

/** Quotas of one operation alone, by their value. */
const OWN: readonly (readonly [value: number, operations: string])[] = [
  [0.25, "GetParametersForImport"],
  [
    5,
    "CancelKeyDeletion ConnectCustomKeyStore CreateAlias CreateCustomKeyStore CreateKey DeleteCustomKeyStore DeleteImportedKeyMaterial DescribeCustomKeyStores DisableKey DisableKeyRotation DisconnectCustomKeyStore EnableKey GetKeyLastUsage ImportKeyMaterial ReplicateKey RotateKeyOnDemand UntagResource UpdateAlias UpdateCustomKeyStore UpdateKeyDescription UpdatePrimaryRegion",
  ],
  [10, "TagResource"],
  [15, "DeleteAlias EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion"],
  [30, "RetireGrant RevokeGrant"],
  [50, "CreateGrant"],
  [100, "ListGrants ListKeyPolicies ListKeyRotations ListRetirableGrants"],
  [500, "ListAliases ListKeys"],
  [1_000, "GetKeyPolicy GetKeyRotationStatus"],
  [2_000, "DescribeKey GetPublicKey ListResourceTags"],
];

const SHARED: Readonly<Record<string, number>> = {
  "Cryptographic operations (symmetric) request rate": 5_500,
  "Cryptographic operations (RSA) request rate": 1_000,
  "Cryptographic operations (ECC) request rate": 1_000,
  "Cryptographic operations (SM) request rate": 1_000,
  "Cryptographic operations (ML-DSA) request rate": 1_000,
  "Cryptographic operations (ML-KEM) request rate": 1_000,
  "GenerateDataKeyPair (ECC_NIST_P256) request rate": 100,
  "GenerateDataKeyPair (ECC_NIST_P384) request rate": 100,
  "GenerateDataKeyPair (ECC_NIST_P521) request rate": 100,
  "GenerateDataKeyPair (ECC_SECG_P256K1) request rate": 100,
  "GenerateDataKeyPair (ECC_NIST_EDWARDS25519) request rate": 100,
  "GenerateDataKeyPair (ML_KEM_512) request rate": 100,
  "GenerateDataKeyPair (ML_KEM_768) request rate": 100,
  "GenerateDataKeyPair (ML_KEM_1024) request rate": 100,
  "GenerateDataKeyPair (RSA_2048) request rate": 1,
  "GenerateDataKeyPair (RSA_3072) request rate": 0.5,
  "GenerateDataKeyPair (RSA_4096) request rate": 0.1,
  "GenerateDataKeyPair (SM2 — China Regions only) request rate": 25,
  "AWS CloudHSM key store request quota": 1_800,
  "External key store request quota": 1_800,
  "State changes per KMS key request rate": 5,
};

describe("the table of quotas", () => {
  it("S07-022: has the request quotas of the guide, each with its value", () => {
    const own = OWN.flatMap(([value, names]) =>
      names.split(" ").map((name) => [`${name} request rate`, value] as const),
    );
    const rows = kmsQuotas.filter(({ kind }) => kind === "request").map(({ name, value }) => [name, value] as const);
    assert.deepEqual(Object.fromEntries(rows), { ...Object.fromEntries(own), ...SHARED });
  });

  it("has the resource quotas of the guide", () => {
    const rows = kmsQuotas.filter(({ kind }) => kind === "resource");
    assert.deepEqual(
      rows.map(({ name, value, adjustable }) => [name, value, adjustable]),
      [
        ["Customer Master Keys (CMKs)", 100_000, true],
        ["Aliases per CMK", 50, true],
        ["Grants per CMK", 50_000, true],
        ["Key policy document size", 32_768, false],
        ["On-demand rotations per CMK", 25, false],
        ["Custom Key Stores", 10, true],
      ],
    );
  });

  it("tells Regions apart for symmetric keys", () => {
    const symmetric = kmsQuotas.find(({ code }) => code === "L-6E3AF000");
    assert.ok(symmetric);
    const values = new Map<number, string[]>();
    const regions =
      "us-east-1 us-west-2 eu-west-1 us-east-2 ap-southeast-1 ap-southeast-2 ap-northeast-1 eu-central-1 eu-west-2 eu-north-1 cn-north-1";
    for (const region of regions.split(" ")) {
      const value = defaultValue(symmetric, region);
      values.set(value, [...(values.get(value) ?? []), region]);
    }
    assert.deepEqual(Object.fromEntries(values), {
      50000: ["us-east-1", "us-west-2", "eu-west-1"],
      10000: ["us-east-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "eu-central-1", "eu-west-2"],
      5500: ["eu-north-1", "cn-north-1"],
    });
  });

  it("has each code and each name once", () => {
    for (const property of ["code", "name"] as const) {
      assert.equal(new Set(kmsQuotas.map((quota) => quota[property])).size, kmsQuotas.length, property);
    }
    for (const { code } of kmsQuotas) assert.match(code, /^L-[0-9A-F]{8}$/);
  });

  it("has all but the quotas of key stores in Service Quotas, and adjusts that of external ones alone", () => {
    assert.deepEqual(
      Object.values(keyStoreQuotas).map(({ listed, adjustable }) => ({ listed, adjustable })),
      [
        { listed: false, adjustable: false },
        { listed: false, adjustable: true },
      ],
    );
  });
});

describe("an operation of KMS", () => {
  const call = { principal: { account: "111122223333" }, region: "us-east-1" } as unknown as Call;
  const input = { KeyId: "k", KeyPairSpec: "RSA_2048", ReplicaRegion: "eu-west-1", PrimaryRegion: "eu-west-1" };

  for (const { name, quota } of operations.values()) {
    it(`${name} takes of a quota, of the caller's`, () => {
      const found: Record<string, Resource> = {};
      const charges = quota?.(input, call, found) ?? [];
      assert.notEqual(charges.length, 0);
      for (const { account } of charges) assert.equal(account, "111122223333");
    });
  }
});
