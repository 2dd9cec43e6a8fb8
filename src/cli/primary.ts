/** The primary process of several: it writes, moves records, does due work and keeps workers running; they serve. */

import { isIPv6 } from "node:net";
import type { OperatorError } from "../base/errors.ts";
import type { RootKey } from "../custody/root-key.ts";
import { requireUsableTls } from "../gateway/tls.ts";
import { storeFamilies } from "./metrics.ts";
import { MetricsCollector } from "./metrics-exchange.ts";
import { closeParts, openParts, type ServerConfig, startBackground, takeRootKeys } from "./parts.ts";
import { holdPorts } from "./ports.ts";
import { Supervisor } from "./supervisor.ts";

/** A server of several processes. */
export interface RunningPrimary {
  /** Such as `http://127.0.0.1:4599`. */
  readonly endpoint: string;
  /** Has the workers finish what is under way, then writes what is left to write. */
  close(): Promise<void>;
  /** Takes root keys anew, and has the workers read theirs. Throws as `takeRootKeys` (server.ts). */
  takeRootKeys(rootKeys: readonly RootKey[]): Promise<readonly string[]>;
  /** Ends the workers at once; nothing more is written. */
  abandon(): void;
}

export interface PrimaryOptions<Options> {
  readonly config: ServerConfig;
  readonly workers: number;
  /** What each worker is told: the options from which it makes its own configuration. */
  readonly options: Options;
  /** Is told that no worker comes up any more. */
  readonly onFailure: (cause: OperatorError) => void;
}

/**
 * Starts a primary and its workers; when this resolves all of them answer.
 *
 * @throws OperatorError a port is taken, or workers can't start
 */
export async function startPrimary<Options>(options: PrimaryOptions<Options>): Promise<RunningPrimary> {
  const { workers, onFailure } = options;
  const config = { ...options.config, hasWorkers: true };
  const { log, host, port, vpcEndpoints = [] } = config;
  if (config.tls !== undefined) requireUsableTls(config.tls); // workers would say it much later
  const supervisor = new Supervisor({ workers, options: options.options, log, onFailure });
  supervisor.prepare();
  const parts = await openParts(config).catch((cause: unknown) => {
    supervisor.kill();
    throw cause;
  });
  const { store, recorder } = parts;
  const collector = new MetricsCollector(() => storeFamilies(parts, config));
  try {
    const { places, release } = await holdPorts([{ host, port }, ...vpcEndpoints]);
    const opened = supervisor.open((worker) => {
      store.hostWorker?.(worker.store, { committed: () => recorder.moveSoon(), stuck: () => worker.kill() });
      collector.attach(worker.metrics);
    });
    await opened.finally(release);
    await supervisor.listen(places);
    startBackground(parts);
    return {
      endpoint: endpointOf(places[0] ?? { host, port }, config.tls !== undefined),
      async close() {
        await supervisor.close();
        await closeParts(parts);
      },
      async takeRootKeys(rootKeys) {
        const ids = await takeRootKeys(parts, rootKeys);
        supervisor.reload();
        return ids;
      },
      abandon: () => supervisor.kill(),
    };
  } catch (cause) {
    supervisor.kill();
    await supervisor.close();
    await closeParts(parts);
    throw cause;
  }
}

function endpointOf({ host, port }: { readonly host: string; readonly port: number }, hasTls: boolean): string {
  return `${hasTls ? "https" : "http"}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
