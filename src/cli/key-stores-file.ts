/** The file of `--key-stores` (docs/key-stores.md). */

import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { type KeyStoreSettings, PROXY_TIMEOUT_MS } from "../kms/key-stores/places.ts";
import { isLoopback, UsageError } from "./options.ts";

const account = z.string().regex(/^[0-9]{12}$/, "an account id has 12 digits; put it in quotes");
const host = z.string().regex(/^[A-Za-z0-9.-]{1,253}$/, "a host name without scheme and port");

const place = z.strictObject({
  address: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, "a name or an address"),
  port: z.int().min(1).max(65_535).default(443),
  tls: z.boolean().default(true),
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
  const { proxyTimeoutMs, certificateAuthorities, hosts, vpcEndpointServices } = result.data;
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
