/** Proves that addresses are free before workers share them: with `reusePort` a stranger's listener would join in silence. */

import { createServer, isIP, type Server } from "node:net";
import { listenOn } from "../gateway/gateway.ts";
import type { Place } from "./process-messages.ts";

/** Addresses that are held for workers to come. */
export interface HeldPorts {
  /** Where the workers are to listen: names are resolved and port 0 has become a number. */
  readonly places: readonly Place[];
  /** Lets go of them, at once. */
  release(): void;
}

/**
 * Listens on each address alone, without sharing, and refuses whoever connects.
 *
 * @throws OperatorError a port is taken, whether its holder shares it or not, or an address is not this machine's
 */
export async function holdPorts(wanted: readonly Place[]): Promise<HeldPorts> {
  const servers: Server[] = [];
  const release = (): void => {
    for (const server of servers) server.close();
  };
  const places: Place[] = [];
  try {
    for (const place of wanted) {
      const server = createServer((socket) => socket.destroy());
      const { address, port } = await listenOn(server, place);
      servers.push(server);
      // An address stays as it was given: a zone (fe80::1%eth0) is not in the one that is found.
      places.push({ ...place, host: isIP(place.host) === 0 ? address : place.host, port });
    }
  } catch (cause) {
    release();
    throw cause;
  }
  return { places, release };
}
