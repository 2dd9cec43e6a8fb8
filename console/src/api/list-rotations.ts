/** Reads what is known of a key's rotations. */

import {
  GetKeyRotationStatusCommand,
  type GetKeyRotationStatusCommandOutput,
  type KMSClient,
  ListKeyRotationsCommand,
  type RotationsListEntry,
} from "@aws-sdk/client-kms";

const PAGE = 1000;

/** Every key material of a key, the first one and those of rotations. */
export async function listRotations(kms: KMSClient, keyId: string): Promise<readonly RotationsListEntry[]> {
  const rotations: RotationsListEntry[] = [];
  let marker: string | undefined;
  do {
    const page = await kms.send(
      new ListKeyRotationsCommand({
        KeyId: keyId,
        IncludeKeyMaterial: "ALL_KEY_MATERIAL",
        Limit: PAGE,
        Marker: marker,
      }),
    );
    rotations.push(...(page.Rotations ?? []));
    marker = page.NextMarker;
  } while (marker !== undefined);
  return rotations;
}

export async function rotationStatus(kms: KMSClient, keyId: string): Promise<GetKeyRotationStatusCommandOutput> {
  return await kms.send(new GetKeyRotationStatusCommand({ KeyId: keyId }));
}
