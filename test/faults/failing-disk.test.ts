/** A disk that takes no more bytes while a server works on it: errors and no changes, and all is well once there is room. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { initStore, type RunningProcess, startServe, TemporaryDirectory } from "./processes.ts";
import { callKms, type KmsAnswer, keyArnOf, mustCallKms, type ServerAddress } from "./signed-requests.ts";
import { verifyFiles } from "./storm-verification.ts";

/** Lets no file of a process grow past a size (prlimit(1), RLIMIT_FSIZE): writes behind it fail as on a disk that is full. */
function limitFiles({ child }: RunningProcess, bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:`]);
}

/** Whatever is answered, and its requests, which all have to have a record. */
class Caller {
  readonly #server: ServerAddress;
  readonly answered: { readonly id: string; readonly operation: string }[] = [];

  constructor(server: ServerAddress) {
    this.#server = server;
  }

  async call(operation: string, input: unknown): Promise<KmsAnswer> {
    const answer = await callKms(this.#server, operation, input);
    if (answer.status === 200) this.answered.push({ id: answer.requestId, operation });
    return answer;
  }
}

describe("a server whose disk takes no more bytes", () => {
  it("answers internal errors, keeps what there was, and goes on when there is room, without a restart", async () => {
    using directory = new TemporaryDirectory();
    const data = directory.at("store");
    const { credentials } = await initStore(data);
    await using server = await startServe(data);
    const address = { endpoint: server.endpoint, credentials };
    const caller = new Caller(address);
    const KeyId = keyArnOf((await caller.call("CreateKey", { Description: "before" })).output);
    const described = async (): Promise<unknown> =>
      ((await mustCallKms(address, "DescribeKey", { KeyId })).output["KeyMetadata"] as Record<string, unknown>)[
        "Description"
      ];

    // The segment is smaller than the log: with this limit records find room and commits do not, then neither does.
    const log = statSync(join(data, "keystead.db-wal")).size;
    for (const bytes of [log, 4096, 0]) {
      limitFiles(server, bytes);
      let refused: KmsAnswer | undefined;
      for (let change = 0; refused === undefined && change < 2_000; change += 1) {
        const answer = await caller.call("UpdateKeyDescription", { KeyId, Description: `change ${change}` });
        if (answer.status !== 200) refused = answer;
      }
      assert.equal(refused?.status, 500, `no change was refused with files of ${bytes} bytes`);
      assert.equal(refused.code, "KMSInternalException");
      const created = await caller.call("CreateKey", { Description: "too much" });
      assert.equal(created.status, 500);
      if (bytes === 0) {
        const used = await caller.call("Encrypt", { KeyId, Plaintext: "AAAA" });
        assert.equal(used.status, 500, "a use whose record finds no room is not answered");
      }

      limitFiles(server, "unlimited");
      const before = await described();
      assert.notEqual(before, undefined);
      const after = await caller.call("UpdateKeyDescription", { KeyId, Description: `room after ${bytes}` });
      assert.equal(after.status, 200, after.body.toString("utf8"));
      assert.equal(await described(), `room after ${bytes}`);
      assert.equal((await caller.call("Encrypt", { KeyId, Plaintext: "AAAA" })).status, 200);
    }

    const { output } = await mustCallKms(address, "ListKeys", {});
    assert.equal((output["Keys"] as unknown[]).length, 1, "no refused CreateKey has left a key");
    assert.equal(await server.stop(), 0);
    await verifyFiles(data, caller.answered);
  });
});
