/** `startKeystead`, which tests of users and our own start servers with. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import { SOURCE } from "../../src/testing-main.ts";
import { childrenOf } from "../faults/process-tree.ts";
import { runKeystead, startProcess, TemporaryDirectory } from "../faults/processes.ts";
import { callKms } from "../faults/signed-requests.ts";

const keysOf = async (server: Keystead): Promise<number> =>
  ((await callKms(server, "ListKeys", {})).output["Keys"] as unknown[]).length;

describe("startKeystead", () => {
  it("starts a server that answers with the credentials it gives, and stops it, twice too", async () => {
    const server = await startKeystead();
    assert.match(server.endpoint, /^http:\/\/127\.0\.0\.1:[1-9][0-9]*$/);
    assert.equal(await keysOf(server), 0);
    await server.stop();
    assert.equal(server.process.exitCode, 0);
    await assert.rejects(fetch(`${server.endpoint}/healthz`), TypeError);
    await server.stop();
  });

  it("starts servers that know nothing of each other", async () => {
    const servers = await Promise.all([startKeystead(), startKeystead()]);
    const [one, two] = servers;
    assert.notEqual(one.endpoint, two.endpoint);
    assert.equal((await callKms(one, "CreateKey", {})).status, 200);
    assert.deepEqual([await keysOf(one), await keysOf(two)], [1, 0]);
    await one.clock.advance("P1D");
    const apartMs = (await one.clock.now()).getTime() - (await two.clock.now()).getTime();
    assert.ok(apartMs > 86_000_000, String(apartMs));
    await Promise.all(servers.map((server) => server.stop()));
  });

  it("stops a server at the end of its scope, also when that ends in an error", async () => {
    let child: Keystead["process"] | undefined;
    const failing = async (): Promise<void> => {
      await using server = await startKeystead();
      child = server.process;
      throw new Error("of the test");
    };
    await assert.rejects(failing, { message: "of the test" });
    assert.equal(child?.exitCode, 0);
  });

  it("shows what the server writes to its log", async () => {
    await using server = await startKeystead();
    assert.match(server.log(), /NOT for production/);
  });

  it("moves the clock by a duration and to a moment, and says why it does not", async () => {
    await using server = await startKeystead();
    const before = await server.clock.now();
    const advanced = await server.clock.advance("P30D");
    assert.ok(advanced.getTime() - before.getTime() >= 30 * 86_400_000);
    const moment = new Date(advanced.getTime() + 86_400_000);
    assert.ok((await server.clock.set(moment)).getTime() >= moment.getTime());
    await assert.rejects(server.clock.set(before), { message: "The clock refused: The clock moves forward only." });
  });

  it("starts a server from its sources too, each process with what keeps others from its memory", async () => {
    using directory = new TemporaryDirectory();
    const data = directory.at("store");
    const plain = { nodeArgs: [], main: SOURCE };
    assert.equal((await runKeystead(["init", "--data", data], plain)).code, 0);
    await using server = await startProcess(["serve", "--data", data, "--port", "0", "--workers", "2"], plain);
    const processes = [server.child.pid, ...childrenOf(server.child.pid)];
    assert.equal(processes.length, 3);
    for (const pid of processes) {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      assert.ok(words.includes(SOURCE), String(words));
      for (const flag of ["--disable-sigusr1", "--report-exclude-env"]) assert.ok(words.includes(flag), String(words));
    }
  });

  it("passes on arguments and variables", async () => {
    await using server = await startKeystead({
      args: ["--host", "127.0.0.2"],
      env: { KEYSTEAD_TLS: "self-signed" },
    });
    assert.match(server.endpoint, /^https:\/\/127\.0\.0\.2:/);
  });

  it("fails with what the server said when the port is taken", async () => {
    await using server = await startKeystead();
    const { port } = new URL(server.endpoint);
    await assert.rejects(
      startKeystead({ args: ["--port", port] }),
      new RegExp(`^Error: Keystead did not start: it ended with 1\\n.*${port}`),
    );
  });

  it("fails with what the server said when an option is wrong", async () => {
    await assert.rejects(startKeystead({ args: ["--tls", "none"] }), /did not start: it ended with 1\n.*--tls/);
  });
});
