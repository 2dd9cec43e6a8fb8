/** The tab "Cryptographic configuration". */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback } from "react";
import { Link } from "react-router-dom";
import { describeKeyStore } from "../api/list-key-stores.ts";
import { keyStorePath } from "../key-stores/key-store-actions.tsx";
import { storeItems } from "../key-stores/store-items.tsx";
import { keyTypeOf, kindOf, originLabels, usageLabels } from "../model/key-kinds.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
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

export function CryptographicConfiguration({ metadata }: TabProps) {
  const { spec, usage, origin } = kindOf(metadata);
  const { CustomKeyStoreId, XksKeyConfiguration } = metadata;
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Cryptographic configuration</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: "Key type", value: keyTypeOf(spec) },
            { label: "Origin", value: originLabels[origin] },
            { label: "Key spec", value: spec },
            { label: "Key usage", value: usageLabels[usage] },
            ...algorithmsOf(metadata),
          ]}
        />
      </Container>
      {CustomKeyStoreId !== undefined && <StoreOfKey metadata={metadata} storeId={CustomKeyStoreId} />}
      {XksKeyConfiguration !== undefined && (
        <Container header={<Header variant="h2">External key</Header>}>
          <KeyValuePairs items={[{ label: "External key ID", value: XksKeyConfiguration.Id }]} />
        </Container>
      )}
    </SpaceBetween>
  );
}

interface StoreOfKeyProps {
  readonly metadata: KeyMetadata;
  readonly storeId: string;
}

/** The custom key store of a key; whoever may not see stores sees its id. */
function StoreOfKey({ metadata: { CloudHsmClusterId }, storeId }: StoreOfKeyProps) {
  const { clients, link } = useConsole();
  const { value, failure } = useLoaded(
    useCallback(() => describeKeyStore(clients.kms, storeId), [clients, storeId]),
    "kms:DescribeCustomKeyStores",
  );
  const known = value === undefined ? [{ label: "Custom key store ID", value: storeId }] : storeItems(value);
  return (
    <Container
      header={
        <Header
          variant="h2"
          {...(value !== undefined && { actions: <Link to={link(keyStorePath(value))}>View key store</Link> })}
        >
          Custom key store
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        {value === undefined && failure === undefined && <Spinner />}
        <KeyValuePairs
          columns={3}
          items={[
            ...known,
            ...(CloudHsmClusterId === undefined ? [] : [{ label: "CloudHSM cluster ID", value: CloudHsmClusterId }]),
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
