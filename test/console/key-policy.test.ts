/** The key policy that the console writes, for every kind of key, and what it reads back. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { KeyKind } from "../../console/src/model/key-kinds.ts";
import { specsOf, usagesOfType } from "../../console/src/model/key-kinds.ts";
import {
  administratorActions,
  consoleKeyPolicy,
  type PolicyChoices,
  policyText,
  readConsolePolicy,
  userActions,
} from "../../console/src/model/key-policy.ts";

const owner = { account: "111122223333", partition: "aws" };
const symmetric: KeyKind = {
  spec: "SYMMETRIC_DEFAULT",
  usage: "ENCRYPT_DECRYPT",
  origin: "AWS_KMS",
  multiRegion: false,
};
const everybody: PolicyChoices = {
  administrators: ["arn:aws:iam::111122223333:role/Admin"],
  administratorsMayDelete: true,
  users: ["arn:aws:iam::111122223333:user/Alice"],
  otherAccounts: ["444455556666"],
};

/** Every kind of key that the wizard offers, in every partition. */
const kinds: readonly KeyKind[] = (["Symmetric", "Asymmetric"] as const).flatMap((type) =>
  usagesOfType[type].flatMap((usage) =>
    ["aws", "aws-cn"].flatMap((partition) =>
      specsOf(type, usage, partition).flatMap((spec) =>
        (["AWS_KMS", "EXTERNAL"] as const).flatMap((origin) =>
          [true, false].map((multiRegion) => ({ spec, usage, origin, multiRegion })),
        ),
      ),
    ),
  ),
);

describe("what users of a key may do", () => {
  const symmetricUse = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
  const publicEncryption = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:DescribeKey", "kms:GetPublicKey"];
  const signatures = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"];
  for (const { spec, usage, actions } of [
    { spec: "SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT", actions: symmetricUse },
    { spec: "RSA_2048", usage: "ENCRYPT_DECRYPT", actions: publicEncryption },
    { spec: "SM2", usage: "ENCRYPT_DECRYPT", actions: publicEncryption },
    { spec: "RSA_4096", usage: "SIGN_VERIFY", actions: signatures },
    { spec: "ML_DSA_65", usage: "SIGN_VERIFY", actions: signatures },
    {
      spec: "HMAC_512",
      usage: "GENERATE_VERIFY_MAC",
      actions: ["kms:DescribeKey", "kms:GenerateMac", "kms:VerifyMac"],
    },
    {
      spec: "ECC_NIST_P384",
      usage: "KEY_AGREEMENT",
      actions: ["kms:DescribeKey", "kms:GetPublicKey", "kms:DeriveSharedSecret"],
    },
    {
      spec: "ML_KEM_768",
      usage: "ENCAPSULATE_DECAPSULATE",
      actions: ["kms:DescribeKey", "kms:GetPublicKey", "kms:Encapsulate", "kms:Decapsulate"],
    },
  ] as const) {
    it(`follows from ${spec} and ${usage}`, () => {
      assert.deepEqual(userActions({ ...symmetric, spec, usage }), actions);
    });
  }
});

describe("the statement that lets AWS services make grants", () => {
  it("S05-024 is there for users of every kind of key but HMAC keys", () => {
    for (const kind of kinds) {
      const sids = consoleKeyPolicy(kind, owner, everybody).Statement.map(({ Sid }) => Sid);
      const attaches = sids.includes("Allow attachment of persistent resources");
      assert.equal(attaches, !kind.spec.startsWith("HMAC_"), kind.spec);
    }
  });

  it("S04-032 names another account by its root, beside users and roles", () => {
    const [, , users, grants] = consoleKeyPolicy(symmetric, owner, everybody).Statement;
    const AWS = ["arn:aws:iam::111122223333:user/Alice", "arn:aws:iam::444455556666:root"];
    assert.deepEqual([users?.Principal, grants?.Principal], [{ AWS }, { AWS }]);
    assert.deepEqual(grants?.Condition, { Bool: { "kms:GrantIsForAWSResource": "true" } });
  });
});

describe("what administrators of a key may do", () => {
  const extras = (kind: KeyKind): readonly string[] =>
    administratorActions(kind, false).filter((action) => !/\*$|TagResource$|UntagResource$/.test(action));

  for (const { title, kind, expected } of [
    { title: "rotate material that KMS makes", kind: symmetric, expected: ["kms:RotateKeyOnDemand"] },
    {
      title: "import material into a key of external origin",
      kind: { ...symmetric, origin: "EXTERNAL" },
      expected: ["kms:ImportKeyMaterial", "kms:RotateKeyOnDemand"],
    },
    {
      title: "replicate a multi-Region key",
      kind: { ...symmetric, spec: "RSA_2048", usage: "SIGN_VERIFY", multiRegion: true },
      expected: ["kms:ReplicateKey", "kms:UpdatePrimaryRegion"],
    },
    {
      title: "do nothing particular with an HMAC key",
      kind: { ...symmetric, spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC" },
      expected: [],
    },
  ] satisfies readonly { title: string; kind: KeyKind; expected: readonly string[] }[]) {
    it(title, () => assert.deepEqual(extras(kind), expected));
  }

  it("delete the key only where that is allowed", () => {
    const deletion = ["kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"];
    const without = administratorActions(symmetric, false);
    assert.deepEqual(
      administratorActions(symmetric, true).filter((action) => !without.includes(action)),
      deletion,
    );
  });
});

describe("the default view", () => {
  const name = fc.stringMatching(/^[A-Za-z]{1,8}$/);
  const people = fc.uniqueArray(
    name.map((word) => `arn:aws:iam::111122223333:user/${word}`),
    { maxLength: 3 },
  );
  const choices: fc.Arbitrary<PolicyChoices> = fc.record({
    administrators: people,
    administratorsMayDelete: fc.boolean(),
    users: people,
    otherAccounts: fc.uniqueArray(fc.stringMatching(/^[2-9][0-9]{11}$/), { maxLength: 3 }),
  });

  it("reads every policy that the console writes as what was chosen", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), choices, (kind, chosen) => {
        const read = readConsolePolicy(policyText(consoleKeyPolicy(kind, owner, chosen)), kind, owner);
        // Without administrators nothing says whether they may delete.
        const mayDelete = chosen.administrators.length === 0 || chosen.administratorsMayDelete;
        assert.deepEqual(read, { ...chosen, administratorsMayDelete: mayDelete });
      }),
    );
  });

  const written = consoleKeyPolicy(symmetric, owner, everybody);
  const [account, administrators, users, grants] = written.Statement;
  const reading = (document: object): PolicyChoices | undefined =>
    readConsolePolicy(JSON.stringify({ ...written, ...document }), symmetric, owner);

  it("reads a policy of the guide, whose administrators don't rotate on demand", () => {
    const Action = administratorActions({ ...symmetric, spec: "HMAC_256" }, true);
    const Condition = { Bool: { "kms:GrantIsForAWSResource": true } };
    const Statement = [account, { ...administrators, Action }, users, { ...grants, Condition }];
    assert.deepEqual(reading({ Id: "key-consolepolicy", Statement }), everybody);
  });

  for (const { title, document } of [
    { title: "a policy that was not made in the console", document: { Id: "key-default-1" } },
    { title: "no statement of the account", document: { Statement: [administrators, users, grants] } },
    {
      title: "another account's",
      document: { Statement: [{ ...account, Principal: { AWS: "arn:aws:iam::444455556666:root" } }] },
    },
    { title: "an account that may do less", document: { Statement: [{ ...account, Action: "kms:Get*" }] } },
    { title: "a fifth statement", document: { Statement: [...written.Statement, { ...users, Sid: "More" }] } },
    { title: "a statement twice", document: { Statement: [account, users, users, grants] } },
    { title: "a denial", document: { Statement: [account, { ...administrators, Effect: "Deny" }] } },
    { title: "a condition", document: { Statement: [account, { ...administrators, Condition: {} }] } },
    { title: "other actions", document: { Statement: [account, { ...users, Action: ["kms:Encrypt"] }, grants] } },
    {
      title: "grants for others than the users",
      document: {
        Statement: [account, users, { ...grants, Principal: { AWS: "arn:aws:iam::111122223333:user/Bob" } }],
      },
    },
    { title: "users without grants", document: { Statement: [account, users] } },
    { title: "everybody", document: { Statement: [account, { ...administrators, Principal: { AWS: "*" } }] } },
    {
      title: "a service",
      document: { Statement: [account, { ...administrators, Principal: { Service: "a.amazonaws.com" } }] },
    },
    { title: "another element", document: { Statement: [account, { ...administrators, NotResource: "*" }] } },
    { title: "no list of statements", document: { Statement: account } },
  ]) {
    it(`is not offered for ${title}`, () => assert.equal(reading(document), undefined));
  }

  it("is not offered for what is no JSON", () => assert.equal(readConsolePolicy("{", symmetric, owner), undefined));
});
