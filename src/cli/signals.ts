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

/** Has a server take its root keys anew on SIGHUP; `taken` gets the ids of those that open the store from then on. */
export function onReload(reload: () => Promise<readonly string[]>, taken: (ids: readonly string[]) => void): void {
  process.on("SIGHUP", () => {
    reload().then(taken, (cause: unknown) =>
      process.stderr.write(`keystead: the root keys stay as they were: ${String(cause)}\n`),
    );
  });
}
