#!/usr/bin/env node
// Plain JavaScript that any node can read: names the version that is needed before anything newer is parsed.
const needed = 26;
if (Number(process.versions.node.split(".")[0]) < needed) {
  process.stderr.write(`keystead needs Node.js ${needed} or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
await import("../src/cli/main.ts");
