/** The table of custom key stores, as a Kysely type. */

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
  /** The proxy credential's secret, sealed by custody. */
  secret: Uint8Array;
  /** When that was given. */
  secret_at: number;
  created_at: number;
  /** Of external key stores, in the words of the API. */
  connectivity: "PUBLIC_ENDPOINT" | "VPC_ENDPOINT_SERVICE";
  endpoint: string;
  path: string;
  access_key_id: string;
  /** With `VPC_ENDPOINT_SERVICE`; else null. */
  vpc_service: string | null;
  /** The account that owns that service, where it is another one. */
  vpc_owner: string | null;
}

export type KeyStoreRow = Readonly<Selectable<KeyStoreTable>>;
