/** How long `keystead dev` takes from the start of the process to its ready line. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What `npm start` runs: it keeps compiled code from start to start. */
const BIN = fileURLToPath(new URL("../bin/keystead.js", import.meta.url));
const READY = /keystead is ready on /;
const START_MS_MAX = 30_000;

/** Starts the server `times` times, one after another, and returns how long each start took, in milliseconds. */
export async function measureStarts(times: number): Promise<readonly number[]> {
  const starts: number[] = [];
  for (let start = 0; start < times; start += 1) starts.push(await measureStart());
  return starts;
}

async function measureStart(): Promise<number> {
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    ["--max-semi-space-size=16", "--min-semi-space-size=4", BIN, "dev", "--port", "0"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    return await new Promise<number>((resolve, reject) => {
      let output = "";
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`The server ended with ${code} before it was ready.`)));
      setTimeout(() => reject(new Error("The server was not ready in time.")), START_MS_MAX).unref();
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (READY.test(output)) resolve(performance.now() - begin);
      });
    });
  } finally {
    child.kill();
    await ended;
  }
}
