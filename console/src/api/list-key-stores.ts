/** Reads custom key stores. */

import { DescribeCustomKeyStoresCommand, type KMSClient } from "@aws-sdk/client-kms";
import type { KeyStore } from "../model/key-stores.ts";

const PAGE = 1000;

/** All custom key stores of the account in this Region. */
export async function listKeyStores(kms: KMSClient): Promise<readonly KeyStore[]> {
  const stores: KeyStore[] = [];
  let marker: string | undefined;
  do {
    const page = await kms.send(new DescribeCustomKeyStoresCommand({ Limit: PAGE, Marker: marker }));
    stores.push(...(page.CustomKeyStores ?? []));
    marker = page.NextMarker;
  } while (marker !== undefined);
  return stores;
}

/**
 * One of them.
 *
 * @throws CustomKeyStoreNotFoundException there is none of that id
 */
export async function describeKeyStore(kms: KMSClient, id: string): Promise<KeyStore> {
  const { CustomKeyStores = [] } = await kms.send(new DescribeCustomKeyStoresCommand({ CustomKeyStoreId: id }));
  return CustomKeyStores[0] ?? { CustomKeyStoreId: id };
}
