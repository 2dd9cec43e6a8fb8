/** Ten seconds of the soak; `npm run soak` runs ten minutes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatReport, requireFlat, runSoak } from "./soak.ts";
import { STEPS } from "./soak-work.ts";

describe("a server under mixed load", () => {
  it("answers nothing but what was asked for, records each answered request once, and does what is due", async (t) => {
    const report = await runSoak({ seconds: 8, clients: 6, seed: Date.now() % 1_000_000 });
    t.diagnostic(formatReport(report));
    for (const { name } of STEPS) assert.ok((report.byStep.get(name) ?? 0) > 0, `nobody did: ${name}`);
    assert.ok(report.deleted > 0);
    assert.equal(report.recorded, report.answered);
  });
});

describe("the judge of memory", () => {
  it("lets noise pass and refuses growth", () => {
    requireFlat({ rss: { from: 300e6, to: 320e6 }, heap: undefined });
    assert.throws(() => requireFlat({ rss: { from: 300e6, to: 340e6 }, heap: undefined }), /RSS grew/);
    assert.throws(() => requireFlat({ rss: { from: 1, to: 1 }, heap: { from: 50e6, to: 90e6 } }), /the heap grew/);
  });
});
