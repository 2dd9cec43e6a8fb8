/** A server with CloudHSM clusters in reach: clusters that the operator describes, each a SoftHSM token or none at all. */

import type { KMS } from "@aws-sdk/client-kms";
import type { CloudHsmCluster, Hsm } from "../../src/kms/key-stores/clusters.ts";
import { ACCOUNT, present, REGION } from "../kms-client.ts";
import { SoftHsm } from "../soft-hsm.ts";
import { type KeyStoreWorld, startKeyStoreWorld, type WorldOptions } from "./key-store-world.ts";

export const PASSWORD = "kmsPassword1";

/** PEM of a certificate; nobody verifies anything with it. */
export function certificate(name: string): string {
  const body = Buffer.from(`the certificate ${name}`).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

export const TRUST_ANCHOR = certificate("customerCA");

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** Active HSMs, one in each zone. */
export function hsmsIn(...zones: readonly string[]): readonly Hsm[] {
  return zones.map((availabilityZone, index) => ({
    id: `hsm-abcdefghij${ID_LETTERS[index]}`,
    availabilityZone,
    state: "ACTIVE",
  }));
}

export interface ClusterWorld extends KeyStoreWorld {
  /** By their ids; what is changed of them counts at once. */
  readonly clusters: Map<string, CloudHsmCluster>;
  /** Describes another cluster, active and with HSMs in two zones unless told otherwise. Without a token nobody gets into it. */
  newCluster(changes?: Partial<CloudHsmCluster>, hsm?: SoftHsm): CloudHsmCluster;
  /** A token with a user of that password; taken away with the world. */
  newHsm(password?: string): SoftHsm;
  /** Changes what the operator says of a cluster. */
  alter(id: string, changes: Partial<CloudHsmCluster>): void;
  /** Makes a key store of a cluster and returns its id. */
  newClusterStore(name: string, cluster: CloudHsmCluster, kms?: KMS): Promise<string>;
  /** Makes a key in a connected store and returns its metadata. */
  newTokenKey(CustomKeyStoreId: string): Promise<{ readonly KeyId: string; readonly Arn: string }>;
}

/** The parameters of a key store. */
export function clusterStore(CustomKeyStoreName: string, { id }: Pick<CloudHsmCluster, "id">) {
  return {
    CustomKeyStoreName,
    CloudHsmClusterId: id,
    KeyStorePassword: PASSWORD,
    TrustAnchorCertificate: TRUST_ANCHOR,
  };
}

export async function startClusterWorld(options: WorldOptions = {}): Promise<ClusterWorld> {
  const clusters = new Map<string, CloudHsmCluster>();
  const hsms: SoftHsm[] = [];
  const world = await startKeyStoreWorld({ ...options, settings: { ...options.settings, clusters } });
  const keep = (hsm: SoftHsm): SoftHsm => {
    hsms.push(hsm);
    return hsm;
  };
  const nowhere = {
    library: "/nowhere/pkcs11.so",
    token: "none",
    environment: {},
    userPrefix: "",
    vectorsBy: "caller",
    changesPassword: true,
    sessions: 1,
    timeoutMs: 10_000,
  } as const;
  return {
    ...world,
    clusters,
    newCluster(changes = {}, hsm) {
      const letter = present(ID_LETTERS[clusters.size]);
      const id = changes.id ?? `cluster-abcdefghij${letter}`;
      const cluster: CloudHsmCluster = {
        id,
        account: ACCOUNT,
        region: REGION,
        state: "ACTIVE",
        hsmType: "hsm2m.medium",
        mode: "NON_FIPS",
        createdAt: Date.UTC(2030, 0, 1),
        vpcId: "vpc-50ae0636",
        securityGroup: "sg-865af2fb",
        subnets: new Map([
          ["us-east-1a", "subnet-a"],
          ["us-east-1b", "subnet-b"],
        ]),
        hsms: hsmsIn("us-east-1a", "us-east-1b"),
        certificate: certificate(id),
        trustAnchor: TRUST_ANCHOR,
        place: hsm?.place ?? nowhere,
        ...changes,
      };
      clusters.set(id, cluster);
      return cluster;
    },
    newHsm: (password) => keep(SoftHsm.start(password)),
    alter(id, changes) {
      clusters.set(id, { ...present(clusters.get(id)), ...changes });
    },
    async newClusterStore(name, cluster, kms = world.kms) {
      return present((await kms.createCustomKeyStore(clusterStore(name, cluster))).CustomKeyStoreId);
    },
    async newTokenKey(CustomKeyStoreId) {
      const { KeyMetadata } = await world.kms.createKey({ Origin: "AWS_CLOUDHSM", CustomKeyStoreId });
      return { KeyId: present(KeyMetadata?.KeyId), Arn: present(KeyMetadata?.Arn) };
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      for (const hsm of hsms) hsm[Symbol.dispose]();
    },
  };
}
