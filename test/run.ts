/**
 * Runs the tests: all of them, with the argument `unit` those that need no tool, browser or long run, and with `postgres`
 * all whose servers can have their store in PostgreSQL, there. Beginnings of paths (after the argument, if any) choose among these
 * files.
 *
 * It prints a line for each file, then what failed, then node's own summary and what took most processor time. It fails when a test failed, was skipped or is
 * marked to do, when a file holds no test, and, where all ran, when an id of a finished capability has no passing test.
 */

import { globSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Transform } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { bundleSources } from "../build/bundle-sources.ts";
import { TEST_DATABASE_VARIABLE } from "../src/testing-database.ts";
import { TEST_MAIN_VARIABLE } from "../src/testing-main.ts";
import { coverageOf, formatCoverage, loadChecklist, RESULTS_FILE, type RunResults } from "./conformance/coverage.ts";
import { COSTS_VARIABLE, loadCosts } from "./costs.ts";
import { filesWithStores } from "./database-files.ts";
import { COUNTED, Hosts } from "./hosting/hosts.ts";
import { HOSTS_VARIABLE } from "./hosting/messages.ts";
import { POSTGRES_VARIABLE, PostgresServer } from "./postgres.ts";
import { missingTools, SETUP_COMMAND } from "./tools.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** One place from run to run, since compiled code is kept by the path of its source. */
const BUNDLES = join(ROOT, "dist/test");
const NOT_UNIT = [
  "test/interop/",
  "test/faults/",
  "test/load/",
  "test/conformance/",
  "test/e2e/",
  "test/storage/postgres",
  "test/cli/postgres",
];
/** These are about SQLite or the folder of a store, or about PostgreSQL and have it in every run. */
const ON_ONE_ENGINE = [
  "test/cli/doctor.test.ts",
  "test/cli/restore.test.ts",
  "test/load/query-plans.test.ts",
  "test/faults/failover.test.ts",
  "test/storage/postgres",
  "test/cli/postgres",
];
/** A file that takes longer hangs. */
const FILE_MS_MAX = 15 * 60_000;
const FILES_AT_ONCE = 2;
const COSTS_FILE = join(BUNDLES, "costs.jsonl");
const DEAREST_SHOWN = 10;

/** The members of node's test events that are read here. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly file?: string;
    readonly name?: string;
    readonly nesting?: number;
    readonly details?: { readonly type?: string };
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly counts?: { readonly passed: number; readonly failed: number };
    readonly duration_ms?: number;
  };
}

class Tally {
  readonly passed: { file: string; name: string }[] = [];
  readonly complaints: string[] = [];
  failed = 0;
  readonly #seen = new Set<string>();

  note({ type, data }: TestEvent): void {
    if (type !== "test:pass" && type !== "test:fail") return;
    const file = relative(ROOT, data.file ?? "");
    const name = data.name ?? "";
    // A file that holds no test, or that fails as a whole, is reported as one test with the file's name.
    const isFile = name.endsWith(file) && file !== "";
    if (type === "test:fail") this.failed += 1;
    if (isFile && type === "test:pass") this.complaints.push(`${file} holds no test.`);
    this.#seen.add(file);
    const skipped = data.skip !== undefined && data.skip !== false;
    const toDo = data.todo !== undefined && data.todo !== false;
    if (skipped) this.complaints.push(`${file}: skipped: ${name}`);
    if (toDo) this.complaints.push(`${file}: to do: ${name}`);
    if (type === "test:fail" || data.details?.type === "suite" || isFile || skipped || toDo) return;
    this.passed.push({ file, name });
  }

  requireFiles(files: readonly string[]): void {
    for (const file of files) {
      if (!this.#seen.has(file)) this.complaints.push(`${file} holds no test.`);
    }
  }
}

const [first = "all", ...others] = process.argv.slice(2);
const hasMode = ["all", "unit", "postgres"].includes(first);
const [mode, named] = hasMode ? [first, others] : ["all", [first, ...others]];
const unitOnly = mode === "unit";
const onPostgres = mode === "postgres";
const onPostgresToo = onPostgres
  ? filesWithStores().filter((file) => !ON_ONE_ENGINE.some((start) => file.startsWith(start)))
  : [];
const files = globSync("test/**/*.test.ts", { cwd: ROOT })
  .filter((file) => !unitOnly || !NOT_UNIT.some((folder) => file.startsWith(folder)))
  .filter((file) => !onPostgres || onPostgresToo.includes(file) || named.includes(file))
  .filter((file) => named.length === 0 || named.some((start) => file.startsWith(start)))
  .sort();

const missing = unitOnly ? [] : missingTools();
if (missing.length > 0) {
  process.stderr.write(`The tests need ${missing.join(" and ")}. Install with: ${SETUP_COMMAND}\n`);
  process.exit(1);
}

await using postgres = unitOnly ? undefined : await PostgresServer.start();
if (postgres !== undefined) process.env[POSTGRES_VARIABLE] = postgres.url;
if (postgres !== undefined && onPostgres) process.env[TEST_DATABASE_VARIABLE] = postgres.url;

// Tests and the servers that they start load the same sources some hundred times. Servers and commands run as they are
// published, from bundles, which are ready in half the time, and those of which nobody wants the process in hosts that have
// loaded them already; tests that need their source start it themselves.
process.env["NODE_COMPILE_CACHE"] ??= join(ROOT, "node_modules/.cache/node");
rmSync(BUNDLES, { recursive: true, force: true });
await bundleSources(BUNDLES);
symlinkSync("../console", join(BUNDLES, "console")); // where a checkout has its console, once it is built
if (!unitOnly) await (await import("../build/console.ts")).buildConsole(); // once, before two files of tests want it
process.env[TEST_MAIN_VARIABLE] = join(BUNDLES, "main.js");
process.env[COSTS_VARIABLE] = COSTS_FILE;
await using hosts = await Hosts.start(FILES_AT_ONCE, join(BUNDLES, "hosts.log"));
process.env[HOSTS_VARIABLE] = hosts.sockets;

const tally = new Tally();
const events = run({
  files,
  cwd: ROOT,
  concurrency: FILES_AT_ONCE,
  isolation: "process",
  execArgv: COUNTED,
  timeout: FILE_MS_MAX,
});
events.compose(brief(tally)).compose(new spec()).pipe(process.stdout);
await new Promise((resolve, reject) => events.once("end", resolve).once("error", reject));
tally.requireFiles(files);

const results: RunResults = {
  finishedAt: new Date().toISOString(),
  complete: !unitOnly && named.length === 0,
  passed: tally.passed,
};
if (!onPostgres) writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 1)}\n`);
process.exitCode = tally.failed > 0 || tally.passed.length === 0 ? 1 : 0;
process.on("exit", conclude);

/** Says last what node's summary doesn't say. Runs when standard output has taken the summary. */
function conclude(): void {
  const { complaints, passed } = tally;
  process.stdout.write(`\n${formatCosts()}\n`);
  if (mode === "all" && named.length === 0) {
    const coverage = coverageOf(loadChecklist(), passed);
    if (coverage.open.length + coverage.unknown.length > 0) complaints.push(`\n${formatCoverage(coverage)}`);
  }
  if (complaints.length === 0) return;
  process.stderr.write(`\n${complaints.join("\n")}\n`);
  process.exitCode = 1;
}

/** The processor time of all files, and of the dearest. */
function formatCosts(): string {
  const costs = loadCosts(COSTS_FILE);
  const sum = costs.reduce((total, { seconds }) => total + seconds, 0);
  const dearest = costs.slice(0, DEAREST_SHOWN);
  const lines = dearest.map(({ file, seconds }) => `${seconds.toFixed(1).padStart(6)} ${relative(ROOT, file)}`);
  return [`Seconds of processor time: ${sum.toFixed(0)}; the dearest files:`, ...lines].join("\n");
}

/** Tells the tally every event and lets through failures and totals, with one line for each file instead of each test. */
function brief(told: Tally): Transform {
  return new Transform({
    objectMode: true,
    transform(event: TestEvent, _encoding, done) {
      told.note(event);
      const { type, data } = event;
      if (type === "test:summary" && data.file !== undefined) {
        const { passed = 0, failed = 0 } = data.counts ?? {};
        const seconds = ((data.duration_ms ?? 0) / 1000).toFixed(1);
        const outcome = failed > 0 ? `${passed} passed, ${failed} FAILED` : `${passed} passed`;
        const message = `${relative(ROOT, data.file)}: ${outcome} (${seconds} s)\n`;
        done(null, { type: "test:stdout", data: { file: data.file, message } });
      } else if (["test:pass", "test:start", "test:enqueue", "test:dequeue", "test:complete"].includes(type)) {
        done();
      } else {
        done(null, event);
      }
    },
  });
}
