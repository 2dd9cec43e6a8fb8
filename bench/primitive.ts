/**
 * What a bare primitive of `node:crypto` costs: a process that does nothing else, on all cores, as fast as it goes.
 *
 * What takes long runs on node's thread pool, as many at once as it has threads; what takes less than a turn on the pool costs
 * runs on a thread for each core, where it is as dear as beside other work: two cores may be halves of one, and a lone loop on an
 * idle machine has it to itself.
 */

import {
  constants,
  createHmac,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/** Sent by the parent: do this for a while. */
export interface PrimitiveRun {
  readonly primitive: string;
  readonly durationMs: number;
}

/** Sent to the parent: how many were done, and the CPU of one in microseconds, all threads together. */
export interface PrimitiveResult {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

type Primitive =
  | { readonly kind: "direct"; run(): void }
  /** On the thread pool. */
  | { readonly kind: "pooled"; run(): Promise<unknown> };

/** Threads of node's pool (libuv's default). */
const POOL_THREADS = 4;
const message = randomBytes(32);
const encodings = {
  publicKeyEncoding: { type: "spki", format: "der" },
  privateKeyEncoding: { type: "pkcs8", format: "der" },
} as const;
const [signPooled, verifyPooled, pairPooled] = [promisify(sign), promisify(verify), promisify(generateKeyPair)];

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function rsa(modulusLength: number): Pair {
  return generateKeyPairSync("rsa", { modulusLength });
}

/** Signing and verifying on the thread pool. */
function pooled({ privateKey, publicKey }: Pair, hash: string | null, padding?: number) {
  const options = padding === undefined ? {} : { padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const signature = sign(hash, message, { key: privateKey, ...options });
  return {
    sign: { kind: "pooled", run: () => signPooled(hash, message, { key: privateKey, ...options }) },
    verify: { kind: "pooled", run: () => verifyPooled(hash, message, { key: publicKey, ...options }, signature) },
  } as const;
}

/** Signing and verifying on the main thread. */
function direct({ privateKey, publicKey }: Pair, hash: string | null) {
  const signature = sign(hash, message, privateKey);
  return {
    sign: { kind: "direct", run: () => void sign(hash, message, privateKey) },
    verify: { kind: "direct", run: () => void verify(hash, message, publicKey, signature) },
  } as const;
}

/** Made when they are asked for, since RSA pairs take their time. */
const makers: Readonly<Record<string, () => Primitive>> = {
  "Sign RSA_2048": () => pooled(rsa(2048), "sha256", constants.RSA_PKCS1_PSS_PADDING).sign,
  "Verify RSA_2048": () => pooled(rsa(2048), "sha256", constants.RSA_PKCS1_PSS_PADDING).verify,
  "Sign RSA_4096": () => pooled(rsa(4096), "sha256", constants.RSA_PKCS1_PSS_PADDING).sign,
  "Verify RSA_4096": () => pooled(rsa(4096), "sha256", constants.RSA_PKCS1_PSS_PADDING).verify,
  "Sign ECC_NIST_P256": () => direct(generateKeyPairSync("ec", { namedCurve: "P-256" }), "sha256").sign,
  "Verify ECC_NIST_P256": () => direct(generateKeyPairSync("ec", { namedCurve: "P-256" }), "sha256").verify,
  "Sign ECC_NIST_EDWARDS25519": () => direct(generateKeyPairSync("ed25519"), null).sign,
  "Verify ECC_NIST_EDWARDS25519": () => direct(generateKeyPairSync("ed25519"), null).verify,
  "Sign ML_DSA_65": () => pooled(generateKeyPairSync("ml-dsa-65"), null).sign,
  "Verify ML_DSA_65": () => pooled(generateKeyPairSync("ml-dsa-65"), null).verify,
  "GenerateMac HMAC_256": () => {
    const key = randomBytes(32);
    return { kind: "direct", run: () => void createHmac("sha256", key).update(message).digest() };
  },
  "GenerateDataKeyPair ECC_NIST_P256": () => ({
    kind: "direct",
    run: () => void generateKeyPairSync("ec", { namedCurve: "P-256", ...encodings }),
  }),
  "GenerateDataKeyPair RSA_2048": () => ({
    kind: "pooled",
    run: () => pairPooled("rsa", { modulusLength: 2048, ...encodings }),
  }),
};
const made = new Map<string, Primitive>();

function primitiveOf(name: string): Primitive {
  const found = made.get(name) ?? makers[name]?.();
  if (found === undefined) throw new Error(`There is no primitive ${name}.`);
  made.set(name, found);
  return found;
}

/** How often a primitive ran on this thread until the time was over. */
async function countOf({ primitive: name, durationMs }: PrimitiveRun): Promise<number> {
  const primitive = primitiveOf(name);
  const end = performance.now() + durationMs;
  let count = 0;
  if (primitive.kind === "direct") {
    for (; performance.now() < end; count += 1) primitive.run();
  } else {
    const lane = async (): Promise<void> => {
      for (; performance.now() < end; count += 1) await primitive.run();
    };
    await Promise.all(Array.from({ length: POOL_THREADS }, lane));
  }
  return count;
}

const threads: Worker[] = [];

/** The same on a thread for each core. */
async function countOnThreads(run: PrimitiveRun): Promise<number> {
  while (threads.length < availableParallelism()) threads.push(new Worker(new URL(import.meta.url)));
  const counts = threads.map(async (thread) => {
    thread.postMessage(run);
    const [count] = await once(thread, "message");
    return count as number;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function measure(run: PrimitiveRun): Promise<PrimitiveResult> {
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const count = await (primitiveOf(run.primitive).kind === "direct" ? countOnThreads(run) : countOf(run));
  const { user, system } = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - begin) / 1000;
  return { perSecond: count / seconds, cpuMicroseconds: (user + system) / count };
}

if (isMainThread) {
  process.on("message", (run: PrimitiveRun) => void measure(run).then((result) => process.send?.(result)));
  process.once("disconnect", () => process.exit(0));
} else {
  parentPort?.on("message", (run: PrimitiveRun) => void countOf(run).then((count) => parentPort?.postMessage(count)));
}
