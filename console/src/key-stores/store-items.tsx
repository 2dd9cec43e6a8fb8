/** What is shown of every custom key store. */

import { NONE } from "../model/key-rows.ts";
import { type KeyStore, STORE_COLUMNS, storeCell } from "../model/key-stores.ts";
import { ConnectionState } from "../parts/connection-state.tsx";

/** What every custom key store has, as its own page and those of its keys show it. */
export function storeItems(store: KeyStore) {
  return [
    { label: STORE_COLUMNS.id, value: storeCell(store, "id") },
    { label: STORE_COLUMNS.name, value: storeCell(store, "name") },
    { label: "Custom key store type", value: store.CustomKeyStoreType ?? NONE },
    { label: STORE_COLUMNS.creationDate, value: storeCell(store, "creationDate") },
    { label: STORE_COLUMNS.state, value: <ConnectionState store={store} /> },
  ];
}
