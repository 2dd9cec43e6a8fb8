/** The wizard's step "Choose a custom key store": a store that is connected, and the key that is in the external key manager. */

import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useCallback } from "react";
import { Link } from "react-router-dom";
import { listKeyStores } from "../api/list-key-stores.ts";
import { externalKeyProblem, type KeyDraft } from "../model/key-draft.ts";
import { storeKindOf } from "../model/key-kinds.ts";
import { type KeyStore, keyStoreKinds, STORE_COLUMNS, storeCell, storesOfKind } from "../model/key-stores.ts";
import { ConnectionState } from "../parts/connection-state.tsx";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";

export interface StoreStepProps {
  readonly draft: KeyDraft;
  onChange(draft: KeyDraft): void;
}

export function StoreStep({ draft, onChange }: StoreStepProps) {
  const { clients, link } = useConsole();
  const kind = storeKindOf(draft.origin) ?? "EXTERNAL_KEY_STORE";
  const { value, failure, loading } = useLoaded(
    useCallback(async () => storesOfKind(await listKeyStores(clients.kms), kind), [clients, kind]),
    "kms:DescribeCustomKeyStores",
  );
  const stores = value ?? [];
  const { title, path } = keyStoreKinds[kind];
  const { externalKeyId } = draft;
  return (
    <SpaceBetween size="l">
      <FailureAlert failure={failure} />
      <Table<KeyStore>
        trackBy="CustomKeyStoreId"
        items={stores}
        loading={loading && value === undefined}
        loadingText="Loading key stores"
        selectionType="single"
        selectedItems={stores.filter(({ CustomKeyStoreId }) => CustomKeyStoreId === draft.keyStoreId)}
        isItemDisabled={({ ConnectionState: state }) => state !== "CONNECTED"}
        onSelectionChange={({ detail }) =>
          onChange({ ...draft, keyStoreId: detail.selectedItems[0]?.CustomKeyStoreId ?? "" })
        }
        ariaLabels={{
          tableLabel: title,
          selectionGroupLabel: "Custom key store",
          itemSelectionLabel: (_selection, { CustomKeyStoreName }) => `Select ${CustomKeyStoreName}`,
        }}
        columnDefinitions={[
          { id: "name", header: STORE_COLUMNS.name, cell: (store) => storeCell(store, "name"), isRowHeader: true },
          { id: "id", header: STORE_COLUMNS.id, cell: (store) => storeCell(store, "id") },
          { id: "state", header: STORE_COLUMNS.state, cell: (store) => <ConnectionState store={store} /> },
        ]}
        empty={<Box textAlign="center">No key stores</Box>}
        header={
          <Header
            variant="h2"
            description="A key store has to be connected to have a key created in it."
            actions={<Link to={link(`keyStores/${path}/create`)}>Create custom key store</Link>}
          >
            {title}
          </Header>
        }
      />
      {kind === "EXTERNAL_KEY_STORE" && (
        <Container header={<Header variant="h2">External key</Header>}>
          <FormField
            label="External key ID"
            description="The proxy's ID of an enabled 256-bit AES key. It can't be changed after the key is created."
            errorText={externalKeyId !== "" && externalKeyProblem(externalKeyId)}
          >
            <Input
              value={externalKeyId}
              onChange={({ detail }) => onChange({ ...draft, externalKeyId: detail.value })}
            />
          </FormField>
        </Container>
      )}
    </SpaceBetween>
  );
}
