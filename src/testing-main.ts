/** What tests start Keystead with: its source, or with `KEYSTEAD_TEST_MAIN` a bundle of it. */

import { fileURLToPath } from "node:url";

/** The variable with the path of a bundle of the `keystead` command, which starts in half the time of its source. */
export const TEST_MAIN_VARIABLE = "KEYSTEAD_TEST_MAIN";

/** The source of the `keystead` command. */
export const SOURCE = fileURLToPath(new URL("./cli/main.ts", import.meta.url));

/** The module that tests start: the bundle that the test runner has made, or else the source. */
export const MAIN = process.env[TEST_MAIN_VARIABLE] ?? SOURCE;
