/**
 * Renders the Helm chart with each of its examples into `deploy/helm/rendered`: for clusters without Helm, for reviews, and for the tests, which have
 * no Helm and see by the hash in each file whether it is of the chart that is there.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const HELM_FOLDER = fileURLToPath(new URL("../deploy/helm/", import.meta.url));
const CHART = join(HELM_FOLDER, "keystead");

/** The names of the examples, such as `sqlite`. */
export function chartExamples(): readonly string[] {
  return globSync("examples/*.yaml", { cwd: HELM_FOLDER })
    .map((path) => basename(path, ".yaml"))
    .sort();
}

/** Where what an example renders to is. */
export function renderedPath(example: string): string {
  return join(HELM_FOLDER, "rendered", `${example}.yaml`);
}

/** The first line of what an example renders to: the hash of the chart's files and of the example. */
export function renderedHeading(example: string): string {
  const files = globSync("keystead/**/*", { cwd: HELM_FOLDER, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash("sha256");
  for (const file of [...files, join(HELM_FOLDER, "examples", `${example}.yaml`)]) {
    const bytes = readFileSync(file);
    hash.update(`${file.slice(HELM_FOLDER.length)}\n${bytes.length}\n`).update(bytes);
  }
  return `# Made by \`npm run build:chart\` of examples/${example}.yaml; sources ${hash.digest("hex")}\n`;
}

function render(example: string): string {
  const values = join(HELM_FOLDER, "examples", `${example}.yaml`);
  return execFileSync("helm", ["template", "keystead", CHART, "--namespace", "keystead", "--values", values], {
    encoding: "utf8",
  });
}

if (import.meta.main) {
  for (const example of chartExamples()) {
    writeFileSync(renderedPath(example), renderedHeading(example) + render(example));
  }
}
