/** The wizard's step "Add labels": alias, description and tags. */

import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { aliasProblem, type KeyDraft } from "../model/key-draft.ts";
import { TagFields } from "../parts/tag-fields.tsx";

export interface LabelsStepProps {
  readonly draft: KeyDraft;
  readonly tried: boolean;
  onChange(draft: KeyDraft): void;
}

export function LabelsStep({ draft, tried, onChange }: LabelsStepProps) {
  const problem = aliasProblem(draft.alias);
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Alias</Header>}>
        <FormField
          label="Alias"
          description="A display name for the key. Don't type alias/: it is added. Don't put secrets into labels: records and lists show them."
          errorText={(tried || draft.alias !== "") && problem}
        >
          <Input value={draft.alias} onChange={({ detail }) => onChange({ ...draft, alias: detail.value })} />
        </FormField>
      </Container>
      <Container header={<Header variant="h2">Description - optional</Header>}>
        <FormField
          label="Description"
          errorText={draft.description.length > 8192 && "A description has at most 8,192 characters."}
        >
          <Textarea
            value={draft.description}
            onChange={({ detail }) => onChange({ ...draft, description: detail.value })}
          />
        </FormField>
      </Container>
      <Container header={<Header variant="h2">Tags - optional</Header>}>
        <TagFields tags={draft.tags} tried={tried} onChange={(tags) => onChange({ ...draft, tags })} />
      </Container>
    </SpaceBetween>
  );
}
