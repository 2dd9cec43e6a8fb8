/** What tests and hosts of Keystead tell each other, one JSON text a line. */

import type { Ended } from "./virtual-process.ts";

/** The variable with the sockets of the hosts that the test runner has started, with commas between them. */
export const HOSTS_VARIABLE = "KEYSTEAD_TEST_HOSTS";

/** Of a test, which numbers its commands. */
export type Asked =
  | { readonly kind: "run"; readonly id: number; readonly args: readonly string[]; readonly env: Environment }
  | { readonly kind: "end"; readonly id: number };

/** Of a host: how many test files it serves; that a server is ready; how a command has ended. */
export type Told =
  | { readonly kind: "welcome"; readonly connections: number }
  | ({ readonly kind: "serving" | "ended"; readonly id: number } & Ended);

/** A whole environment. */
export type Environment = Readonly<Record<string, string | undefined>>;
