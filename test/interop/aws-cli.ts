/** Debian's AWS CLI against a server: as a person would run it, with nothing of this machine's own settings. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccessKey } from "../faults/signed-requests.ts";
import { AWS_CLI } from "../tools.ts";
import { AwsCliHost, type CliCommand, type CliResult } from "./aws-cli-host.ts";

/** What may differ from call to call. */
export interface CliCaller {
  readonly endpoint: string;
  readonly region: string;
  /** Absent: the CLI finds none. */
  readonly credentials?: AccessKey;
}

/** JSON that the CLI printed. */
export type Json = Readonly<Record<string, unknown>>;

/** The host of this process, once there is a call. */
let host: AwsCliHost | undefined;

/** One caller of the CLI, with a folder of its own as home, which is removed when disposed of. */
export class AwsCli implements Disposable {
  readonly #caller: CliCaller;
  readonly #home: string = mkdtempSync(join(tmpdir(), "keystead-cli-"));

  constructor(caller: CliCaller) {
    this.#caller = caller;
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** Writes a file for `file://` and `fileb://` arguments and returns its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.#home, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs `aws … <service> <args>` to its end, in a process that has imported the CLI already. */
  run(service: string, args: readonly string[], changes: Partial<CliCaller> = {}): Promise<CliResult> {
    host ??= new AwsCliHost();
    return host.run(this.#command(service, args, changes));
  }

  /** The same as `run`, by the executable. */
  async runAlone(service: string, args: readonly string[], changes: Partial<CliCaller> = {}): Promise<CliResult> {
    const command = this.#command(service, args, changes);
    const child = spawn(AWS_CLI, command.args, {
      env: command.env,
      cwd: command.directory,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, stderr };
  }

  /** A call of KMS that has to succeed; returns what it printed, an empty object when that is nothing. */
  async kms(...args: readonly string[]): Promise<Json> {
    const { code, stdout, stderr } = await this.run("kms", args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
    return stdout === "" ? {} : (JSON.parse(stdout) as Json);
  }

  /** A call of KMS whose operation answers nothing, so that the CLI prints nothing. */
  async kmsSilently(...args: readonly string[]): Promise<void> {
    assert.deepEqual(await this.run("kms", args), { code: 0, stdout: "", stderr: "" }, args.join(" "));
  }

  /** A call of KMS that the server has to refuse with these words: exit code 254, and nothing printed but the error. */
  async kmsRefused(
    args: readonly string[],
    { code, operation, message }: { readonly code: string; readonly operation: string; readonly message: string },
    changes: Partial<CliCaller> = {},
  ): Promise<void> {
    const stderr = `\nAn error occurred (${code}) when calling the ${operation} operation: ${message}\n`;
    assert.deepEqual(await this.run("kms", args, changes), { code: 254, stdout: "", stderr }, args.join(" "));
  }

  #command(service: string, args: readonly string[], changes: Partial<CliCaller>): CliCommand {
    const { endpoint, region, credentials } = { ...this.#caller, ...changes };
    return {
      args: ["--endpoint-url", endpoint, "--region", region, service, ...args],
      env: this.#environment(credentials),
      directory: process.cwd(),
    };
  }

  #environment(credentials: AccessKey | undefined): Record<string, string> {
    return {
      PATH: "/usr/bin:/bin",
      HOME: this.#home,
      LC_ALL: "C.UTF-8",
      AWS_CONFIG_FILE: join(this.#home, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(this.#home, "credentials"),
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PAGER: "",
      ...(credentials && {
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
      }),
    };
  }
}
