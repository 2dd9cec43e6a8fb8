/** The commands that copy stores, and examine them: backup, restore, export, import, doctor. */

import type { Command, Option } from "commander";
import { option } from "./options.ts";

/** What every command on a store takes. */
interface CommonOptions {
  readonly dataOption: () => Option;
  readonly rootKeyOptions: (command: Command) => Command;
}

/** Adds the commands to the program. */
export function addStoreCommands(program: Command, { dataOption, rootKeyOptions }: CommonOptions): void {
  rootKeyOptions(
    program
      .command("backup")
      .description("Write a whole store, sealed to its root keys, to a file; also while it is served.")
      .addOption(dataOption()),
  )
    .addOption(option("--to <file>", "the file, which must not be there yet").makeOptionMandatory())
    .addHelpText("after", "\nExample:\n  $ keystead backup --data /var/lib/keystead --to /backup/2027-01-31.keystead")
    .action(async (options) => (await import("./backup.ts")).backup(options));

  rootKeyOptions(
    program
      .command("export")
      .description("Write a store that is not served to a file, to be moved elsewhere with `import`.")
      .addOption(dataOption()),
  )
    .addOption(option("--to <file>", "the file, which must not be there yet").makeOptionMandatory())
    .addHelpText("after", "\nExample:\n  $ keystead export --data /var/lib/keystead --to /tmp/move.keystead")
    .action(async (options) => (await import("./backup.ts")).exportStore(options));
}
