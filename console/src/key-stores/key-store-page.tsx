/** The page of one custom key store: what it is, its proxy or cluster, its keys, and the graphs of an external one. */

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useMemo, useState } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { describeKeyStore } from "../api/list-key-stores.ts";
import { type KeyStore, kindAt, STORE_COLUMNS, storeCell } from "../model/key-stores.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";
import { KeyStoreActions, StoreConfirmation } from "./key-store-actions.tsx";
import { storeItems } from "./store-items.tsx";
import { StoreKeys } from "./store-keys.tsx";
import { StoreMonitoring } from "./store-monitoring.tsx";
import { useSettling } from "./use-settling.ts";

export function KeyStorePage() {
  const { kind: path = "", storeId = "" } = useParams();
  const { clients, link } = useConsole();
  const navigate = useNavigate();
  const { value, failure, loading, reload } = useLoaded(
    useCallback(() => describeKeyStore(clients.kms, storeId), [clients, storeId]),
    "kms:DescribeCustomKeyStores",
  );
  useSettling(
    useMemo(() => (value === undefined ? [] : [value]), [value]),
    reload,
  );
  if (value === undefined) return loading ? <Spinner size="large" /> : <FailureAlert failure={failure} />;
  const list = link(`keyStores/${path}`);
  const isExternal = kindAt(path) === "EXTERNAL_KEY_STORE";
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <KeyStoreActions
              store={value}
              onTried={(action, isDone) => (action === "delete" && isDone ? navigate(list) : reload())}
            />
            <CreateKeyHere store={value} onConnect={reload} />
          </SpaceBetween>
        }
      >
        {value.CustomKeyStoreName}
      </Header>
      <StoreGeneral store={value} />
      <StoreBackground store={value} />
      <StoreKeys storeId={storeId} />
      {isExternal && <StoreMonitoring storeId={storeId} isOff={value.ConnectionState === "DISCONNECTED"} />}
    </SpaceBetween>
  );
}

/** Leads to the wizard where the store is connected, and else offers to connect it. */
function CreateKeyHere({ store, onConnect }: { readonly store: KeyStore; onConnect(): void }) {
  const { link } = useConsole();
  const navigate = useNavigate();
  const [isAsking, setAsking] = useState(false);
  const isConnected = store.ConnectionState === "CONNECTED";
  const create = () => navigate(link(`keys/create?keyStore=${store.CustomKeyStoreId}`));
  return (
    <>
      <Button variant="primary" onClick={() => (isConnected ? create() : setAsking(true))}>
        Create a KMS key in this key store
      </Button>
      {isAsking && (
        <StoreConfirmation action="connect" store={store} onClose={() => setAsking(false)} onTried={onConnect} />
      )}
    </>
  );
}

function StoreGeneral({ store }: { readonly store: KeyStore }) {
  return (
    <Container header={<Header variant="h2">General configuration</Header>}>
      <KeyValuePairs columns={3} items={storeItems(store)} />
    </Container>
  );
}

/** What is behind a store. */
function StoreBackground({ store }: { readonly store: KeyStore }) {
  const isExternal = store.CustomKeyStoreType === "EXTERNAL_KEY_STORE";
  const { AccessKeyId, VpcEndpointServiceName, VpcEndpointServiceOwner } = store.XksProxyConfiguration ?? {};
  const items = isExternal
    ? [
        { label: STORE_COLUMNS.connectivity, value: storeCell(store, "connectivity") },
        { label: STORE_COLUMNS.endpoint, value: storeCell(store, "endpoint") },
        { label: STORE_COLUMNS.path, value: storeCell(store, "path") },
        { label: "Proxy credential: Access key ID", value: AccessKeyId ?? "" },
        ...(VpcEndpointServiceName === undefined
          ? []
          : [
              { label: STORE_COLUMNS.service, value: VpcEndpointServiceName },
              { label: "VPC endpoint service owner", value: VpcEndpointServiceOwner ?? "" },
            ]),
      ]
    : [{ label: STORE_COLUMNS.clusterId, value: storeCell(store, "clusterId") }];
  return (
    <Container
      header={
        <Header variant="h2">{isExternal ? "External key store proxy configuration" : "CloudHSM cluster"}</Header>
      }
    >
      <KeyValuePairs columns={3} items={items} />
    </Container>
  );
}
