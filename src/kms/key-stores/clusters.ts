/** AWS CloudHSM clusters as the operator describes them, and what KMS requires of one before it relies on it. */

import {
  CloudHsmClusterInvalidConfigurationException,
  CloudHsmClusterNotActiveException,
  CloudHsmClusterNotFoundException,
  IncorrectTrustAnchorException,
} from "../../base/errors.ts";
import type { TokenPlace } from "../../custody/pkcs11/token-session.ts";
import type { Tokens, TokenUser } from "../../custody/pkcs11/tokens.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import type { Store } from "../../storage/store.ts";

/** The user of a cluster that KMS logs in as (KMS guide, kmsuser crypto user). */
export const CLUSTER_USER = "kmsuser";

/** A hardware security module; the words of its state are the API's (API reference of CloudHSM, Hsm). */
export interface Hsm {
  readonly id: string;
  readonly availabilityZone: string;
  readonly state: "ACTIVE" | "CREATE_IN_PROGRESS" | "DEGRADED" | "DELETE_IN_PROGRESS" | "DELETED";
  readonly ip?: string;
}

/** A cluster; the words of its state are the API's (API reference of CloudHSM, Cluster). */
export interface CloudHsmCluster {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly state: string;
  readonly stateMessage?: string;
  readonly hsmType: string;
  readonly mode: "FIPS" | "NON_FIPS";
  /** Milliseconds since the epoch; 0 where it is not told. */
  readonly createdAt: number;
  readonly vpcId?: string;
  readonly securityGroup?: string;
  /** Subnets by their Availability Zones. */
  readonly subnets: ReadonlyMap<string, string>;
  readonly hsms: readonly Hsm[];
  /** PEM of the certificate that clusters have in common that share a backup history. */
  readonly certificate: string;
  /** PEM of `customerCA.crt`. */
  readonly trustAnchor: string;
  readonly place: TokenPlace;
}

type Owner = Pick<KeyStoreRow, "account" | "region">;

/** HSMs that keys can be made with, and that they can be used with (API reference, CreateCustomKeyStore, ConnectCustomKeyStore). */
const ZONES_TO_CREATE = 2;

/** Every cluster that there is, and the tokens that they are. */
export class Clusters {
  readonly tokens: Tokens;
  readonly #clusters: ReadonlyMap<string, CloudHsmCluster>;

  constructor(clusters: ReadonlyMap<string, CloudHsmCluster>, tokens: Tokens) {
    this.#clusters = clusters;
    this.tokens = tokens;
  }

  /** The clusters of an account in a Region, deleted ones included. */
  list({ account, region }: Owner): readonly CloudHsmCluster[] {
    return [...this.#clusters.values()].filter((each) => each.account === account && each.region === region);
  }

  /** A cluster of an account in a Region that is not deleted. */
  find(owner: Owner, id: string | null): CloudHsmCluster | undefined {
    return this.list(owner).find((each) => each.id === id && each.state !== "DELETED");
  }

  /** The user of a key store in its cluster; undefined where the cluster is gone. */
  findUser(row: KeyStoreRow): TokenUser | undefined {
    const cluster = this.find(row, row.cluster_id);
    return cluster && { name: secretNameOf(row), sealed: row.secret, place: cluster.place };
  }

  /**
   * Requires that keys could be made in a cluster: it is there, active, and has HSMs in two Availability Zones.
   *
   * @throws CloudHsmClusterNotFoundException, CloudHsmClusterNotActiveException, CloudHsmClusterInvalidConfigurationException
   */
  require(owner: Owner, id: string): CloudHsmCluster {
    const cluster = this.find(owner, id);
    if (cluster === undefined) throw new CloudHsmClusterNotFoundException(`The cluster ${id} was not found.`);
    requireActive(cluster);
    requireTwoZones(cluster);
    return cluster;
  }

  /** Logs out of the tokens of key stores whose rows say so from now on, whichever process has changed them. */
  follow(store: Store, onError: (cause: unknown) => void): void {
    store.onChange((kind, [region = "", id = ""]) => {
      if (kind !== "keyStore" || !this.tokens.isOpen({ region, keyStoreId: id })) return;
      // Listeners are told in the midst of a reading, in which nothing can be read.
      setImmediate(() => void this.#review(store, { region, id }).catch(onError));
    });
  }

  async #review(store: Store, { region, id }: { readonly region: string; readonly id: string }): Promise<void> {
    if (!this.tokens.isOpen({ region, keyStoreId: id })) return;
    const row = await store.settle((reader) => reader.find("keyStore", region, id));
    const isKept =
      row?.connection_state === "CONNECTING" ||
      (row?.connection_state === "CONNECTED" && this.tokens.isOf({ name: secretNameOf(row), sealed: row.secret }));
    if (!isKept) this.tokens.drop({ region, keyStoreId: id });
  }
}

/** Whose the password of a key store is. */
export function secretNameOf({ account, region, id, access_key_id }: Omit<KeyStoreRow, "secret">) {
  return { account, region, keyStoreId: id, accessKeyId: access_key_id };
}

/** The Availability Zones in which a cluster has an active HSM. */
export function activeZones({ hsms }: CloudHsmCluster): ReadonlySet<string> {
  return new Set(hsms.filter(({ state }) => state === "ACTIVE").map(({ availabilityZone }) => availabilityZone));
}

/** @throws CloudHsmClusterNotActiveException it is being made, changed or deleted, or was never activated */
export function requireActive({ id, state }: CloudHsmCluster): void {
  if (state === "ACTIVE") return;
  throw new CloudHsmClusterNotActiveException(`The cluster ${id} is ${state}: it must be initialized and active.`);
}

/** @throws CloudHsmClusterInvalidConfigurationException there are too few HSMs to make keys */
export function requireTwoZones(cluster: CloudHsmCluster): void {
  if (activeZones(cluster).size >= ZONES_TO_CREATE) return;
  throw new CloudHsmClusterInvalidConfigurationException(
    `The cluster ${cluster.id} must have at least two active HSMs, each in a different Availability Zone.`,
  );
}

/** Whether two clusters share a backup history: then they have the same certificate (KMS guide, Assemble the prerequisites). */
export function areRelated(left: CloudHsmCluster, right: CloudHsmCluster): boolean {
  return left.id === right.id || isSameCertificate(left.certificate, right.certificate);
}

/** @throws IncorrectTrustAnchorException it is no certificate, or not the one of the cluster's administrators */
export function requireTrustAnchor(given: string, { id, trustAnchor }: CloudHsmCluster): void {
  if (isSameCertificate(given, trustAnchor)) return;
  throw new IncorrectTrustAnchorException(`The trust anchor certificate is not that of the cluster ${id}.`);
}

/** Whether two PEM texts hold one certificate, however they are laid out; what is none equals nothing. */
function isSameCertificate(left: string, right: string): boolean {
  const [one, other] = [certificateIn(left), certificateIn(right)];
  return one !== undefined && one === other;
}

const PEM = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/** The base64 of the certificate that a PEM text holds, if it is one. Nothing is verified with it: it is compared. */
export function certificateIn(text: string): string | undefined {
  return PEM.exec(text)?.[1]?.replaceAll(/\s/g, "");
}
