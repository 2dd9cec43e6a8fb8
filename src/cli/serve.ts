/** `keystead serve`: the server for production. */

import { systemClock } from "../base/clock.ts";
import type { Listener } from "../gateway/gateway.ts";
import { requireStore } from "../storage/open.ts";
import { readAttestationRoots } from "./attestation-roots.ts";
import { operatorLog } from "./log.ts";
import { isLoopback, readNamedFile, UsageError } from "./options.ts";
import { openRootKeys, type RootKeysOptions } from "./root-keys.ts";
import { startServer } from "./server.ts";
import { closeOnSignal, rereadRootKeysOnSignal } from "./signals.ts";

interface ServeOptions extends RootKeysOptions {
  readonly host: string;
  readonly port: number;
  readonly vpcEndpoint?: readonly Listener[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureHttp?: boolean;
  readonly auditLog?: string;
  readonly auditSync?: boolean;
  readonly outboundAllow?: readonly string[];
  readonly attestationRoot?: readonly string[];
}

/** Starts the server, prints the ready line, and runs until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
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
  requireStore(options.data);
  const server = await startServer({
    kind: "serve",
    directory: options.data,
    create: false,
    host: options.host,
    port: options.port,
    vpcEndpoints,
    ...(tls && { tls }),
    rootKeys: await openRootKeys(options),
    clock: systemClock,
    ...(options.auditLog !== undefined && { auditLog: options.auditLog }),
    auditSync: options.auditSync === true,
    ...(options.outboundAllow !== undefined && { outboundAllowed: options.outboundAllow }),
    attestationRoots: readAttestationRoots(options.attestationRoot),
    log: operatorLog(),
  });
  process.stdout.write(`keystead is ready on ${server.endpoint}\n`);
  server.custody.fillReadyPairs();
  rereadRootKeysOnSignal(server, () => openRootKeys(options));
  closeOnSignal(server);
}

function tlsOf({ tlsCert, tlsKey }: ServeOptions): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw new UsageError("--tls-cert and --tls-key belong together.");
  return { cert: readNamedFile(tlsCert), key: readNamedFile(tlsKey) };
}
