/** `keystead serve`: the server for production. */

import { systemClock } from "../base/clock.ts";
import { requireStore } from "../storage/open.ts";
import { operatorLog } from "./log.ts";
import { isLoopback, readNamedFile, UsageError } from "./options.ts";
import { openRootKey, type RootKeyOptions } from "./root-keys.ts";
import { startServer } from "./server.ts";
import { closeOnSignal } from "./signals.ts";

interface ServeOptions extends RootKeyOptions {
  readonly host: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureHttp?: boolean;
  readonly auditLog?: string;
  readonly auditSync?: boolean;
}

/** Starts the server, prints the ready line, and runs until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
  const tls = tlsOf(options);
  if (tls === undefined && !isLoopback(options.host) && options.insecureHttp !== true) {
    throw new UsageError(
      `Plain HTTP on ${options.host} would let requests be read and replayed: give --tls-cert and --tls-key, or --insecure-http.`,
    );
  }
  if (options.insecureHttp === true && (tls !== undefined || isLoopback(options.host))) {
    throw new UsageError("--insecure-http has no effect with TLS or on loopback: leave it out.");
  }
  requireStore(options.data);
  const server = await startServer({
    kind: "serve",
    directory: options.data,
    create: false,
    host: options.host,
    port: options.port,
    ...(tls && { tls }),
    rootKeys: [await openRootKey(options)],
    clock: systemClock,
    ...(options.auditLog !== undefined && { auditLog: options.auditLog }),
    auditSync: options.auditSync === true,
    log: operatorLog(),
  });
  process.stdout.write(`keystead is ready on ${server.endpoint}\n`);
  server.custody.fillReadyPairs();
  closeOnSignal(server);
}

function tlsOf({ tlsCert, tlsKey }: ServeOptions): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw new UsageError("--tls-cert and --tls-key belong together.");
  return { cert: readNamedFile(tlsCert), key: readNamedFile(tlsKey) };
}
