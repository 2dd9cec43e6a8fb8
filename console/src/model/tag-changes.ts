/** What is to be called so that a key has the tags that a user wrote. */

import type { Tag } from "@aws-sdk/client-kms";
import type { TagDraft } from "./key-draft.ts";

export interface TagChanges {
  /** For TagResource: new ones, and those with another value. */
  readonly put: readonly Tag[];
  /** For UntagResource. */
  readonly removed: readonly string[];
}

export function tagChanges(before: readonly TagDraft[], after: readonly TagDraft[]): TagChanges {
  const old = new Map(before.map(({ key, value }) => [key, value]));
  const kept = new Set(after.map(({ key }) => key));
  return {
    put: after
      .filter(({ key, value }) => old.get(key) !== value)
      .map(({ key, value }) => ({ TagKey: key, TagValue: value })),
    removed: before.map(({ key }) => key).filter((key) => !kept.has(key)),
  };
}
