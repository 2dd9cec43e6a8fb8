/** The counting of checklist ids. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Checklist, coverageOf, formatCoverage, idsOfTitle, loadChecklist } from "./coverage.ts";

const checklist: Checklist = {
  finished: ["running-kms"],
  ids: { "S01-001": "running-kms", "S01-002": "running-kms", "S01-003": "console", "S06a-001": "custom-key-stores" },
};
const named = (...names: string[]) => names.map((name) => ({ file: "test/a.test.ts", name }));

describe("the ids of a title", () => {
  for (const { title, ids } of [
    { title: "S01-001 CreateKey answers the metadata", ids: ["S01-001"] },
    { title: "S01-001: CreateKey answers the metadata", ids: ["S01-001"] },
    { title: "S06a-001, S01-002 and S01-003: three at once", ids: ["S06a-001", "S01-002", "S01-003"] },
    { title: "S01-001 S01-002 two at once", ids: ["S01-001", "S01-002"] },
    { title: "proves S01-001 in passing", ids: [] },
    { title: "S01-1 is no id", ids: [] },
  ]) {
    it(`are ${ids.join(", ") || "none"} in "${title}"`, () => assert.deepEqual(idsOfTitle(title), ids));
  }
});

describe("the coverage of a run", () => {
  it("lists the open ids of finished capabilities only", () => {
    assert.deepEqual(coverageOf(checklist, named("S01-001 a")).open, ["S01-002"]);
    assert.deepEqual(coverageOf(checklist, named("S01-001 a", "S01-002 b")).open, []);
    assert.deepEqual(coverageOf({ ...checklist, finished: [] }, []).open, []);
  });

  it("counts an id once for each spec file", () => {
    const { specs } = coverageOf(checklist, named("S01-001 a", "S01-001 b", "S06a-001 c"));
    assert.deepEqual(specs, [
      { spec: "S01", ids: 3, covered: 1, finishedIds: 2, finishedCovered: 1 },
      { spec: "S06a", ids: 1, covered: 1, finishedIds: 0, finishedCovered: 0 },
    ]);
  });

  it("names ids that the checklist doesn't have", () => {
    assert.deepEqual(coverageOf(checklist, named("S01-099 a")).unknown, ["S01-099"]);
  });

  it("is printed with a row for each spec file, the sum, and what is open", () => {
    const text = formatCoverage(coverageOf(checklist, named("S01-001 a")));
    assert.match(text, /^S01 +3 +1 +1\/2$/m);
    assert.match(text, /^all +4 +1 +1\/2$/m);
    assert.match(text, /no passing test is named by: S01-002$/m);
  });
});

describe("the checklist", () => {
  it("has the 422 ids of the build checklists", () => {
    assert.equal(Object.keys(loadChecklist().ids).length, 422);
  });
});
