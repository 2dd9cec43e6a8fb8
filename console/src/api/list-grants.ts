/** Reads the grants of one key. */

import { type GrantListEntry, type KMSClient, ListGrantsCommand } from "@aws-sdk/client-kms";

const PAGE = 100;

export async function listGrants(kms: KMSClient, keyId: string): Promise<readonly GrantListEntry[]> {
  const grants: GrantListEntry[] = [];
  let marker: string | undefined;
  do {
    const page = await kms.send(new ListGrantsCommand({ KeyId: keyId, Limit: PAGE, Marker: marker }));
    grants.push(...(page.Grants ?? []));
    marker = page.NextMarker;
  } while (marker !== undefined);
  return grants;
}
