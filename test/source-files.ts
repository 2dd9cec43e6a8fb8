/** The files of the repository and the imports in them, for the tests that hold the rules of the house. */

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** One source file; `path` is relative to the repository, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** An import, re-export or dynamic import, with the names it takes (`*` for a whole module or a dynamic import). */
export interface Import {
  readonly from: string;
  readonly names: readonly string[];
}

/** All files that match the patterns, sorted by path. */
export function loadFiles(...patterns: readonly string[]): readonly SourceFile[] {
  return globSync(patterns, { cwd: ROOT, exclude: ["**/node_modules/**"], withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length))
    .sort()
    .map((path) => ({ path, text: readFileSync(`${ROOT}${path}`, "utf8") }));
}

const STATIC = /^(?:import|export)\s+(?:type\s+)?([^;"'`]*?)\s*\bfrom\s*["']([^"']+)["']/gm;
const BARE = /^import\s*["']([^"']+)["']/gm;
const CALLED = /\b(?:import|require|createRequire\([^)]*\))\s*\(\s*["'`]([^"'`]+)["'`]/g;
const BUILTIN = /\bgetBuiltinModule\s*\(\s*["'`]([^"'`]+)["'`]/g;

/** Every import of a source text, static, bare or dynamic. */
export function importsOf(text: string): readonly Import[] {
  const found: Import[] = [];
  for (const [, clause = "", from = ""] of text.matchAll(STATIC)) found.push({ from, names: namesOf(clause) });
  for (const pattern of [BARE, CALLED, BUILTIN]) {
    for (const [, from = ""] of text.matchAll(pattern)) found.push({ from, names: ["*"] });
  }
  return found;
}

/** The names that an import clause takes from the module: `{ a, type B as C }` gives `a` and `B`. */
function namesOf(clause: string): readonly string[] {
  const braces = /\{([^}]*)\}/.exec(clause);
  const named = (braces?.[1] ?? "")
    .split(",")
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, "")
        .replace(/\s+as\s+\w+$/, ""),
    )
    .filter((name) => name !== "");
  const outside = clause.replace(/\{[^}]*\}/, "").replace(/[\s,]/g, "");
  return outside === "" ? named : [...named, "*"];
}
