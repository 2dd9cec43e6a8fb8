/** `npm run conformance`: the table of build-checklist ids covered, from what the last `npm test` ran and passed. */

import { readFileSync } from "node:fs";
import { coverageOf, formatCoverage, loadChecklist, RESULTS_FILE, type RunResults } from "./coverage.ts";

function loadResults(): RunResults | undefined {
  try {
    return JSON.parse(readFileSync(RESULTS_FILE, "utf8")) as RunResults;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

const results = loadResults();
if (results === undefined) {
  process.stderr.write("There are no results yet: run `npm test` first.\n");
  process.exitCode = 1;
} else {
  const coverage = coverageOf(loadChecklist(), results.passed);
  const extent = results.complete ? "all tests" : "unit tests only";
  process.stdout.write(
    `Passed in the run that ended ${results.finishedAt} (${extent}):\n\n${formatCoverage(coverage)}`,
  );
  if (coverage.open.length + coverage.unknown.length > 0) process.exitCode = 1;
}
