/** The file of `--key-stores` (docs/key-stores.md). */

import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { type CloudHsmCluster, certificateIn } from "../kms/key-stores/clusters.ts";
import { type KeyStoreSettings, PROXY_TIMEOUT_MS } from "../kms/key-stores/places.ts";
import { isLoopback, UsageError } from "./options.ts";

const account = z.string().regex(/^[0-9]{12}$/, "an account id has 12 digits; put it in quotes");
const host = z.string().regex(/^[A-Za-z0-9.-]{1,253}$/, "a host name without scheme and port");

const place = z.strictObject({
  address: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, "a name or an address"),
  port: z.int().min(1).max(65_535).default(443),
  tls: z.boolean().default(true),
});

/** The pattern of the service's own model is stricter than its guide, whose examples have digits that it refuses. */
const clusterId = z.string().regex(/^cluster-[2-7a-zA-Z]{11,16}$/, "no id of a cluster");
const zone = z.string().regex(/^[a-z0-9-]{1,32}$/, "no Availability Zone");

const hsm = z.strictObject({
  id: z.string().regex(/^hsm-[2-7a-zA-Z]{11,16}$/, "no id of an HSM"),
  availabilityZone: zone,
  state: z.enum(["ACTIVE", "CREATE_IN_PROGRESS", "DEGRADED", "DELETE_IN_PROGRESS", "DELETED"]).default("ACTIVE"),
  ip: z.string().optional(),
});

const cluster = z.strictObject({
  account,
  region: z.string().regex(/^[a-z0-9-]{1,32}$/, "no Region"),
  library: z.string().startsWith("/", "an absolute path"),
  token: z.string().min(1).max(32),
  environment: z.record(z.string(), z.string()).default({}),
  userPrefix: z.string().max(64).default(""),
  vectorsBy: z.enum(["caller", "token"]).default("caller"),
  changesPassword: z.boolean().default(true),
  sessions: z.int().min(1).max(16).default(1),
  timeoutMs: z.int().min(10).max(60_000).default(5_000),
  trustAnchor: z.string(),
  clusterCertificate: z.string().optional(),
  state: z
    .enum([
      "ACTIVE",
      "CREATE_IN_PROGRESS",
      "DEGRADED",
      "DELETED",
      "DELETE_IN_PROGRESS",
      "INITIALIZED",
      "INITIALIZE_IN_PROGRESS",
      "MODIFY_IN_PROGRESS",
      "ROLLBACK_IN_PROGRESS",
      "UNINITIALIZED",
      "UPDATE_IN_PROGRESS",
    ])
    .default("ACTIVE"),
  stateMessage: z.string().optional(),
  hsmType: z.string().default("hsm2m.medium"),
  mode: z.enum(["FIPS", "NON_FIPS"]).default("NON_FIPS"),
  createdAt: z.iso.datetime().optional(),
  vpcId: z.string().optional(),
  securityGroup: z.string().optional(),
  subnets: z.record(zone, z.string()).default({}),
  hsms: z.array(hsm).max(32).default([]),
});

const keyStoresFile = z.strictObject({
  proxyTimeoutMs: z.int().min(10).max(60_000).default(PROXY_TIMEOUT_MS),
  certificateAuthorities: z.array(z.string()).default([]),
  hosts: z.record(host, place).default({}),
  vpcEndpointServices: z
    .record(
      z
        .string()
        .regex(/^(?:com|eu)\.amazonaws\.vpce\.(?:[a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$/, "no name of a service"),
      place.extend({
        owner: account,
        privateDnsName: host.optional(),
        domainVerification: z.enum(["failed", "pendingVerification", "verified"]).default("verified"),
        availabilityZones: z.array(z.string()).default([]),
        loadBalancer: z.enum(["gateway", "network"]).default("network"),
        acceptanceRequired: z.boolean().default(false),
        allowedPrincipals: z.array(z.string()).default([]),
      }),
    )
    .default({}),
  cloudHsmClusters: z.record(clusterId, cluster).default({}),
});

/**
 * @param options.readFile reads the PEM files that the text names
 * @throws UsageError the text is no YAML, says something that is not there to be said, or wants plain HTTP where it is not allowed
 */
export function parseKeyStores(
  text: string,
  { kind, readFile }: { readonly kind: "dev" | "serve"; readonly readFile: (path: string) => string },
): KeyStoreSettings {
  const result = keyStoresFile.safeParse(parsed(text));
  if (!result.success) {
    const places = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
    throw new UsageError(`The file of --key-stores is not right:\n${places.join("\n")}`);
  }
  const { proxyTimeoutMs, certificateAuthorities, hosts, vpcEndpointServices, cloudHsmClusters } = result.data;
  for (const named of [...Object.values(hosts), ...Object.values(vpcEndpointServices)]) requireSafe(named, kind);
  return {
    timeoutMs: proxyTimeoutMs,
    certificates: certificateAuthorities.map(readFile),
    hosts: new Map(Object.entries(hosts).map(([name, where]) => [name.toLowerCase(), where])),
    services: new Map(
      Object.entries(vpcEndpointServices).map(([name, { address, port, tls, privateDnsName, ...service }]) => [
        name,
        { name, place: { address, port, tls }, ...(privateDnsName !== undefined && { privateDnsName }), ...service },
      ]),
    ),
    clusters: new Map(
      Object.entries(cloudHsmClusters).map(([id, described]) => [id, clusterOf(id, described, readFile)]),
    ),
  };
}

function clusterOf(
  id: string,
  { createdAt, ...described }: z.infer<typeof cluster>,
  readFile: (path: string) => string,
): CloudHsmCluster {
  const { library, token, environment, userPrefix, vectorsBy, changesPassword, sessions, timeoutMs, ...rest } =
    described;
  const certificateAt = (path: string): string => {
    const text = readFile(path);
    if (certificateIn(text) === undefined) throw new UsageError(`--key-stores: ${path} does not hold one certificate.`);
    return text;
  };
  const trustAnchor = certificateAt(rest.trustAnchor);
  const { clusterCertificate, vpcId, securityGroup, stateMessage, hsms, subnets, ...plain } = rest;
  return {
    ...plain,
    id,
    createdAt: createdAt === undefined ? 0 : Date.parse(createdAt),
    ...(vpcId !== undefined && { vpcId }),
    ...(securityGroup !== undefined && { securityGroup }),
    ...(stateMessage !== undefined && { stateMessage }),
    subnets: new Map(Object.entries(subnets)),
    hsms: hsms.map(({ ip, ...each }) => ({ ...each, ...(ip !== undefined && { ip }) })),
    trustAnchor,
    certificate: clusterCertificate === undefined ? trustAnchor : certificateAt(clusterCertificate),
    place: { library, token, environment, userPrefix, vectorsBy, changesPassword, sessions, timeoutMs },
  };
}

/** Requests to proxies carry ciphertexts alone, but their answers are believed: without TLS only in `dev`, on this machine. */
function requireSafe(
  { address, tls }: { readonly address: string; readonly tls: boolean },
  kind: "dev" | "serve",
): void {
  if (tls || (kind === "dev" && isLoopback(address))) return;
  throw new UsageError(`--key-stores: ${address} has no TLS, which only dev takes, and only on loopback.`);
}

function parsed(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100 });
  } catch (cause) {
    throw new UsageError(
      `The file of --key-stores is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}
