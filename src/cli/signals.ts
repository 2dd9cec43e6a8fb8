/** Ends a server in good order when it is told to stop. */

/** Closes on SIGTERM and SIGINT; a second signal ends the process at once. */
export function closeOnSignal(server: { close(): Promise<void> }): void {
  let closing = false;
  const close = (): void => {
    if (closing) process.exit(1);
    closing = true;
    server.close().then(
      () => process.exit(),
      (cause: unknown) => {
        process.stderr.write(`keystead: the shutdown failed: ${String(cause)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", close);
  process.on("SIGINT", close);
}
