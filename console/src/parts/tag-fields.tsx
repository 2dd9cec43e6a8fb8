/** Tags to write: a key and a value each. */

import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";
import { type TagDraft, tagProblem } from "../model/key-draft.ts";

/** What one resource may have (API reference, TagResource). */
const TAGS_MAX = 50;

export interface TagFieldsProps {
  readonly tags: readonly TagDraft[];
  readonly tried: boolean;
  onChange(tags: readonly TagDraft[]): void;
}

export function TagFields({ tags, tried, onChange }: TagFieldsProps) {
  const change = (index: number, next: Partial<TagDraft>) =>
    onChange(tags.map((tag, position) => (position === index ? { ...tag, ...next } : tag)));
  return (
    <AttributeEditor
      items={tags.map((tag, index) => ({ ...tag, index }))}
      addButtonText="Add tag"
      removeButtonText="Remove"
      removeButtonAriaLabel={({ key }) => `Remove tag ${key}`}
      disableAddButton={tags.length >= TAGS_MAX}
      onAddButtonClick={() => onChange([...tags, { key: "", value: "" }])}
      onRemoveButtonClick={({ detail }) => onChange(tags.toSpliced(detail.itemIndex, 1))}
      empty="No tags."
      definition={[
        {
          label: "Tag key",
          control: ({ key, index }) => (
            <Input
              value={key}
              ariaLabel={`Tag key ${index + 1}`}
              onChange={({ detail }) => change(index, { key: detail.value })}
            />
          ),
          errorText: ({ key, index }) =>
            tried || key !== ""
              ? tagProblem(
                  key,
                  tags.toSpliced(index, 1).map((tag) => tag.key),
                )
              : undefined,
        },
        {
          label: "Tag value - optional",
          control: ({ value, index }) => (
            <Input
              value={value}
              ariaLabel={`Tag value ${index + 1}`}
              onChange={({ detail }) => change(index, { value: detail.value })}
            />
          ),
          errorText: ({ value }) => (value.length > 256 ? "A tag value has at most 256 characters." : undefined),
        },
      ]}
    />
  );
}
