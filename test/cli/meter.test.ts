/** `keystead meter` on stores of `serve`: counts of several processes, over restarts and in copies, and what it refuses. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Bill } from "../../src/kms/metering/bill.ts";
import { initStore, runKeystead, startServe, TemporaryDirectory } from "../faults/processes.ts";
import { clientOf, newKey, present } from "../kms-client.ts";
import { placeFor, refusal, run } from "./store-worlds.ts";

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

async function billOf(...args: readonly string[]): Promise<Bill> {
  return JSON.parse(await run("meter", "--json", ...args)) as Bill;
}

describe("keystead meter", () => {
  it("adds what all processes of a server counted, over restarts, and finds it in copies", async () => {
    const data = directory.at("served");
    const { credentials, account } = await initStore(data);
    for (const start of [1, 2]) {
      await using server = await startServe(data, ["--workers", "2"]);
      for (let connection = 0; connection < 4; connection += 1) {
        using client = clientOf({ endpoint: server.endpoint, credentials });
        for (let count = 0; count < 5; count += 1) await client.kms.generateRandom({ NumberOfBytes: 1 });
      }
      using client = clientOf({ endpoint: server.endpoint, credentials });
      if (start === 1) await newKey(client.kms);
      assert.equal(await server.stop(), 0);
    }
    const bill = await billOf("--data", data);
    const [ofAccount] = bill.accounts;
    assert.equal(ofAccount?.account, account);
    assert.deepEqual(ofAccount?.requests, [
      { region: "us-east-1", operation: "CreateKey", spec: "", requests: 1 },
      { region: "us-east-1", operation: "GenerateRandom", spec: "", requests: 40 },
    ]);

    const file = directory.at("export.keystead");
    await run("export", "--data", data, "--to", file);
    const copy = placeFor(directory.at("copy"), data);
    await run("import", "--data", copy, "--from", file);
    assert.deepEqual((await billOf("--data", copy, "--month", bill.month)).accounts[0]?.requests, ofAccount?.requests);
    assert.deepEqual((await billOf("--data", data, "--account", "444455556666")).accounts, []);
    assert.deepEqual((await billOf("--data", data, "--month", "2020-01")).accounts, []);
  });

  it("refuses what is no month, account, tariff or store", async () => {
    const data = directory.at("served");
    for (const { args, says } of [
      { args: ["--data", data, "--month", "2026-13"], says: /--month takes a month such as 2026-11, not '2026-13'/ },
      { args: ["--data", data, "--account", "1"], says: /an account id has 12 digits/ },
      { args: ["--data", data, "--tariff", directory.at("absent.yaml")], says: /absent\.yaml can't be read: ENOENT/ },
      { args: ["--data", directory.at("nothing")], says: /nothing/ },
      { args: ["--endpoint", "http://127.0.0.1:9"], says: /No development server answers/ },
    ]) {
      assert.match(present(await runKeystead(["meter", ...args])).stderr, says, args.join(" "));
    }
    assert.match(refusal(await runKeystead(["meter", "--data", data, "--month", "november"])), /'november'/);
  });
});
