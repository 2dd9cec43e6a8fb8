/** TagResource, UntagResource and ListResourceTags. */

import { countTags, listTags, removeTags, upsertTags } from "../../storage/tags.ts";
import { tagConditions } from "../conditions.ts";
import { keyIdOrArn } from "../identifiers.ts";
import { anyState, manageable } from "../key-states.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { holdLabels } from "../propagation.ts";
import { type Key, key } from "../resources.ts";
import { requireOwnTagKeys, requireSome, requireTagCount, requireTags } from "../tags.ts";

const keyIdOf = (_output: unknown, { key }: { key: Key }) => ({ KeyId: key.arn });

/** Adds tags, or replaces the values of those that are there (API reference, TagResource). */
export const tagResource = change("TagResource", {
  targets: [{ as: "key", action: "kms:TagResource", resource: key("KeyId", keyIdOrArn), states: manageable }],
  conditions: tagConditions,
  record: { readOnly: false, request: ["KeyId", "Tags"], response: keyIdOf, resources: ["key"] },
  validate({ Tags }) {
    requireSome(Tags, "tags");
    requireTags(Tags);
  },
  async run({ Tags }, { call, key, tx }) {
    await holdLabels(tx, key.row, call);
    const tags = Tags.map(({ TagKey = "", TagValue = "" }) => ({ key: TagKey, value: TagValue }));
    const name = { region: key.row.region, keyId: key.id };
    await upsertTags(tx, name, tags);
    requireTagCount(await countTags(tx, name));
    return {};
  },
});

/** Removes tags by key; keys that are not there are ignored (API reference, UntagResource). */
export const untagResource = change("UntagResource", {
  targets: [{ as: "key", action: "kms:UntagResource", resource: key("KeyId", keyIdOrArn), states: manageable }],
  conditions: tagConditions,
  record: { readOnly: false, request: ["KeyId", "TagKeys"], response: keyIdOf, resources: ["key"] },
  validate({ TagKeys }) {
    requireSome(TagKeys, "tagKeys");
    requireOwnTagKeys(TagKeys);
  },
  async run({ TagKeys }, { call, key, tx }) {
    await holdLabels(tx, key.row, call);
    await removeTags(tx, { region: key.row.region, keyId: key.id }, TagKeys);
    return {};
  },
});

const sizes = { initial: 50, max: 50 };

/** The tags of a key, in order of their keys. */
export const listResourceTags = read("ListResourceTags", {
  targets: [{ as: "key", action: "kms:ListResourceTags", resource: key("KeyId", keyIdOrArn), states: anyState }],
  record: { readOnly: true, request: ["KeyId", "Limit", "Marker"], resources: ["key"] },
  validate: (input) => requireLimit(input, sizes),
  async run(input, context) {
    const { key, store } = context;
    const { items, ...rest } = await page(input, context, {
      sizes,
      filter: key.id,
      list: (after, count) => listTags(store.db, { region: key.row.region, keyId: key.id }, { after, count }),
      nameOf: (tag) => tag.key,
    });
    return { Tags: items.map((tag) => ({ TagKey: tag.key, TagValue: tag.value })), ...rest };
  },
});
