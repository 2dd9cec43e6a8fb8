/** The tools from outside npm that tests call, each by its path, and the one command that installs them. */

import { accessSync, constants } from "node:fs";

/** The one command that brings every tool. */
export const SETUP_COMMAND = "npm run test:setup";

/** Debian's AWS CLI (2.9): another `aws` may come first on the PATH, in another version. */
export const AWS_CLI = "/usr/bin/aws";

/** The Python that Debian's AWS CLI is written for and brings: its tests import the CLI into one process. */
export const PYTHON = "/usr/bin/python3";

/** Debian's OpenSSL command line. */
export const OPENSSL = "/usr/bin/openssl";

/** The tools of which this machine has none. */
export function missingTools(tools: readonly string[] = [AWS_CLI, OPENSSL]): readonly string[] {
  return tools.filter((path) => {
    try {
      accessSync(path, constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
}
