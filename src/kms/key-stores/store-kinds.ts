/** What the two types of custom key stores do each in its own way when they are made, changed and described. */

import type { CustomKeyStoresListEntry } from "@aws-sdk/client-kms";
import type { RunContext } from "../../pipeline/operation.ts";
import type { KeyStoreRow, KeyStoreType } from "../../storage/key-store-schema.ts";
import type { Tx } from "../../storage/store.ts";
import type { Environment } from "../operation.ts";
import type { Input } from "../shapes.ts";
import { clusterStores } from "./cluster-stores.ts";
import { externalStores } from "./external-stores.ts";

type Context = RunContext & Pick<Environment, "clusters" | "custody" | "xks">;

/** What a request to make a store comes to before its transaction: a new row, or the store that is there already. */
export interface CreatedStore {
  readonly row: KeyStoreRow;
  readonly isThere?: boolean;
}

/** One type of custom key stores. Errors: those of CreateCustomKeyStore and UpdateCustomKeyStore. */
export interface StoreKind {
  /** Members of UpdateCustomKeyStore that can be changed while the store is connected, beside its name. */
  readonly changeableConnected: readonly string[];
  /** Looks at what the store is to rely on, before the transaction, and makes its row. */
  create(input: Input<"CreateCustomKeyStore">, context: Context): Promise<CreatedStore>;
  /** Requires that the members of a change go together. */
  requireChange(input: Input<"UpdateCustomKeyStore">, row: KeyStoreRow): void;
  /** The row that a change comes to, with another revision where more than the name is changed. */
  change(input: Input<"UpdateCustomKeyStore">, row: KeyStoreRow, context: Context): Promise<KeyStoreRow>;
  /** Requires in the transaction that what the store relies on is no other store's. */
  requireFree(tx: Tx, row: KeyStoreRow, context: Context): Promise<void>;
  /** The members of a DescribeCustomKeyStores entry that only this type has. */
  describe(row: KeyStoreRow): Partial<CustomKeyStoresListEntry>;
}

const kinds: Readonly<Record<KeyStoreType, StoreKind>> = {
  AWS_CLOUDHSM: clusterStores,
  EXTERNAL_KEY_STORE: externalStores,
};

/** What a type of stores does in its own way. */
export function kindOf(type: KeyStoreType): StoreKind {
  return kinds[type];
}
