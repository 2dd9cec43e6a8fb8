/** Which grant lets whom do what: principals of every kind, and many grants at once. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { contextConstraintOf, keepsContext, pairsOf } from "../../src/kms/grant-constraints.ts";
import { findGrantOperation } from "../../src/kms/grant-operations.ts";
import { findGrant, Grant } from "../../src/kms/grants.ts";
import { operations } from "../../src/kms/operations/index.ts";
import { Key } from "../../src/kms/resources.ts";
import type { Call, Question, Resource } from "../../src/pipeline/operation.ts";
import type { GrantRow } from "../../src/storage/schema.ts";
import type { Reader } from "../../src/storage/store.ts";
import { key as keyRow } from "../storage/stores.ts";

const ACCOUNT = "111122223333";
const PARTNER = "444455556666";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/keyUserRole`;
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/keyUserRole/session`;
const USER = `arn:aws:iam::${ACCOUNT}:user/Alice`;
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const PARTNER_ROOT = `arn:aws:iam::${PARTNER}:root`;
const SERVICE = "s3.amazonaws.com";

const key = new Key(keyRow());

function grant(columns: Partial<GrantRow> & { readonly operationsOf?: readonly string[] } = {}): GrantRow {
  const { operationsOf = ["Encrypt"], ...rest } = columns;
  return {
    region: key.row.region,
    grant_id: "0".repeat(64),
    key_id: key.id,
    key_account: ACCOUNT,
    partition: "aws",
    issuing_account: ACCOUNT,
    grantee: ROLE,
    grantee_id: null,
    grantee_is_service: 0,
    retirer: null,
    retirer_id: null,
    retirer_is_service: 0,
    operations: JSON.stringify(operationsOf),
    constraints: null,
    name: "",
    created_at: 1,
    ...rest,
  };
}

/** A reader over these grants and nothing else. */
function readerOf(rows: readonly GrantRow[]): Reader {
  const byGrantee = Map.groupBy(rows, ({ grantee }) => grantee);
  const lists = new Map([...byGrantee].map(([grantee, grants]) => [grantee, { grants }]));
  return {
    find(kind, ...[region, keyId, grantee]) {
      assert.deepEqual([kind, region, keyId], ["granted", key.row.region, key.id]);
      return lists.get(grantee ?? "") as never;
    },
  };
}

function questionOf(input: object, rows: readonly GrantRow[], resource: Resource = key): Question {
  const call = { principal: { account: ACCOUNT } } as Call; // what is asked of the caller comes as names
  return { input, call, resource, found: {}, examined: {}, reader: readerOf(rows) };
}

const asked = (names: readonly string[], rows: readonly GrantRow[], operation = "Encrypt", input: object = {}) =>
  findGrant(operation, names, questionOf(input, rows))?.grantId;

describe("a grant on a key", () => {
  for (const { title, grantee, names, allowed } of [
    { title: "a role lets its session", grantee: ROLE, names: [SESSION, ROLE], allowed: true },
    { title: "a session lets that session", grantee: SESSION, names: [SESSION, ROLE], allowed: true },
    {
      title: "a session doesn't let another of its role",
      grantee: SESSION,
      names: [`${SESSION}2`, ROLE],
      allowed: false,
    },
    { title: "a user lets the user", grantee: USER, names: [USER], allowed: true },
    { title: "a user doesn't let another", grantee: USER, names: [`${USER}2`], allowed: false },
    { title: "a user doesn't let its account's root", grantee: USER, names: [ROOT], allowed: false },
    { title: "an account lets its root", grantee: ROOT, names: [ROOT], allowed: true },
    { title: "an account doesn't by itself let its users", grantee: ROOT, names: [USER], allowed: false },
    { title: "an account lets whom it lets act for it", grantee: ROOT, names: [USER, ROOT], allowed: true },
    { title: "another account lets that root", grantee: PARTNER_ROOT, names: [PARTNER_ROOT], allowed: true },
    {
      title: "a federated user lets that user",
      grantee: `arn:aws:sts::${ACCOUNT}:federated-user/Bob`,
      names: [`arn:aws:sts::${ACCOUNT}:federated-user/Bob`],
      allowed: true,
    },
    { title: "a service lets the service", grantee: SERVICE, names: [SERVICE], allowed: true },
    {
      title: "a role doesn't let a role whose name begins like it",
      grantee: ROLE,
      names: [`${ROLE}s`],
      allowed: false,
    },
    { title: "a role doesn't let nobody", grantee: ROLE, names: [], allowed: false },
  ]) {
    it(`to ${title}`, () => {
      const row = grant({ grantee });
      assert.equal(asked(names, [row]), allowed ? row.grant_id : undefined);
    });
  }

  it("lets do its operations and no other", () => {
    const row = grant({ operationsOf: ["Encrypt", "ReEncryptTo"] });
    assert.equal(asked([ROLE], [row], "ReEncryptTo"), row.grant_id);
    for (const operation of ["ReEncryptFrom", "Decrypt", "DescribeKey", "CreateGrant"]) {
      assert.equal(asked([ROLE], [row], operation, { Operations: ["Encrypt"] }), undefined, operation);
    }
  });

  it("that is bound to a source lets nobody call directly, a service included", () => {
    const constraints = JSON.stringify({ SourceArn: "arn:aws:s3:::a-bucket" });
    const row = grant({
      grantee: SERVICE,
      grantee_is_service: 1,
      constraints,
      operationsOf: ["Encrypt", "DescribeKey"],
    });
    for (const operation of ["Encrypt", "DescribeKey"]) assert.equal(asked([SERVICE], [row], operation), undefined);
  });

  it("asks each half of ReEncrypt about its own context", () => {
    const constraints = JSON.stringify({ EncryptionContextEquals: { a: "1" } });
    const row = grant({ constraints, operationsOf: ["ReEncryptFrom", "ReEncryptTo"] });
    const input = { SourceEncryptionContext: { a: "1" }, DestinationEncryptionContext: { a: "2" } };
    assert.equal(asked([ROLE], [row], "ReEncryptFrom", input), row.grant_id);
    assert.equal(asked([ROLE], [row], "ReEncryptTo", input), undefined);
  });

  it("is asked of keys alone", () => {
    const alias = { arn: "arn:aws:kms:eu-central-1:111122223333:alias/a", account: ACCOUNT };
    assert.equal(findGrant("Encrypt", [ROLE], questionOf({}, [grant()], alias)), undefined);
  });
});

describe("a grant that is to be retired", () => {
  const retiring = grant({ grantee: ROLE, retirer: USER, issuing_account: PARTNER });
  const somebody = { kind: "user", account: ACCOUNT };
  for (const { title, row, names, principal = somebody, allowed } of [
    { title: "by the retiring principal", row: retiring, names: [USER], allowed: true },
    {
      title: "by the root user of the account that issued it",
      row: retiring,
      names: [PARTNER_ROOT],
      principal: { kind: "root", account: PARTNER },
      allowed: true,
    },
    {
      title: "by another principal of the account that issued it, to whom the account's IAM policies hand it on",
      row: retiring,
      names: [PARTNER_ROOT],
      principal: { kind: "user", account: PARTNER },
      allowed: true,
    },
    {
      title: "by a user who has the name of the retiring principal since",
      row: { ...retiring, retirer_id: "AIDABEFORE" },
      names: [USER],
      principal: { kind: "user", account: ACCOUNT, identityId: "AIDAAFTER" },
      allowed: false,
    },
    {
      title: "by its grantee, without the operation RetireGrant",
      row: retiring,
      names: [SESSION, ROLE],
      allowed: false,
    },
    {
      title: "by its grantee, with the operation RetireGrant",
      row: grant({ operationsOf: ["Encrypt", "RetireGrant"] }),
      names: [SESSION, ROLE],
      allowed: true,
    },
    { title: "by a stranger", row: retiring, names: [`${USER}2`], allowed: false },
    {
      title: "by a principal of the issuing account",
      row: retiring,
      names: [`arn:aws:iam::${PARTNER}:user/Eve`],
      allowed: false,
    },
    {
      title: "by a service that is named",
      row: grant({ retirer: SERVICE, retirer_is_service: 1 }),
      names: [SERVICE],
      allowed: true,
    },
    {
      title: "by its grantee, whatever its constraints",
      row: grant({
        operationsOf: ["Encrypt", "RetireGrant"],
        constraints: JSON.stringify({ EncryptionContextEquals: { a: "1" }, SourceArn: "arn:aws:s3:::a-bucket" }),
      }),
      names: [ROLE],
      allowed: true,
    },
  ]) {
    it(`${allowed ? "can" : "can't"} be retired ${title}`, () => {
      const question = { ...questionOf({}, [], new Grant(row)), call: { principal } as Call };
      const found = findGrant("RetireGrant", names, question);
      assert.equal(found?.grantId, allowed ? row.grant_id : undefined);
    });
  }
});

describe("the grants of one grantee", () => {
  it("allow what looking at each of them would allow", () => {
    const context = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2"), { maxKeys: 3 });
    const constraints = fc.oneof(
      fc.constant(null),
      context.map((pairs) => ({ EncryptionContextEquals: pairs })),
      context.map((pairs) => ({ EncryptionContextSubset: pairs })),
    );
    const operations = fc.uniqueArray(fc.constantFrom("Encrypt", "Decrypt", "DescribeKey"), { minLength: 1 });
    const one = fc.record({ constraints, operations });
    const request = fc.record({ operation: fc.constantFrom("Encrypt", "Decrypt", "DescribeKey"), context });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), fc.array(request, { maxLength: 8 }), (made, requests) => {
        const rows = made.map(({ constraints, operations }, index) =>
          grant({
            grant_id: String(index),
            operationsOf: operations,
            constraints: constraints && JSON.stringify(constraints),
          }),
        );
        for (const { operation, context } of requests) {
          const fits = made.some(({ constraints, operations }) => {
            const constraint = contextConstraintOf(constraints ?? undefined);
            const bound = operation !== "DescribeKey" && constraint !== undefined;
            return operations.includes(operation) && (!bound || keepsContext(constraint, pairsOf(context)));
          });
          const found = asked([ROLE], rows, operation, { EncryptionContext: context });
          assert.equal(found !== undefined, fits);
        }
      }),
    );
  });

  it("cost no more with 50,000 that differ in a pair", () => {
    const rows = Array.from({ length: 50_000 }, (_, index) =>
      grant({
        grant_id: String(index),
        constraints: JSON.stringify({ EncryptionContextSubset: { subscriber: ACCOUNT, table: `table-${index}` } }),
      }),
    );
    const input = { EncryptionContext: { subscriber: ACCOUNT, table: "table-49999", extra: "x" } };
    const question = questionOf(input, rows);
    const ask = (): string | undefined => findGrant("Encrypt", [ROLE], question)?.grantId;
    assert.equal(ask(), "49999");
    const start = process.cpuUsage(); // a busy machine has no part in it
    for (let count = 0; count < 1_000; count += 1) ask();
    const { user, system } = process.cpuUsage(start);
    const perAskMs = (user + system) / 1_000 / 1_000;
    assert.ok(perAskMs < 1, `one question took ${perAskMs} ms`); // looking at each takes twenty
  });
});

describe("the grant operation of an action", () => {
  it("has the action's name, and there is none for what no grant can allow", () => {
    assert.equal(findGrantOperation("kms:ReEncryptFrom"), "ReEncryptFrom");
    for (const action of ["kms:ScheduleKeyDeletion", "kms:ListGrants", "iam:Encrypt", "Encrypt", "kms:"]) {
      assert.equal(findGrantOperation(action), undefined, action);
    }
  });
});

describe("RetireGrant", () => {
  it("has the conditions of the grant that is to be retired", () => {
    const constraints = JSON.stringify({ EncryptionContextSubset: { Department: "IT" }, SourceArn: "arn:aws:s3:::b" });
    const target = operations.get("RetireGrant")?.targets[0];
    const valuesFor = (resource: Resource) => (name: string) =>
      target?.conditions?.(name, questionOf({}, [], resource));
    const bound = valuesFor(new Grant(grant({ constraints })));
    assert.deepEqual(bound("kms:grantconstrainttype"), ["EncryptionContextSubset", "SourceArn"]);
    assert.deepEqual(bound("kms:grantconstraintsourcearn"), ["arn:aws:s3:::b"]);
    assert.deepEqual(bound("kms:encryptioncontext:department"), ["IT"]);
    assert.deepEqual(bound("kms:encryptioncontextkeys"), ["Department"]);
    assert.deepEqual(bound("kms:calleraccount"), [ACCOUNT]);
    const free = valuesFor(new Grant(grant()));
    assert.deepEqual(free("kms:grantconstrainttype"), []);
    assert.equal(free("kms:grantconstraintsourcearn"), undefined);
    assert.equal(free("kms:viaservice"), undefined);
  });
});
