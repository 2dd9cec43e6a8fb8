/** Keys of every kind under load (`--keys`): CPU of each request beside that of the bare primitive, and what RSA reaches of it. */

import type { ChildProcess } from "node:child_process";
import { type CreateKeyCommandInput, KMS } from "@aws-sdk/client-kms";
import { type Contestant, median, type Run, runOnce, type Settings } from "./duel.ts";
import type { LoadRequests } from "./load.ts";
import type { PrimitiveResult, PrimitiveRun } from "./primitive.ts";
import { descendantsOf, nextMessage, start } from "./processes.ts";
import { type BenchCall, BenchSigner, CONTEXT, newPlaintext } from "./requests.ts";

const REGION = "us-east-1";
const DISTINCT_REQUESTS = 200;
/** A request may cost Encrypt's CPU and so much of the primitive's. */
const PRIMITIVE_SHARE = 1.1;

/** What one case came to: medians over the rounds, the ratio that of each round's. */
export interface KeyOutcome {
  readonly name: string;
  readonly server: Run;
  /** Undefined for Encrypt. */
  readonly primitive: PrimitiveResult | undefined;
  /** The server's throughput beside the bare primitive's on all cores. */
  readonly ratio: number | undefined;
  /** CPU that a request may cost, in microseconds: of Encrypt in the same rounds, and a share of the primitive's. */
  readonly cpuBudget: number | undefined;
  /** CPU of a request as a part of the budget of its round. */
  readonly cpuShare: number | undefined;
}

interface KeyCase {
  /** Also that of the primitive. */
  readonly name: string;
  readonly key: CreateKeyCommandInput;
  /** A call on the key; what it needs of an earlier one is asked for once. */
  prepare(kms: KMS, KeyId: string): Promise<() => BenchCall>;
}

type Algorithm = "RSASSA_PSS_SHA_256" | "ECDSA_SHA_256" | "ED25519_SHA_512" | "ML_DSA_SHAKE_256";

/** Sign and Verify of one spec. */
function signing(KeySpec: NonNullable<CreateKeyCommandInput["KeySpec"]>, SigningAlgorithm: Algorithm): KeyCase[] {
  const key = { KeySpec, KeyUsage: "SIGN_VERIFY" } as const;
  return [
    {
      name: `Sign ${KeySpec}`,
      key,
      prepare: async (_kms, KeyId) => () => ({
        operation: "Sign",
        input: { KeyId, SigningAlgorithm, Message: newPlaintext() },
      }),
    },
    {
      name: `Verify ${KeySpec}`,
      key,
      async prepare(kms, KeyId) {
        const Message = newPlaintext();
        const signed = await kms.sign({ KeyId, SigningAlgorithm, Message: Buffer.from(Message, "base64") });
        const Signature = Buffer.from(signed.Signature ?? []).toString("base64");
        return () => ({ operation: "Verify", input: { KeyId, SigningAlgorithm, Message, Signature } });
      },
    },
  ];
}

function dataKeyPair(KeyPairSpec: string): KeyCase {
  return {
    name: `GenerateDataKeyPair ${KeyPairSpec}`,
    key: {},
    prepare: async (_kms, KeyId) => () => ({
      operation: "GenerateDataKeyPair",
      input: { KeyId, KeyPairSpec, EncryptionContext: CONTEXT },
    }),
  };
}

const ENCRYPT: KeyCase = {
  name: "Encrypt",
  key: {},
  prepare: async (_kms, KeyId) => () => ({
    operation: "Encrypt",
    input: { KeyId, Plaintext: newPlaintext(), EncryptionContext: CONTEXT },
  }),
};

const CASES: readonly KeyCase[] = [
  ...signing("RSA_2048", "RSASSA_PSS_SHA_256"),
  ...signing("RSA_4096", "RSASSA_PSS_SHA_256"),
  ...signing("ECC_NIST_P256", "ECDSA_SHA_256"),
  ...signing("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
  ...signing("ML_DSA_65", "ML_DSA_SHAKE_256"),
  {
    name: "GenerateMac HMAC_256",
    key: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
    prepare: async (_kms, KeyId) => () => ({
      operation: "GenerateMac",
      input: { KeyId, MacAlgorithm: "HMAC_SHA_256", Message: newPlaintext() },
    }),
  },
  dataKeyPair("ECC_NIST_P256"),
  dataKeyPair("RSA_2048"),
];

/** Everything on all cores: nothing is pinned, and server, load and primitive share what there is. */
export async function measureKeys(settings: Settings, print: (text: string) => void): Promise<readonly KeyOutcome[]> {
  const { startKeystead } = await import("../src/testing.ts");
  const others = new Set(descendantsOf(process.pid));
  const keystead = await startKeystead();
  const pids = descendantsOf(process.pid).filter((pid) => !others.has(pid));
  const server: Contestant = { port: Number(new URL(keystead.endpoint).port), pids };
  const { endpoint, credentials } = keystead;
  const kms = new KMS({ endpoint, region: REGION, credentials });
  const signer = new BenchSigner(endpoint, REGION, credentials);
  const [load, primitive] = [start("load.ts"), start("primitive.ts")];
  const parts = { server, kms, signer, load, primitive };
  try {
    const outcomes: KeyOutcome[] = [];
    print(`${lineOf(HEAD)}\n`);
    for (const one of [ENCRYPT, ...CASES]) {
      const outcome = await measure(one, parts, settings);
      outcomes.push(outcome);
      print(`${lineOf(cellsOf(outcome))}\n`);
    }
    return outcomes;
  } finally {
    for (const child of [load, primitive]) child.disconnect();
    kms.destroy();
    await keystead.stop();
  }
}

interface Parts {
  readonly server: Contestant;
  readonly kms: KMS;
  readonly signer: BenchSigner;
  readonly load: ChildProcess;
  readonly primitive: ChildProcess;
}

/** One round: the server with the case, Encrypt, and the primitive, which Encrypt itself is not compared with. */
interface Round {
  readonly server: Run;
  readonly encrypt: Run;
  readonly primitive: PrimitiveResult | undefined;
}

async function measure(one: KeyCase, parts: Parts, settings: Settings): Promise<KeyOutcome> {
  const { rounds, seconds, warmupSeconds } = settings;
  const [requests, encrypting] = [await requestsOf(one, parts), await requestsOf(ENCRYPT, parts)];
  const serve = (prepared: LoadRequests, durationMs: number): Promise<Run> => {
    parts.load.send(prepared);
    return runOnce(parts.server, parts.load, { connections: settings.connections, durationMs });
  };
  const compute = async (durationMs: number): Promise<PrimitiveResult | undefined> => {
    if (one === ENCRYPT) return undefined;
    parts.primitive.send({ primitive: one.name, durationMs } satisfies PrimitiveRun);
    return await nextMessage<PrimitiveResult>(parts.primitive);
  };
  const round = async (durationMs: number): Promise<Round> => ({
    primitive: await compute(durationMs),
    server: await serve(requests, durationMs),
    encrypt: await serve(encrypting, durationMs),
  });
  await round(warmupSeconds * 1000);
  const results: Round[] = [];
  while (results.length < rounds) results.push(await round(seconds * 1000));
  return outcomeOf(one.name, results);
}

/** Signed requests of a case on a key of its own. */
async function requestsOf({ key, prepare }: KeyCase, { kms, signer }: Parts): Promise<LoadRequests> {
  const { KeyMetadata } = await kms.createKey(key);
  const call = await prepare(kms, KeyMetadata?.KeyId ?? "");
  const requests = await Promise.all(Array.from({ length: DISTINCT_REQUESTS }, () => signer.sign(call())));
  return { kind: "requests", requests: requests.map((bytes) => bytes.toString("base64")) };
}

function outcomeOf(name: string, rounds: readonly Round[]): KeyOutcome {
  const of = (field: keyof Run): number => median(rounds.map(({ server }) => server[field]));
  const server: Run = {
    perSecond: of("perSecond"),
    p50: of("p50"),
    p99: of("p99"),
    cpuMicroseconds: of("cpuMicroseconds"),
    loadCpu: of("loadCpu"),
  };
  const compared = rounds.flatMap(({ primitive, ...rest }) =>
    primitive === undefined ? [] : [{ primitive, ...rest }],
  );
  if (compared.length === 0) {
    return { name, server, primitive: undefined, ratio: undefined, cpuBudget: undefined, cpuShare: undefined };
  }
  const budgets = compared.map(
    ({ primitive, encrypt }) => encrypt.cpuMicroseconds + PRIMITIVE_SHARE * primitive.cpuMicroseconds,
  );
  return {
    name,
    server,
    primitive: {
      perSecond: median(compared.map(({ primitive }) => primitive.perSecond)),
      cpuMicroseconds: median(compared.map(({ primitive }) => primitive.cpuMicroseconds)),
    },
    ratio: median(compared.map((round) => round.server.perSecond / round.primitive.perSecond)),
    cpuBudget: median(budgets),
    cpuShare: median(compared.map((round, index) => round.server.cpuMicroseconds / (budgets[index] ?? Number.NaN))),
  };
}

const HEAD = [
  "operation",
  "server/s",
  "bare/s",
  "ratio",
  "p50 ms",
  "p99 ms",
  "CPU µs",
  "bare µs",
  "budget µs",
  "load CPU",
];
const NAME_WIDTH = 34;
const CELL_WIDTH = 10;

function cellsOf({ name, server, primitive, ratio, cpuBudget, cpuShare }: KeyOutcome): readonly string[] {
  return [
    name,
    server.perSecond.toFixed(0),
    primitive?.perSecond.toFixed(0) ?? "",
    ratio?.toFixed(3) ?? "",
    server.p50.toFixed(2),
    server.p99.toFixed(2),
    server.cpuMicroseconds.toFixed(0),
    primitive?.cpuMicroseconds.toFixed(0) ?? "",
    cpuBudget?.toFixed(0) ?? "",
    cpuShare?.toFixed(2) ?? "",
    server.loadCpu.toFixed(2),
  ];
}

function lineOf(cells: readonly string[]): string {
  return cells.map((cell, column) => (column === 0 ? cell.padEnd(NAME_WIDTH) : cell.padStart(CELL_WIDTH))).join("");
}
