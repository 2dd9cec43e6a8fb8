/** Operations that need several permissions, and permissions that are on no key (spec 01 and 04): without any one of them nothing is done. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { allow, startIamWorld } from "../iam-world.ts";
import { ACCOUNT, allowing, assertRefused, bytes, newKey, policyOf, present, REGION } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { kms } = world;

/** The ARNs of the things that a call is about. */
interface Things {
  readonly alias: string;
  readonly first: string;
  readonly second: string;
  /** What CreateKey is on. */
  readonly any: string;
}

/** An operation, its permissions by what each is on, and a call. */
interface Row {
  readonly operation: string;
  readonly permissions: readonly (readonly [action: string, on: keyof Things])[];
  /** Whether the alias is there before. */
  readonly isAliasThere: boolean;
  readonly call: (by: KMS, things: Things & { readonly name: string }) => Promise<unknown>;
}

const rows: readonly Row[] = [
  {
    operation: "CreateAlias",
    permissions: [
      ["kms:CreateAlias", "alias"],
      ["kms:CreateAlias", "first"],
    ],
    isAliasThere: false,
    call: (by, { name, first }) => by.createAlias({ AliasName: name, TargetKeyId: first }),
  },
  {
    operation: "UpdateAlias",
    permissions: [
      ["kms:UpdateAlias", "alias"],
      ["kms:UpdateAlias", "first"],
      ["kms:UpdateAlias", "second"],
    ],
    isAliasThere: true,
    call: (by, { name, second }) => by.updateAlias({ AliasName: name, TargetKeyId: second }),
  },
  {
    operation: "DeleteAlias",
    permissions: [
      ["kms:DeleteAlias", "alias"],
      ["kms:DeleteAlias", "first"],
    ],
    isAliasThere: true,
    call: (by, { name }) => by.deleteAlias({ AliasName: name }),
  },
  {
    operation: "ReplicateKey",
    permissions: [
      ["kms:ReplicateKey", "first"],
      ["kms:CreateKey", "any"],
    ],
    isAliasThere: false,
    call: (by, { first }) => by.replicateKey({ KeyId: first, ReplicaRegion: "eu-west-1" }),
  },
  {
    operation: "ReEncrypt",
    permissions: [
      ["kms:ReEncryptFrom", "first"],
      ["kms:ReEncryptTo", "second"],
    ],
    isAliasThere: false,
    async call(by, { first, second }) {
      const { CiphertextBlob } = await kms.encrypt({ KeyId: first, Plaintext: bytes(1) });
      return by.reEncrypt({ CiphertextBlob, DestinationKeyId: second });
    },
  },
];

/** Who may everything of a row but what `without` names; a place in the row, or none. */
async function callerOf({ operation, permissions }: Row, things: Things, without: number) {
  const left = permissions.filter((_, index) => index !== without);
  return await world.person(`${operation}-${without}`, {
    allow: left.map(([action, on]) => allow(action, things[on])),
  });
}

async function newThings({ operation, isAliasThere }: Row): Promise<Things & { readonly name: string }> {
  const isMultiRegion = operation === "ReplicateKey";
  const [first, second] = [(await newKey(kms, { MultiRegion: isMultiRegion })).Arn, (await newKey(kms)).Arn];
  const name = `alias/${randomUUID()}`;
  if (isAliasThere) await kms.createAlias({ AliasName: name, TargetKeyId: first });
  return { name, alias: `arn:aws:kms:${REGION}:${ACCOUNT}:${name}`, first, second, any: "*" };
}

describe("an operation with several permissions", () => {
  for (const row of rows) {
    const ids = row.operation.startsWith("Re") ? "S04-025" : "S01-030, S04-025";
    it(`${ids}: ${row.operation} is denied without any one of them, and done with all`, async () => {
      const things = await newThings(row);
      const before = await kms.listAliases({});
      for (const [index, [action]] of row.permissions.entries()) {
        const { kms: by } = await callerOf(row, things, index);
        await assertRefused(row.call(by, things), "AccessDeniedException", new RegExp(action));
      }
      assert.deepEqual((await kms.listAliases({})).Aliases, before.Aliases);
      const { kms: by } = await callerOf(row, things, row.permissions.length);
      await row.call(by, things);
    });
  }

  it("S01-030: the permission on the key may be the key policy's, that on the alias can't", async () => {
    const named = await world.person("by-key-policy");
    const Principal = { AWS: named.arn };
    const Policy = policyOf(allowing(ACCOUNT), {
      Effect: "Allow",
      Principal,
      Action: "kms:CreateAlias",
      Resource: "*",
    });
    const { KeyId } = await newKey(kms, { Policy });
    const create = () => named.kms.createAlias({ AliasName: "alias/by-key-policy", TargetKeyId: KeyId });
    await assertRefused(
      create(),
      "AccessDeniedException",
      `User: ${named.arn} is not authorized to perform: kms:CreateAlias on resource: arn:aws:kms:${REGION}:${ACCOUNT}:alias/by-key-policy because no identity-based policy allows the kms:CreateAlias action`,
    );
    const PolicyDocument = policyOf(allow("kms:CreateAlias", `arn:aws:kms:*:${ACCOUNT}:alias/*`));
    await world.iam.putUserPolicy({ UserName: named.name, PolicyName: "p", PolicyDocument });
    await create();
  });
});

describe("a permission that is on no key that is there", () => {
  it("S01-004: kms:TagResource for the tags of a new key comes from IAM, for every key; without it none is made", async () => {
    const { Arn } = await newKey(kms);
    const Tags = [{ TagKey: "a", TagValue: "b" }];
    const cases: readonly (readonly [name: string, resource: string | undefined])[] = [
      ["tags-nothing", undefined],
      ["tags-one-key", Arn],
    ];
    const keysThere = async (): Promise<number> => present((await kms.listKeys({ Limit: 1000 })).Keys).length;
    const before = await keysThere();
    for (const [name, resource] of cases) {
      const more = resource === undefined ? [] : [allow("kms:TagResource", resource)];
      const person = await world.person(name, { allow: [allow("kms:CreateKey"), ...more] });
      const call = person.kms.createKey({ Tags });
      await assertRefused(call, "AccessDeniedException", /not authorized to perform: kms:TagResource /);
    }
    assert.equal(await keysThere(), before);
    const able = [allow("kms:CreateKey"), allow("kms:TagResource", `arn:aws:kms:*:${ACCOUNT}:key/*`)];
    await (await world.person("tags-all", { allow: able })).kms.createKey({ Tags });
  });

  it("S01-031: kms:ListAliases counts with Resource * alone", async () => {
    const { Arn } = await newKey(kms);
    const narrow = [Arn, `arn:aws:kms:${REGION}:${ACCOUNT}:alias/*`, `arn:aws:kms:${REGION}:${ACCOUNT}:key/*`];
    const person = await world.person("lists", { allow: [allow("kms:ListAliases", narrow)] });
    await assertRefused(
      person.kms.listAliases({}),
      "AccessDeniedException",
      `User: ${person.arn} is not authorized to perform: kms:ListAliases on resource: * because no identity-based policy allows the kms:ListAliases action`,
    );
    const PolicyDocument = policyOf(allow("kms:ListAliases"));
    await world.iam.putUserPolicy({ UserName: person.name, PolicyName: "p", PolicyDocument });
    await person.kms.listAliases({});
  });
});

describe("kms:EncryptionContextKeys", () => {
  const signing = { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" } as const;
  const rsa = { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" } as const;
  const mac = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
  const signed = { Message: bytes(1), SigningAlgorithm: "RSASSA_PSS_SHA_256" } as const;
  const authenticated = { Message: bytes(1), MacAlgorithm: "HMAC_SHA_256" } as const;
  const DryRun = true;
  const calls = {
    Sign: { key: signing, call: (by: KMS, KeyId: string) => by.sign({ KeyId, ...signed, DryRun }) },
    Verify: {
      key: signing,
      call: (by: KMS, KeyId: string) => by.verify({ KeyId, ...signed, Signature: bytes(256), DryRun }),
    },
    GenerateMac: { key: mac, call: (by: KMS, KeyId: string) => by.generateMac({ KeyId, ...authenticated, DryRun }) },
    VerifyMac: {
      key: mac,
      call: (by: KMS, KeyId: string) => by.verifyMac({ KeyId, ...authenticated, Mac: bytes(32), DryRun }),
    },
    "Encrypt under an RSA key": {
      key: rsa,
      call: (by: KMS, KeyId: string) =>
        by.encrypt({ KeyId, Plaintext: bytes(1), EncryptionAlgorithm: "RSAES_OAEP_SHA_256", DryRun }),
    },
  };
  for (const [name, { key, call }] of Object.entries(calls)) {
    it(`S04-005: is absent from ${name}`, async () => {
      const { Arn } = await newKey(kms, key);
      const given = (absent: boolean) => ({
        ...allow("kms:*"),
        Condition: { Null: { "kms:EncryptionContextKeys": absent } },
      });
      const user = name.split(" ")[0];
      const [without, only] = [
        await world.person(`${user}-without`, { allow: [given(true)] }),
        await world.person(`${user}-only`, { allow: [given(false)] }),
      ];
      await assertRefused(call(without.kms, Arn), "DryRunOperationException");
      await assertRefused(call(only.kms, Arn), "AccessDeniedException");
    });
  }
});
