/** Pairs of a name and a value to write: tags, encryption contexts, condition keys. */

import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";

export interface Pair {
  readonly key: string;
  readonly value: string;
}

export interface PairFieldsProps {
  readonly pairs: readonly Pair[];
  readonly most: number;
  /** What a pair is called, such as `tag`. */
  readonly noun: string;
  readonly keyLabel: string;
  readonly valueLabel: string;
  readonly empty: string;
  /** What is wrong with a pair among the others, as far as it is to be told. */
  keyProblem(pair: Pair, others: readonly Pair[]): string | undefined;
  valueProblem(pair: Pair): string | undefined;
  onChange(pairs: readonly Pair[]): void;
}

export function PairFields(props: PairFieldsProps) {
  const { pairs, most, noun, keyLabel, valueLabel, empty, keyProblem, valueProblem, onChange } = props;
  const change = (index: number, next: Partial<Pair>) =>
    onChange(pairs.map((pair, position) => (position === index ? { ...pair, ...next } : pair)));
  // What assistive technology calls a field says which one it is, and not that it may stay empty.
  const nameOf = (label: string, index: number) => `${label.replace(" - optional", "")} ${index + 1}`;
  return (
    <AttributeEditor
      items={pairs.map((pair, index) => ({ ...pair, index }))}
      addButtonText={`Add ${noun}`}
      removeButtonText="Remove"
      removeButtonAriaLabel={({ key }) => `Remove ${noun} ${key}`}
      disableAddButton={pairs.length >= most}
      onAddButtonClick={() => onChange([...pairs, { key: "", value: "" }])}
      onRemoveButtonClick={({ detail }) => onChange(pairs.toSpliced(detail.itemIndex, 1))}
      empty={empty}
      definition={[
        {
          label: keyLabel,
          control: ({ key, index }) => (
            <Input
              value={key}
              ariaLabel={nameOf(keyLabel, index)}
              onChange={({ detail }) => change(index, { key: detail.value })}
            />
          ),
          errorText: ({ index, ...pair }) => keyProblem(pair, pairs.toSpliced(index, 1)),
        },
        {
          label: valueLabel,
          control: ({ value, index }) => (
            <Input
              value={value}
              ariaLabel={nameOf(valueLabel, index)}
              onChange={({ detail }) => change(index, { value: detail.value })}
            />
          ),
          errorText: ({ index: _index, ...pair }) => valueProblem(pair),
        },
      ]}
    />
  );
}
