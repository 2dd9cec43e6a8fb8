/** The wizard's first step: type, usage, spec, origin and Regionality. */

import type { OriginType } from "@aws-sdk/client-kms";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tiles from "@cloudscape-design/components/tiles";
import { type KeyDraft, withOrigin, withUsage } from "../model/key-draft.ts";
import {
  hasMultiRegionKeys,
  type KeyType,
  specsOf,
  storeKindOf,
  usageLabels,
  usagesOfType,
} from "../model/key-kinds.ts";
import { hasKeyStores } from "../model/key-stores.ts";

export interface ConfigureKeyProps {
  readonly draft: KeyDraft;
  readonly partition: string;
  onChange(draft: KeyDraft): void;
}

export function ConfigureKey({ draft, partition, onChange }: ConfigureKeyProps) {
  const specs = specsOf(draft.type, draft.usage, partition, draft.origin);
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
        <ExpandableSection headerText="Advanced options" defaultExpanded={draft.origin !== "AWS_KMS"}>
          <AdvancedOptions draft={draft} partition={partition} onChange={onChange} />
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}

const ORIGINS = [
  { value: "AWS_KMS", label: "KMS - recommended", description: "Keystead makes and keeps the key material." },
  {
    value: "EXTERNAL",
    label: "External (Import key material)",
    description: "You make the key material and import it after the key is created.",
  },
] as const;

/** For symmetric encryption keys alone. */
const STORE_ORIGINS = [
  {
    value: "AWS_CLOUDHSM",
    label: "AWS CloudHSM key store",
    description: "The key material is made in the CloudHSM cluster of a custom key store.",
  },
  {
    value: "EXTERNAL_KEY_STORE",
    label: "External key store",
    description: "The key is used together with a key in your external key manager.",
  },
] as const;

/** What is to be confirmed of keys of an origin. */
const CONFIRMATIONS: Readonly<Partial<Record<OriginType, string>>> = {
  EXTERNAL: "I understand the security and durability implications of using an imported key.",
  EXTERNAL_KEY_STORE: "I want to create this key in an external key store, whose external key I keep available.",
};

function AdvancedOptions({ draft, partition, onChange }: ConfigureKeyProps) {
  const isOffered = draft.spec === "SYMMETRIC_DEFAULT" && hasKeyStores(partition);
  const origins = [...ORIGINS, ...(isOffered ? STORE_ORIGINS : [])];
  const confirmation = CONFIRMATIONS[draft.origin];
  return (
    <SpaceBetween size="l">
      <FormField label="Key material origin" description="It can't be changed after the key is created.">
        <RadioGroup
          ariaLabel="Key material origin"
          value={draft.origin}
          onChange={({ detail }) => onChange(withOrigin(draft, detail.value as OriginType, partition))}
          items={origins}
        />
      </FormField>
      {confirmation !== undefined && (
        <Checkbox
          checked={draft.understood}
          onChange={({ detail }) => onChange({ ...draft, understood: detail.checked })}
        >
          {confirmation}
        </Checkbox>
      )}
      {hasMultiRegionKeys(partition) && storeKindOf(draft.origin) === undefined && (
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
