/** The house holds: imports point one way, key material stays in custody, and sources keep their shape. */

import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { importsOf, loadFiles, type SourceFile } from "./source-files.ts";

/** Rooms from the lowest up; a room imports from lower floors only, never from another room of its own floor. */
const FLOORS = [
  ["base"],
  ["wire"],
  ["custody", "storage", "policy"],
  ["identity"],
  ["access"],
  ["pipeline"],
  ["signals", "audit"],
  ["iam"],
  ["kms"],
  ["services"],
  ["cli"],
] as const;

/** Rooms that may import less than their floor would let them: the whole list, in place of it. */
const NARROW: ReadonlyMap<string, readonly string[]> = new Map([
  ["policy", ["base"]],
  ["gateway", ["pipeline", "identity", "custody", "storage", "wire", "base"]],
]);

/** What any room may take from node:crypto: nothing here makes, holds or uses a key. */
const KEYLESS_CRYPTO = ["constants", "createHash", "hash", "randomBytes", "randomInt", "randomUUID", "timingSafeEqual"];

/** The exceptions outside custody, each with its reason. */
const KEY_EXCEPTIONS: readonly { file: string; name: string; reason: string }[] = [
  { file: "src/identity/attestation.ts", name: "KeyObject", reason: "the public key of a document's certificate" },
  { file: "src/identity/attestation.ts", name: "verify", reason: "verifies a document under that public key" },
  ...["KeyObject", "X509Certificate"].map((name) => ({
    file: "src/identity/certificate-chain.ts",
    name,
    reason: "verifies certificates under public keys; none of the service's keys is there",
  })),
  ...["generateKeyPairSync", "sign"].map((name) => ({
    file: "src/cli/self-signed.ts",
    name,
    reason: "makes the TLS key of a development server; it is no key of the service",
  })),
];

const sources = loadFiles("src/**/*.ts");

/** The room of a file: the folder under `src/`. Files of `src/` itself (what is published) stand with `cli`. */
function roomOf(path: string): string {
  const [, room, ...rest] = path.split("/");
  return rest.length === 0 || room === undefined ? "cli" : room;
}

function mayImport(room: string): readonly string[] {
  const narrow = NARROW.get(room);
  if (narrow !== undefined) return [...narrow, room];
  const floor = FLOORS.findIndex((rooms) => (rooms as readonly string[]).includes(room));
  const lower = FLOORS.slice(0, floor).flat();
  return room === "cli" ? [...lower, "gateway", room] : [...lower, room];
}

const ROOMS: readonly string[] = [...FLOORS.flat(), "gateway"];

/** The relative imports of a file, as paths from the repository's root. */
function pathsImported({ path, text }: SourceFile): readonly string[] {
  return importsOf(text)
    .filter(({ from }) => from.startsWith("."))
    .map(({ from }) => posix.join(posix.dirname(path), from));
}

/** Import arrows that the house doesn't have. */
function wrongArrows(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const allowed = mayImport(roomOf(file.path));
    return pathsImported(file)
      .filter((target) => !target.startsWith("src/") || !allowed.includes(roomOf(target)))
      .map((target) => `${file.path} imports ${target}`);
  });
}

/** Uses of node:crypto or WebCrypto that can hold a key, outside custody and without a reason. */
function keyUses(files: readonly SourceFile[]): readonly { file: string; name: string }[] {
  return files
    .filter(({ path }) => roomOf(path) !== "custody")
    .flatMap(({ path, text }) => {
      const imported = importsOf(text)
        .filter(({ from }) => /^(?:node:)?crypto$/.test(from))
        .flatMap(({ names }) => names)
        .filter((name) => !KEYLESS_CRYPTO.includes(name));
      const web = /\b(?:globalThis\s*\.\s*crypto|crypto\s*\.\s*(?:subtle|webcrypto)|webcrypto|SubtleCrypto)\b/.exec(
        text,
      );
      return [...imported, ...(web === null ? [] : [web[0]])].map((name) => ({ file: path, name }));
    });
}

function isExcused({ file, name }: { file: string; name: string }): boolean {
  return KEY_EXCEPTIONS.some((exception) => exception.file === file && exception.name === name);
}

/** Lines of code (comments aside) that match, as `path:line`. */
function linesThatMatch(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => {
      const isComment = /^\s*(?:\/\/|\/?\*)/.test(line);
      return !isComment && pattern.test(line) ? [`${path}:${index + 1}`] : [];
    }),
  );
}

describe("the rooms of src/", () => {
  it("are the rooms that the house has", () => {
    const unknown = new Set(sources.map(({ path }) => roomOf(path)).filter((room) => !ROOMS.includes(room)));
    assert.deepEqual([...unknown], []);
    assert.ok(sources.length > 0);
  });

  it("import in one direction", () => {
    assert.deepEqual(wrongArrows(sources), []);
  });

  it("leave policy/ pure: it imports base/ and nothing from Node or npm", () => {
    const impure = sources
      .filter(({ path }) => roomOf(path) === "policy")
      .flatMap(({ path, text }) => importsOf(text).map(({ from }) => ({ path, from })))
      .filter(({ from }) => !from.startsWith("."));
    assert.deepEqual(impure, []);
  });

  it("leave the clock to whoever injects it: policy/, access/, kms/ and audit/ never read the machine's", () => {
    const pure = sources.filter(({ path }) => ["policy", "access", "kms", "audit"].includes(roomOf(path)));
    assert.deepEqual(linesThatMatch(pure, /\bDate\.now\(\)|\bnew Date\(\)|\bperformance\.now\(\)/), []);
  });
});

describe("the console", () => {
  const pages = loadFiles("console/src/**/*.{ts,tsx}");

  it("is a client of the public APIs: of the server's sources it takes the list of Regions alone", () => {
    const taken = pages.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ from }) => from.startsWith(".") || from.startsWith("node:"))
        .map(({ from }) => (from.startsWith(".") ? posix.join(posix.dirname(path), from) : from))
        .filter((target) => !target.startsWith("console/src/")),
    );
    assert.deepEqual([...new Set(taken)], ["src/base/arn.ts"]);
  });

  it("S01-060 calls no cryptographic operation, and moves no alias", () => {
    const called = new Set(
      pages.flatMap(({ text }) => [...text.matchAll(/\bnew (\w+)Command\(/g)].map(([, name]) => name)),
    );
    const never =
      /^(?:Encrypt|Decrypt|ReEncrypt|GenerateDataKey\w*|GenerateMac|VerifyMac|GenerateRandom|Sign|Verify|DeriveSharedSecret|Encapsulate|Decapsulate|UpdateAlias)$/;
    assert.deepEqual(
      [...called].filter((name) => never.test(name ?? "")),
      [],
    );
    assert.ok(called.has("CreateAlias"));
  });

  it("keeps its rules in modules without React, which tests without a browser load", () => {
    const rules = pages.filter(({ path }) => path.startsWith("console/src/model/"));
    const impure = rules.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ from }) => !from.startsWith(".") && !from.startsWith("@aws-sdk/"))
        .map(({ from }) => `${path} imports ${from}`),
    );
    assert.deepEqual(impure, []);
    assert.ok(rules.length > 0);
  });

  it("has files of at most 500 lines and no default export", () => {
    const long = pages.filter(({ text }) => text.split("\n").length - 1 > 500).map(({ path }) => path);
    assert.deepEqual([...long, ...linesThatMatch(pages, /\bexport\s+default\b/)], []);
  });
});

describe("key material", () => {
  it("S08-030: SC-20 is touched in custody/ alone, save for the exceptions that have a reason", () => {
    assert.deepEqual(
      keyUses(sources).filter((use) => !isExcused(use)),
      [],
    );
  });

  it("has no exception that isn't used", () => {
    const uses = keyUses(sources);
    const idle = KEY_EXCEPTIONS.filter(({ file, name }) => !uses.some((use) => use.file === file && use.name === name));
    assert.deepEqual(idle, []);
  });
});

describe("a source file", () => {
  it("has at most 500 lines", () => {
    const long = sources.filter(({ text }) => text.split("\n").length - 1 > 500).map(({ path }) => path);
    assert.deepEqual(long, []);
  });

  it("writes to the console in cli/ alone", () => {
    const quiet = sources.filter(({ path }) => roomOf(path) !== "cli");
    assert.deepEqual(linesThatMatch(quiet, /\bconsole\s*\./), []);
  });

  it("has no default export", () => {
    assert.deepEqual(linesThatMatch(sources, /\bexport\s+default\b|\bas\s+default\b/), []);
  });

  it("imports by whole file names", () => {
    const bare = sources.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ from }) => from.startsWith(".") && !/\.(?:ts|json)$/.test(from))
        .map(({ from }) => `${path} imports ${from}`),
    );
    assert.deepEqual(bare, []);
  });
});

describe("the checks of this file", () => {
  const file = (path: string, text: string): SourceFile => ({ path, text });

  for (const { title, path, text } of [
    { title: "upwards", path: "src/base/a.ts", text: 'import { b } from "../wire/b.ts";' },
    { title: "sideways", path: "src/custody/a.ts", text: 'import type { B } from "../storage/b.ts";' },
    { title: "from policy/ to wire/", path: "src/policy/a.ts", text: 'export { b } from "../wire/b.ts";' },
    { title: "from gateway/ to kms/", path: "src/gateway/a.ts", text: 'const b = await import("../kms/b.ts");' },
    { title: "from kms/ to gateway/", path: "src/kms/a.ts", text: 'import "../gateway/b.ts";' },
    { title: "to the published entry", path: "src/kms/a.ts", text: 'import { b } from "../testing.ts";' },
    { title: "out of src/", path: "src/kms/a.ts", text: 'import { b } from "../../test/b.ts";' },
    { title: "over several lines", path: "src/base/a.ts", text: 'import {\n  b,\n  c,\n} from "../kms/b.ts";' },
  ]) {
    it(`see an arrow ${title}`, () => assert.equal(wrongArrows([file(path, text)]).length, 1));
  }

  for (const { title, path, text } of [
    { title: "downwards", path: "src/kms/a.ts", text: 'import { b } from "../custody/b.ts";' },
    { title: "inside a room", path: "src/kms/operations/a.ts", text: 'import { b } from "../b.ts";' },
    { title: "from cli/ to gateway/", path: "src/cli/a.ts", text: 'import { b } from "../gateway/b.ts";' },
  ]) {
    it(`let an arrow pass ${title}`, () => assert.deepEqual(wrongArrows([file(path, text)]), []));
  }

  for (const { title, text, uses } of [
    { title: "a cipher", text: 'import { createCipheriv, createHash } from "node:crypto";', uses: 1 },
    { title: "a type of key", text: 'import type { KeyObject } from "node:crypto";', uses: 1 },
    { title: "the whole module", text: 'import * as c from "crypto";', uses: 1 },
    { title: "the default export", text: 'import c from "node:crypto";', uses: 1 },
    { title: "WebCrypto", text: "await globalThis.crypto.subtle.digest(a, b);", uses: 1 },
    { title: "a built-in fetched by name", text: 'process.getBuiltinModule("node:crypto")', uses: 1 },
    { title: "nothing in hashes and random", text: 'import { createHash, randomUUID } from "node:crypto";', uses: 0 },
  ]) {
    it(`see ${title}`, () => assert.equal(keyUses([file("src/kms/a.ts", text)]).length, uses));
  }
});
