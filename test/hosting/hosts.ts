/** The hosts of Keystead's commands, as the test runner starts them. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NODE_FLAGS } from "../../src/cli/guarded-process.ts";

const HOST = fileURLToPath(new URL("./host.ts", import.meta.url));
/** Node's arguments by which a process notes its processor time. */
export const COUNTED = ["--import", fileURLToPath(new URL("../costs.ts", import.meta.url))];

/** So many hosts, one for each file that runs at a time. */
export class Hosts implements AsyncDisposable {
  readonly #directory: string;
  readonly #children: readonly ChildProcess[];
  /** Their sockets, as `HOSTS_VARIABLE` has them. */
  readonly sockets: string;

  private constructor(directory: string, children: readonly ChildProcess[], sockets: readonly string[]) {
    this.#directory = directory;
    this.#children = children;
    this.sockets = sockets.join(",");
  }

  /** @param log where they write what no command writes, such as the log of servers */
  static async start(count: number, log: string): Promise<Hosts> {
    const directory = mkdtempSync(join(tmpdir(), "keystead-hosts-"));
    const output = openSync(log, "w");
    const sockets = Array.from({ length: count }, (_, index) => join(directory, String(index)));
    const children = sockets.map((socket) =>
      fork(HOST, [socket], { execArgv: [...COUNTED, ...NODE_FLAGS], stdio: ["ignore", output, output, "ipc"] }),
    );
    await Promise.all(children.map((child) => once(child, "message")));
    for (const child of children) {
      child.unref();
      child.channel?.unref();
    }
    return new Hosts(directory, children, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ended = running.map((child) => once(child, "exit"));
    for (const child of running) child.disconnect();
    await Promise.all(ended);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
