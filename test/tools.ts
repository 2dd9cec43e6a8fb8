/** The tools from outside npm that tests call, each by its path, and the one command that installs them. */

import { accessSync, constants, globSync } from "node:fs";
import { dirname } from "node:path";

/** The one command that brings every tool. */
export const SETUP_COMMAND = "npm run test:setup";

/** Debian's AWS CLI (2.9): another `aws` may come first on the PATH, in another version. */
export const AWS_CLI = "/usr/bin/aws";

/** The Python that Debian's AWS CLI is written for and brings: its tests import the CLI into one process. */
export const PYTHON = "/usr/bin/python3";

/** Debian's OpenSSL command line. */
export const OPENSSL = "/usr/bin/openssl";

/** Debian's Chromium, for tests that click in the console. */
export const CHROMIUM = "/usr/bin/chromium";

/** The tool that makes SoftHSM's tokens. */
export const SOFTHSM_UTIL = "/usr/bin/softhsm2-util";

/** SoftHSM: a PKCS #11 token in software. */
export const SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so";

/** PostgreSQL's server program, of the newest version that Debian has put here; no server of the system's needs to run. */
export const POSTGRES =
  globSync("/usr/lib/postgresql/*/bin/postgres")
    .sort((left, right) => left.localeCompare(right, "en", { numeric: true }))
    .at(-1) ?? "/usr/lib/postgresql/15/bin/postgres";

/** Where the other programs of PostgreSQL's server are, such as `initdb`. */
export const POSTGRES_BIN = dirname(POSTGRES);

/** The tools of which this machine has none. */
export function missingTools(
  tools: readonly string[] = [AWS_CLI, OPENSSL, POSTGRES, CHROMIUM, SOFTHSM_UTIL],
): readonly string[] {
  return tools.filter((path) => {
    try {
      accessSync(path, constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
}
