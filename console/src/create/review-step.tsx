/** The wizard's last step: everything once more, and the policy as it will be sent. */

import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { Failure } from "../model/failures.ts";
import { type KeyDraft, policyOfDraft, type StepId } from "../model/key-draft.ts";
import { originLabels, storeKindOf, usageLabels } from "../model/key-kinds.ts";
import type { Owner } from "../model/key-policy.ts";
import { NONE } from "../model/key-rows.ts";
import { policyProblems } from "../model/policy-problems.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { PolicyEditor, PolicyText } from "../policy/policy-text.tsx";

export interface ReviewStepProps {
  readonly draft: KeyDraft;
  readonly owner: Owner;
  readonly failure: Failure | undefined;
  readonly notice?: string | undefined;
  readonly replicaRegions?: readonly string[];
  onChange(draft: KeyDraft): void;
  onEdit(step: StepId): void;
}

export function ReviewStep({ draft, owner, failure, notice, replicaRegions, onChange, onEdit }: ReviewStepProps) {
  const [isEditing, setEditing] = useState(false);
  const policy = policyOfDraft(draft, owner);
  return (
    <SpaceBetween size="l">
      {notice !== undefined && <Alert type="warning">{notice}</Alert>}
      <FailureAlert failure={failure} />
      <Container header={<Section title="Key configuration" onEdit={() => onEdit("configure")} />}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: "Key type", value: draft.type },
            { label: "Key spec", value: draft.spec },
            { label: "Key usage", value: usageLabels[draft.usage] },
            { label: "Origin", value: originLabels[draft.origin] },
            ...(replicaRegions === undefined ? [] : [{ label: "Replica Regions", value: replicaRegions.join(", ") }]),
            ...(storeKindOf(draft.origin) === undefined
              ? []
              : [{ label: "Custom key store ID", value: draft.keyStoreId }]),
            ...(draft.origin === "EXTERNAL_KEY_STORE"
              ? [{ label: "External key ID", value: draft.externalKeyId }]
              : []),
            { label: "Regionality", value: draft.multiRegion ? "Multi-Region key" : "Single-Region key" },
          ]}
        />
      </Container>
      <Container header={<Section title="Alias, description and tags" onEdit={() => onEdit("labels")} />}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: "Alias", value: draft.alias },
            { label: "Description", value: draft.description || NONE },
            { label: "Tags", value: draft.tags.map(({ key, value }) => `${key}=${value}`).join(", ") || NONE },
          ]}
        />
      </Container>
      <Container
        header={
          <Header
            variant="h2"
            actions={
              !isEditing && (
                <Button ariaLabel="Edit key policy" onClick={() => setEditing(true)}>
                  Edit
                </Button>
              )
            }
          >
            Key policy
          </Header>
        }
      >
        {isEditing ? (
          <PolicyEditor
            text={policy}
            problems={policyProblems(policy)}
            onChange={(text) => onChange({ ...draft, policy: text })}
          />
        ) : (
          <PolicyText text={policy} />
        )}
      </Container>
    </SpaceBetween>
  );
}

function Section({ title, onEdit }: { readonly title: string; onEdit(): void }) {
  return (
    <Header
      variant="h2"
      actions={
        <Button ariaLabel={`Edit ${title.toLowerCase()}`} onClick={onEdit}>
          Edit
        </Button>
      }
    >
      {title}
    </Header>
  );
}
