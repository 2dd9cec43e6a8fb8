/** `keystead serve`: the server for production. */

import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { systemClock } from "../base/clock.ts";
import type { Listener, Log } from "../gateway/gateway.ts";
import type { TlsOptions } from "../gateway/tls.ts";
import { parseEventTarget } from "../signals/events/targets.ts";
import { readAttestationRoots } from "./attestation-roots.ts";
import { consoleRoutes } from "./console-routes.ts";
import { keyStoreSettings } from "./key-stores.ts";
import { operatorLog } from "./log.ts";
import { requireStoreAt } from "./open-store.ts";
import { isLoopback, readNamedFile, trailDirectoryOf, UsageError } from "./options.ts";
import { type ServerConfig, takeRootKeys } from "./parts.ts";
import { startPrimary } from "./primary.ts";
import { quotaProfile } from "./quotas.ts";
import { databaseOf, openRootKeys, type RootKeysOptions } from "./root-keys.ts";
import { tellServiceManager } from "./service-manager.ts";
import { closeOnSignal, onReload } from "./signals.ts";

/** The options of `serve`, as commander gives them; a worker gets them as a message. */
export interface ServeOptions extends RootKeysOptions {
  readonly host: string;
  readonly port: number;
  readonly vpcEndpoint?: readonly Listener[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsFips?: boolean;
  readonly insecureHttp?: boolean;
  readonly auditLog?: string;
  readonly objects?: string;
  readonly auditSync?: boolean;
  readonly outboundAllow?: readonly string[];
  readonly attestationRoot?: readonly string[];
  readonly eventTarget?: readonly string[];
  readonly workers?: number;
  readonly quotas: string;
  readonly console?: boolean;
  /** False where no RSA pairs are to be made ahead of time. */
  readonly readyPairs?: boolean;
  readonly keyStores?: string;
  readonly trailDirectory?: string;
}

/** Starts the server, prints the ready line, and runs until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
  requireStoreAt(options);
  const config = await serverConfig(options);
  const workers = workersOf(options);
  if (workers > 1) return await serveWithWorkers(options, config, workers);
  const { startServer } = await import("./server.ts"); // a primary serves nothing itself
  const server = await startServer(config);
  // Whoever reads the ready line may send a signal at once.
  onReload(async () => takeRootKeys(server, await openRootKeys(options)), printHeld);
  announce(server, config.log);
  server.custody.fillReadyPairs();
}

async function serveWithWorkers(options: ServeOptions, config: ServerConfig, workers: number): Promise<void> {
  const primary = await startPrimary({
    config,
    workers,
    options,
    onFailure(cause) {
      config.log.error({ err: cause }, "The server ends: it has no workers.");
      process.exitCode = 1;
      process.kill(process.pid, "SIGTERM");
    },
  });
  process.on("exit", () => primary.abandon());
  onReload(async () => primary.takeRootKeys(await openRootKeys(options)), printHeld);
  announce(primary, config.log);
}

/** Ends the server in good order when it is told to, and tells everybody who waits for it that it is ready. */
function announce(server: { readonly endpoint: string; close(): Promise<void> }, log: Log): void {
  const manager = process.env["NOTIFY_SOCKET"];
  closeOnSignal({
    close() {
      tellServiceManager(manager, "STOPPING=1", log);
      return server.close();
    },
  });
  tellServiceManager(manager, "READY=1", log);
  process.stdout.write(`keystead is ready on ${server.endpoint}\n`);
}

function printHeld(ids: readonly string[]): void {
  process.stdout.write(`keystead holds root key ${ids.join(", ")}\n`);
}

/** @throws UsageError lines of several processes would mix in a pipe */
function workersOf({ workers, auditLog }: ServeOptions): number {
  const isMixed = auditLog !== undefined && !isRegularFile(auditLog);
  if (workers === undefined) return isMixed ? 1 : availableParallelism();
  if (workers > 1 && isMixed) {
    throw new UsageError(`--audit-log ${auditLog} takes --workers 1: lines of several processes would mix there.`);
  }
  return workers;
}

/** Whether records go into a file, which may be yet to be made. */
function isRegularFile(path: string): boolean {
  return path !== "-" && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? true);
}

/**
 * What the options come to. Each process of a server reads the root key, the certificate and the attestation roots by itself,
 * so that none of them passes from process to process.
 *
 * @throws UsageError the options contradict each other, or name what can't be read
 */
export async function serverConfig(options: ServeOptions): Promise<ServerConfig> {
  const tls = tlsOf(options);
  const { vpcEndpoint: vpcEndpoints = [] } = options;
  const exposed = [options.host, ...vpcEndpoints.map(({ host }) => host)].find((host) => !isLoopback(host));
  if (tls === undefined && exposed !== undefined && options.insecureHttp !== true) {
    throw new UsageError(
      `Plain HTTP on ${exposed} would let requests be read and replayed: give --tls-cert and --tls-key, or --insecure-http.`,
    );
  }
  if (options.insecureHttp === true && (tls !== undefined || exposed === undefined)) {
    throw new UsageError("--insecure-http has no effect with TLS or on loopback: leave it out.");
  }
  return {
    kind: "serve",
    directory: options.data,
    ...databaseOf(options),
    create: false,
    host: options.host,
    port: options.port,
    vpcEndpoints,
    ...(tls && { tls }),
    rootKeys: await openRootKeys(options),
    clock: systemClock,
    ...(options.auditLog !== undefined && { auditLog: options.auditLog }),
    auditSync: options.auditSync === true,
    ...(options.readyPairs !== undefined && { readyPairs: options.readyPairs }),
    ...(options.objects !== undefined && { objects: options.objects }),
    ...(options.outboundAllow !== undefined && { outboundAllowed: options.outboundAllow }),
    attestationRoots: await readAttestationRoots(options.attestationRoot),
    ...(options.eventTarget !== undefined && { eventTargets: options.eventTarget.map(parseEventTarget) }),
    quotas: await quotaProfile(options.quotas, "hold"),
    ...(await keyStoreSettings(options, "serve")),
    ...trailDirectoryOf(options),
    log: operatorLog(),
    ...(options.console === true && { routes: () => consoleRoutes() }),
  };
}

function tlsOf({ tlsCert, tlsKey, tlsFips }: ServeOptions): TlsOptions | undefined {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsFips === true) throw new UsageError("--tls-fips has no effect without --tls-cert and --tls-key.");
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) throw new UsageError("--tls-cert and --tls-key belong together.");
  return { cert: readNamedFile(tlsCert), key: readNamedFile(tlsKey), ...(tlsFips === true && { fips: true }) };
}
