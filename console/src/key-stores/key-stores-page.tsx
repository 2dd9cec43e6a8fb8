/** The pages "AWS CloudHSM key stores" and "External key stores". */

import type { CustomKeyStoreType } from "@aws-sdk/client-kms";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useCallback, useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import { listKeyStores } from "../api/list-key-stores.ts";
import { useTablePreferences } from "../keys/table-preferences.ts";
import {
  type KeyStore,
  keyStoreKinds,
  STORE_COLUMNS,
  type StoreColumnId,
  storeCell,
  storeColumns,
  storesOfKind,
  withHsms,
} from "../model/key-stores.ts";
import { ConnectionState } from "../parts/connection-state.tsx";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { KeyStoreActions, keyStorePath } from "./key-store-actions.tsx";
import { useSettling } from "./use-settling.ts";

export function KeyStoresPage({ kind }: { readonly kind: CustomKeyStoreType }) {
  const { clients, link } = useConsole();
  const navigate = useNavigate();
  const { value, failure, loading, reload } = useLoaded(
    useCallback(async () => storesOfKind(await listKeyStores(clients.kms), kind), [clients, kind]),
    "kms:DescribeCustomKeyStores",
  );
  useSettling(value, reload);
  const clusters = useLoaded(
    useCallback(
      async () => (kind === "AWS_CLOUDHSM" ? await clients.cloudhsm.describeClusters() : []),
      [clients, kind],
    ),
    "cloudhsm:DescribeClusters",
  );
  const [preferences, setPreferences] = useTablePreferences(`key-stores.${kind}`, storeColumns[kind]);
  const [tickedId, setTickedId] = useState<string>();
  const stores = withHsms(value ?? [], clusters.value ?? []);
  const ticked = stores.find(({ CustomKeyStoreId }) => CustomKeyStoreId === tickedId);
  const { title, inText, createButton, path } = keyStoreKinds[kind];
  return (
    <SpaceBetween size="m">
      <FailureAlert failure={failure} />
      <FailureAlert failure={clusters.failure} />
      <Table<KeyStore>
        variant="full-page"
        trackBy="CustomKeyStoreId"
        items={stores}
        loading={loading && value === undefined}
        loadingText="Loading key stores"
        selectionType="single"
        selectedItems={ticked === undefined ? [] : [ticked]}
        onSelectionChange={({ detail }) => setTickedId(detail.selectedItems[0]?.CustomKeyStoreId)}
        wrapLines={preferences.wrapLines}
        visibleColumns={preferences.visibleContent}
        columnDefinitions={storeColumns[kind].all.map((id) => ({
          id,
          header: STORE_COLUMNS[id],
          isRowHeader: id === "name",
          cell: (store) => <Cell store={store} column={id} />,
        }))}
        ariaLabels={{
          tableLabel: title,
          selectionGroupLabel: "Selected key store",
          itemSelectionLabel: (_selection, { CustomKeyStoreName }) => `Select ${CustomKeyStoreName}`,
        }}
        empty={
          <Box textAlign="center">
            <b>No {inText}s</b>
          </Box>
        }
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={`(${stores.length})`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh key stores" loading={loading} onClick={reload} />
                <KeyStoreActions store={ticked} onTried={reload} />
                <Button variant="primary" onClick={() => navigate(link(`keyStores/${path}/create`))}>
                  {createButton}
                </Button>
              </SpaceBetween>
            }
          >
            {title}
          </Header>
        }
        preferences={
          <CollectionPreferences
            title="Preferences"
            preferences={preferences}
            onConfirm={({ detail }) => setPreferences(detail)}
            wrapLinesPreference={{}}
            visibleContentPreference={{
              title: "Visible columns",
              options: [
                {
                  label: "Key store properties",
                  options: storeColumns[kind].all.map((id) => ({
                    id,
                    label: STORE_COLUMNS[id],
                    editable: id !== "name",
                  })),
                },
              ],
            }}
          />
        }
      />
    </SpaceBetween>
  );
}

function Cell({ store, column }: { readonly store: KeyStore; readonly column: StoreColumnId }) {
  const { link } = useConsole();
  if (column === "name") return <Link to={link(keyStorePath(store))}>{storeCell(store, column)}</Link>;
  if (column === "state") return <ConnectionState store={store} />;
  return storeCell(store, column);
}
