/** Builds the web console into dist/console, which the server serves at `/console/`; does nothing where it is up to date. */

import { createHash } from "node:crypto";
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { build, type Plugin } from "vite";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUTPUT = join(ROOT, "dist/console");
/** Holds the hash of all that the output was made from. */
const SOURCES_FILE = "sources.sha256";
/** What a build depends on, packages aside: their versions are in the lock file. */
const SOURCES = ["console/**/*", "src/base/arn.ts", "build/console.ts", "package-lock.json"];

/**
 * Builds the console beside its place and moves it there, so that a server never finds half of it.
 *
 * @returns the folder of the console
 */
export async function buildConsole(): Promise<string> {
  const sources = sourcesHash();
  if (builtFrom() === sources) return OUTPUT;
  mkdirSync(dirname(OUTPUT), { recursive: true });
  const outDir = mkdtempSync(`${OUTPUT}-`);
  try {
    await build({
      configFile: false,
      root: join(ROOT, "console"),
      base: "/console/",
      logLevel: "warn",
      plugins: [react(), fontFiles()],
      build: {
        outDir,
        emptyOutDir: true,
        target: "es2022",
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 4000,
      },
    });
    for (const name of globSync("assets/*.{js,css}", { cwd: outDir })) {
      writeFileSync(join(outDir, `${name}.gz`), gzipSync(readFileSync(join(outDir, name)), { level: 9 }));
    }
    writeFileSync(join(outDir, SOURCES_FILE), sources);
    chmodSync(outDir, 0o755); // it was made for its owner alone
    replace(outDir);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
  return OUTPUT;
}

/** Another process may have put the same build there in the meantime: then that one stays. */
function replace(outDir: string): void {
  const old = `${outDir}-old`;
  try {
    renameSync(OUTPUT, old);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
  }
  try {
    renameSync(outDir, OUTPUT);
  } catch (cause) {
    if (builtFrom() !== sourcesHash()) throw cause;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

function sourcesHash(): string {
  const hash = createHash("sha256");
  const files = globSync(SOURCES, { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(`${file.slice(ROOT.length)}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

function builtFrom(): string | undefined {
  try {
    return readFileSync(join(OUTPUT, SOURCES_FILE), "utf8");
  } catch {
    return undefined;
  }
}

/** Cloudscape's stylesheet brings its fonts as `data:` URLs, which the page's policy refuses: they become files. */
function fontFiles(): Plugin {
  return {
    name: "font-files",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith(".css")) return undefined;
      return code.replaceAll(/url\((["']?)data:font\/woff2;base64,([^"')]+)\1\)/g, (_url, _quote, base64: string) => {
        const reference = this.emitFile({ type: "asset", name: "font.woff2", source: Buffer.from(base64, "base64") });
        return `url(__VITE_ASSET__${reference}__)`; // what Vite itself writes for an asset until its name is known
      });
    },
  };
}

if (import.meta.main) await buildConsole();
