/** Keys in external key stores as CreateKey makes them: what goes together, and what the external key must be. */

import {
  CustomKeyStoreInvalidStateException,
  UnsupportedOperationException,
  ValidationException,
  XksKeyAlreadyInUseException,
  XksKeyInvalidConfigurationException,
} from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { findExternalKeyUser } from "../../storage/key-stores.ts";
import type { Tx } from "../../storage/store.ts";
import type { KeyStore } from "../resources.ts";
import type { Input } from "../shapes.ts";
import { principalOf } from "./outer-layer.ts";
import type { ExternalKey } from "./xks-answers.ts";
import type { XksClient } from "./xks-client.ts";
import { XksError } from "./xks-failures.ts";

/** The longest URI that a proxy must take (XKS proxy API specification, URI path). */
const URI_CHARACTERS_MAX = 256;

/**
 * Requires that members of custom key stores come together, and with no other kind of key.
 *
 * @throws ValidationException one is missing or too many
 * @throws UnsupportedOperationException a kind of key that no custom key store has
 */
export function requireStoreMembers(input: Input<"CreateKey">): void {
  const { Origin, CustomKeyStoreId, XksKeyId, KeySpec, CustomerMasterKeySpec } = input;
  const isInStore = Origin === "EXTERNAL_KEY_STORE" || Origin === "AWS_CLOUDHSM";
  if (isInStore && CustomKeyStoreId === undefined) {
    throw new ValidationException(`CustomKeyStoreId is required when Origin is ${Origin}.`);
  }
  if (!isInStore && CustomKeyStoreId !== undefined) {
    throw new ValidationException(
      "CustomKeyStoreId can be specified only when Origin is AWS_CLOUDHSM or EXTERNAL_KEY_STORE.",
    );
  }
  if (Origin === "EXTERNAL_KEY_STORE" && XksKeyId === undefined) {
    throw new ValidationException("XksKeyId is required when Origin is EXTERNAL_KEY_STORE.");
  }
  if (Origin !== "EXTERNAL_KEY_STORE" && XksKeyId !== undefined) {
    throw new ValidationException("XksKeyId can be specified only when Origin is EXTERNAL_KEY_STORE.");
  }
  if (!isInStore) return;
  if ((KeySpec ?? CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT") !== "SYMMETRIC_DEFAULT") {
    throw new UnsupportedOperationException("Custom key stores support only symmetric encryption KMS keys.");
  }
  if (input.MultiRegion === true) {
    throw new UnsupportedOperationException("Custom key stores do not support multi-Region KMS keys.");
  }
  // A path of these would be another one by the time that it arrives.
  if (XksKeyId === "." || XksKeyId === "..") throw new ValidationException("XksKeyId can't be . or ..");
}

interface Wanted {
  readonly keyStore: KeyStore;
  readonly xks: XksClient;
  readonly call: Call;
}

/**
 * Requires a connected store, and an external key there that can be encrypted and decrypted with.
 *
 * @throws CustomKeyStoreInvalidStateException the store is not connected, or its proxy does not answer as it must
 * @throws XksKeyNotFoundException, XksKeyInvalidConfigurationException the external key is none that can be used
 */
export async function requireExternalKey(
  { XksKeyId = "" }: Input<"CreateKey">,
  { keyStore, xks, call }: Wanted,
): Promise<void> {
  requireConnected(keyStore);
  const { row } = keyStore;
  if (`${row.endpoint}${row.path}/keys/${XksKeyId}/metadata`.length > URI_CHARACTERS_MAX) {
    throw new ValidationException(
      `The URI of the external key is longer than ${URI_CHARACTERS_MAX} characters: its ID is too long for this key store.`,
    );
  }
  try {
    requireUsable(await xks.keyMetadata(row, XksKeyId, principalOf(call)));
  } catch (cause) {
    throw cause instanceof XksError ? cause.asCreating() : cause;
  }
}

/** Texts: KMS guide, CreateKey errors for the external key. */
function requireUsable({ keySpec, keyUsage, keyStatus }: ExternalKey): void {
  if (keySpec !== "AES_256") {
    throw new XksKeyInvalidConfigurationException(
      `The key spec of the external key must be AES_256. The key spec of specified external key is ${shown(keySpec)}.`,
    );
  }
  if (keyStatus !== "ENABLED") {
    throw new XksKeyInvalidConfigurationException(
      `The status of the external key must be ENABLED. The status of specified external key is ${shown(keyStatus)}.`,
    );
  }
  if (keyUsage.includes("ENCRYPT") && keyUsage.includes("DECRYPT")) return;
  throw new XksKeyInvalidConfigurationException(
    `The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is ${shown(keyUsage.join(", "))}.`,
  );
}

/** What a proxy says, as far as it may be in a message. */
function shown(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_, -]/g, "?").slice(0, 200);
}

/**
 * Where a new key is, in the transaction that makes it.
 *
 * @throws CustomKeyStoreInvalidStateException the store is not connected (any more)
 * @throws UnsupportedOperationException the store is of another type than the key's origin
 * @throws XksKeyAlreadyInUseException another key of the store has that external key
 */
export async function placeInStore(
  input: Input<"CreateKey">,
  { keyStore, tx }: { readonly keyStore: KeyStore | undefined; readonly tx: Tx },
): Promise<{ readonly keyStore?: { readonly id: string; readonly xksKeyId?: string } }> {
  if (keyStore === undefined) return {};
  const { row } = keyStore;
  requireOrigin(input, keyStore);
  requireConnected(keyStore);
  const { XksKeyId } = input;
  if (XksKeyId === undefined) return { keyStore: { id: row.id } };
  if ((await findExternalKeyUser(tx.db, row, XksKeyId)) !== undefined) {
    throw new XksKeyAlreadyInUseException(
      `The external key ${XksKeyId} is that of another KMS key in the custom key store.`,
    );
  }
  return { keyStore: { id: row.id, xksKeyId: XksKeyId } };
}

/** @throws UnsupportedOperationException the store is of another type than the key's origin */
export function requireOrigin({ Origin }: Pick<Input<"CreateKey">, "Origin">, { row }: KeyStore): void {
  if (row.type === Origin) return;
  throw new UnsupportedOperationException(
    `A key of origin ${Origin} can't be in a custom key store of type ${row.type}.`,
  );
}

/** @throws CustomKeyStoreInvalidStateException */
export function requireConnected({ row }: KeyStore): void {
  if (row.connection_state === "CONNECTED") return;
  throw new CustomKeyStoreInvalidStateException(`The custom key store is ${row.connection_state}, and not connected.`);
}
