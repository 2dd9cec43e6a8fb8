/** Ends a server in good order when it is told to stop. */

import type { RootKey } from "../custody/root-key.ts";
import type { RunningServer } from "./server.ts";

/** Closes on SIGTERM and SIGINT; a second signal ends the process at once. */
export function closeOnSignal(server: RunningServer): void {
  let closing = false;
  const close = (): void => {
    if (closing) process.exit(1);
    closing = true;
    server.close().then(
      () => process.exit(0),
      (cause: unknown) => {
        process.stderr.write(`keystead: the shutdown failed: ${String(cause)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", close);
  process.on("SIGINT", close);
}

/** Reads the root keys again on SIGHUP: what opens the store from then on, and what this process shows of itself. */
export function rereadRootKeysOnSignal(server: RunningServer, read: () => Promise<readonly RootKey[]>): void {
  process.on("SIGHUP", () => {
    server.takeRootKeys(read).then(
      (ids) => process.stdout.write(`keystead holds root key ${ids.join(", ")}\n`),
      (cause: unknown) => process.stderr.write(`keystead: the root keys stay as they were: ${String(cause)}\n`),
    );
  });
}
