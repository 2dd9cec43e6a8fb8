/** Which build-checklist ids a test run has covered: from the names of the tests that passed, and from nothing else. */

import { readFileSync } from "node:fs";

/** What a run leaves for the report: every test that passed, with its file. */
export interface RunResults {
  /** ISO 8601. */
  readonly finishedAt: string;
  /** Whether all tests ran (`npm test`) or some were left out (`npm run test:unit`). */
  readonly complete: boolean;
  readonly passed: readonly { readonly file: string; readonly name: string }[];
}

/** `ids.json`: the capability that each id belongs to, and the capabilities that are finished. */
export interface Checklist {
  readonly finished: readonly string[];
  readonly ids: Readonly<Record<string, string>>;
}

/** The count of one spec file, such as `S01`. */
export interface SpecCoverage {
  readonly spec: string;
  readonly ids: number;
  readonly covered: number;
  readonly finishedIds: number;
  readonly finishedCovered: number;
}

export interface Coverage {
  readonly specs: readonly SpecCoverage[];
  /** Ids of finished capabilities that no passing test is named by. */
  readonly open: readonly string[];
  /** Ids that tests are named by and that the checklist doesn't have. */
  readonly unknown: readonly string[];
}

/** Where a run leaves its results; not under version control. */
export const RESULTS_FILE = new URL("../.results.json", import.meta.url);

const CHECKLIST_FILE = new URL("ids.json", import.meta.url);
const ID = /^S\d{2}[a-z]?-\d{3}/;
const SEPARATOR = /^(?:,? and |, ?| )(?=S\d{2}[a-z]?-\d{3})/;

/** The ids that a title begins with: one, or several that one test proves (`S01-025, S08-003: …`). */
export function idsOfTitle(title: string): readonly string[] {
  const ids: string[] = [];
  let rest = title;
  for (;;) {
    const id = ID.exec(rest)?.[0];
    if (id === undefined) return ids;
    ids.push(id);
    const afterId = rest.slice(id.length);
    const separator = SEPARATOR.exec(afterId)?.[0];
    if (separator === undefined) return ids;
    rest = afterId.slice(separator.length);
  }
}

/**
 * Reads `ids.json`.
 *
 * @throws Error when a capability is called finished that no id belongs to
 */
export function loadChecklist(): Checklist {
  const checklist = JSON.parse(readFileSync(CHECKLIST_FILE, "utf8")) as Checklist;
  const capabilities = new Set(Object.values(checklist.ids));
  for (const capability of checklist.finished) {
    if (!capabilities.has(capability)) throw new Error(`ids.json: no id belongs to the capability ${capability}.`);
  }
  return checklist;
}

/** Counts what passed against the checklist. */
export function coverageOf({ finished, ids }: Checklist, passed: RunResults["passed"]): Coverage {
  const proven = new Set(passed.flatMap(({ name }) => idsOfTitle(name)));
  const finishedCapabilities = new Set(finished);
  const specs = new Map<string, { ids: number; covered: number; finishedIds: number; finishedCovered: number }>();
  const open: string[] = [];
  for (const [id, capability] of Object.entries(ids)) {
    const spec = id.slice(0, id.indexOf("-"));
    const counts = specs.get(spec) ?? { ids: 0, covered: 0, finishedIds: 0, finishedCovered: 0 };
    specs.set(spec, counts);
    const covered = proven.has(id) ? 1 : 0;
    counts.ids += 1;
    counts.covered += covered;
    if (!finishedCapabilities.has(capability)) continue;
    counts.finishedIds += 1;
    counts.finishedCovered += covered;
    if (covered === 0) open.push(id);
  }
  return {
    specs: [...specs].map(([spec, counts]) => ({ spec, ...counts })),
    open,
    unknown: [...proven].filter((id) => ids[id] === undefined).sort(),
  };
}

/** The table that people read, a row for each spec file and one for all. */
export function formatCoverage({ specs, open, unknown }: Coverage): string {
  const total = { spec: "all", ids: 0, covered: 0, finishedIds: 0, finishedCovered: 0 };
  for (const row of specs) {
    total.ids += row.ids;
    total.covered += row.covered;
    total.finishedIds += row.finishedIds;
    total.finishedCovered += row.finishedCovered;
  }
  const lines = [
    "spec   ids  covered  of finished capabilities",
    ...[...specs, total].map((row) => {
      const ratio = `${row.finishedCovered}/${row.finishedIds}`;
      return `${row.spec.padEnd(5)}${String(row.ids).padStart(5)}${String(row.covered).padStart(9)}  ${ratio.padStart(24)}`;
    }),
  ];
  if (open.length > 0) lines.push(`Finished, but no passing test is named by: ${open.join(", ")}`);
  if (unknown.length > 0) lines.push(`Not in the checklist, but tests are named by: ${unknown.join(", ")}`);
  return `${lines.join("\n")}\n`;
}
