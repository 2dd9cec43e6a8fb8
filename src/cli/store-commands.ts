/** The commands that copy stores, and examine them: backup, restore, export, import, doctor. */

import type { Command, Option } from "commander";
import { option, repeatable } from "./options.ts";

/** What every command on a store takes. */
interface CommonOptions {
  readonly dataOption: () => Option;
  readonly databaseOption: () => Option;
  readonly rootKeyOptions: (command: Command) => Command;
}

const newDatabaseOption = () =>
  option(
    "--database <url>",
    "make the store in this empty PostgreSQL database (postgres://…); --data then holds what is this node's alone",
  );

/** Adds the commands to the program. */
export function addStoreCommands(
  program: Command,
  { dataOption, databaseOption, rootKeyOptions }: CommonOptions,
): void {
  rootKeyOptions(
    program
      .command("backup")
      .description("Write a whole store, sealed to its root keys, to a file; also while it is served.")
      .addOption(dataOption())
      .addOption(databaseOption()),
  )
    .addOption(option("--to <file>", "the file, which must not be there yet").makeOptionMandatory())
    .addHelpText("after", "\nExample:\n  $ keystead backup --data /var/lib/keystead --to /backup/2027-01-31.keystead")
    .action(async (options) => (await import("./backup.ts")).backup(options));

  rootKeyOptions(
    program
      .command("export")
      .description("Write a store that is not served to a file, to be moved elsewhere with `import`.")
      .addOption(dataOption())
      .addOption(databaseOption()),
  )
    .addOption(option("--to <file>", "the file, which must not be there yet").makeOptionMandatory())
    .addHelpText("after", "\nExample:\n  $ keystead export --data /var/lib/keystead --to /tmp/move.keystead")
    .action(async (options) => (await import("./backup.ts")).exportStore(options));

  rootKeyOptions(
    program
      .command("restore")
      .description("Make a store of a backup, in an empty place.")
      .addOption(
        option("--data <directory>", "directory of the new store, empty but for its root key").makeOptionMandatory(),
      )
      .addOption(newDatabaseOption()),
  )
    .addOption(option("--from <file>", "the backup").makeOptionMandatory())
    .addOption(
      repeatable(
        "--audit <path>",
        "audit records of after the backup: the old data directory, a folder of segments, or a file of --audit-log; repeatable",
      ),
    )
    .addOption(
      option(
        "--accept-resurrection",
        "restore without audit records: what was deleted and revoked since comes back, and customer keys are left disabled",
      ),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ keystead restore --from /backup/2027-01-31.keystead --data /var/lib/keystead --root-key /etc/keystead/root.key --audit /lost/keystead
  $ keystead restore --from /backup/2027-01-31.keystead --data /var/lib/keystead --root-key ./recovery --accept-resurrection`,
    )
    .action(async (options) => (await import("./restore.ts")).restore(options));

  rootKeyOptions(
    program
      .command("import")
      .description("Make a store of an export, in an empty place.")
      .addOption(
        option("--data <directory>", "directory of the new store, empty but for its root key").makeOptionMandatory(),
      )
      .addOption(newDatabaseOption()),
  )
    .addOption(option("--from <file>", "the export, at most a day old").makeOptionMandatory())
    .addHelpText(
      "after",
      "\nExample:\n  $ keystead import --from /tmp/move.keystead --data /srv/keystead --root-key /etc/keystead/root.key",
    )
    .action(async (options) => (await import("./restore.ts")).importStore(options));

  rootKeyOptions(
    program
      .command("doctor")
      .description(
        "Open everything sealed in a store and check what holds of it; changes nothing, also while it is served.",
      )
      .addOption(dataOption())
      .addOption(databaseOption()),
  )
    .addOption(option("--json", "print the report as one JSON text"))
    .addHelpText("after", "\nExample:\n  $ keystead doctor --data /var/lib/keystead")
    .action(async (options) => (await import("./doctor.ts")).doctor(options));
}
