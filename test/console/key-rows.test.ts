/** The rows of the console's key tables: how they are put together, sorted, found, and what may be done to them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KeyMetadata } from "@aws-sdk/client-kms";
import { actionProblem, keyActions, windowDays } from "../../console/src/model/key-actions.ts";
import { filterOptions, filterProperties, filterRows } from "../../console/src/model/key-filter.ts";
import {
  type ColumnId,
  cellText,
  isAwsManaged,
  type KeyRow,
  keyRows,
  sortRows,
} from "../../console/src/model/key-rows.ts";
import { tabsOf } from "../../console/src/model/key-tabs.ts";

const metadata = (input: Partial<KeyMetadata> = {}): KeyMetadata => ({
  KeyId: "k",
  KeyManager: "CUSTOMER",
  KeyState: "Enabled",
  KeySpec: "SYMMETRIC_DEFAULT",
  KeyUsage: "ENCRYPT_DECRYPT",
  Origin: "AWS_KMS",
  MultiRegion: false,
  ...input,
});
const row = (id: string, input: Partial<KeyRow> = {}): KeyRow => ({
  id,
  arn: `arn:${id}`,
  aliases: [],
  metadata: metadata(),
  ...input,
});

const rows: readonly KeyRow[] = [
  row("b", { aliases: ["Payments"], tags: { Team: "Blue", Stage: "prod" } }),
  row("a", { metadata: metadata({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" }), tags: { Team: "Red" } }),
  row("c", {
    aliases: ["audit", "zebra"],
    metadata: metadata({
      KeySpec: "HMAC_256",
      MultiRegion: true,
      MultiRegionConfiguration: { MultiRegionKeyType: "REPLICA" },
    }),
    tags: {},
  }),
];
const ids = (found: readonly KeyRow[]): string => found.map(({ id }) => id).join("");

describe("rows", () => {
  it("join keys with their aliases and tags, and pass over aliases that have no key yet", () => {
    const made = keyRows(
      [
        { KeyId: "a", KeyArn: "arn:a" },
        { KeyId: "b", KeyArn: "arn:b" },
      ],
      [
        { AliasName: "alias/two", TargetKeyId: "a" },
        { AliasName: "alias/one", TargetKeyId: "a" },
        { AliasName: "alias/aws/s3" },
      ],
      new Map([["arn:b", { Team: "Blue" }]]),
    );
    assert.deepEqual(made, [
      { id: "a", arn: "arn:a", aliases: ["one", "two"], tags: {} },
      { id: "b", arn: "arn:b", aliases: [], tags: { Team: "Blue" } },
    ]);
  });

  it("S01-061 stand among the customer's keys when an AWS managed key has no alias", () => {
    assert.ok(isAwsManaged(row("a", { aliases: ["aws/ebs"] })));
    assert.ok(!isAwsManaged(row("a", { metadata: metadata({ KeyManager: "AWS" }) })));
  });

  for (const { column, descending, order } of [
    { column: "aliases", descending: false, order: "cba" },
    { column: "aliases", descending: true, order: "bca" },
    { column: "keyId", descending: false, order: "abc" },
    { column: "keyType", descending: false, order: "abc" },
    { column: "keyType", descending: true, order: "bca" },
  ] satisfies readonly { column: ColumnId; descending: boolean; order: string }[]) {
    it(`are sorted by ${column}, ${descending ? "descending" : "ascending"}, what has none last`, () => {
      // Of equal ones the key ids decide: 'audit, zebra' stands before 'Payments'.
      assert.equal(ids(sortRows(rows, column, descending)), order);
    });
  }

  for (const { column, text } of [
    { column: "regionality", text: "Multi-Region replica" },
    { column: "keyUsage", text: "Encrypt and decrypt" },
    { column: "expirationDate", text: "-" },
    { column: "aliases", text: "audit, zebra" },
  ] as const) {
    it(`show ${column}`, () => assert.equal(cellText(present(rows[2]), column), text));
  }
});

describe("a filter", () => {
  const found = (operator: string, value: string, propertyKey?: string): string =>
    ids(filterRows(rows, { operation: "and", tokens: [{ operator, value, ...(propertyKey && { propertyKey }) }] }));

  for (const { title, result } of [
    { title: "finds a part of an alias, in any case", result: [found(":", "PAY", "aliases"), "b"] },
    { title: "finds a whole alias among several", result: [found("=", "zebra", "aliases"), "c"] },
    { title: "finds what has no such alias", result: [found("!=", "zebra", "aliases"), "ba"] },
    { title: "finds what holds no such part", result: [found("!:", "a", "keyId"), "bc"] },
    { title: "finds a key type", result: [found("=", "asymmetric", "keyType"), "a"] },
    { title: "finds Regionality", result: [found(":", "multi", "regionality"), "c"] },
    { title: "finds a tag by its key and a part of its value", result: [found(":", "bl", "tag:Team"), "b"] },
    { title: "finds free words in tag keys", result: [found(":", "stage"), "b"] },
    { title: "finds no free words in tag values", result: [found(":", "Blue"), ""] },
    { title: "finds nothing under a name of every object", result: [found(":", "", "tag:constructor"), ""] },
  ]) {
    it(title, () => assert.equal(result[0], result[1]));
  }

  it("joins conditions by and, or by or", () => {
    const tokens = [
      { propertyKey: "tag:Team", operator: ":", value: "Blue" },
      { propertyKey: "keyType", operator: "=", value: "Asymmetric" },
    ];
    assert.equal(ids(filterRows(rows, { operation: "and", tokens })), "");
    assert.equal(ids(filterRows(rows, { operation: "or", tokens })), "ba");
  });

  it("offers the values that the table has, and tags for the customer's keys alone", () => {
    const properties = filterProperties("customer", rows);
    assert.deepEqual(
      properties.map(({ key }) => key),
      ["aliases", "keyId", "keyType", "regionality", "origin", "customKeyStoreId", "tag:Stage", "tag:Team"],
    );
    const symmetric = filterOptions(properties, rows.slice(0, 1)).filter(
      ({ propertyKey }) => propertyKey === "keyType",
    );
    assert.deepEqual(symmetric, [{ propertyKey: "keyType", value: "Symmetric" }]);
    assert.deepEqual(
      filterProperties("aws", rows).map(({ key }) => key),
      ["aliases", "keyId"],
    );
  });
});

describe("key actions", () => {
  const possible = (...chosen: readonly Partial<KeyMetadata>[]): readonly string[] => {
    const all = chosen.map((input) => row("k", { metadata: metadata(input) }));
    return keyActions.filter(({ id }) => actionProblem(id, all) === undefined).map(({ id }) => id);
  };

  for (const { title, keys, actions } of [
    { title: "an enabled key", keys: [{}], actions: ["disable", "edit-tags", "schedule-deletion"] },
    {
      title: "a disabled key",
      keys: [{ KeyState: "Disabled" }],
      actions: ["enable", "edit-tags", "schedule-deletion"],
    },
    { title: "a key to be deleted", keys: [{ KeyState: "PendingDeletion" }], actions: ["cancel-deletion"] },
    {
      title: "a key with imported material",
      keys: [{ Origin: "EXTERNAL" }],
      actions: ["disable", "edit-tags", "schedule-deletion", "delete-material"],
    },
    { title: "keys in different states", keys: [{}, { KeyState: "Disabled" }], actions: ["schedule-deletion"] },
    { title: "an AWS managed key", keys: [{ KeyManager: "AWS" }], actions: [] },
    { title: "nothing", keys: [], actions: [] },
  ] satisfies readonly { title: string; keys: Partial<KeyMetadata>[]; actions: string[] }[]) {
    it(`are those of ${title}`, () => assert.deepEqual(possible(...keys), actions));
  }

  for (const [text, days] of [
    ["7", 7],
    ["30", 30],
    ["6", undefined],
    ["31", undefined],
    ["7.5", undefined],
    ["", undefined],
  ] as const) {
    it(`take a waiting period of '${text}' as ${days}`, () => assert.equal(windowDays(text), days));
  }
});

describe("the tabs of a key", () => {
  const tabs = (input: Partial<KeyMetadata>): readonly string[] => tabsOf(metadata(input)).map(({ id }) => id);

  it("are fewer for an AWS managed key", () => {
    assert.deepEqual(tabs({ KeyManager: "AWS" }), ["policy", "cryptography", "rotation", "aliases"]);
  });
});

function present<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}
