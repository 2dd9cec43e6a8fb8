/** Keystead's commands in a host that the test runner has started, for the tests of one file. */

import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type Asked, type Environment, HOSTS_VARIABLE, type Told } from "./messages.ts";
import type { Ended } from "./virtual-process.ts";

/** A command that has ended, or a server that runs and has written this so far. */
export interface HostedRun {
  readonly ended: Ended;
  readonly isServing: boolean;
  /** Stops the server, once however often it is called, and resolves when it has ended. */
  stop(): Promise<unknown>;
}

type Outcome = Extract<Told, { readonly id: number }>;

/** One host, as this process is connected to it; the connection keeps no process alive by itself. */
class Host {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Outcome>>();
  readonly welcome = Promise.withResolvers<number>();
  #last = 0;
  #lost = false;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("error", () => undefined);
    createInterface(this.#socket).on("line", (line) => this.#hear(JSON.parse(line) as Told));
    this.#socket.once("close", () => this.#lose());
  }

  leave(): void {
    this.#socket.destroy();
  }

  async run(args: readonly string[], env: Environment): Promise<HostedRun> {
    this.#last += 1;
    const id = this.#last;
    const outcome = await this.#ask({ kind: "run", id, args, env });
    const { kind, id: _same, ...ended } = outcome;
    let stopped: Promise<unknown> | undefined;
    return {
      ended,
      isServing: kind === "serving",
      stop: () => {
        stopped ??= kind === "serving" ? this.#ask({ kind: "end", id }) : Promise.resolve();
        return stopped;
      },
    };
  }

  async #ask(asked: Asked): Promise<Outcome> {
    if (this.#lost) throw new Error(LOST);
    const outcome = Promise.withResolvers<Outcome>();
    this.#waiting.set(asked.id, outcome);
    this.#socket.ref();
    this.#socket.write(`${JSON.stringify(asked)}\n`);
    return await outcome.promise;
  }

  #hear(told: Told): void {
    if (told.kind === "welcome") {
      this.welcome.resolve(told.connections);
      return;
    }
    this.#waiting.get(told.id)?.resolve(told);
    this.#waiting.delete(told.id);
    if (this.#waiting.size === 0) this.#socket.unref();
  }

  #lose(): void {
    this.#lost = true;
    this.welcome.reject(new Error(LOST));
    for (const { reject } of this.#waiting.values()) reject(new Error(LOST));
  }
}

const LOST =
  "The host of Keystead's commands has ended: something in it was thrown that nobody caught (see its output).";

let chosen: Promise<Host> | undefined;

/** Whether there is a host. Alone, a file runs commands in processes of their own. */
export function hasHost(): boolean {
  return (process.env[HOSTS_VARIABLE] ?? "") !== "";
}

/** Runs a command in the host: to its end, or until it serves. */
export async function runHosted(args: readonly string[], env: Environment): Promise<HostedRun> {
  chosen ??= choose();
  return await (await chosen).run(args, env);
}

/** The host that serves the fewest. */
async function choose(): Promise<Host> {
  const hosts = (process.env[HOSTS_VARIABLE] ?? "").split(",").map((path) => new Host(path));
  const loads = await Promise.all(hosts.map(async (host) => ({ host, load: await host.welcome.promise })));
  const [least, ...others] = loads.sort((left, right) => left.load - right.load);
  for (const { host } of others) host.leave();
  if (least === undefined) throw new Error(LOST);
  return least.host;
}
