/** A few of the points at which a store is cut off; `npm run crash-points` tries a thousand. */

import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { cutOff, formatReport, type Recording, record } from "./crash-points.ts";
import { verifyCopy } from "./crash-verification.ts";
import { TemporaryDirectory } from "./processes.ts";
import { RandomChoices } from "./random-choices.ts";
import { copyStore, cutBelow } from "./torn-copies.ts";
import type { Mark } from "./write-ahead-log.ts";

const POINTS = 20;
const POINTS_PER_MOMENT = 10;
const SEED = Date.now() % 1_000_000;

let scratch: TemporaryDirectory;
let recording: Recording;

before(async () => {
  scratch = new TemporaryDirectory();
  recording = await record(scratch, POINTS / POINTS_PER_MOMENT, new RandomChoices(SEED));
});
after(() => scratch[Symbol.dispose]());

describe("a store that is cut off while it is being changed", () => {
  it("S08-030: SC-19 has, at whatever point and with whatever torn writes behind it, every change that was answered, and its record", async (t) => {
    const settings = { points: POINTS, seed: SEED, pointsPerMoment: POINTS_PER_MOMENT };
    const report = await cutOff(scratch, recording, settings);
    t.diagnostic(formatReport(report));
    assert.ok(report.checked.values > 0 && report.checked.ciphertexts > 0 && report.checked.records > 0);
  });
});

describe("the judge of stores that were cut off", () => {
  it("says that something is lost when a commit or a synced record was taken away", async () => {
    const { ledger, moments } = recording;
    const place = lastPlace(recording);
    const copyOf = (name: string): string => {
      copyStore(moments[0] ?? "", scratch.at(name));
      return scratch.at(name);
    };
    await verifyCopy(copyOf("whole"), place, ledger);

    const cut = copyOf("cut");
    cutBelow(cut, { ...place, end: place.end / 2 });
    await assert.rejects(verifyCopy(cut, place, ledger), /answered values are lost/);

    const silent = copyOf("silent");
    const [segment = ""] = place.segments.keys();
    truncateSync(join(silent, segment), 200);
    await assert.rejects(verifyCopy(silent, place, ledger), /records of \d+ of \d+ answered changes/);
  });
});

/** Where the store was at an answer that had come before the first moment was frozen. */
function lastPlace({ ledger: { changes }, changesBefore }: Recording): Mark {
  const mark = changes[(changesBefore[0] ?? 0) - 1]?.mark;
  assert.ok(mark !== undefined);
  return mark;
}
