#!/usr/bin/env node
// Plain JavaScript that any node can read: names the version that is needed before anything newer is parsed. What is
// published has bundles in dist/; a checkout runs its sources.
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const needed = 26;
if (Number(process.versions.node.split(".")[0]) < needed) {
  process.stderr.write(`keystead needs Node.js ${needed} or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
// Compiled code is kept from start to start, where nobody but this user may write: whoever could write there could run what
// they like in a server that holds keys. Without such a place the start is slower and no more.
const cache =
  process.env.NODE_COMPILE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "keystead");
nodeModule.enableCompileCache(cache);
const bundle = new URL("../dist/main.js", import.meta.url);
await import(existsSync(bundle) ? bundle.href : "../src/cli/main.ts");
