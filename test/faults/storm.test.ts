/** A few rounds of the storm; `npm run faults` runs a hundred. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatReport, runStorms } from "./storm.ts";

const ROUNDS = 3;

describe("a server that is killed in a storm of requests", () => {
  it("S08-030: SC-19 keeps, after each restart, every key, ciphertext, tag and deletion that it answered, with one record each", async (t) => {
    const report = await runStorms(ROUNDS);
    t.diagnostic(formatReport(report));
    assert.equal(report.kills, ROUNDS);
    for (const [operation, count] of Object.entries(report.answered)) {
      assert.ok(count > 0, `no storm had an answer to ${operation}`);
    }
  });
});
