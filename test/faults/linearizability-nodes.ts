/** `npm run linearizability [rounds [minutes]]`: three nodes on one PostgreSQL under load, killed, paused and cut off, and what they answered. */

import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PostgresServer } from "../postgres.ts";
import { clusterClients, NodeProcess } from "./clusters.ts";
import { type Fault, type HistoryOptions, type HistoryReport, runHistory } from "./linearizability.ts";
import { accessKeyIn, runKeystead, startProcess, TemporaryDirectory } from "./processes.ts";

const ACCOUNT = "111122223333";
const NODES = 3;
/** Longer than a lease and than a writer's session may idle inside a transaction. */
const PAUSE_MS = 2_500;

/**
 * Runs the load on nodes in separate processes with a database that keeps what it acknowledged.
 *
 * @param rounds faults in all, of five kinds in turn
 */
export async function runNodes(
  rounds: number,
  limits: Pick<HistoryOptions, "msMax" | "onFault"> = {},
): Promise<HistoryReport> {
  using directory = new TemporaryDirectory();
  await using database = await PostgresServer.start({ durable: true });
  const places = Array.from({ length: NODES }, (_, index) => directory.at(`node-${index}`));
  const [first = ""] = places;
  const init = await runKeystead([
    ...["init", "--data", first, "--database", database.url, "--account", ACCOUNT],
    "--single-root-key",
  ]);
  if (init.code !== 0) throw new Error(`init ended with ${init.code}: ${init.stderr}`);
  for (const place of places.slice(1)) {
    mkdirSync(place, { mode: 0o700 });
    copyFileSync(`${first}/root.key`, `${place}/root.key`);
  }
  const nodes = await Promise.all(
    places.map((place, index) =>
      NodeProcess.start(`node ${index}`, (port) =>
        startProcess(["serve", "--data", place, "--database", database.url, "--port", port, "--workers", "1"]),
      ),
    ),
  );
  try {
    const clients = await clusterClients(nodes, ACCOUNT, accessKeyIn(init.stdout));
    const report = await runHistory({
      ...clients,
      faults: faultsOf(nodes, database),
      rounds,
      ...limits,
      registersOfKind: 2,
      readers: 12,
    });
    clients.close();
    return report;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

function faultsOf(nodes: readonly NodeProcess[], database: PostgresServer): readonly Fault[] {
  let turn = 0;
  const next = (): NodeProcess => {
    const node = nodes[turn++ % nodes.length];
    if (node === undefined) throw new Error("There are no nodes.");
    return node;
  };
  const restart = async (mode: "fast" | "immediate"): Promise<void> => {
    await database.stop(mode);
    await database.run();
  };
  return [
    { name: "a node killed", happen: () => next().killAndStart() },
    { name: "a node paused", happen: () => next().pause(PAUSE_MS) },
    { name: "the database restarted", happen: () => restart("fast") },
    {
      name: "two nodes paused",
      happen: async () => void (await Promise.all([next().pause(PAUSE_MS), next().pause(PAUSE_MS)])),
    },
    { name: "the database crashed", happen: () => restart("immediate") },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [rounds = "50", minutes = "10"] = process.argv.slice(2);
  const startedAt = performance.now();
  const { anomalies, stale, ...figures } = await runNodes(Number(rounds), {
    msMax: Number(minutes) * 60_000,
    onFault(name, round) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
      process.stderr.write(`${round} of ${rounds}, after ${seconds} s: ${name}\n`);
    },
  });
  const found = { ...figures, stale: stale.length, registersWithEarlySights: anomalies.length };
  process.stdout.write(`${JSON.stringify(found, null, 1)}\n`);
  for (const { read, oldest, newest } of stale) {
    process.stdout.write(`Stale: ${read.label}, which had to be of version ${oldest} to ${newest}\n`);
  }
  process.exitCode = stale.length === 0 ? 0 : 1;
}
