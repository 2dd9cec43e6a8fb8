/** `npm run scale`: whether a store of millions of keys and grants answers as one of few does, measured in turns. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { residentBytes } from "../../bench/processes.ts";
import { type RunningProcess, startServe, TemporaryDirectory } from "../faults/processes.ts";
import { RandomChoices } from "../faults/random-choices.ts";
import { mustCallKms } from "../faults/signed-requests.ts";
import { type Loaded, loadScale, type ScaleSize } from "./scale-data.ts";
import { addressOf, keyIdOf, nextUnused, PROBES, runProbe, type Subject, subjectOf } from "./scale-probes.ts";

const HELP = `npm run scale -- [options]

  --keys N         keys of the large store (100000), each with its material and an alias
  --grants N       grants of the large store (ten for each key)
  --small N        keys of the small store that it is measured against (4000), with ten grants for each
  --rounds N       rounds, in which the stores take turns (8)
  --cycle N        keys that are used one after another to see memory stop growing (a quarter of all)
  --directory DIR  where the large store is made, on a disk with 1 KB for each key and each grant; it is left there and
                   found again by the next run
`;

const ACCOUNTS = 20;
const STARTS = 3;
const CYCLE_CLIENTS = 8;
const CYCLE_STEPS = 6;

/** How a run is done. */
export interface ScaleSettings {
  readonly small: ScaleSize;
  readonly large: ScaleSize;
  readonly rounds: number;
  readonly cycle: number;
  /** Where the large store is kept; a temporary directory unless given. */
  readonly directory?: string;
}

/** Times in milliseconds. */
export interface ProbeOutcome {
  readonly name: string;
  readonly small: Quantiles;
  readonly large: Quantiles;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** What one server looks like from outside. */
interface Footprint {
  /** From its start to its ready line, the least of a few. */
  readonly startMs: number;
  readonly idleBytes: number;
}

export interface ScaleReport {
  readonly loaded: { readonly small: Loaded; readonly large: Loaded };
  readonly footprints: { readonly small: Footprint; readonly large: Footprint };
  readonly probes: readonly ProbeOutcome[];
  /** RSS of the large store's server in bytes, while keys were used one after another, none twice. */
  readonly cycled: readonly { readonly keys: number; readonly bytes: number }[];
}

/** Loads both stores, measures, and leaves nothing behind but the directory that the settings name. */
export async function measureScale(settings: ScaleSettings, print: (text: string) => void): Promise<ScaleReport> {
  using scratch = new TemporaryDirectory();
  const small = await loadScale(scratch.at("small"), settings.small, () => {});
  const large = await loadOrFind(settings.directory ?? scratch.at("large"), settings.large, print);
  const footprints = { small: await measureStarts(small), large: await measureStarts(large) };
  const servers = [await startServe(small.directory), await startServe(large.directory)] as const;
  try {
    const choices = new RandomChoices(1);
    const subjects = [subjectOf(small, servers[0], choices), subjectOf(large, servers[1], choices)] as const;
    const probes: ProbeOutcome[] = [];
    for (const probe of PROBES) {
      const prepared = [await probe.prepare?.(subjects[0]), await probe.prepare?.(subjects[1])] as const;
      const times: [number[], number[]] = [[], []];
      for (let round = 0; round < settings.rounds; round += 1) {
        times[0].push(...(await runProbe(probe, subjects[0], choices, prepared[0] ?? {})));
        times[1].push(...(await runProbe(probe, subjects[1], choices, prepared[1] ?? {})));
      }
      probes.push({ name: probe.name, small: quantilesOf(times[0]), large: quantilesOf(times[1]) });
      print(lineOf(probes.at(-1)));
    }
    const cycled = await cycle(subjects[1], settings.cycle, print);
    for (const { agent } of subjects) agent.destroy();
    return { loaded: { small, large }, footprints, probes, cycled };
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** The large store takes minutes to load: one that is there already, of the same size, is taken as it is. */
async function loadOrFind(directory: string, size: ScaleSize, print: (text: string) => void): Promise<Loaded> {
  const note = `${directory}.json`;
  if (!existsSync(note)) {
    const loaded = await loadScale(directory, size, print);
    writeFileSync(note, JSON.stringify(loaded), { mode: 0o600 });
    return loaded;
  }
  const found = JSON.parse(readFileSync(note, "utf8")) as Loaded;
  if (found.size.keys !== size.keys || found.size.grants !== size.grants) {
    throw new Error(`${directory} holds a store of another size.`);
  }
  return found;
}

async function measureStarts({ directory }: Loaded): Promise<Footprint> {
  let [startMs, idleBytes] = [Number.POSITIVE_INFINITY, 0];
  for (let start = 0; start < STARTS; start += 1) {
    const startedAt = performance.now();
    const server = await startServe(directory);
    startMs = Math.min(startMs, performance.now() - startedAt);
    idleBytes = rssOf(server);
    await server.stop();
  }
  return { startMs, idleBytes };
}

/** Encrypts under one key after another, and looks how large the server gets. */
async function cycle(subject: Subject, count: number, print: (text: string) => void): Promise<ScaleReport["cycled"]> {
  const cycled: { keys: number; bytes: number }[] = [{ keys: 0, bytes: rssOf(subject.server) }];
  const perStep = Math.floor(Math.min(count, subject.unused.length) / CYCLE_STEPS);
  for (let step = 1; step <= CYCLE_STEPS; step += 1) {
    let left = perStep;
    const client = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const input = { KeyId: keyIdOf(subject, nextUnused(subject)), Plaintext: "AAAA" };
        await mustCallKms(addressOf(subject), "Encrypt", input, { agent: subject.agent });
      }
    };
    await Promise.all(Array.from({ length: CYCLE_CLIENTS }, client));
    cycled.push({ keys: step * perStep, bytes: rssOf(subject.server) });
    print(`${step * perStep} keys used: ${megabytes(rssOf(subject.server))}\n`);
  }
  return cycled;
}

/** Resident memory of a process (proc_pid_status(5)). */
function rssOf({ child }: RunningProcess): number {
  return residentBytes(child.pid ?? 0);
}

function quantilesOf(times: readonly number[]): Quantiles {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

const NAME_WIDTH = 44;

function lineOf(outcome: ProbeOutcome | undefined): string {
  if (outcome === undefined) return "";
  const { name, small, large } = outcome;
  const cells = [small.p50, small.p99, large.p50, large.p99].map((ms) => ms.toFixed(2).padStart(10));
  return `${name.padEnd(NAME_WIDTH)}${cells.join("")}${(large.p50 / small.p50).toFixed(2).padStart(8)}\n`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/** The report as text. */
export function formatReport({ loaded, footprints, probes, cycled }: ScaleReport): string {
  const { small, large } = loaded;
  const sizes = [small, large].map(
    ({ size, fileBytes }) => `${size.keys} keys, ${size.grants} grants, ${megabytes(fileBytes)}`,
  );
  const titles = ["small p50", "p99", "large p50", "p99"].map((title) => title.padStart(10)).join("");
  return [
    `small: ${sizes[0]}`,
    `large: ${sizes[1]}`,
    `bytes of a key ${large.bytesPerKey.toFixed(0)}, an alias ${large.bytesPerAlias.toFixed(0)}, a grant ${large.bytesPerGrant.toFixed(0)}`,
    `loaded in ${large.keySeconds.toFixed(0)} s (keys) and ${large.grantSeconds.toFixed(0)} s (grants)`,
    `ready after ${footprints.small.startMs.toFixed(0)} ms and ${footprints.large.startMs.toFixed(0)} ms`,
    `idle RSS ${megabytes(footprints.small.idleBytes)} and ${megabytes(footprints.large.idleBytes)}`,
    "",
    `${"ms".padEnd(NAME_WIDTH)}${titles}${"ratio".padStart(8)}`,
    probes.map(lineOf).join(""),
    ...cycled.map(({ keys, bytes }) => `RSS after ${keys} keys used once each: ${megabytes(bytes)}`),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      keys: { type: "string", default: "100000" },
      grants: { type: "string" },
      small: { type: "string", default: "4000" },
      rounds: { type: "string", default: "8" },
      cycle: { type: "string" },
      directory: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const keys = Number(values.keys);
  const small = Number(values.small);
  if (values.help) process.stdout.write(HELP);
  else {
    const report = await measureScale(
      {
        small: { keys: small, grants: small * 10, accounts: ACCOUNTS },
        large: { keys, grants: Number(values.grants ?? keys * 10), accounts: ACCOUNTS },
        rounds: Number(values.rounds),
        cycle: Number(values.cycle ?? keys / 4),
        ...(values.directory !== undefined && { directory: values.directory }),
      },
      (text) => process.stderr.write(text.endsWith("\n") ? text : `${text}\n`),
    );
    process.stdout.write(formatReport(report));
  }
}
