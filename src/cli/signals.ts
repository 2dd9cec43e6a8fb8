/** Ends a server in good order when it is told to stop. */

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
