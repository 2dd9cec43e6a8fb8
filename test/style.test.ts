/** House rules that the linter can't know: how files are named and begin, and what no file says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { loadFiles } from "./source-files.ts";

const code = loadFiles("src/**/*.ts", "console/**/*.{ts,tsx}", "test/**/*.ts", "bench/**/*.ts", "build/**/*.ts");
const tests = code.filter(({ path }) => path.endsWith(".test.ts"));
const everything = loadFiles(
  "{src,console,test,bench,docs,deploy,bin}/**/*.{ts,tsx,js,json,md,sh,yaml,yml}",
  "*.{md,json}",
  ".ci/*",
).filter(({ path }) => !path.startsWith("test/.") && path !== "package-lock.json");

/** Where a file says something, as `path:line`. */
function places(files: typeof code, pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe("every TypeScript file", () => {
  it("first says in a sentence what it is for", () => {
    const mute = code
      .filter(({ text }) => !/^(?:#!.*\n)?\/\*\*\s+(?:\* )?\S.*[.:?]/.test(text))
      .map(({ path }) => path);
    assert.deepEqual(mute, []);
  });

  it("is named in kebab case by what it is about", () => {
    const odd = code
      .map(({ path }) => posix.basename(path))
      .filter(
        (name) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.tsx?$/.test(name) || /^(?:utils?|helpers?|misc)\./.test(name),
      );
    assert.deepEqual(odd, []);
  });

  it("leaves nothing for later", () => {
    // In brackets, so that the pattern doesn't find itself.
    assert.deepEqual(places(code, /\b(?:[T]ODO|[F]IXME|[X]XX|[H]ACK)\b/), []);
  });
});

describe("every test", () => {
  it("runs: none is skipped, singled out or put off", () => {
    const put =
      /\b(?:it|describe|test|suite|t|context)\.(?:skip|only|todo)\b|\{[^}]*\b(?:skip|only|todo):|\bt\.(?:skip|todo)\(/;
    const elsewhere = tests.filter(({ path }) => path !== "test/style.test.ts");
    assert.deepEqual(places(elsewhere, put), []);
  });

  it("begins no list of calls at once: what is refused before its turn would be a rejection that nobody handles", () => {
    const awaited =
      /for \(const (\w+) of (?:(?!for \(|it\()[\s\S]){0,1500}?(?:await |Refused\(|refusalOf\(|rejects\()\s*\1[,;)]/g;
    const begun = tests.flatMap(({ path, text }) =>
      [...text.matchAll(awaited)].map(({ index }) => `${path}:${text.slice(0, index).split("\n").length}`),
    );
    assert.deepEqual(begun, []);
  });

  it("lies in a folder named by a room of src/ or by a kind of test", () => {
    const rooms = new Set(loadFiles("src/*/**/*.ts").map(({ path }) => path.split("/")[1]));
    const kinds = ["console", "conformance", "interop", "faults", "load", "e2e"];
    const strays = tests
      .map(({ path }) => path.split("/"))
      .filter(([, folder, ...rest]) => rest.length > 0 && !rooms.has(folder) && !kinds.includes(folder ?? ""))
      .map((parts) => parts.join("/"));
    assert.deepEqual(strays, []);
  });
});

describe("the repository", () => {
  it("names no folder of the machine it was written on", () => {
    assert.deepEqual(places(everything, /(?:^|[\s"'`(=])[/](?:work|root|home|Users)[/]\w|[.][.][/]shared[/]/), []);
  });

  it("takes packages from the public registry alone", () => {
    const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as {
      packages: Record<string, { resolved?: string }>;
    };
    const origins = Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? []);
    assert.deepEqual(
      origins.filter((url) => !url.startsWith("https://registry.npmjs.org/")),
      [],
    );
  });

  it("pins every dependency to one version", () => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as Record<
      "dependencies" | "devDependencies" | "optionalDependencies",
      Record<string, string>
    >;
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    assert.ok(all.length > 0);
    assert.deepEqual(
      all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  });
});
