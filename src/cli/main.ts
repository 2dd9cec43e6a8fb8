/** The `keystead` command. */

import { Command, CommanderError } from "commander";
import { OperatorError } from "../base/errors.ts";
import { requireGuardedProcess } from "./guarded-process.ts";
import { keyStoresOption } from "./key-stores.ts";
import {
  fipsOption,
  option,
  outboundOption,
  port,
  readSwitches,
  repeatable,
  secondsOf,
  trailDirectoryOption,
  vpcEndpoints,
  workers,
} from "./options.ts";
import { quotasOption } from "./quotas.ts";
import { addStoreCommands } from "./store-commands.ts";

const program = new Command("keystead")
  .description("A key management service that you run yourself and that speaks the AWS KMS API.")
  .version("0.1.0")
  .exitOverride()
  .showHelpAfterError("(add --help for the options)")
  .addHelpText(
    "after",
    `
Examples:
  $ keystead dev
  $ keystead init --data /var/lib/keystead && keystead serve --data /var/lib/keystead`,
  );

const attestationRootOption = () =>
  repeatable(
    "--attestation-root <file>",
    "PEM root that attestation documents (Recipient) are verified under; repeatable",
  );

const readyPairsOption = () =>
  option("--no-ready-pairs", "make no RSA pairs ahead of time: new RSA keys take longer, a start takes less");

const eventTargetOption = () =>
  repeatable(
    "--event-target <arn=url>",
    "where events for this target ARN of EventBridge rules go: an https:, http: or file: URL; repeatable, arn:…* for a prefix",
  );

program
  .command("dev")
  .description(
    "Run a server for development: well-known credentials, a movable clock, in memory unless --data is given.",
  )
  .addOption(option("--host <address>", "address to listen on").default("127.0.0.1"))
  .addOption(option("--port <number>", "port to listen on, 0 for a free one").default(4599).argParser(port))
  .addOption(option("--data <directory>", "keep the store in this directory instead of in memory"))
  .addOption(option("--database <url>", "keep the store in this PostgreSQL database; needs --data for the rest"))
  .addOption(option("--seed <file>", "YAML file of accounts, keys, aliases and tags to begin with"))
  .addOption(option("--tls <mode>", "serve HTTPS").choices(["self-signed"]))
  .addOption(fipsOption())
  .addOption(
    option(
      "--vpc-endpoint <id=address:port>",
      "one more address to listen on: what comes in there came through this VPC endpoint; repeatable",
    ).argParser(vpcEndpoints),
  )
  .addOption(option("--audit-log <file>", "copy of every record, one JSON text a line; - for standard output"))
  .addOption(outboundOption())
  .addOption(
    option(
      "--eventual-consistency <seconds>",
      "let new keys, aliases and grants be known only after this time, as in AWS; grant tokens work at once",
    ).argParser(secondsOf("--eventual-consistency")),
  )
  .addOption(
    option("--unknown-principals <what>", "policies that name principals which are not here")
      .choices(["refuse", "allow"])
      .default("refuse"),
  )
  .addOption(attestationRootOption())
  .addOption(eventTargetOption())
  .addOption(quotasOption())
  .addOption(readyPairsOption())
  .addOption(keyStoresOption())
  .addOption(trailDirectoryOption())
  .addHelpText(
    "after",
    `
Examples:
  $ keystead dev
  $ keystead dev --port 4600 --seed seed.yaml
  $ keystead dev --data ./keystead-data --audit-log -`,
  )
  .action(async (options) => (await import("./dev.ts")).dev(options));

const dataOption = () => option("--data <directory>", "directory of the store").makeOptionMandatory();
const databaseOption = () =>
  option(
    "--database <url>",
    "PostgreSQL database of the store (postgres://…); --data then holds what is this node's alone",
  );
const rootKeyOptions = (command: Command): Command =>
  command
    .addOption(
      option("--root-key <file>", "file with the root key, mode 0600 (default: root.key in the data directory)"),
    )
    .addOption(option("--root-key-credential <name>", "systemd credential with the root key"));

rootKeyOptions(
  program
    .command("init")
    .description("Make a store for `serve`: root key, recovery key, database and first account.")
    .addOption(dataOption())
    .addOption(databaseOption()),
)
  .addOption(option("--account <id>", "12-digit id of the first account (default: a random one)"))
  .addOption(option("--account-name <name>", "its name").default("default"))
  .addOption(option("--single-root-key", "make no recovery key: losing the root key is then losing everything"))
  .addHelpText(
    "after",
    `
Examples:
  $ keystead init --data /var/lib/keystead
  $ keystead init --data /var/lib/keystead --root-key /etc/keystead/root.key --account 111122223333`,
  )
  .action(async (options) => (await import("./init.ts")).init(options));

program
  .command("serve")
  .description("Run a server for production.")
  .addOption(dataOption())
  .addOption(databaseOption())
  .addOption(
    repeatable(
      "--root-key <file>",
      "file with a root key, mode 0600 (default: root.key in the data directory); repeatable, read again on SIGHUP",
    ),
  )
  .addOption(repeatable("--root-key-credential <name>", "systemd credential with a root key; repeatable"))
  .addOption(option("--host <address>", "address to listen on").default("127.0.0.1"))
  .addOption(option("--port <number>", "port to listen on").default(4599).argParser(port))
  .addOption(option("--tls-cert <file>", "PEM certificate chain"))
  .addOption(option("--tls-key <file>", "PEM private key of the certificate"))
  .addOption(fipsOption())
  .addOption(option("--insecure-http", "allow plain HTTP on an address that is not loopback"))
  .addOption(
    option(
      "--vpc-endpoint <id=address:port>",
      "one more address to listen on: what comes in there came through this VPC endpoint; repeatable",
    ).argParser(vpcEndpoints),
  )
  .addOption(option("--audit-log <file>", "copy of every record, one JSON text a line; - for standard output"))
  .addOption(
    option("--objects <dir>", "what S3 objects hold; nodes with one --database share it (default: objects in --data)"),
  )
  .addOption(outboundOption())
  .addOption(attestationRootOption())
  .addOption(eventTargetOption())
  .addOption(quotasOption())
  .addOption(option("--console", "serve the web console at /console/"))
  .addOption(readyPairsOption())
  .addOption(keyStoresOption())
  .addOption(trailDirectoryOption())
  .addOption(option("--audit-sync", "let every record wait for the disk before its answer"))
  .addOption(
    option(
      "--workers <number>",
      "processes that serve (default: one for each core; 1 where --audit-log is no file)",
    ).argParser(workers),
  )
  .addHelpText(
    "after",
    `
Examples:
  $ keystead serve --data /var/lib/keystead
  $ keystead serve --data /var/lib/keystead --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem`,
  )
  .action(async (options) => {
    requireGuardedProcess();
    await (await import("./serve.ts")).serve(options);
  });

program
  .command("worker", { hidden: true })
  .description("What serve runs its workers by; never run it yourself.")
  .action(async () => {
    requireGuardedProcess();
    await (await import("./worker.ts")).worker();
  });

const account = program
  .command("account")
  .description("Accounts and their root access keys.")
  .addHelpText("after", "\nExample:\n  $ keystead account create --data /var/lib/keystead");

rootKeyOptions(
  account
    .command("create")
    .description("Make an account and show its root access key once.")
    .addOption(dataOption())
    .addOption(databaseOption()),
)
  .addOption(option("--account <id>", "12-digit id (default: a random one)"))
  .addOption(option("--account-name <name>", "its name").default("default"))
  .addHelpText("after", "\nExample:\n  $ keystead account create --data /var/lib/keystead --account 444455556666")
  .action(async (options) => (await import("./account.ts")).createAccount(options));

rootKeyOptions(
  account
    .command("reset-credentials")
    .description("Replace an account's root access keys by a new one and show it once.")
    .addOption(dataOption())
    .addOption(databaseOption()),
)
  .addOption(option("--account <id>", "12-digit id").makeOptionMandatory())
  .addHelpText(
    "after",
    "\nExample:\n  $ keystead account reset-credentials --data /var/lib/keystead --account 444455556666",
  )
  .action(async (options) => (await import("./account.ts")).resetCredentials(options));

const recipients = program
  .command("recipients")
  .description("The root keys that open a store, also while it is served.")
  .addHelpText("after", "\nExample:\n  $ keystead recipients list --data /var/lib/keystead");

recipients
  .command("list")
  .description("Show every root key by its id, and which live processes have opened the store with it.")
  .addOption(dataOption())
  .addOption(databaseOption())
  .addHelpText("after", "\nExample:\n  $ keystead recipients list --data /var/lib/keystead")
  .action(async (options) => (await import("./recipients.ts")).listRootKeys(options));

rootKeyOptions(
  recipients
    .command("add")
    .description("Seal the store to one more root key: a file, a credential, or a new recovery key.")
    .addOption(dataOption())
    .addOption(databaseOption()),
)
  .addOption(option("--new-root-key <file>", "file with the root key to add; made where there is none"))
  .addOption(option("--new-root-key-credential <name>", "systemd credential with the root key to add"))
  .addOption(option("--new-recovery-key", "make a recovery key and show it once"))
  .addHelpText(
    "after",
    `
Examples:
  $ keystead recipients add --data /var/lib/keystead --new-root-key /etc/keystead/root-2.key
  $ keystead recipients add --data /var/lib/keystead --new-recovery-key`,
  )
  .action(async (options) => (await import("./recipients.ts")).addRootKey(options));

rootKeyOptions(
  recipients
    .command("remove")
    .description("Take a root key off the store, once every live process has opened the store with another.")
    .argument("<id>", "its id, as `recipients list` shows it")
    .addOption(dataOption())
    .addOption(databaseOption()),
)
  .addOption(
    option("--wait <seconds>", "how long to wait for processes that have shown no other root key")
      .default(30)
      .argParser(secondsOf("--wait")),
  )
  .addOption(option("--single-root-key", "allow that one root key is left: losing it is then losing everything"))
  .addHelpText(
    "after",
    "\nExample:\n  $ keystead recipients remove b053bb6ed06ad2521cf4a09ecb472ca2 --data /var/lib/keystead --root-key /etc/keystead/root-2.key",
  )
  .action(async (id, options) => (await import("./recipients.ts")).removeRootKey(id, options));

rootKeyOptions(
  program
    .command("shred")
    .description(
      "Replace every root key and domain key, so that older copies of the store open with nothing that is left.",
    )
    .addOption(dataOption())
    .addOption(databaseOption()),
)
  .addOption(
    option("--new-root-key <file>", "file of the new root key; made where there is none").makeOptionMandatory(),
  )
  .addOption(option("--single-root-key", "make no new recovery key: losing the root key is then losing everything"))
  .addOption(option("--backup-to <file>", "file of the backup that is made before the old root key is destroyed"))
  .addOption(option("--no-backup", "make none: until the next one, losing the store is losing everything"))
  .addHelpText(
    "after",
    `
No server may run. Killed at any point, the same command finishes what was begun.

Example:
  $ keystead shred --data /var/lib/keystead --root-key /etc/keystead/root.key --new-root-key /etc/keystead/root-2.key --backup-to /backup/shredded.keystead`,
  )
  .action(async (options) => (await import("./shred.ts")).shred(options));

program
  .command("explain")
  .description("Show why a request would be allowed or denied: every policy, every statement, every condition.")
  .addOption(option("--principal <arn>", "who asks: a root user, user, role or role session").makeOptionMandatory())
  .addOption(option("--action <action>", "what is asked, such as kms:Decrypt").makeOptionMandatory())
  .addOption(option("--resource <key>", "key ARN, key id or alias; * for none").default("*"))
  .addOption(repeatable("--context <key=value>", "a condition key, or a pair of the encryption context; repeatable"))
  .addOption(option("--region <region>", "Region of the request").default("us-east-1"))
  .addOption(option("--data <directory>", "look at this store of `serve` instead of asking a server"))
  .addOption(option("--database <url>", "look at the store of `serve` in this PostgreSQL database"))
  .addOption(option("--endpoint <url>", "development server to ask").default("http://127.0.0.1:4599"))
  .addHelpText(
    "after",
    `
Examples:
  $ keystead explain --principal arn:aws:iam::111122223333:role/app --action kms:Decrypt --resource alias/app --context stage=beta
  $ keystead explain --data /var/lib/keystead --principal arn:aws:iam::111122223333:user/alice --action kms:CreateKey`,
  )
  .action(async (options) => (await import("./explain.ts")).explainCommand(options));

program
  .command("meter")
  .description("Show what accounts are charged for a month: keys by the hour, and requests by a tariff.")
  .addOption(option("--month <month>", "such as 2026-11, of UTC; the one that runs if not given"))
  .addOption(option("--account <id>", "of this account alone"))
  .addOption(option("--tariff <file>", "prices (YAML) instead of AWS's, see docs/operating.md"))
  .addOption(option("--json", "print it as one JSON text, with what was counted"))
  .addOption(option("--data <directory>", "look at this store of `serve` instead of asking a server"))
  .addOption(option("--database <url>", "look at the store of `serve` in this PostgreSQL database"))
  .addOption(option("--endpoint <url>", "development server to ask").default("http://127.0.0.1:4599"))
  .addHelpText(
    "after",
    `
Examples:
  $ keystead meter
  $ keystead meter --data /var/lib/keystead --month 2026-11 --account 111122223333 --tariff tariff.yaml --json`,
  )
  .action(async (options) => (await import("./meter.ts")).meter(options));

addStoreCommands(program, { dataOption, databaseOption, rootKeyOptions });

try {
  readSwitches(process.env);
  await program.parseAsync();
} catch (cause) {
  if (cause instanceof CommanderError) process.exitCode = cause.exitCode;
  else if (cause instanceof OperatorError) fail(cause.message);
  else throw cause;
}

function fail(message: string): void {
  process.stderr.write(`keystead: ${message}\n`);
  process.exitCode = 1;
}
