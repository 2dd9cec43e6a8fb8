/** What is done once in each interval of the clock. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IntervalTask } from "../../src/base/interval-task.ts";

const MINUTE_MS = 60_000;

/** A task that notes its times, on a clock that stands at the beginning of a minute. */
function newTask(inFirst: boolean, fails: () => boolean = () => false) {
  const clock = { at: 10 * MINUTE_MS, now: () => clock.at };
  const times: number[] = [];
  const task = new IntervalTask({
    clock,
    intervalMs: MINUTE_MS,
    inFirst,
    async perform(now) {
      await undefined;
      if (fails()) throw new Error("not now");
      times.push(now);
    },
    onError: () => assert.fail(),
  });
  return { clock, times, task };
}

describe("a task of each minute", () => {
  for (const { inFirst, expected } of [
    { inFirst: true, expected: [10 * MINUTE_MS, 11 * MINUTE_MS + 1] },
    { inFirst: false, expected: [11 * MINUTE_MS + 1] },
  ]) {
    it(`is done once a minute, ${inFirst ? "the first one too" : "from the next one on"}, however often it is looked`, async () => {
      const { clock, times, task } = newTask(inFirst);
      await Promise.all([task.run(), task.run()]);
      clock.at += MINUTE_MS - 1;
      await task.run();
      clock.at += 2;
      await Promise.all([task.run(), task.run()]);
      assert.deepEqual(times, expected);
    });
  }

  it("is tried again in the same minute where it failed, and not once it was stopped", async () => {
    let failures = 1;
    const { times, task } = newTask(true, () => failures-- > 0);
    await assert.rejects(task.run(), /not now/);
    await task.run();
    assert.equal(times.length, 1);
    const stopped = newTask(true);
    await stopped.task.stop();
    await stopped.task.run();
    assert.deepEqual([stopped.times, stopped.task.isStopped], [[], true]);
  });
});
