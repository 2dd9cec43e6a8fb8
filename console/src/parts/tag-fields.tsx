/** Tags to write: a key and a value each. */

import { type TagDraft, tagProblem } from "../model/key-draft.ts";
import { PairFields } from "./pair-fields.tsx";

/** What one resource may have (API reference, TagResource). */
const TAGS_MAX = 50;

export interface TagFieldsProps {
  readonly tags: readonly TagDraft[];
  readonly tried: boolean;
  onChange(tags: readonly TagDraft[]): void;
}

export function TagFields({ tags, tried, onChange }: TagFieldsProps) {
  return (
    <PairFields
      pairs={tags}
      most={TAGS_MAX}
      noun="tag"
      keyLabel="Tag key"
      valueLabel="Tag value - optional"
      empty="No tags."
      keyProblem={({ key }, others) =>
        tried || key !== ""
          ? tagProblem(
              key,
              others.map((tag) => tag.key),
            )
          : undefined
      }
      valueProblem={({ value }) => (value.length > 256 ? "A tag value has at most 256 characters." : undefined)}
      onChange={onChange}
    />
  );
}
