/** Which wrappings go with which keys, and the state of a key whose material has expired, as tables. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiryOf, PARAMETERS_MS, requireWrapping, stateAt } from "../../src/kms/importing.ts";
import { creatableSpecs, isImportable } from "../../src/kms/key-specs.ts";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };

const { AlgorithmSpec, WrappingKeySpec } = kmsJson.shapes;

const isTaken = (...asked: Parameters<typeof requireWrapping>): boolean => {
  try {
    requireWrapping(...asked);
    return true;
  } catch (cause) {
    assert.match((cause as Error).name, /^(?:UnsupportedOperation|Validation)Exception$/);
    return false;
  }
};

/** What each kind of key takes: for key pairs any key wrap outside China Regions, SM2PKE in them, and of OAEP these wrapping key specs. */
const OAEP_OF: Readonly<Record<string, readonly string[]>> = {
  RSA: [],
  ML: [],
  ECC_NIST_P521: ["RSA_3072", "RSA_4096"],
  other: ["RSA_2048", "RSA_3072", "RSA_4096"],
};

describe("the wrappings of every key spec that can be imported", () => {
  for (const spec of [...creatableSpecs].filter(isImportable)) {
    it(`S05-047, S05-048: are those of the guide's table: ${spec}`, () => {
      const oaep = OAEP_OF[spec] ?? OAEP_OF[spec.split("_")[0] ?? ""] ?? OAEP_OF["other"] ?? [];
      for (const partition of ["aws", "aws-us-gov", "aws-cn"]) {
        const inChina = partition === "aws-cn";
        for (const algorithm of AlgorithmSpec.enum) {
          for (const wrappingSpec of WrappingKeySpec.enum) {
            const expected =
              wrappingSpec === "SM2"
                ? inChina && algorithm === "SM2PKE"
                : (algorithm.startsWith("RSA_AES_KEY_WRAP_SHA_") && !inChina && !/^(?:SYMM|HMAC)/.test(spec)) ||
                  (algorithm.startsWith("RSAES_OAEP_SHA_") && oaep.includes(wrappingSpec));
            const wrapping = { WrappingAlgorithm: algorithm, WrappingKeySpec: wrappingSpec };
            const which = `${algorithm} ${wrappingSpec} in ${partition}`;
            assert.equal(isTaken(spec, wrapping, { partition }), expected, which);
          }
        }
      }
    });
  }
});

describe("the state of a key", () => {
  for (const { state, validTo, expected } of [
    { state: "Enabled", validTo: null, expected: "Enabled" },
    { state: "Enabled", validTo: 101, expected: "Enabled" },
    { state: "Enabled", validTo: 100, expected: "PendingImport" },
    { state: "Disabled", validTo: 99, expected: "PendingImport" },
    { state: "Updating", validTo: 100, expected: "PendingImport" },
    { state: "Updating", validTo: 101, expected: "Updating" },
    { state: "Creating", validTo: 99, expected: "Creating" },
    { state: "PendingDeletion", validTo: 99, expected: "PendingDeletion" },
    { state: "PendingImport", validTo: 101, expected: "PendingImport" },
  ] as const) {
    it(`is ${expected} at 100 when it was ${state} and its material expires at ${validTo}`, () => {
      assert.equal(stateAt({ state, valid_to: validTo }, 100), expected);
    });
  }
});

describe("an import", () => {
  it("has a day, and its material one due row by the names of both", () => {
    assert.equal(PARAMETERS_MS, 24 * 60 * 60 * 1000);
    const due = expiryOf({ region: "eu-west-1", keyId: "k", materialId: "m" });
    assert.deepEqual(due, { kind: "kms:ExpireKeyMaterial", region: "eu-west-1", subject: "k m" });
  });
});
