/** Secrets, parameters, volumes and snapshots: what a restore must not bring back once they were deleted, and what it must. */

import { EC2 } from "@aws-sdk/client-ec2";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { SSM } from "@aws-sdk/client-ssm";
import { present, REGION } from "../kms-client.ts";
import type { StoreWorld } from "./store-worlds.ts";

/** What there is, by names that tell what became of it. */
export interface ServiceData {
  readonly secrets: readonly string[];
  readonly parameters: readonly string[];
  /** Volumes and snapshots. */
  readonly blocks: readonly string[];
}

const SECRETS = ["kept", "forced", "ending", "ended", "called-off"];
const PARAMETERS = ["/kept", "/one", "/several", "/made-again"];

/** Calls back with clients of the services, which live as long as that. */
async function withClients<T>(
  { server: { endpoint, credentials } }: StoreWorld,
  use: (clients: { readonly secrets: SecretsManager; readonly ssm: SSM; readonly ec2: EC2 }) => Promise<T>,
): Promise<T> {
  const options = { endpoint, credentials, region: REGION, maxAttempts: 1 };
  const clients = { secrets: new SecretsManager(options), ssm: new SSM(options), ec2: new EC2(options) };
  try {
    return await use(clients);
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

/** Makes the secrets and parameters, two volumes and two snapshots. Resolves to the ids of a volume and a snapshot that are to go. */
export function makeServiceData(
  world: StoreWorld,
): Promise<{ readonly VolumeId: string; readonly SnapshotId: string }> {
  return withClients(world, async ({ secrets, ssm, ec2 }) => {
    for (const Name of SECRETS) await secrets.createSecret({ Name, SecretString: "open sesame" });
    await secrets.deleteSecret({ SecretId: "called-off", RecoveryWindowInDays: 7 });
    for (const Name of PARAMETERS) await ssm.putParameter({ Name, Value: "x", Type: "String" });
    const made: { VolumeId: string; SnapshotId: string }[] = [];
    for (const Size of [1, 2]) {
      const VolumeId = present((await ec2.createVolume({ AvailabilityZone: `${REGION}a`, Size })).VolumeId);
      made.push({ VolumeId, SnapshotId: present((await ec2.createSnapshot({ VolumeId })).SnapshotId) });
    }
    return present(made[0]);
  });
}

/** Deletes all but what its name says. */
export function deleteServiceData(
  world: StoreWorld,
  { VolumeId, SnapshotId }: { VolumeId: string; SnapshotId: string },
) {
  return withClients(world, async ({ secrets, ssm, ec2 }) => {
    await secrets.deleteSecret({ SecretId: "forced", ForceDeleteWithoutRecovery: true });
    await secrets.deleteSecret({ SecretId: "ending", RecoveryWindowInDays: 30 });
    await secrets.deleteSecret({ SecretId: "ended", RecoveryWindowInDays: 7 });
    await secrets.restoreSecret({ SecretId: "called-off" });
    await ssm.deleteParameter({ Name: "/one" });
    await ssm.deleteParameters({ Names: ["/several", "/made-again", "/nobody"] });
    await ssm.putParameter({ Name: "/made-again", Value: "another", Type: "String" });
    await ec2.deleteVolume({ VolumeId });
    await ec2.deleteSnapshot({ SnapshotId });
  });
}

/** What there is now; of secrets those that can be read. */
export function listServiceData(world: StoreWorld): Promise<ServiceData> {
  return withClients(world, async ({ secrets, ssm, ec2 }) => {
    const { SecretList = [] } = await secrets.listSecrets({});
    const { Parameters = [] } = await ssm.describeParameters({});
    const { Volumes = [] } = await ec2.describeVolumes({});
    const { Snapshots = [] } = await ec2.describeSnapshots({ OwnerIds: ["self"] });
    return {
      secrets: SecretList.map(({ Name = "" }) => Name).toSorted(),
      parameters: Parameters.map(({ Name = "" }) => Name).toSorted(),
      blocks: [...Volumes.map(({ VolumeId = "" }) => VolumeId), ...Snapshots.map(({ SnapshotId = "" }) => SnapshotId)],
    };
  });
}
