/** The wizard's first step: type, usage, spec, origin and Regionality. */

import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tiles from "@cloudscape-design/components/tiles";
import { type KeyDraft, withUsage } from "../model/key-draft.ts";
import { hasMultiRegionKeys, type KeyType, specsOf, usageLabels, usagesOfType } from "../model/key-kinds.ts";

export interface ConfigureKeyProps {
  readonly draft: KeyDraft;
  readonly partition: string;
  onChange(draft: KeyDraft): void;
}

export function ConfigureKey({ draft, partition, onChange }: ConfigureKeyProps) {
  const specs = specsOf(draft.type, draft.usage, partition);
  const usages = usagesOfType[draft.type].filter((usage) => specsOf(draft.type, usage, partition).length > 0);
  return (
    <Container>
      <SpaceBetween size="l">
        <FormField label="Key type" stretch>
          <Tiles
            ariaLabel="Key type"
            value={draft.type}
            onChange={({ detail }) => onChange(withUsage(draft, detail.value as KeyType, undefined, partition))}
            items={[
              {
                value: "Symmetric",
                label: "Symmetric",
                description:
                  "A single key used for encrypting and decrypting data or generating and verifying HMAC codes.",
              },
              {
                value: "Asymmetric",
                label: "Asymmetric",
                description:
                  "A pair of a public and a private key, for encryption, signatures, key agreement or encapsulation.",
              },
            ]}
          />
        </FormField>
        <FormField label="Key usage">
          <RadioGroup
            ariaLabel="Key usage"
            value={draft.usage}
            onChange={({ detail }) =>
              onChange(
                withUsage(
                  draft,
                  draft.type,
                  usages.find((usage) => usage === detail.value),
                  partition,
                ),
              )
            }
            items={usages.map((usage) => ({ value: usage, label: usageLabels[usage] }))}
          />
        </FormField>
        {specs.length > 1 && (
          <FormField label="Key spec">
            <RadioGroup
              ariaLabel="Key spec"
              value={draft.spec}
              onChange={({ detail }) =>
                onChange({ ...draft, spec: specs.find((spec) => spec === detail.value) ?? draft.spec })
              }
              items={specs.map((spec) => ({ value: spec, label: spec }))}
            />
          </FormField>
        )}
        <ExpandableSection headerText="Advanced options">
          <AdvancedOptions draft={draft} partition={partition} onChange={onChange} />
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}

function AdvancedOptions({ draft, partition, onChange }: ConfigureKeyProps) {
  return (
    <SpaceBetween size="l">
      <FormField label="Key material origin" description="It can't be changed after the key is created.">
        <RadioGroup
          ariaLabel="Key material origin"
          value={draft.origin}
          onChange={({ detail }) =>
            onChange({ ...draft, origin: detail.value === "EXTERNAL" ? "EXTERNAL" : "AWS_KMS", understood: false })
          }
          items={[
            { value: "AWS_KMS", label: "KMS - recommended", description: "Keystead makes and keeps the key material." },
            {
              value: "EXTERNAL",
              label: "External (Import key material)",
              description: "You make the key material and import it after the key is created.",
            },
          ]}
        />
      </FormField>
      {draft.origin === "EXTERNAL" && (
        <Checkbox
          checked={draft.understood}
          onChange={({ detail }) => onChange({ ...draft, understood: detail.checked })}
        >
          I understand the security and durability implications of using an imported key.
        </Checkbox>
      )}
      {hasMultiRegionKeys(partition) && (
        <FormField label="Regionality" description="It can't be changed after the key is created.">
          <RadioGroup
            ariaLabel="Regionality"
            value={draft.multiRegion ? "multi" : "single"}
            onChange={({ detail }) => onChange({ ...draft, multiRegion: detail.value === "multi" })}
            items={[
              {
                value: "single",
                label: "Single-Region key",
                description: "Never allow this key to be replicated into other Regions.",
              },
              {
                value: "multi",
                label: "Multi-Region key",
                description: "Allow this key to be replicated into other Regions.",
              },
            ]}
          />
        </FormField>
      )}
    </SpaceBetween>
  );
}
