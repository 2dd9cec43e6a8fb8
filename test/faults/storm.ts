/** `npm run faults [rounds]`: kills a serving process in the middle of a storm of requests, again and again, and checks what is left. */

import { randomInt } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as after } from "node:timers/promises";
import { initStore, type RunningProcess, startServe, TemporaryDirectory } from "./processes.ts";
import type { AccessKey } from "./signed-requests.ts";
import { runClients } from "./storm-clients.ts";
import { Ledger, type LedgerKey, type LedgerRequest } from "./storm-ledger.ts";
import { verifyClosed, verifyFiles, verifyKey } from "./storm-verification.ts";

const CLIENTS = 12;
const VERIFIERS = 8;
/** How many keys of earlier rounds each round looks at. */
const SAMPLE = 20;
const STORM_MS = { min: 150, max: 600 };
const POLL_MS = 5;
const OPERATIONS = ["CreateKey", "Encrypt", "TagResource", "ScheduleKeyDeletion"] as const;

/** The figures of a run; every answered request was verified, or the run would have failed. */
export interface StormReport {
  readonly rounds: number;
  readonly kills: number;
  /** Answered requests of the storms, by operation. */
  readonly answered: Readonly<Record<(typeof OPERATIONS)[number], number>>;
  readonly keys: number;
  readonly ciphertexts: number;
  /** Answered requests of storms and checks together, each with its one record. */
  readonly records: number;
  /** How long the killed servers took until they were ready again, in ms. */
  readonly restartMs: { readonly median: number; readonly max: number };
  readonly seconds: number;
}

/**
 * Runs storms against one data directory.
 *
 * @param onRound is told the number of each round that has passed
 * @throws AssertionError at the first promise that was not kept
 */
export async function runStorms(rounds: number, onRound: (round: number) => void = () => {}): Promise<StormReport> {
  const startedAt = performance.now();
  using directory = new TemporaryDirectory();
  const data = directory.at("store");
  const { credentials } = await initStore(data);
  const run = new StormRun(data, credentials);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await run.round();
      onRound(round);
    }
    await run.finish();
  } finally {
    await run.abandon();
  }
  return run.report(rounds, (performance.now() - startedAt) / 1000);
}

class StormRun {
  readonly #data: string;
  readonly #credentials: AccessKey;
  readonly #storms: Ledger[] = [];
  /** The verifiers' own requests. */
  readonly #checks = new Ledger();
  readonly #restartMs: number[] = [];
  #server: RunningProcess | undefined;

  constructor(data: string, credentials: AccessKey) {
    this.#data = data;
    this.#credentials = credentials;
  }

  /** One storm, one kill, and the checks after it. The checked server is the next round's victim. */
  async round(): Promise<void> {
    const earlier = this.#keys();
    const storm = new Ledger();
    this.#storms.push(storm);
    this.#server ??= await startServe(this.#data, processes(0));
    await this.#killInStorm(this.#server, storm);
    this.#server = undefined;
    await verifyFiles(this.#data, this.#requests());
    const startedAt = performance.now();
    this.#server = await startServe(this.#data, processes(this.#storms.length));
    this.#restartMs.push(performance.now() - startedAt);
    await this.#verify(this.#server, [...storm.keys, ...new Set(sampleOf(earlier, SAMPLE))]);
  }

  /** Verifies everything once more, and the trail after an orderly end. */
  async finish(): Promise<void> {
    this.#server ??= await startServe(this.#data);
    await this.#verify(this.#server, this.#keys());
    const code = await this.#server.stop();
    this.#server = undefined;
    if (code !== 0) throw new Error(`The server ended with ${code}.`);
    await verifyFiles(this.#data, this.#requests());
    await verifyClosed(this.#data, this.#requests());
  }

  async abandon(): Promise<void> {
    await this.#server?.kill();
  }

  report(rounds: number, seconds: number): StormReport {
    const answered = (operation: string): number =>
      this.#storms.reduce((total, storm) => total + storm.count(operation), 0);
    const sorted = this.#restartMs.toSorted((left, right) => left - right);
    return {
      rounds,
      kills: this.#storms.length,
      answered: {
        CreateKey: answered("CreateKey"),
        Encrypt: answered("Encrypt"),
        TagResource: answered("TagResource"),
        ScheduleKeyDeletion: answered("ScheduleKeyDeletion"),
      },
      keys: this.#keys().length,
      ciphertexts: this.#keys().reduce((total, { blobs }) => total + blobs.length, 0),
      records: this.#requests().length,
      restartMs: { median: sorted[sorted.length >> 1] ?? 0, max: sorted.at(-1) ?? 0 },
      seconds,
    };
  }

  async #killInStorm(server: RunningProcess, ledger: Ledger): Promise<void> {
    let isOver = false;
    const address = { endpoint: server.endpoint, credentials: this.#credentials };
    const clients = runClients(address, ledger, CLIENTS, () => isOver).finally(() => {
      isOver = true;
    });
    const kill = async (): Promise<void> => {
      // However slow the machine: a storm in which something was never answered would prove nothing of it.
      while (!isOver && OPERATIONS.some((operation) => ledger.count(operation) === 0)) await after(POLL_MS);
      await after(randomInt(STORM_MS.min, STORM_MS.max));
      isOver = true;
      await server.kill();
    };
    await Promise.all([clients, kill()]);
  }

  async #verify(server: RunningProcess, keys: readonly LedgerKey[]): Promise<void> {
    using agent = new DisposableAgent();
    const address = { endpoint: server.endpoint, credentials: this.#credentials };
    const left = [...keys];
    const work = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await verifyKey({ server: address, agent, ledger: this.#checks }, key);
      }
    };
    await Promise.all(Array.from({ length: VERIFIERS }, work));
  }

  #keys(): readonly LedgerKey[] {
    return this.#storms.flatMap(({ keys }) => keys);
  }

  #requests(): readonly LedgerRequest[] {
    return [...this.#storms, this.#checks].flatMap(({ requests }) => requests);
  }
}

/** Every other server has several processes. */
function processes(round: number): readonly string[] {
  return ["--workers", round % 2 === 0 ? "1" : "3"];
}

class DisposableAgent extends Agent implements Disposable {
  constructor() {
    super({ keepAlive: true, maxSockets: VERIFIERS });
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Distinct items: two verifiers at one key would see each other's doings. */
function sampleOf<T>(list: readonly T[], count: number): readonly T[] {
  const left = [...list];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(randomInt(left.length), 1)).flat();
}

/** The report as a table of text. */
export function formatReport(report: StormReport): string {
  const { rounds, answered, keys, ciphertexts, records, restartMs, seconds } = report;
  const rows: readonly (readonly [string, string])[] = [
    ["Rounds, each with a kill -9", String(rounds)],
    ...OPERATIONS.map((operation) => [`${operation} answered in storms`, String(answered[operation])] as const),
    ["Keys there with state and tags", `${keys} of ${keys}`],
    ["Ciphertexts decrypted", `${ciphertexts} of ${ciphertexts}`],
    ["Answered requests with exactly one record", `${records} of ${records}`],
    ["integrity_check ok", `${rounds + 1} of ${rounds + 1}`],
    ["Ready again after, median and max", `${restartMs.median.toFixed(0)} ms, ${restartMs.max.toFixed(0)} ms`],
    ["Took", `${seconds.toFixed(1)} s`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 100);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("Say how many rounds: npm run faults 100");
  const report = await runStorms(rounds, (round) => {
    if (round % 10 === 0) process.stderr.write(`${round} rounds passed\n`);
  });
  process.stdout.write(formatReport(report));
}
