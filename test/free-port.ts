/** Ports for servers that are told theirs beforehand, or are started again on it. */

import { once } from "node:events";
import { createServer } from "node:net";

/** Below what systems give to outgoing connections (from 32768 on Linux, from 49152 on others): none takes it meanwhile. */
const [LOWEST, HIGHEST] = [10_240, 32_767];
const TRIES_MAX = 100;

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (await isFree(port)) return port;
  }
  throw new Error("No port is free.");
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
