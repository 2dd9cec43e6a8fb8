/** Which test files keep a store where `testPlace` says, and so tell something new with another engine: their imports say it. */

import { posix } from "node:path";
import { importsOf, loadFiles } from "./source-files.ts";

const PLACES = "src/testing-database.ts";
const TYPES = /^(?:import|export) type [^;]*;$/gm;

/** The test files that import the places of stores, themselves or through others. */
export function filesWithStores(): readonly string[] {
  const texts = new Map(loadFiles("src/**/*.ts", "test/**/*.ts").map(({ path, text }) => [path, text]));
  const found = new Map<string, boolean>([[PLACES, true]]);
  const reaches = (path: string): boolean => {
    const known = found.get(path);
    if (known !== undefined) return known;
    found.set(path, false); // what imports itself in a circle reaches nothing by that
    const relative = importsOf((texts.get(path) ?? "").replace(TYPES, "")).filter(({ from }) => from.startsWith("."));
    const reached = relative.some(({ from }) => reaches(posix.join(posix.dirname(path), from)));
    found.set(path, reached);
    return reached;
  };
  return [...texts.keys()].filter((path) => path.endsWith(".test.ts") && reaches(path));
}
