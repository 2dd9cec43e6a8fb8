/** The process that runs command lines of the AWS CLI without starting Python anew: test/interop/aws-cli-host.py. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { PYTHON } from "../tools.ts";

/** What one call of the CLI left. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One call of the CLI. */
export interface CliCommand {
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** Debian's AWS CLI, imported once. It ends with this process, which it doesn't keep alive while nothing is asked of it. */
export class AwsCliHost {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, PromiseWithResolvers<CliResult>>();
  #lastId = 0;

  constructor() {
    this.#child = spawn(PYTHON, ["-I", fileURLToPath(new URL("aws-cli-host.py", import.meta.url))], {
      env: {
        PATH: "/usr/bin:/bin",
        LC_ALL: "C.UTF-8",
        AWS_CONFIG_FILE: "/dev/null",
        AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
        AWS_EC2_METADATA_DISABLED: "true",
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the host of the AWS CLI ended with ${code}`));
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const { id, ...result } = JSON.parse(line) as CliResult & { readonly id: number };
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#keepAlive("unref");
    });
  }

  /** Runs one command to its end; several may run at once. */
  run(command: CliCommand): Promise<CliResult> {
    const id = ++this.#lastId;
    const result = Promise.withResolvers<CliResult>();
    this.#waiting.set(id, result);
    this.#keepAlive("ref");
    this.#child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    return result.promise;
  }

  #keepAlive(change: "ref" | "unref"): void {
    const pipes = [this.#child.stdin, this.#child.stdout] as unknown as readonly Socket[]; // as node makes them
    for (const part of [this.#child, ...pipes]) part[change]();
  }
}
