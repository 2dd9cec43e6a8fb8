/** Makes dist/package, or the folder named: Keystead as it is published, with nothing to install beside it. `npm pack ./dist/package` packs it. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSources } from "./bundle-sources.ts";
import { buildConsole } from "./console.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGE = process.argv[2] ?? join(ROOT, "dist/package");
const COPIED = ["bin", "deploy/helm", "deploy/systemd", "docs", "LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md"];
/** What the published package.json takes over; scripts and dependencies are the checkout's. */
const PUBLISHED = ["name", "version", "description", "license", "type", "bin"];

rmSync(PACKAGE, { recursive: true, force: true });
mkdirSync(PACKAGE, { recursive: true });
await bundleSources(join(PACKAGE, "dist"));

cpSync(await buildConsole(), join(PACKAGE, "dist/console"), { recursive: true });
for (const name of COPIED) cpSync(join(ROOT, name), join(PACKAGE, name), { recursive: true });
const ours = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
const published = Object.fromEntries(PUBLISHED.map((name) => [name, ours[name]]));
const files = ["dist", ...COPIED];
writeFileSync(join(PACKAGE, "package.json"), `${JSON.stringify({ ...published, files }, null, 2)}\n`);
