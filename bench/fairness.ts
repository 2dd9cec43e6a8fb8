/**
 * Fairness (`npm run fairness`): what one account's flood does to another account's Encrypt.
 *
 * One account asks for RSA_4096 pairs and sends signatures that fail, as fast as it can and over many connections; the other
 * encrypts at a steady rate. Rounds without and with the flood take turns; p99 is compared pair by pair. There are two servers,
 * one of which is flooded; it stands still with its flood while the other is measured, since it has dear work in hand for long
 * after a flood's end.
 */

import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { type Keystead, startKeystead } from "../src/testing.ts";
import { Conversation } from "./conversation.ts";
import type { FloodOrder, FloodReport, FloodStreams } from "./flood.ts";
import { nextMessage, start } from "./processes.ts";
import { type BenchCaller, BenchSigner, callOf } from "./requests.ts";

const REGION = "us-east-1";
const FLOODER = { accessKeyId: "AKIAEXAMPLEFLOODER02", secretAccessKey: "a/secret/for/the/second/account" };
const SEED = `accounts:
  - id: "444455556666"
    credentials:
      - accessKeyId: ${FLOODER.accessKeyId}
        secretAccessKey: ${FLOODER.secretAccessKey}
`;

/** How long and how hard. */
export interface FairnessPlan {
  /** Pairs of rounds, one without and one with the flood. */
  readonly rounds: number;
  readonly roundMs: number;
  /** Connections that ask for RSA_4096 pairs, and that send failing signatures. */
  readonly pairConnections: number;
  readonly failingConnections: number;
}

/** What one round saw of the other account's Encrypt, in milliseconds. */
export interface RoundLatency {
  readonly p50: number;
  readonly p99: number;
}

/** What came of it. */
export interface Fairness {
  readonly calm: readonly RoundLatency[];
  readonly flooded: readonly RoundLatency[];
  /** The median of the pairs' ratios of p99. */
  readonly ratio: number;
  /** The same of p50. */
  readonly ratioOfMedians: number;
  /** Answers to the flood by status: to pairs, to failing signatures. */
  readonly flood: readonly Readonly<Record<string, number>>[];
}

/** The other account's steady rate: a small part of what a core answers. */
const CONNECTIONS = 4;
const REQUESTS_PER_SECOND = 200;
/** A flood has begun when its connections are there and its first requests under way. */
const WARM_MS = 500;
const PREPARED = 400;

/** A server, with connections and requests of the account that encrypts. */
interface Measured extends AsyncDisposable {
  readonly server: Keystead;
  readonly port: number;
  readonly sockets: readonly Conversation[];
  readonly encrypts: readonly Buffer[];
}

/** Starts two servers, floods one and compares. Rejects when an Encrypt is not answered with 200. */
export async function measureFairness(plan: FairnessPlan): Promise<Fairness> {
  await using alone = await startMeasured();
  await using beside = await startMeasured();
  const flooder = start("./flood.ts");
  try {
    const streams = await floodOf(beside.server.endpoint, plan);
    flooder.send({ kind: "streams", port: beside.port, streams } satisfies FloodStreams);
    flooder.send({ kind: "begin" } satisfies FloodOrder);
    const all = (signal: NodeJS.Signals): void => {
      for (const child of [beside.server.process, flooder]) child.kill(signal);
    };
    const calm: RoundLatency[] = [];
    const flooded: RoundLatency[] = [];
    for (let round = 0; round < plan.rounds; round += 1) {
      all("SIGSTOP");
      calm.push(await encryptSteadily(alone, plan.roundMs));
      all("SIGCONT");
      await encryptSteadily(beside, WARM_MS);
      flooded.push(await encryptSteadily(beside, plan.roundMs));
    }
    const report = nextMessage<FloodReport>(flooder);
    flooder.send({ kind: "end" } satisfies FloodOrder);
    const ratioOf = (figure: keyof RoundLatency): number =>
      median(flooded.map((round, at) => round[figure] / (calm[at]?.[figure] ?? Number.NaN)));
    return { calm, flooded, ratio: ratioOf("p99"), ratioOfMedians: ratioOf("p50"), flood: (await report).streams };
  } finally {
    flooder.kill("SIGKILL");
    beside.server.process.kill("SIGCONT");
  }
}

async function startMeasured(): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "keystead-fairness-"));
  const seed = join(folder, "seed.yaml");
  await writeFile(seed, SEED);
  const server = await startKeystead({ args: ["--seed", seed] });
  const port = Number(new URL(server.endpoint).port);
  const encrypts = await signedEncrypts(server.endpoint, server.credentials);
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => Conversation.open(port)));
  const measured = {
    server,
    port,
    sockets,
    encrypts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket[Symbol.dispose]();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
  await encryptSteadily(measured, WARM_MS); // at once: a connection that never sent anything is soon closed
  return measured;
}

async function signedEncrypts(endpoint: string, credentials: BenchCaller["credentials"]): Promise<Buffer[]> {
  const kms = new KMS({ endpoint, region: REGION, credentials });
  const { KeyMetadata } = await kms.createKey({});
  kms.destroy();
  const signer = new BenchSigner(endpoint, REGION, credentials);
  const keyId = KeyMetadata?.KeyId ?? "";
  return Promise.all(Array.from({ length: PREPARED }, () => signer.sign(callOf("Encrypt", keyId, ""))));
}

/** Pairs, and requests that are signed with another secret than the account's. */
async function floodOf(endpoint: string, plan: FairnessPlan): Promise<FloodStreams["streams"]> {
  const kms = new KMS({ endpoint, region: REGION, credentials: FLOODER });
  const { KeyMetadata } = await kms.createKey({});
  kms.destroy();
  const KeyId = KeyMetadata?.KeyId ?? "";
  const signer = new BenchSigner(endpoint, REGION, FLOODER);
  const forger = new BenchSigner(endpoint, REGION, { ...FLOODER, secretAccessKey: "another/secret" });
  const pair = await signer.sign({ operation: "GenerateDataKeyPair", input: { KeyId, KeyPairSpec: "RSA_4096" } });
  const failing = await forger.sign(callOf("Encrypt", KeyId, ""));
  return [
    { connections: plan.pairConnections, requests: [pair.toString("base64")] },
    { connections: plan.failingConnections, requests: [failing.toString("base64")] },
  ];
}

let next = 0;

/** Sends at a steady rate, each request when it is due; latency counts from then on, so that a queue of ours is seen, too. */
async function encryptSteadily({ sockets, encrypts }: Measured, durationMs: number): Promise<RoundLatency> {
  const samples: number[] = [];
  const intervalMs = (1_000 * sockets.length) / REQUESTS_PER_SECOND;
  const begin = performance.now();
  await Promise.all(
    sockets.map(async (socket, at) => {
      for (let due = begin + (at * intervalMs) / sockets.length; due < begin + durationMs; due += intervalMs) {
        await until(due);
        next = (next + 1) % encrypts.length;
        const sentAt = Math.max(due, begin);
        const { status, bytes } = await socket.ask(encrypts[next] ?? Buffer.alloc(0));
        if (status !== 200) throw new Error(`An Encrypt was refused: ${bytes.toString("latin1")}`);
        samples.push(performance.now() - sentAt);
      }
    }),
  );
  samples.sort((left, right) => left - right);
  const quantile = (part: number): number => samples[Math.floor((samples.length - 1) * part)] ?? Number.NaN;
  return { p50: quantile(0.5), p99: quantile(0.99) };
}

/** Timers come a little late, which is time of ours and not the server's: the last stretch is waited for turn by turn. */
async function until(due: number): Promise<void> {
  const left = due - performance.now();
  if (left > 2) await new Promise((resolve) => setTimeout(resolve, left - 2));
  while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
}

/** The median of numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

if (import.meta.main) {
  const plan = { rounds: 10, roundMs: 3_000, pairConnections: 32, failingConnections: 64 };
  const { calm, flooded, ratio, flood } = await measureFairness(plan);
  print("Encrypt of another account, ms: round, p50 and p99 alone, p50 and p99 beside the flood");
  for (const [round, { p50, p99 }] of calm.entries()) {
    const beside = flooded[round];
    const figures = [p50, p99, beside?.p50 ?? Number.NaN, beside?.p99 ?? Number.NaN].map((value) => value.toFixed(2));
    print(`${String(round + 1).padStart(5)}  ${figures.join("  ")}`);
  }
  print(`Answers to the flood, pairs: ${JSON.stringify(flood[0])}, failing signatures: ${JSON.stringify(flood[1])}`);
  print(`p99 beside the flood is ${ratio.toFixed(2)} times p99 alone (median of rounds; at most 3).`);
  process.exitCode = ratio <= 3 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
