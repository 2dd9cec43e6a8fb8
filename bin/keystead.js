#!/usr/bin/env node
// Plain JavaScript that any node can read: names the version that is needed before anything newer is parsed. What is
// published has bundles in dist/; a checkout runs its sources.
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";

const needed = 26;
if (Number(process.versions.node.split(".")[0]) < needed) {
  process.stderr.write(`keystead needs Node.js ${needed} or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
const bundle = new URL("../dist/main.js", import.meta.url);
if (existsSync(bundle)) {
  // Compiled code is kept in the user's temporary directory, or where NODE_COMPILE_CACHE says; without a place for it the
  // start is slower and no more.
  nodeModule.enableCompileCache();
  await import(bundle.href);
} else {
  await import("../src/cli/main.ts");
}
