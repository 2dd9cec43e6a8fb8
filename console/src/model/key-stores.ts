/** Custom key stores: their two kinds, their connection, and what can be done to them (KMS guide, Custom key stores). */

import type {
  ConnectionErrorCodeType,
  ConnectionStateType,
  CustomKeyStoresListEntry,
  CustomKeyStoreType,
  XksProxyConnectivityType,
} from "@aws-sdk/client-kms";
import { dateText, NONE } from "./key-rows.ts";

interface KeyStoreKind {
  /** The last part of the address of their list. */
  readonly path: string;
  /** Of their list. */
  readonly title: string;
  /** One of them, within a sentence. */
  readonly inText: string;
  /** The button above the list. */
  readonly createButton: string;
}

export const keyStoreKinds: Readonly<Record<CustomKeyStoreType, KeyStoreKind>> = {
  AWS_CLOUDHSM: {
    path: "cloudhsm",
    title: "AWS CloudHSM key stores",
    inText: "AWS CloudHSM key store",
    createButton: "Create key store",
  },
  EXTERNAL_KEY_STORE: {
    path: "external",
    title: "External key stores",
    inText: "external key store",
    createButton: "Create external key store",
  },
};

/** The kind whose list is at an address. */
export function kindAt(path: string): CustomKeyStoreType {
  return path === keyStoreKinds.AWS_CLOUDHSM.path ? "AWS_CLOUDHSM" : "EXTERNAL_KEY_STORE";
}

/** China Regions have no custom key stores. */
export function hasKeyStores(partition: string): boolean {
  return partition !== "aws-cn";
}

export const connectionLabels: Readonly<Record<ConnectionStateType, string>> = {
  CONNECTED: "Connected",
  CONNECTING: "Connecting",
  FAILED: "Failed",
  DISCONNECTED: "Disconnected",
  DISCONNECTING: "Disconnecting",
};

export const connectivityLabels: Readonly<Record<XksProxyConnectivityType, string>> = {
  PUBLIC_ENDPOINT: "Public endpoint",
  VPC_ENDPOINT_SERVICE: "VPC endpoint service",
};

/** Whether a state passes by itself, so that it is worth to look again. */
export function isPassing(state: ConnectionStateType | undefined): boolean {
  return state === "CONNECTING" || state === "DISCONNECTING";
}

/** What to look at when a connection failed (API reference, CustomKeyStoresListEntry; KMS guide, Connection error codes). */
export const connectionAdvice: Readonly<Partial<Record<ConnectionErrorCodeType, string>>> = {
  CLUSTER_NOT_FOUND: "There is no CloudHSM cluster of this ID.",
  INSUFFICIENT_CLOUDHSM_HSMS: "The cluster needs at least one active HSM.",
  INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET: "A subnet of the cluster has no free addresses.",
  INTERNAL_ERROR: "Disconnect the key store, then connect it again.",
  INVALID_CREDENTIALS: "The password of kmsuser, or the credential of the proxy, is another one.",
  NETWORK_ERRORS: "The network keeps KMS from what is behind the key store.",
  SUBNET_NOT_FOUND: "A subnet of the cluster was deleted.",
  USER_LOCKED_OUT: "kmsuser is locked out: change its password in the cluster, then here.",
  USER_LOGGED_IN: "kmsuser is logged in elsewhere: log it out.",
  USER_NOT_FOUND: "The cluster has no crypto user kmsuser.",
  XKS_PROXY_ACCESS_DENIED: "The proxy denies requests of KMS: look at its authorization rules.",
  XKS_PROXY_INVALID_CONFIGURATION: "Look at the path of the proxy.",
  XKS_PROXY_INVALID_RESPONSE: "The proxy gave an answer that can't be read.",
  XKS_PROXY_INVALID_TLS_CONFIGURATION:
    "The proxy needs TLS 1.2 or 1.3 and a certificate of a trusted authority that is valid and names its host.",
  XKS_PROXY_NOT_REACHABLE: "Look at endpoint and path, and whether proxy and external key manager are up.",
  XKS_PROXY_TIMED_OUT: "The proxy did not answer in time.",
  XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION:
    "Look at the VPC endpoint service: load balancer, principals, DNS name.",
  XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND: "There is no such VPC endpoint service, or KMS is not among its principals.",
};

/** A row of the lists. */
export interface KeyStore extends CustomKeyStoresListEntry {
  /** HSMs of the cluster of a CloudHSM key store, where they could be counted. */
  readonly hsms?: number;
}

/** A CloudHSM cluster, as DescribeClusters tells of it. */
interface Cluster {
  readonly ClusterId?: string;
  readonly Hsms?: readonly unknown[];
}

/** Stores with the number of HSMs that their clusters have. */
export function withHsms(stores: readonly KeyStore[], clusters: readonly Cluster[]): readonly KeyStore[] {
  return stores.map((store) => {
    const cluster = clusters.find(({ ClusterId }) => ClusterId === store.CloudHsmClusterId);
    return cluster === undefined ? store : { ...store, hsms: cluster.Hsms?.length ?? 0 };
  });
}

/** The clusters that no store has; that of the store that is edited is among them. */
export function freeClusters(
  clusters: readonly Cluster[],
  stores: readonly KeyStore[],
  edited: string | undefined,
): readonly string[] {
  const taken = stores.map(({ CloudHsmClusterId }) => CloudHsmClusterId).filter((id) => id !== edited);
  return clusters.flatMap(({ ClusterId }) => (ClusterId === undefined || taken.includes(ClusterId) ? [] : ClusterId));
}

export type StoreActionId = "connect" | "disconnect" | "edit" | "delete";

interface StoreAction {
  readonly id: StoreActionId;
  readonly text: string;
  readonly states: readonly ConnectionStateType[];
  /** Why it can't be done in the other states. */
  readonly reason: string;
}

const DISCONNECT_FIRST = "Disconnect the key store first.";

export const storeActions: readonly StoreAction[] = [
  { id: "connect", text: "Connect", states: ["DISCONNECTED"], reason: DISCONNECT_FIRST },
  {
    id: "disconnect",
    text: "Disconnect",
    states: ["CONNECTED", "CONNECTING", "FAILED"],
    reason: "The key store is not connected.",
  },
  { id: "edit", text: "Edit", states: ["DISCONNECTED"], reason: DISCONNECT_FIRST },
  { id: "delete", text: "Delete", states: ["DISCONNECTED"], reason: DISCONNECT_FIRST },
];

/** Why something can't be done to a store, or undefined when it can. Of connected external key stores a part can be edited. */
export function storeActionProblem(id: StoreActionId, store: KeyStore | undefined): string | undefined {
  const action = storeActions.find((one) => one.id === id);
  const state = store?.ConnectionState;
  if (action === undefined || store === undefined || state === undefined) return "Select a key store.";
  if (action.states.includes(state)) return undefined;
  if (state === "CONNECTED" && id === "connect") return "The key store is connected.";
  const isEditable = id === "edit" && state === "CONNECTED" && store.CustomKeyStoreType === "EXTERNAL_KEY_STORE";
  return isEditable ? undefined : action.reason;
}

/** The columns of both lists. */
export const STORE_COLUMNS = {
  name: "Custom key store name",
  id: "Custom key store ID",
  state: "Connection state",
  clusterId: "CloudHSM cluster ID",
  hsms: "HSMs",
  connectivity: "Proxy connectivity",
  endpoint: "Proxy URI endpoint",
  path: "Proxy URI path",
  service: "VPC endpoint service name",
  creationDate: "Creation date",
} as const;

export type StoreColumnId = keyof typeof STORE_COLUMNS;

/** The columns of a list, and those that are shown at first. */
export const storeColumns: Readonly<
  Record<CustomKeyStoreType, { readonly all: readonly StoreColumnId[]; readonly shown: readonly StoreColumnId[] }>
> = {
  AWS_CLOUDHSM: {
    all: ["name", "id", "state", "clusterId", "hsms", "creationDate"],
    shown: ["name", "id", "state", "clusterId", "hsms"],
  },
  EXTERNAL_KEY_STORE: {
    all: ["name", "id", "state", "connectivity", "endpoint", "path", "service", "creationDate"],
    shown: ["name", "id", "state", "connectivity", "endpoint"],
  },
};

/** The text of a cell. */
export function storeCell(store: KeyStore, column: StoreColumnId): string {
  const { XksProxyConfiguration: proxy = {}, ConnectionState } = store;
  switch (column) {
    case "name":
      return store.CustomKeyStoreName ?? NONE;
    case "id":
      return store.CustomKeyStoreId ?? NONE;
    case "state":
      return ConnectionState === undefined ? NONE : connectionLabels[ConnectionState];
    case "clusterId":
      return store.CloudHsmClusterId ?? NONE;
    case "hsms":
      return store.hsms === undefined ? NONE : String(store.hsms);
    case "connectivity":
      return proxy.Connectivity === undefined ? NONE : connectivityLabels[proxy.Connectivity];
    case "endpoint":
      return proxy.UriEndpoint ?? NONE;
    case "path":
      return proxy.UriPath ?? NONE;
    case "service":
      return proxy.VpcEndpointServiceName ?? NONE;
    case "creationDate":
      return dateText(store.CreationDate);
  }
}

/** The stores of a kind, by their names. */
export function storesOfKind(stores: readonly KeyStore[], kind: CustomKeyStoreType): readonly KeyStore[] {
  return stores
    .filter((store) => store.CustomKeyStoreType === kind)
    .sort((left, right) => (left.CustomKeyStoreName ?? "").localeCompare(right.CustomKeyStoreName ?? "", "en"));
}
