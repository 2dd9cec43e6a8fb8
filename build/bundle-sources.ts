/** The bundles of Keystead: of its commands, and of each module that begins a thread, side by side with what they share. */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { THREAD_MODULES } from "../src/base/entry-point.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Bundles `src/cli/main.ts` and what it needs, packages included, as `main.js` into a folder. */
export async function bundleSources(outdir: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/cli/main.ts", ...THREAD_MODULES.map((module) => `src/${module}`)],
    outdir,
    entryNames: "[name]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node26",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "external",
    sourcemap: true,
    sourcesContent: false,
    external: ["pg-native"],
    // Packages in CommonJS ask for Node's modules by `require`.
    banner: {
      js: 'import{createRequire as keysteadRequire}from"node:module";const require=keysteadRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
}
