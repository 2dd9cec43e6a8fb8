/** Options of the commands: each also as `KEYSTEAD_…` in the environment, and none that can't take effect is passed over. */

import { readFileSync } from "node:fs";
import { Option } from "commander";
import { OperatorError } from "../base/errors.ts";

/** A command was given what it can't take. */
export class UsageError extends OperatorError {}

/** An option that is also read from the environment: `--tls-cert` from `KEYSTEAD_TLS_CERT`. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  return made.env(`KEYSTEAD_${made.name().replaceAll("-", "_").toUpperCase()}`);
}

/** Parses a port number, 0 for any free one. */
export function port(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || value > 65_535) throw new UsageError(`--port takes 0 to 65535, not '${text}'.`);
  return value;
}

/** Reads a file that the operator named. */
export function readNamedFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${path} can't be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`, {
      cause,
    });
  }
}

/** Whether a host can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}
