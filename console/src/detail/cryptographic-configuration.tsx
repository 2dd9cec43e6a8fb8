/** The tab "Cryptographic configuration". */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { keyTypeOf, kindOf, originLabels, usageLabels } from "../model/key-kinds.ts";
import type { TabProps } from "./tab-content.tsx";

/** Of symmetric encryption keys there is nothing to choose, so nothing is listed. */
function algorithmsOf(metadata: KeyMetadata): { label: string; value: string }[] {
  const lists = [
    {
      label: "Encryption algorithms",
      names: keyTypeOf(metadata.KeySpec ?? "") === "Asymmetric" ? metadata.EncryptionAlgorithms : [],
    },
    { label: "Signing algorithms", names: metadata.SigningAlgorithms },
    { label: "MAC algorithms", names: metadata.MacAlgorithms },
    { label: "Key agreement algorithms", names: metadata.KeyAgreementAlgorithms },
    { label: "Encapsulation algorithms", names: metadata.EncapsulationAlgorithms },
  ];
  return lists.flatMap(({ label, names = [] }) => (names.length > 0 ? [{ label, value: names.join(", ") }] : []));
}

/** Of keys in custom key stores: which store, and what the key is there. */
function storeOf({
  CustomKeyStoreId,
  CloudHsmClusterId,
  XksKeyConfiguration,
}: KeyMetadata): { label: string; value: string }[] {
  const properties = [
    { label: "Custom key store ID", value: CustomKeyStoreId },
    { label: "CloudHSM cluster ID", value: CloudHsmClusterId },
    { label: "External key ID", value: XksKeyConfiguration?.Id },
  ];
  return properties.flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }]));
}

export function CryptographicConfiguration({ metadata }: TabProps) {
  const { spec, usage, origin } = kindOf(metadata);
  return (
    <Container header={<Header variant="h2">Cryptographic configuration</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: "Key type", value: keyTypeOf(spec) },
          { label: "Origin", value: originLabels[origin] },
          { label: "Key spec", value: spec },
          { label: "Key usage", value: usageLabels[usage] },
          ...algorithmsOf(metadata),
          ...storeOf(metadata),
        ]}
      />
    </Container>
  );
}
