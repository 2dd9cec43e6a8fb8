/** Pages of spec 08: limits, markers, and the paginators of AWS's client. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  type KMS,
  paginateListAliases,
  paginateListKeyPolicies,
  paginateListKeys,
  paginateListResourceTags,
} from "@aws-sdk/client-kms";
import { assertRefused, newKey, OTHER_ACCOUNT, present, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const ALIASES = 60;
const TAGS = 50;

/** A Region with 25 keys: the first has 50 tags and 50 of the 60 aliases, the second the other ten. */
const client = world.client("sa-east-1");
const keys: string[] = [];
for (let count = 0; count < 25; count += 1) {
  const Tags = Array.from({ length: TAGS }, (_, index) => ({ TagKey: `key-${index}`, TagValue: "v" }));
  keys.push((await newKey(client, count === 0 ? { Tags } : {})).KeyId);
}
const [tagged = "", spare = ""] = keys;
for (let count = 0; count < ALIASES; count += 1) {
  await client.createAlias({ AliasName: `alias/page-${count}`, TargetKeyId: count < 50 ? tagged : spare });
}

describe("pages", () => {
  it("S08-005: 25 keys with a Limit of 10 come as 10, 10 and 5, each once, and the last page has no marker", async () => {
    const sizes: number[] = [];
    const seen: (string | undefined)[] = [];
    for (let Marker: string | undefined, more = true; more; ) {
      const page = await client.listKeys({ Limit: 10, Marker });
      const { Keys = [], NextMarker, Truncated } = page;
      sizes.push(Keys.length);
      seen.push(...Keys.map(({ KeyId }) => KeyId));
      assert.equal("NextMarker" in page && NextMarker !== undefined, Truncated);
      [Marker, more] = [NextMarker, Truncated === true];
    }
    assert.deepEqual(sizes, [10, 10, 5]);
    assert.deepEqual(seen.sort(), [...keys].sort());
  });

  it("S08-005: the SDK's paginators of the operations that are built end, and give each item once", async () => {
    const lists: readonly { name: string; sizes: readonly number[]; items: readonly unknown[] }[] = await Promise.all([
      walk(
        "ListKeys",
        (pageSize) => paginateListKeys({ client, pageSize }, {}),
        ({ Keys }) => Keys,
        7,
      ),
      walk(
        "ListAliases",
        (pageSize) => paginateListAliases({ client, pageSize }, { KeyId: tagged }),
        ({ Aliases }) => Aliases,
        20,
      ),
      walk(
        "ListResourceTags",
        (pageSize) => paginateListResourceTags({ client, pageSize }, { KeyId: tagged }),
        ({ Tags }) => Tags,
        20,
      ),
      walk(
        "ListKeyPolicies",
        (pageSize) => paginateListKeyPolicies({ client, pageSize }, { KeyId: tagged }),
        ({ PolicyNames }) => PolicyNames,
        1,
      ),
    ]);
    assert.deepEqual(
      lists.map(({ name, sizes }) => ({ name, sizes })),
      [
        { name: "ListKeys", sizes: [7, 7, 7, 4] },
        { name: "ListAliases", sizes: [20, 20, 10] },
        { name: "ListResourceTags", sizes: [20, 20, 10] },
        { name: "ListKeyPolicies", sizes: [1] },
      ],
    );
    for (const { name, items } of lists) {
      assert.equal(new Set(items.map((item) => JSON.stringify(item))).size, items.length, name);
    }
  });

  it("are of 100 keys, 50 aliases and 50 tags when no Limit is given", async () => {
    const first = await client.listAliases({});
    assert.equal(present(first.Aliases).length, 50);
    assert.equal(first.Truncated, true);
    assert.equal(present((await client.listResourceTags({ KeyId: tagged })).Tags).length, TAGS);
    assert.equal(present((await client.listKeys({})).Keys).length, 25);
  });

  it("hold every alias once, the predefined ones among them in order of names", async () => {
    const names: string[] = [];
    for await (const { Aliases = [] } of paginateListAliases({ client, pageSize: 9 }, {})) {
      names.push(...Aliases.map(({ AliasName }) => present(AliasName)));
    }
    assert.deepEqual(names, [...names].sort());
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.filter((name) => name.startsWith("alias/page-")).length, ALIASES);
    assert.ok(names.includes("alias/aws/s3") && names.includes("alias/aws/ebs"));
  });
});

describe("a Limit", () => {
  for (const { operation, max, call } of [
    { operation: "ListKeys", max: 1000, call: (Limit: number) => client.listKeys({ Limit }) },
    { operation: "ListAliases", max: 100, call: (Limit: number) => client.listAliases({ Limit }) },
    {
      operation: "ListResourceTags",
      max: 50,
      call: (Limit: number) => client.listResourceTags({ Limit, KeyId: tagged }),
    },
    {
      operation: "ListKeyPolicies",
      max: 1000,
      call: (Limit: number) => client.listKeyPolicies({ Limit, KeyId: tagged }),
    },
  ]) {
    it(`S08-006: of ${max} is the most that ${operation} takes`, async () => {
      await call(max);
      const message = `1 validation error detected: Value '${max + 1}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to ${max}`;
      await assertRefused(call(max + 1), "ValidationException", message);
    });

    it(`S08-006: of 0 is refused by ${operation}`, async () => {
      const message =
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1";
      await assertRefused(call(0), "ValidationException", message);
    });
  }
});

describe("a Marker", () => {
  const lists = {
    ListKeys: (from: KMS, Marker?: string) => from.listKeys({ Limit: 2, Marker }),
    ListAliases: (from: KMS, Marker?: string) => from.listAliases({ Limit: 2, Marker }),
    ListResourceTags: (from: KMS, Marker?: string) => from.listResourceTags({ Limit: 2, KeyId: tagged, Marker }),
  };

  for (const [operation, list] of Object.entries(lists)) {
    it(`S08-006: that ${operation} did not make, or that was altered, is InvalidMarkerException`, async () => {
      const marker = present((await list(client)).NextMarker);
      await list(client, marker);
      const flipped = `${marker.slice(0, 5)}${marker[5] === "A" ? "B" : "A"}${marker.slice(6)}`;
      for (const altered of [
        "garbage",
        " ",
        "%",
        "A".repeat(1024),
        flipped,
        marker.slice(0, -2),
        `${marker}AA`,
        `${marker}=`,
      ]) {
        await assertRefused(list(client, altered), "InvalidMarkerException");
      }
    });

    for (const [from, foreign] of Object.entries(lists)) {
      if (from === operation) continue;
      it(`S08-006: of ${from} is InvalidMarkerException for ${operation}`, async () => {
        const marker = present((await foreign(client)).NextMarker);
        await assertRefused(list(client, marker), "InvalidMarkerException");
      });
    }
  }

  it("S08-006: of another account, another Region or another key's list is InvalidMarkerException", async () => {
    const ofKeys = present((await client.listKeys({ Limit: 2 })).NextMarker);
    await assertRefused(
      world.client("sa-east-1", OTHER_ACCOUNT).listKeys({ Marker: ofKeys }),
      "InvalidMarkerException",
    );
    await assertRefused(kms.listKeys({ Marker: ofKeys }), "InvalidMarkerException");
    const ofAliases = present((await client.listAliases({ KeyId: tagged, Limit: 2 })).NextMarker);
    await assertRefused(client.listAliases({ KeyId: spare, Marker: ofAliases }), "InvalidMarkerException");
    await assertRefused(client.listAliases({ Marker: ofAliases }), "InvalidMarkerException");
  });

  it("S08-006: of no or too many characters is ValidationException", async () => {
    await assertRefused(client.listKeys({ Marker: "" }), "ValidationException", /at 'marker' failed/);
    await assertRefused(client.listKeys({ Marker: "A".repeat(1025) }), "ValidationException", /at 'marker' failed/);
  });
});

/** Walks through all pages of a list: how many items each has, and all of them. */
async function walk<P>(
  name: string,
  paginate: (pageSize: number) => AsyncIterable<P>,
  itemsOf: (page: P) => readonly unknown[] | undefined,
  pageSize: number,
): Promise<{ name: string; sizes: number[]; items: unknown[] }> {
  const pages: (readonly unknown[])[] = [];
  for await (const page of paginate(pageSize)) pages.push(itemsOf(page) ?? []);
  return { name, sizes: pages.map(({ length }) => length), items: pages.flat() };
}
