/** A policy's JSON, to read or to write. */

import FormField from "@cloudscape-design/components/form-field";
import Textarea from "@cloudscape-design/components/textarea";

export function PolicyText({ text }: { readonly text: string }) {
  return <pre className="policy-text">{text}</pre>;
}

export interface PolicyEditorProps {
  readonly text: string;
  readonly problems: readonly string[];
  onChange(text: string): void;
}

export function PolicyEditor({ text, problems, onChange }: PolicyEditorProps) {
  return (
    <div className="policy-text">
      <FormField
        stretch
        label="Key policy"
        errorText={problems.length > 0 && problems.map((problem) => <div key={problem}>{problem}</div>)}
      >
        <Textarea value={text} rows={24} spellcheck={false} onChange={({ detail }) => onChange(detail.value)} />
      </FormField>
    </div>
  );
}
