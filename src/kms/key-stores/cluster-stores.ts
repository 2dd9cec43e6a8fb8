/** AWS CloudHSM key stores as CreateCustomKeyStore and UpdateCustomKeyStore make them (KMS guide, AWS CloudHSM key stores). */

import { randomUUID } from "node:crypto";
import { CloudHsmClusterInUseException, CloudHsmClusterNotRelatedException } from "../../base/errors.ts";
import { newKeyStoreId } from "../../base/ids.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import { findKeyStoreNamed, listClusterStores } from "../../storage/key-stores.ts";
import type { Store } from "../../storage/store.ts";
import type { Input } from "../shapes.ts";
import { areRelated, CLUSTER_USER, type Clusters, requireTrustAnchor, secretNameOf } from "./clusters.ts";
import type { StoreKind } from "./store-kinds.ts";

const utf8 = new TextEncoder();

/** Stores whose keys are in a cluster. */
export const clusterStores: StoreKind = {
  changeableConnected: [],

  async create(input, { call, store, clusters }) {
    const { CloudHsmClusterId = "", TrustAnchorCertificate = "", KeyStorePassword = "" } = input;
    const row = newRow(input, call);
    const same = await findSame(row, KeyStorePassword, { store, clusters });
    if (same !== undefined) return { row: same, isThere: true };
    const cluster = clusters.require(row, CloudHsmClusterId);
    requireTrustAnchor(TrustAnchorCertificate, cluster);
    return { row: await withPassword(row, KeyStorePassword, clusters) };
  },

  requireChange() {},

  async change(input, row, { call, clusters }) {
    const { NewCustomKeyStoreName: name = row.name, CloudHsmClusterId, KeyStorePassword } = input;
    if (CloudHsmClusterId !== undefined) requireRelated(CloudHsmClusterId, row, clusters);
    if (CloudHsmClusterId === undefined && KeyStorePassword === undefined) return { ...row, name };
    const after = { ...row, name, revision: randomUUID(), cluster_id: CloudHsmClusterId ?? row.cluster_id };
    if (KeyStorePassword === undefined) return after;
    return await withPassword({ ...after, secret_at: call.now }, KeyStorePassword, clusters);
  },

  /** A cluster belongs to one store, and so do all that share its backup history. */
  async requireFree(tx, row, { clusters }) {
    const cluster = clusters.find(row, row.cluster_id);
    for (const other of await listClusterStores(tx.db, row)) {
      if (other.id === row.id) continue;
      const taken = clusters.find(other, other.cluster_id);
      const isSame = other.cluster_id === row.cluster_id;
      if (isSame || (cluster !== undefined && taken !== undefined && areRelated(cluster, taken))) {
        throw new CloudHsmClusterInUseException(
          `The cluster ${row.cluster_id}, or one that shares its backup history, is another custom key store's.`,
        );
      }
    }
  },

  describe: ({ cluster_id, trust_anchor }) => ({
    ...(cluster_id !== null && { CloudHsmClusterId: cluster_id }),
    ...(trust_anchor !== null && { TrustAnchorCertificate: trust_anchor }),
  }),
};

function newRow(input: Input<"CreateCustomKeyStore">, { principal, partition, region, now }: Call): KeyStoreRow {
  return {
    region,
    id: newKeyStoreId(),
    account: principal.account,
    partition,
    name: input.CustomKeyStoreName,
    type: "AWS_CLOUDHSM",
    connection_state: "DISCONNECTED",
    connection_error: null,
    connection_request: null,
    revision: randomUUID(),
    secret: new Uint8Array(0),
    secret_at: now,
    created_at: now,
    connectivity: "PUBLIC_ENDPOINT",
    endpoint: "",
    path: "",
    access_key_id: CLUSTER_USER,
    vpc_service: null,
    vpc_owner: null,
    cluster_id: input.CloudHsmClusterId ?? "",
    trust_anchor: input.TrustAnchorCertificate ?? "",
  };
}

/** The disconnected store that is what another one is to be, in all that was given: a request that is repeated makes no second one. */
async function findSame(
  wanted: KeyStoreRow,
  password: string,
  { store, clusters }: { readonly store: Store; readonly clusters: Clusters },
): Promise<KeyStoreRow | undefined> {
  const found = await findKeyStoreNamed(store.db, wanted, wanted.name);
  if (found?.type !== "AWS_CLOUDHSM" || found.connection_state !== "DISCONNECTED") return undefined;
  if (found.cluster_id !== wanted.cluster_id || found.trust_anchor !== wanted.trust_anchor) return undefined;
  const bytes = utf8.encode(password);
  const isSame = await clusters.tokens.isPassword(secretNameOf(found), found.secret, bytes);
  bytes.fill(0);
  return isSame ? found : undefined;
}

async function withPassword(row: KeyStoreRow, password: string, { tokens }: Clusters): Promise<KeyStoreRow> {
  const bytes = utf8.encode(password);
  try {
    return { ...row, secret: await tokens.sealPassword(secretNameOf(row), bytes) };
  } finally {
    bytes.fill(0);
  }
}

/**
 * Requires that a cluster can take the place of a store's own. One that is not described any more can't be compared: then nothing but
 * its id is the same.
 */
function requireRelated(id: string, row: KeyStoreRow, clusters: Clusters): void {
  const cluster = clusters.require(row, id);
  const own = clusters.list(row).find((each) => each.id === row.cluster_id);
  if (cluster.id === row.cluster_id || (own !== undefined && areRelated(cluster, own))) return;
  throw new CloudHsmClusterNotRelatedException(
    `The cluster ${id} does not share a backup history with the cluster ${row.cluster_id} of the custom key store.`,
  );
}
