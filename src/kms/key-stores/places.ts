/** What the operator says of key stores: above all where proxies are reached (public hosts, others, VPC endpoint services). */

import {
  type ServiceError,
  XksProxyVpcEndpointServiceInvalidConfigurationException,
  XksProxyVpcEndpointServiceNotFoundException,
} from "../../base/errors.ts";
import type { Place } from "../../base/outbound-post.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import type { CloudHsmCluster } from "./clusters.ts";

/** A VPC endpoint service, as the operator describes it. There is no VPC: `place` is what its load balancer leads to. */
export interface VpcEndpointService {
  readonly name: string;
  /** The account that owns it. */
  readonly owner: string;
  readonly place: Place;
  readonly privateDnsName?: string;
  readonly domainVerification: "failed" | "pendingVerification" | "verified";
  readonly availabilityZones: readonly string[];
  readonly loadBalancer: "gateway" | "network";
  readonly acceptanceRequired: boolean;
  /** Such as `cks.kms.us-east-1.amazonaws.com`. */
  readonly allowedPrincipals: readonly string[];
}

/** What the operator says of key stores. */
export interface KeyStoreSettings {
  /** Hosts of public endpoints that are not at port 443 of where their name leads. */
  readonly hosts: ReadonlyMap<string, Place>;
  readonly services: ReadonlyMap<string, VpcEndpointService>;
  /** PEM of further authorities that sign proxies' certificates. */
  readonly certificates: readonly string[];
  /** How long a proxy may take to answer. */
  readonly timeoutMs: number;
  /** CloudHSM clusters by their ids. */
  readonly clusters: ReadonlyMap<string, CloudHsmCluster>;
}

/** How long a proxy may take to answer (XKS proxy API specification, Timeouts). */
export const PROXY_TIMEOUT_MS = 250;

/** Nothing is said. */
export const NO_SETTINGS: KeyStoreSettings = {
  hosts: new Map(),
  services: new Map(),
  certificates: [],
  timeoutMs: PROXY_TIMEOUT_MS,
  clusters: new Map(),
};

/** What of a key store says where its proxy is. */
export type Proxied = Pick<
  KeyStoreRow,
  "account" | "connectivity" | "endpoint" | "region" | "vpc_owner" | "vpc_service"
>;

/** Where a key store's proxy is; undefined where its endpoint's own name says it. */
export function placeOf(store: Proxied, { hosts, services }: KeyStoreSettings): Place | undefined {
  if (store.connectivity === "VPC_ENDPOINT_SERVICE") return services.get(store.vpc_service ?? "")?.place;
  return hosts.get(hostOf(store.endpoint));
}

/** A VPC endpoint service that can't be used, with the code of a connection that it ends. */
export interface ServiceFault {
  readonly code: "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION" | "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND";
  readonly error: ServiceError;
}

/**
 * What is wrong with the VPC endpoint service of a key store (KMS guide, VPC endpoint service requirements); undefined where nothing
 * is, or there is none.
 */
export function findServiceFault(store: Proxied, { services }: KeyStoreSettings): ServiceFault | undefined {
  if (store.connectivity !== "VPC_ENDPOINT_SERVICE") return undefined;
  const name = store.vpc_service ?? "";
  const service = services.get(name);
  const principal = `cks.kms.${store.region}.amazonaws.com`;
  const isHere = name.split(".")[3] === store.region && service?.owner === (store.vpc_owner ?? store.account);
  if (service === undefined || !isHere || !service.allowedPrincipals.includes(principal)) {
    return {
      code: "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
      error: new XksProxyVpcEndpointServiceNotFoundException(`The VPC endpoint service ${name} was not found.`),
    };
  }
  const wrong = findMistake(service, hostOf(store.endpoint));
  if (wrong === undefined) return undefined;
  return {
    code: "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
    error: new XksProxyVpcEndpointServiceInvalidConfigurationException(`The VPC endpoint service ${name} ${wrong}.`),
  };
}

function findMistake(service: VpcEndpointService, host: string): string | undefined {
  if (new Set(service.availabilityZones).size < 2) return "has subnets in fewer than two Availability Zones";
  if (service.loadBalancer !== "network") return "has no network load balancer";
  if (service.acceptanceRequired) return "requires acceptance of connection requests";
  if (service.privateDnsName === undefined) return "has no private DNS name";
  if (service.domainVerification !== "verified") return "has a private DNS name whose domain is not verified";
  if (service.privateDnsName.toLowerCase() !== host) return "has another private DNS name than the proxy URI endpoint";
  return undefined;
}

/** The host of a proxy URI endpoint, in lower case. */
export function hostOf(endpoint: string): string {
  return endpoint.slice("https://".length).toLowerCase();
}
