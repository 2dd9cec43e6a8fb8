/** The console's static files: what is served, under which headers, and that nothing else is. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { consoleRoutes } from "../../src/cli/console-routes.ts";
import type { LocalAnswer, Route } from "../../src/gateway/gateway.ts";
import type { Client } from "../../src/pipeline/operation.ts";
import { TemporaryDirectory } from "../faults/processes.ts";

const CLIENT: Client = { address: "127.0.0.1", userAgent: undefined, host: "127.0.0.1" };

/** A console with a page, a script that is there zipped, and files that are none of its own. */
function built(directory: TemporaryDirectory): ReadonlyMap<string, Route> {
  mkdirSync(directory.at("assets"));
  writeFileSync(directory.at("index.html"), "<html>");
  writeFileSync(directory.at("sources.sha256"), "hash");
  writeFileSync(directory.at("assets/a-1.js"), "script");
  writeFileSync(directory.at("assets/a-1.js.gz"), gzipSync("script"));
  writeFileSync(directory.at("assets/f-1.woff2"), new Uint8Array([0, 255]));
  return consoleRoutes(directory.path);
}

async function ask(
  routes: ReadonlyMap<string, Route>,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<LocalAnswer> {
  const route = routes.get(path);
  assert.ok(route, path);
  return await route({ method, target: path, headers, body: new Uint8Array() }, CLIENT);
}

describe("the console's files", () => {
  it("are those of the table alone", () => {
    using directory = new TemporaryDirectory();
    assert.deepEqual([...built(directory).keys()].sort(), [
      "/console",
      "/console/",
      "/console/assets/a-1.js",
      "/console/assets/f-1.woff2",
    ]);
  });

  it("may load from and speak to this server alone, and are framed by nobody", async () => {
    using directory = new TemporaryDirectory();
    const { status, contentType, body, headers = {} } = await ask(built(directory), "/console/");
    assert.deepEqual([status, contentType, Buffer.from(body).toString()], [200, "text/html; charset=utf-8", "<html>"]);
    const policy = headers["Content-Security-Policy"] ?? "";
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.split("; ").includes(part), part);
    }
    assert.doesNotMatch(policy, /unsafe|data:|https?:|\*/);
    assert.deepEqual(
      [headers["X-Content-Type-Options"], headers["X-Frame-Options"], headers["Cache-Control"]],
      ["nosniff", "DENY", "no-cache"],
    );
  });

  it("are kept by browsers for ever where their names hold a hash, and come zipped where that is taken", async () => {
    using directory = new TemporaryDirectory();
    const routes = built(directory);
    const plain = await ask(routes, "/console/assets/a-1.js");
    const zipped = await ask(routes, "/console/assets/a-1.js", { headers: { "accept-encoding": "br, gzip" } });
    const font = await ask(routes, "/console/assets/f-1.woff2", { headers: { "accept-encoding": "gzip" } });
    assert.match(plain.headers?.["Cache-Control"] ?? "", /immutable/);
    assert.equal(Buffer.from(plain.body).toString(), "script");
    assert.equal(zipped.headers?.["Content-Encoding"], "gzip");
    assert.equal(gunzipSync(zipped.body as Uint8Array).toString(), "script");
    assert.deepEqual([font.contentType, font.headers?.["Content-Encoding"]], ["font/woff2", undefined]);
  });

  it("are read only", async () => {
    using directory = new TemporaryDirectory();
    const routes = built(directory);
    for (const path of routes.keys()) assert.equal((await ask(routes, path, { method: "POST" })).status, 405);
    assert.equal((await ask(routes, "/console/", { method: "HEAD" })).status, 200);
  });

  it("are reached from the address without a slash", async () => {
    using directory = new TemporaryDirectory();
    const { status, headers } = await ask(built(directory), "/console");
    assert.deepEqual([status, headers?.["Location"]], [308, "/console/"]);
  });

  it("say how they are made where nobody has built them", async () => {
    using directory = new TemporaryDirectory();
    const routes = consoleRoutes(directory.path);
    assert.deepEqual([...routes.keys()], ["/console", "/console/"]);
    const { status, body } = await ask(routes, "/console/");
    assert.equal(status, 503);
    assert.match(String(body), /npm run build:console/);
  });
});
