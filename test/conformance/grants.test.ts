/** Grants as things: made, found again, listed, retired, revoked and gone with their key (spec 03 and 08). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  type CreateGrantCommandInput,
  type GrantListEntry,
  type GrantOperation,
  type KMS,
  paginateListGrants,
  paginateListRetirableGrants,
} from "@aws-sdk/client-kms";
import {
  ABSENT_KEY_ID,
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  membersOf,
  newKey,
  newPendingKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld(["--unknown-principals", "allow"]);
after(() => world.stop());
const { kms, other, records } = world;

const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const OTHER_ROOT = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/test-engineer`;
const USER = `arn:aws:iam::${ACCOUNT}:user/Alice`;
const NO_GRANT = "0".repeat(64);

/** A grant as CreateGrant answers it. */
interface Made {
  readonly GrantId: string;
  readonly GrantToken: string;
}

async function newGrant(KeyId: string, input: Partial<CreateGrantCommandInput> = {}, from: KMS = kms): Promise<Made> {
  const made = await from.createGrant({ KeyId, GranteePrincipal: ROLE, Operations: ["DescribeKey"], ...input });
  return { GrantId: present(made.GrantId), GrantToken: present(made.GrantToken) };
}

async function grantsOf(KeyId: string, filter: { GrantId?: string; GranteePrincipal?: string } = {}) {
  return present((await kms.listGrants({ KeyId, ...filter })).Grants);
}

const idsOf = (grants: readonly GrantListEntry[]): readonly string[] =>
  grants.map(({ GrantId }) => present(GrantId)).sort();

describe("CreateGrant", () => {
  it("S08-018: answers an id of 64 hex digits and a token, and nothing else; ListGrants shows the rest", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const before = Math.floor((await world.server.clock.now()).getTime() / 1000);
    const made = membersOf(
      await kms.createGrant({ KeyId, GranteePrincipal: ROLE, Operations: ["GenerateDataKey", "DescribeKey"] }),
    );
    assert.deepEqual(Object.keys(made).sort(), ["GrantId", "GrantToken"]);
    assert.match(present(made.GrantId), /^[0-9a-f]{64}$/);
    assert.match(present(made.GrantToken), /^[A-Za-z0-9+/]+={0,2}$/);
    const [entry, ...more] = await grantsOf(KeyId);
    assert.deepEqual(more, []);
    const { CreationDate, ...rest } = present(entry);
    assert.ok(present(CreationDate).getTime() / 1000 >= before);
    assert.deepEqual(rest, {
      KeyId: Arn,
      GrantId: made.GrantId,
      Name: "",
      GranteePrincipal: ROLE,
      IssuingAccount: ROOT,
      Operations: ["GenerateDataKey", "DescribeKey"],
    });
  });

  it("S03-017: makes one grant of two requests that are alike in everything and have a name; its tokens differ", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const input: Partial<CreateGrantCommandInput> = {
      Name: "retried/once:1_2-3",
      Operations: ["Encrypt", "Decrypt"],
      RetiringPrincipal: USER,
      Constraints: { EncryptionContextSubset: { a: "1", b: "2" } },
    };
    const first = await newGrant(KeyId, input);
    const again = await newGrant(Arn, {
      ...input,
      Operations: ["Decrypt", "Encrypt"],
      Constraints: { EncryptionContextSubset: { b: "2", a: "1" } },
    });
    assert.equal(again.GrantId, first.GrantId);
    assert.notEqual(again.GrantToken, first.GrantToken);
    assert.equal((await grantsOf(KeyId)).length, 1);
    await kms.retireGrant({ GrantToken: again.GrantToken });
    await assertRefused(kms.retireGrant({ GrantToken: first.GrantToken }), "InvalidGrantTokenException");
  });

  it("S03-017: makes another grant when there is no name, or anything else is different", async () => {
    const { KeyId } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)) });
    const Arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KeyId}`;
    const base: Partial<CreateGrantCommandInput> = { Name: "one", Operations: ["Encrypt"] };
    const variants: readonly Partial<CreateGrantCommandInput>[] = [
      base,
      { ...base, Name: "two" },
      { ...base, Operations: ["Encrypt", "Decrypt"] },
      { ...base, GranteePrincipal: USER },
      { ...base, RetiringPrincipal: USER },
      { ...base, Constraints: { EncryptionContextSubset: { a: "1" } } },
      { ...base, Constraints: { EncryptionContextEquals: { a: "1" } } },
      { ...base, Constraints: { EncryptionContextEquals: { a: "2" } } },
      { Operations: ["Encrypt"] },
      { Operations: ["Encrypt"] },
    ];
    const ids = [];
    for (const variant of variants) ids.push((await newGrant(KeyId, variant)).GrantId);
    ids.push((await newGrant(Arn, base, other)).GrantId);
    assert.equal(new Set(ids).size, variants.length + 1);
  });

  const KINDS = {
    symmetric: {},
    encryption: { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" },
    signing: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" },
    mac: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
    agreement: { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" },
  } as const;
  const ANY: readonly GrantOperation[] = ["CreateGrant", "DescribeKey", "RetireGrant"];
  const CIPHER: readonly GrantOperation[] = ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"];
  const DATA_KEYS: readonly GrantOperation[] = [
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
  ];
  const MATRIX: Readonly<Record<keyof typeof KINDS, readonly GrantOperation[]>> = {
    symmetric: [...ANY, ...CIPHER, ...DATA_KEYS],
    encryption: [...ANY, ...CIPHER, "GetPublicKey"],
    signing: [...ANY, "Sign", "Verify", "GetPublicKey"],
    mac: [...ANY, "GenerateMac", "VerifyMac"],
    agreement: [...ANY, "DeriveSharedSecret", "GetPublicKey"],
  };
  const EVERY = [...new Set(Object.values(MATRIX).flat())];

  for (const [kind, valid] of Object.entries(MATRIX)) {
    it(`S03-016: takes the operations of a key for ${kind}, and no other`, async () => {
      const { KeyId } = await newKey(kms, KINDS[kind as keyof typeof KINDS]);
      await newGrant(KeyId, { Operations: [...valid] });
      for (const operation of EVERY) {
        const call = newGrant(KeyId, { Operations: [operation, "DescribeKey"] });
        if (valid.includes(operation)) await call;
        else await assertRefused(call, "ValidationException", new RegExp(`^The operation ${operation} is not valid`));
      }
    });
  }

  it("S03-016, S04-009: takes no operation that no grant allows, none at all, and CreateGrant only with others", async () => {
    const { KeyId } = await newKey(kms);
    for (const operation of ["ScheduleKeyDeletion", "ReEncrypt", "ListGrants", "kms:Encrypt", "encrypt"]) {
      const Operations = [operation as GrantOperation];
      await assertRefused(
        newGrant(KeyId, { Operations }),
        "ValidationException",
        /at 'operations' failed .* enum value set/,
      );
    }
    await assertRefused(newGrant(KeyId, { Operations: [] }), "ValidationException");
    const without = await world.raw("CreateGrant", { KeyId, GranteePrincipal: ROLE });
    assert.match(String(without.json["__type"]), /ValidationException/);
    const nulls = await world.raw("CreateGrant", { KeyId, GranteePrincipal: ROLE, Operations: null });
    assert.match(
      String(nulls.json["message"]),
      /at 'operations' failed to satisfy constraint: Member must not be null/,
    );
    const message = "Grants must not contain only the CreateGrant operation.";
    await assertRefused(newGrant(KeyId, { Operations: ["CreateGrant"] }), "ValidationException", message);
  });

  it("S03-010: takes no group as grantee or retiring principal, and neither does a key policy", async () => {
    const { KeyId } = await newKey(kms);
    const group = `arn:aws:iam::${ACCOUNT}:group/Admins`;
    const message = `ARN does not refer to a valid principal: ${group}`;
    await assertRefused(newGrant(KeyId, { GranteePrincipal: group }), "InvalidArnException", message);
    await assertRefused(newGrant(KeyId, { RetiringPrincipal: group }), "InvalidArnException", message);
    const Statement = { Effect: "Allow", Principal: { AWS: group }, Action: "kms:*", Resource: "*" };
    const Policy = policyOf(allowing(ACCOUNT), Statement);
    await assertRefused(kms.putKeyPolicy({ KeyId, Policy }), "MalformedPolicyDocumentException");
  });

  it("S03-018: takes 8 pairs and values of 384 characters in a constraint, and no more", async () => {
    const { KeyId } = await newKey(kms);
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`name-${index}`, "v"]));
    const grant = (Constraints: CreateGrantCommandInput["Constraints"]) => newGrant(KeyId, { Constraints });
    await grant({ EncryptionContextSubset: pairs(8) });
    await grant({ EncryptionContextEquals: { a: "x".repeat(384) } });
    await assertRefused(grant({ EncryptionContextSubset: pairs(9) }), "ValidationException");
    await assertRefused(grant({ EncryptionContextEquals: { a: "x".repeat(385) } }), "ValidationException");
    await assertRefused(
      grant({ EncryptionContextEquals: pairs(1), EncryptionContextSubset: pairs(1) }),
      "ValidationException",
      "More than one constraint supplied",
    );
  });

  it("takes an empty constraint beside another, as Terraform sends it, for none", async () => {
    const { KeyId } = await newKey(kms);
    for (const [sent, kept] of [
      [{ EncryptionContextEquals: { a: "1" }, EncryptionContextSubset: {} }, { EncryptionContextEquals: { a: "1" } }],
      [{ EncryptionContextEquals: {}, EncryptionContextSubset: { a: "1" } }, { EncryptionContextSubset: { a: "1" } }],
      [{ EncryptionContextEquals: {}, EncryptionContextSubset: {} }, { EncryptionContextEquals: {} }],
    ] as const) {
      const { GrantId } = await newGrant(KeyId, { Constraints: sent });
      assert.deepEqual((await grantsOf(KeyId, { GrantId }))[0]?.Constraints, kept);
    }
  });

  it("S03-018, S05-023: takes a constraint on the encryption context for symmetric encryption keys alone", async () => {
    const message = "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.";
    for (const [kind, Operations] of [
      ["mac", ["GenerateMac", "VerifyMac"]],
      ["signing", ["Sign"]],
      ["encryption", ["Encrypt"]],
      ["agreement", ["DeriveSharedSecret"]],
    ] as const) {
      const { KeyId } = await newKey(kms, KINDS[kind]);
      await newGrant(KeyId, { Operations: [...Operations] });
      await newGrant(KeyId, { Operations: [...Operations], Constraints: { SourceArn: "arn:aws:s3:::a-bucket" } });
      for (const Constraints of [{ EncryptionContextSubset: { a: "1" } }, { EncryptionContextEquals: { a: "1" } }]) {
        for (const sent of [[...Operations], ["GenerateDataKey" as const]]) {
          await assertRefused(newGrant(KeyId, { Operations: sent, Constraints }), "ValidationException", message);
        }
      }
    }
  });

  it("makes a grant to a service that is bound to a source and has somebody to retire it", async () => {
    const { KeyId } = await newKey(kms);
    const { GranteePrincipal: _nobody, ...input } = {
      KeyId,
      GranteePrincipal: ROLE,
      GranteeServicePrincipal: "s3.amazonaws.com",
      RetiringServicePrincipal: "s3.amazonaws.com",
      Operations: ["Decrypt" as const],
      Constraints: { SourceArn: "arn:aws:s3:::a-bucket", EncryptionContextSubset: { a: "1" } },
    };
    const { GrantId } = await kms.createGrant(input);
    const { KeyId: _key, Operations, Constraints } = input;
    const [{ CreationDate: _date, KeyId: _arn, ...entry } = {}] = present(
      (await kms.listGrants({ KeyId, GranteeServicePrincipal: "s3.amazonaws.com" })).Grants,
    );
    assert.deepEqual(entry, {
      GrantId,
      Name: "",
      GranteeServicePrincipal: "s3.amazonaws.com",
      RetiringServicePrincipal: "s3.amazonaws.com",
      IssuingAccount: ROOT,
      Operations,
      Constraints,
    });
    assert.deepEqual(await grantsOf(KeyId, { GranteePrincipal: "s3.amazonaws.com" }), []);
    await assertRefused(kms.createGrant({ ...input, Constraints: {} }), "ValidationException");
  });

  it("names services where principals stand, too, and nobody in an account may list what they retire", async () => {
    const { KeyId } = await newKey(kms);
    const service = "dynamodb.us-west-1.amazonaws.com";
    const parties = { GranteePrincipal: service, RetiringPrincipal: service };
    const { GrantId } = await newGrant(KeyId, parties);
    const [{ GranteePrincipal, RetiringPrincipal, ...entry } = {}] = await grantsOf(KeyId, parties);
    assert.deepEqual([entry.GrantId, GranteePrincipal, RetiringPrincipal], [GrantId, service, service]);
    await assertRefused(kms.listRetirableGrants({ RetiringPrincipal: service }), "AccessDeniedException");
    for (const GranteePrincipal of ["dynamodb.us-west-1.example.com", "amazonaws.com"]) {
      await assertRefused(newGrant(KeyId, { GranteePrincipal }), "InvalidArnException");
    }
  });

  it("S08-008: takes no alias, as no operation on grants does", async () => {
    const { KeyId } = await newKey(kms);
    const AliasName = "alias/granted";
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const { GrantId } = await newGrant(KeyId);
    const text = "Key Aliases are not supported for this operation.";
    for (const name of [AliasName, `arn:aws:kms:${REGION}:${ACCOUNT}:${AliasName}`]) {
      await assertRefused(newGrant(name), "InvalidArnException", text);
      await assertRefused(kms.listGrants({ KeyId: name }), "InvalidArnException", text);
      await assertRefused(kms.revokeGrant({ KeyId: name, GrantId }), "InvalidArnException", text);
      await assertRefused(kms.retireGrant({ KeyId: name, GrantId }), "InvalidArnException", text);
    }
  });
});

describe("ListGrants", () => {
  it("S03-026, S04-036: has what a grant has, the key as its ARN, an empty name where there is none, and no token", async () => {
    const { KeyId, Arn } = await newKey(kms);
    await newGrant(KeyId);
    await newGrant(KeyId, {
      Name: "named",
      GranteePrincipal: USER,
      RetiringPrincipal: ROLE,
      Constraints: { EncryptionContextEquals: { Ledger: "2024" } },
    });
    const { json } = await world.raw("ListGrants", { KeyId });
    const { Grants, ...rest } = json as { Grants: readonly Record<string, unknown>[] };
    assert.deepEqual(rest, { Truncated: false });
    const common = { KeyId: Arn, IssuingAccount: ROOT, Operations: ["DescribeKey"] };
    const stripped = Grants.map(({ GrantId, CreationDate, ...entry }) => {
      assert.match(String(GrantId), /^[0-9a-f]{64}$/);
      assert.equal(typeof CreationDate, "number");
      return entry;
    });
    assert.deepEqual(
      stripped.sort((left, right) => String(left["Name"]).localeCompare(String(right["Name"]))),
      [
        { ...common, Name: "", GranteePrincipal: ROLE },
        {
          ...common,
          Name: "named",
          GranteePrincipal: USER,
          RetiringPrincipal: ROLE,
          Constraints: { EncryptionContextEquals: { Ledger: "2024" } },
        },
      ],
    );
  });

  it("S03-026, S08-018: is filtered by grant id and by the exact grantee", async () => {
    const { KeyId } = await newKey(kms);
    const { KeyId: elsewhere } = await newKey(kms);
    const ofRole = [(await newGrant(KeyId)).GrantId, (await newGrant(KeyId)).GrantId].sort();
    const { GrantId: ofUser } = await newGrant(KeyId, { GranteePrincipal: USER });
    const { GrantId: ofElsewhere } = await newGrant(elsewhere);
    assert.deepEqual(idsOf(await grantsOf(KeyId, { GranteePrincipal: ROLE })), ofRole);
    assert.deepEqual(idsOf(await grantsOf(KeyId, { GranteePrincipal: USER })), [ofUser]);
    assert.deepEqual(await grantsOf(KeyId, { GranteePrincipal: `${ROLE}s` }), []);
    assert.deepEqual(idsOf(await grantsOf(KeyId, { GrantId: ofUser })), [ofUser]);
    assert.deepEqual(await grantsOf(KeyId, { GrantId: ofUser, GranteePrincipal: ROLE }), []);
    assert.deepEqual(await grantsOf(KeyId, { GrantId: ofElsewhere }), []);
    assert.deepEqual(await grantsOf(KeyId, { GrantId: NO_GRANT }), []);
    await assertRefused(kms.listGrants({ KeyId, GrantId: "grant1" }), "InvalidGrantIdException");
    await assertRefused(
      kms.listGrants({ KeyId, GranteePrincipal: ROLE, GranteeServicePrincipal: "s3.amazonaws.com" }),
      "ValidationException",
    );
    await assertRefused(kms.listGrants({ KeyId: undefined }), "ValidationException");
  });

  it("S08-005: comes in pages, each grant once", async () => {
    const { KeyId } = await newKey(kms);
    const made = [];
    for (let count = 0; count < 12; count += 1) made.push((await newGrant(KeyId)).GrantId);
    const first = await kms.listGrants({ KeyId, Limit: 10 });
    assert.deepEqual([present(first.Grants).length, first.Truncated], [10, true]);
    const second = await kms.listGrants({ KeyId, Limit: 10, Marker: first.NextMarker });
    assert.deepEqual([present(second.Grants).length, second.Truncated, second.NextMarker], [2, false, undefined]);
    const seen: GrantListEntry[] = [];
    for await (const { Grants = [] } of paginateListGrants({ client: kms, pageSize: 5 }, { KeyId }))
      seen.push(...Grants);
    assert.deepEqual(idsOf(seen), made.sort());
  });

  it("S08-006: takes a Limit of 100 and only its own markers", async () => {
    const [{ KeyId }, { KeyId: elsewhere }] = [await newKey(kms), await newKey(kms)];
    for (let count = 0; count < 3; count += 1) await newGrant(KeyId, { RetiringPrincipal: USER });
    await kms.listGrants({ KeyId, Limit: 100 });
    await assertRefused(kms.listGrants({ KeyId, Limit: 101 }), "ValidationException", /less than or equal to 100$/);
    const RetiringPrincipal = USER;
    await assertRefused(kms.listRetirableGrants({ RetiringPrincipal, Limit: 101 }), "ValidationException");
    const { NextMarker: Marker } = await kms.listGrants({ KeyId, Limit: 2 });
    await kms.listGrants({ KeyId, Limit: 2, Marker });
    for (const call of [
      () => kms.listGrants({ KeyId, Marker: "garbage" }),
      () => kms.listGrants({ KeyId: elsewhere, Marker }),
      () => kms.listGrants({ KeyId, GranteePrincipal: ROLE, Marker }),
      () => kms.listRetirableGrants({ RetiringPrincipal, Marker }),
    ]) {
      await assertRefused(call(), "InvalidMarkerException");
    }
  });

  it("shows a page of 50 when no Limit is given", async () => {
    const { KeyId } = await newKey(kms);
    for (let count = 0; count < 51; count += 1) await newGrant(KeyId);
    assert.equal((await grantsOf(KeyId)).length, 50);
  });
});

describe("ListRetirableGrants", () => {
  it("S03-027: has the grants that a principal of the caller's account may retire, on keys of every account", async () => {
    const client = world.client("eu-west-3");
    const clientOfOther = world.client("eu-west-3", OTHER_ACCOUNT);
    const [{ KeyId: mine, Arn: mineArn }, { KeyId: theirs, Arn: theirsArn }] = [
      await newKey(client),
      await newKey(clientOfOther),
    ];
    const RetiringPrincipal = USER;
    const { GrantId: first } = await newGrant(mine, { RetiringPrincipal }, client);
    const { GrantId: second } = await newGrant(theirs, { RetiringPrincipal }, clientOfOther);
    await newGrant(mine, { RetiringPrincipal: ROLE }, client);
    await newGrant(mine, {}, client);
    const listed: GrantListEntry[] = [];
    for await (const page of paginateListRetirableGrants({ client, pageSize: 1 }, { RetiringPrincipal })) {
      listed.push(...(page.Grants ?? []));
    }
    const facts = listed.map(({ GrantId, KeyId, IssuingAccount }) => ({ GrantId, KeyId, IssuingAccount }));
    assert.deepEqual(
      facts.sort((left, right) => present(left.IssuingAccount).localeCompare(present(right.IssuingAccount))),
      [
        { GrantId: first, KeyId: mineArn, IssuingAccount: ROOT },
        { GrantId: second, KeyId: theirsArn, IssuingAccount: OTHER_ROOT },
      ],
    );
    assert.deepEqual((await kms.listRetirableGrants({ RetiringPrincipal: `${USER}x` })).Grants, []);
  });

  it("is refused for a principal of another account, for a service, and for nobody", async () => {
    await assertRefused(other.listRetirableGrants({ RetiringPrincipal: USER }), "AccessDeniedException");
    const RetiringServicePrincipal = "s3.amazonaws.com";
    const { RetiringPrincipal: _nobody, ...byService } = { RetiringPrincipal: USER, RetiringServicePrincipal };
    await assertRefused(kms.listRetirableGrants(byService), "AccessDeniedException");
    await assertRefused(
      kms.listRetirableGrants({ RetiringPrincipal: USER, RetiringServicePrincipal }),
      "ValidationException",
    );
    const nobody = await world.raw("ListRetirableGrants", {});
    assert.match(String(nobody.json["__type"]), /ValidationException/);
    await assertRefused(kms.listRetirableGrants({ RetiringPrincipal: "Alice" }), "InvalidArnException");
  });
});

describe("RetireGrant", () => {
  it("S08-019: finds the grant by its token, or by the key's ARN and the grant's id, not by the key's id", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const [byToken, byId] = [await newGrant(KeyId), await newGrant(KeyId)];
    assert.deepEqual(membersOf(await kms.retireGrant({ GrantToken: byToken.GrantToken })), {});
    assert.deepEqual(idsOf(await grantsOf(KeyId)), [byId.GrantId]);
    await assertRefused(kms.retireGrant({ KeyId, GrantId: byId.GrantId }), "InvalidArnException");
    await kms.retireGrant({ KeyId: Arn, GrantId: byId.GrantId });
    assert.deepEqual(await grantsOf(KeyId), []);
  });

  it("is refused when the grant is named in no way, in half or in two, or is not there", async () => {
    const [{ KeyId, Arn }, { Arn: elsewhere }] = [await newKey(kms), await newKey(kms)];
    const { GrantId, GrantToken } = await newGrant(KeyId);
    for (const input of [
      {},
      { GrantId },
      { KeyId: Arn },
      { GrantToken, GrantId },
      { GrantToken, KeyId: Arn, GrantId },
    ]) {
      await assertRefused(kms.retireGrant(input), "ValidationException");
    }
    for (const token of ["A", "not a token", GrantToken.slice(1), GrantToken.toLowerCase(), `${GrantToken}A`]) {
      await assertRefused(kms.retireGrant({ GrantToken: token }), "InvalidGrantTokenException");
    }
    const inOtherRegion = world.client("eu-west-1").retireGrant({ GrantToken });
    await assertRefused(inOtherRegion, "InvalidGrantTokenException");
    await assertRefused(kms.retireGrant({ KeyId: Arn, GrantId: "grant1" }), "InvalidGrantIdException");
    await assertRefused(kms.retireGrant({ KeyId: Arn, GrantId: NO_GRANT }), "NotFoundException");
    await assertRefused(kms.retireGrant({ KeyId: elsewhere, GrantId }), "NotFoundException");
    const absent = Arn.replace(KeyId, ABSENT_KEY_ID);
    await assertRefused(
      kms.retireGrant({ KeyId: absent, GrantId }),
      "NotFoundException",
      `Key '${absent}' does not exist`,
    );
    assert.equal((await grantsOf(KeyId)).length, 1);
  });
});

describe("RevokeGrant", () => {
  it("S08-020: takes a permission away from the next request on", async () => {
    const Policy = policyOf(allowing(ACCOUNT, ["kms:CreateGrant", "kms:RevokeGrant", "kms:PutKeyPolicy"]));
    const { KeyId, Arn } = await newKey(kms, { Policy });
    const { GrantId, GrantToken } = await newGrant(KeyId, { GranteePrincipal: ROOT, Operations: ["Encrypt"] });
    await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await kms.encrypt({ KeyId, Plaintext: bytes(1), GrantTokens: [GrantToken] });
    assert.deepEqual(membersOf(await kms.revokeGrant({ KeyId, GrantId })), {});
    await assertRefused(kms.encrypt({ KeyId, Plaintext: bytes(1) }), "AccessDeniedException");
    const withToken = kms.encrypt({ KeyId, Plaintext: bytes(1), GrantTokens: [GrantToken] });
    await assertRefused(withToken, "InvalidGrantTokenException");
    await assertRefused(kms.revokeGrant({ KeyId: Arn, GrantId }), "NotFoundException");
    await assertRefused(kms.revokeGrant({ KeyId, GrantId: "grant1" }), "InvalidGrantIdException");
  });

  it("does not find a grant on another key", async () => {
    const [{ KeyId }, { KeyId: elsewhere }] = [await newKey(kms), await newKey(kms)];
    const { GrantId } = await newGrant(KeyId);
    await assertRefused(kms.revokeGrant({ KeyId: elsewhere, GrantId }), "NotFoundException");
    assert.equal((await grantsOf(KeyId)).length, 1);
  });
});

describe("the deletion of a key", () => {
  it("S02-042: takes its grants with it, also from lists of grants to retire", async () => {
    const { KeyId, Arn } = await newPendingKey(kms);
    const RetiringPrincipal = `arn:aws:iam::${ACCOUNT}:user/of-a-deleted-key`;
    await kms.cancelKeyDeletion({ KeyId });
    await kms.enableKey({ KeyId });
    const { GrantId, GrantToken } = await newGrant(KeyId, { RetiringPrincipal });
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.deepEqual(idsOf(present((await kms.listRetirableGrants({ RetiringPrincipal })).Grants)), [GrantId]);
    await world.server.clock.advance("P8D");
    assert.deepEqual((await kms.listRetirableGrants({ RetiringPrincipal })).Grants, []);
    await assertRefused(kms.retireGrant({ GrantToken }), "InvalidGrantTokenException");
    await assertRefused(kms.retireGrant({ KeyId: Arn, GrantId }), "NotFoundException", `Key '${Arn}' does not exist`);
  });
});

describe("records of grants", () => {
  it("S02-006, S02-012: of CreateGrant have what was asked, the grant's id and the key's ARN, and never a token", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { GrantToken: earlier } = await newGrant(KeyId);
    const made = await kms.createGrant({
      KeyId,
      GranteePrincipal: ROLE,
      RetiringPrincipal: USER,
      Operations: ["Decrypt", "Encrypt"],
      Constraints: { EncryptionContextSubset: { Department: "IT" } },
      Name: "of-record",
      GrantTokens: [earlier],
    });
    const record = await records.of(requestIdOf(made));
    assert.deepEqual(record.requestParameters, {
      keyId: KeyId,
      granteePrincipal: ROLE,
      retiringPrincipal: USER,
      operations: ["Decrypt", "Encrypt"],
      constraints: { encryptionContextSubset: { Department: "IT" } },
      name: "of-record",
    });
    assert.deepEqual(record.responseElements, { grantId: made.GrantId, keyId: Arn });
    assert.deepEqual(record.resources, [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }]);
    assert.equal(record.readOnly, false);
    const text = JSON.stringify(record);
    assert.ok(!text.includes(present(made.GrantToken)) && !text.includes(earlier));
  });

  it("S02-007, S02-011: of RetireGrant have no parameters and no response, but the grant's id beside", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { GrantId, GrantToken } = await newGrant(KeyId);
    const record = await records.of(requestIdOf(await kms.retireGrant({ GrantToken })));
    assert.equal(record.requestParameters, null);
    assert.equal(record.responseElements, null);
    const { additionalEventData } = record as unknown as { additionalEventData: unknown };
    assert.deepEqual(additionalEventData, { grantId: GrantId });
    assert.deepEqual(record.resources, [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }]);
    assert.equal(record.readOnly, false);
  });

  it("S02-007: of RevokeGrant have key and grant, and no response; those of lists are read-only", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { GrantId } = await newGrant(KeyId);
    const listed = await records.of(requestIdOf(await kms.listGrants({ KeyId, Limit: 3 })));
    assert.deepEqual([listed.requestParameters, listed.readOnly], [{ keyId: KeyId, limit: 3 }, true]);
    const retirable = await records.of(requestIdOf(await kms.listRetirableGrants({ RetiringPrincipal: USER })));
    assert.deepEqual(
      [retirable.requestParameters, retirable.readOnly, retirable.resources],
      [{ retiringPrincipal: USER }, true, []],
    );
    const revoked = await records.of(requestIdOf(await kms.revokeGrant({ KeyId, GrantId })));
    assert.deepEqual(revoked.requestParameters, { keyId: KeyId, grantId: GrantId });
    assert.equal(revoked.responseElements, null);
    assert.deepEqual(revoked.resources, [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }]);
  });
});
