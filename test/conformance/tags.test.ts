/** Tags of spec 01: what TagResource and UntagResource take, and what they do. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Tag } from "@aws-sdk/client-kms";
import { assertRefused, membersOf, newKey, newPendingKey, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

async function tagsOf(keyId: string): Promise<readonly Tag[]> {
  return (await kms.listResourceTags({ KeyId: keyId })).Tags ?? [];
}

const numbered = (from: number, count: number): Tag[] =>
  Array.from({ length: count }, (_, index) => ({ TagKey: `key-${from + index}`, TagValue: `${from + index}` }));

describe("TagResource", () => {
  it("S01-037: a tag key that is there gets the new value, and another case is another key", async () => {
    const { KeyId } = await newKey(kms, { Tags: [{ TagKey: "stage", TagValue: "test" }] });
    await kms.tagResource({
      KeyId,
      Tags: [
        { TagKey: "stage", TagValue: "live" },
        { TagKey: "Stage", TagValue: "Other" },
      ],
    });
    assert.deepEqual(
      new Set(await tagsOf(KeyId)),
      new Set([
        { TagKey: "Stage", TagValue: "Other" },
        { TagKey: "stage", TagValue: "live" },
      ]),
    );
  });

  it("S01-037: the 51st tag of a key is refused, and none of its request is kept", async () => {
    const { KeyId } = await newKey(kms, { Tags: numbered(1, 49) });
    await assertRefused(kms.tagResource({ KeyId, Tags: numbered(50, 2) }), "LimitExceededException");
    assert.equal((await tagsOf(KeyId)).length, 49);
    await kms.tagResource({ KeyId, Tags: numbered(50, 1) });
    await assertRefused(kms.tagResource({ KeyId, Tags: numbered(51, 1) }), "LimitExceededException");
    await kms.tagResource({ KeyId, Tags: [{ TagKey: "key-7", TagValue: "replaced" }] });
    const tags = await tagsOf(KeyId);
    assert.equal(tags.length, 50);
    assert.equal(tags.find(({ TagKey }) => TagKey === "key-7")?.TagValue, "replaced");
  });

  it("S01-037: more than 50 tags in one request are refused", async () => {
    const refused = /^(?:TagException|LimitExceededException)$/;
    const { KeyId } = await newKey(kms);
    await assertRefused(kms.tagResource({ KeyId, Tags: numbered(1, 51) }), refused);
    await assertRefused(kms.createKey({ Tags: numbered(1, 51) }), refused);
    assert.deepEqual(await tagsOf(KeyId), []);
  });

  const long = "k".repeat(129);
  for (const { title, tags, code, message } of [
    {
      title: "a key of 129 characters",
      tags: [{ TagKey: long, TagValue: "v" }],
      code: "ValidationException",
      message: `1 validation error detected: Value '${long}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128`,
    },
    {
      title: "an empty key",
      tags: [{ TagKey: "", TagValue: "v" }],
      code: "ValidationException",
      message:
        /at 'tags\.1\.member\.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1$/,
    },
    {
      title: "a value of 257 characters",
      tags: [
        { TagKey: "k", TagValue: "v" },
        { TagKey: "l", TagValue: "v".repeat(257) },
      ],
      code: "ValidationException",
      message:
        /at 'tags\.2\.member\.tagValue' failed to satisfy constraint: Member must have length less than or equal to 256$/,
    },
    {
      title: "the same key twice",
      tags: [
        { TagKey: "k", TagValue: "1" },
        { TagKey: "k", TagValue: "2" },
      ],
      code: "TagException",
      message: undefined,
    },
    {
      title: "a key that begins with aws:",
      tags: [{ TagKey: "aws:mine", TagValue: "v" }],
      code: "TagException",
      message: "Tags beginning with aws: are reserved",
    },
    {
      title: "a value with an ampersand, as a user of Crossplane sent it,",
      tags: [{ TagKey: "Owner", TagValue: "My & My Team" }],
      code: "TagException",
      message: "Invalid tag",
    },
    {
      title: "a key with a comma",
      tags: [{ TagKey: "one,two", TagValue: "v" }],
      code: "TagException",
      message: "Invalid tag",
    },
    {
      title: "a key that begins with AWS:",
      tags: [{ TagKey: "AWS:mine", TagValue: "v" }],
      code: "TagException",
      message: "Tags beginning with aws: are reserved",
    },
  ]) {
    it(`S01-037: ${title} is refused by TagResource and CreateKey, and no tag is kept`, async () => {
      const { KeyId } = await newKey(kms);
      await assertRefused(kms.tagResource({ KeyId, Tags: tags }), code, message);
      await assertRefused(kms.createKey({ Tags: tags }), code, message);
      assert.deepEqual(await tagsOf(KeyId), []);
    });
  }

  it("takes keys of 128 and values of 256 characters", async () => {
    const { KeyId } = await newKey(kms);
    const tag = { TagKey: "k".repeat(128), TagValue: "v".repeat(256) };
    assert.deepEqual(membersOf(await kms.tagResource({ KeyId, Tags: [tag] })), {});
    assert.deepEqual(await tagsOf(KeyId), [tag]);
  });

  it("takes letters and digits of any script, spaces and _ . : / = + - @", async () => {
    const tag = { TagKey: "Größe ٣_.:/=+-@", TagValue: "鍵 _.:/=+-@" };
    const { KeyId } = await newKey(kms, { Tags: [tag] });
    assert.deepEqual(await tagsOf(KeyId), [tag]);
  });

  it("S01-038: a value may be empty", async () => {
    const { KeyId } = await newKey(kms);
    await kms.tagResource({ KeyId, Tags: [{ TagKey: "bare", TagValue: "" }] });
    assert.deepEqual(await tagsOf(KeyId), [{ TagKey: "bare", TagValue: "" }]);
  });
});

describe("an empty list of tags", () => {
  it("S01-040: is no tag for CreateKey and ReplicateKey, as Ansible's amazon.aws.kms_key sends it", async () => {
    const { KeyId } = await newKey(kms, { MultiRegion: true, Tags: [] });
    assert.deepEqual(await tagsOf(KeyId), []);
    const ReplicaRegion = "eu-west-1";
    await kms.replicateKey({ KeyId, ReplicaRegion, Tags: [] });
    assert.deepEqual((await world.client(ReplicaRegion).listResourceTags({ KeyId })).Tags, []);
  });
});

describe("UntagResource", () => {
  it("S01-039: tag keys that the key doesn't have are 200 with an empty body, and the others go", async () => {
    const { KeyId } = await newKey(kms, { Tags: [{ TagKey: "here", TagValue: "v" }] });
    const unknown = await world.raw("UntagResource", { KeyId, TagKeys: ["not-here", "HERE"] });
    assert.deepEqual([unknown.status, unknown.body.length], [200, 0]);
    assert.equal((await tagsOf(KeyId)).length, 1);
    await kms.untagResource({ KeyId, TagKeys: ["not-here", "here"] });
    assert.deepEqual(await tagsOf(KeyId), []);
  });

  it("S01-040: TagResource and UntagResource with nothing to do are refused", async () => {
    const { KeyId } = await newKey(kms);
    await assertRefused(kms.tagResource({ KeyId, Tags: [] }), "ValidationException");
    await assertRefused(kms.untagResource({ KeyId, TagKeys: [] }), "ValidationException");
    await assertRefused(kms.tagResource({ KeyId, Tags: undefined }), "ValidationException", /'tags' failed/);
    await assertRefused(kms.untagResource({ KeyId, TagKeys: undefined }), "ValidationException", /'tagKeys' failed/);
  });
});

describe("a key pending deletion", () => {
  it("S01-041: is neither tagged nor untagged, and its tags are still listed", async () => {
    const { KeyId, Arn } = await newPendingKey(kms);
    const message = `${Arn} is pending deletion.`;
    await assertRefused(
      kms.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }),
      "KMSInvalidStateException",
      message,
    );
    await assertRefused(kms.untagResource({ KeyId, TagKeys: ["a"] }), "KMSInvalidStateException", message);
    assert.deepEqual(await tagsOf(KeyId), []);
  });
});
