/** The tables of custom key stores and of keys in their tokens, as Kysely types. */

import type { Selectable } from "kysely";

/** The words are the API's. */
export type KeyStoreType = "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE";

/** The words are the API's (ConnectionStateType). */
export type ConnectionState = "CONNECTED" | "CONNECTING" | "DISCONNECTED" | "DISCONNECTING" | "FAILED";

/** A custom key store. */
export interface KeyStoreTable {
  region: string;
  /** `cks-` and 17 hex digits. */
  id: string;
  account: string;
  partition: string;
  name: string;
  type: KeyStoreType;
  connection_state: ConnectionState;
  /** Why the last try to connect failed, in the words of the API; null in every other state than `FAILED`. */
  connection_error: string | null;
  /** The id of the request that began the last try to connect; null where there was none. */
  connection_request: string | null;
  /** Random; changes with every change of what the store is, and not with its connection. */
  revision: string;
  /** The proxy credential's secret, or the password of the cluster's user, sealed by custody. */
  secret: Uint8Array;
  /** When that was given. */
  secret_at: number;
  created_at: number;
  /** Of external key stores, in the words of the API; in others `PUBLIC_ENDPOINT`, and the texts are empty. */
  connectivity: "PUBLIC_ENDPOINT" | "VPC_ENDPOINT_SERVICE";
  endpoint: string;
  path: string;
  /** Of the proxy credential; in CloudHSM key stores the name of the cluster's user. */
  access_key_id: string;
  /** With `VPC_ENDPOINT_SERVICE`; else null. */
  vpc_service: string | null;
  /** The account that owns that service, where it is another one. */
  vpc_owner: string | null;
  /** Of CloudHSM key stores; else null. */
  cluster_id: string | null;
  /** PEM, as it was given; of CloudHSM key stores, else null. */
  trust_anchor: string | null;
}

/**
 * A key in a cluster's token: there before the KMS key that it is behind, and until the token was asked to destroy it. So nothing is
 * made or left there that no row tells of.
 */
export interface BackingKeyTable {
  region: string;
  /** Of the KMS key; its 16 bytes are the CKA_ID in the token. */
  key_id: string;
  account: string;
  partition: string;
  key_store_id: string;
  cluster_id: string;
  /** By which the token called it when it was made; null until then. */
  handle: string | null;
  created_at: number;
}

export type BackingKeyRow = Readonly<Selectable<BackingKeyTable>>;

export type KeyStoreRow = Readonly<Selectable<KeyStoreTable>>;
