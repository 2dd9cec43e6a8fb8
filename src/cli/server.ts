/** A process that serves: its parts, and in front of them a gateway with every service. */

import type { Gateway } from "../gateway/gateway.ts";
import { closeParts, openParts, type ServerConfig, type ServerParts, startBackground } from "./parts.ts";
import { gatewayOf } from "./services.ts";

/** A server that is open and listens nowhere yet. */
export interface OpenedServer extends ServerParts {
  /** Starts to answer; closes everything where it can't. */
  listen(at: Pick<ServerConfig, "host" | "port" | "vpcEndpoints">): Promise<RunningServer>;
  close(): Promise<void>;
}

export interface RunningServer extends ServerParts {
  /** Such as `http://127.0.0.1:4599`. */
  readonly endpoint: string;
  /** Finishes what is under way, refuses what is new, writes what is left to write. */
  close(): Promise<void>;
}

/** How long a shutdown waits for requests that are under way. */
const GRACE_MS = 10_000;

/** Starts a server; when this resolves it answers. */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const server = await openServer(config);
  return await server.listen(config);
}

/** Opens everything that a server is made of. */
export async function openServer(config: ServerConfig): Promise<OpenedServer> {
  const parts = await openParts(config);
  try {
    await config.prepare?.(parts);
    const gateway = gatewayOf(config, parts);
    const close = async (): Promise<void> => {
      await gateway.close(GRACE_MS);
      await closeParts(parts);
    };
    return {
      ...parts,
      async listen(at) {
        try {
          const address = await listenEverywhere(gateway, at);
          if (config.worker === undefined) startBackground(parts);
          const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
          const scheme = config.tls === undefined ? "http" : "https";
          return { ...parts, endpoint: `${scheme}://${host}:${address.port}`, close };
        } catch (cause) {
          await closeParts(parts);
          throw cause;
        }
      },
      close,
    };
  } catch (cause) {
    await closeParts(parts);
    throw cause;
  }
}

/** Listens on every address, or on none: a server that half listens would not end. */
async function listenEverywhere(
  gateway: Gateway,
  { host, port, vpcEndpoints = [] }: Pick<ServerConfig, "host" | "port" | "vpcEndpoints">,
) {
  try {
    const address = await gateway.listen({ host, port });
    for (const listener of vpcEndpoints) await gateway.listen(listener);
    return address;
  } catch (cause) {
    await gateway.close(0);
    throw cause;
  }
}
