/** `keystead dev`: the same server, for a laptop or CI. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { MovableClock } from "../base/clock.ts";
import { ephemeralRootKey, type RootKey } from "../custody/root-key.ts";
import { createRootKeyFile, readRootKeyFile } from "../custody/root-key-file.ts";
import type { Listener } from "../gateway/gateway.ts";
import { Propagation } from "../pipeline/propagation.ts";
import { parseEventTarget } from "../signals/events/targets.ts";
import { DEV_ACCOUNT, ensureAccount } from "./accounts.ts";
import { readAttestationRoots } from "./attestation-roots.ts";
import { clockRoutes } from "./clock-routes.ts";
import { consoleRoutes } from "./console-routes.ts";
import { explainRoutes } from "./explain-route.ts";
import { keyStoreSettings } from "./key-stores.ts";
import { operatorLog } from "./log.ts";
import { meterRoutes } from "./meter-route.ts";
import { isLoopback, makeDirectory, readNamedFile, trailDirectoryOf, UsageError } from "./options.ts";
import { quotaProfile } from "./quotas.ts";
import { databaseOf } from "./root-keys.ts";
import { type RunningServer, startServer } from "./server.ts";
import { closeOnSignal } from "./signals.ts";

interface DevOptions {
  readonly host: string;
  readonly port: number;
  readonly data?: string;
  readonly database?: string;
  readonly seed?: string;
  readonly tls?: "self-signed";
  readonly tlsFips?: boolean;
  readonly auditLog?: string;
  readonly vpcEndpoint?: readonly Listener[];
  readonly eventualConsistency?: number;
  readonly unknownPrincipals: "refuse" | "allow";
  readonly outboundAllow?: readonly string[];
  readonly attestationRoot?: readonly string[];
  readonly eventTarget?: readonly string[];
  readonly quotas: string;
  readonly keyStores?: string;
  readonly trailDirectory?: string;
  readonly readyPairs?: boolean;
}

/** Starts the server, prints what to paste, then the ready line, and runs until a signal ends it. */
export async function dev(options: DevOptions): Promise<void> {
  const { host, port, data, seed, tls, tlsFips, auditLog, vpcEndpoint, unknownPrincipals, attestationRoot } = options;
  const { outboundAllow, database } = options;
  if (database !== undefined && data === undefined) {
    throw new UsageError("--database needs --data: a database outlives a root key that is kept nowhere.");
  }
  if (tlsFips === true && tls === undefined) throw new UsageError("--tls-fips has no effect without --tls.");
  const clock = new MovableClock();
  const seeding = seed === undefined ? undefined : (await import("./seed.ts")).parseSeed(readNamedFile(seed));
  const server = await startServer({
    kind: "dev",
    ...(data !== undefined && { directory: data }),
    ...databaseOf(options),
    create: true,
    host,
    port,
    rootKeys: [await rootKeyOf(data)],
    clock,
    ...(tls !== undefined && {
      tls: { ...(await import("./self-signed.ts")).selfSigned(host, Date.now()), ...(tlsFips && { fips: true }) },
    }),
    ...(auditLog !== undefined && { auditLog }),
    ...(vpcEndpoint !== undefined && { vpcEndpoints: vpcEndpoint }),
    auditSync: false,
    ...(options.readyPairs !== undefined && { readyPairs: options.readyPairs }),
    ...(outboundAllow !== undefined && { outboundAllowed: outboundAllow }),
    allowUnknownPrincipals: unknownPrincipals === "allow",
    ...(options.eventualConsistency !== undefined && {
      propagation: new Propagation(options.eventualConsistency * SECOND_MS),
    }),
    attestationRoots: await readAttestationRoots(attestationRoot),
    ...(options.eventTarget !== undefined && { eventTargets: options.eventTarget.map(parseEventTarget) }),
    quotas: await quotaProfile(options.quotas, "approve"),
    ...(await keyStoreSettings(options, "dev")),
    ...trailDirectoryOf(options),
    log: operatorLog(),
    async prepare(parts) {
      await ensureAccount(parts, DEV_ACCOUNT, clock.now());
      await seeding?.plant(parts, clock.now());
    },
    routes: ({ dueWork, signals: { alarms }, auditApi, store, requestMeter }) =>
      new Map([
        ...clockRoutes(clock, { dueWork, alarms, auditApi }),
        ...explainRoutes(store, clock),
        ...meterRoutes({ store, requestMeter, clock }),
        ...consoleRoutes(),
      ]),
  });
  warn(host);
  closeOnSignal(server); // whoever reads the ready line may send a signal at once
  announce(server);
}

const SECOND_MS = 1000;

/** A store in memory dies with its root key; one on disk keeps its own beside it. */
async function rootKeyOf(directory: string | undefined): Promise<RootKey> {
  if (directory === undefined) return ephemeralRootKey();
  makeDirectory(directory);
  const path = join(directory, "root.key");
  return existsSync(path) ? readRootKeyFile(path) : createRootKeyFile(path);
}

function warn(host: string): void {
  process.stderr.write("keystead dev is NOT for production: its credentials are public.\n");
  if (!isLoopback(host)) process.stderr.write(`Everybody who can reach ${host} can use and delete its keys.\n`);
}

function announce({ endpoint }: RunningServer): void {
  const { accessKeyId, secretAccessKey } = DEV_ACCOUNT.credential;
  process.stdout.write(
    [
      `export AWS_ENDPOINT_URL_KMS=${endpoint}`,
      `export AWS_ENDPOINT_URL_STS=${endpoint}`,
      `export AWS_ENDPOINT_URL_IAM=${endpoint}`,
      `export AWS_ENDPOINT_URL_ORGANIZATIONS=${endpoint}`,
      `export AWS_ENDPOINT_URL_EC2=${endpoint}`,
      `export AWS_ENDPOINT_URL_SERVICE_QUOTAS=${endpoint}`,
      `export AWS_ENDPOINT_URL_SSM=${endpoint}`,
      `export AWS_ENDPOINT_URL_S3=${endpoint}`,
      `export AWS_ENDPOINT_URL_SECRETS_MANAGER=${endpoint}`,
      `export AWS_ENDPOINT_URL_EBS=${endpoint}`,
      `export AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API=${endpoint}`,
      `export AWS_ENDPOINT_URL_EVENTBRIDGE=${endpoint}`,
      `export AWS_ENDPOINT_URL_CLOUDWATCH=${endpoint}`,
      `export AWS_ENDPOINT_URL_CLOUDTRAIL=${endpoint}`,
      `export AWS_ACCESS_KEY_ID=${accessKeyId}`,
      `export AWS_SECRET_ACCESS_KEY=${secretAccessKey}`,
      "export AWS_DEFAULT_REGION=us-east-1",
      `keystead is ready on ${endpoint}`,
      "",
    ].join("\n"),
  );
}
