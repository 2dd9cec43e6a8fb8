/** The gate before the store: bounded, in turn between accounts, and every place is given on. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChangeGate } from "../../src/pipeline/change-gate.ts";

describe("the gate of changes", () => {
  it("lets one account's change past a thousand of another's, and loses no place", async () => {
    const gate = new ChangeGate({ runningMax: 4, itemsMax: 2_000, itemsOfOwnerMax: 1_000 });
    const done: string[] = [];
    const change = async (account: string): Promise<void> => {
      assert.equal(await gate.enter(account), true);
      await Promise.resolve();
      done.push(account);
      gate.leave();
    };
    const flood = Array.from({ length: 1_000 }, () => change("many"));
    await Promise.all([...flood, change("one")]);
    assert.equal(done.length, 1_001);
    assert.ok(done.indexOf("one") < 12, `as number ${done.indexOf("one")}`);
    for (let index = 0; index < 4; index += 1) assert.equal(gate.enter("one"), true, "every place is free again");
  });

  it("refuses at once what is over an account's share, and takes another's", async () => {
    const gate = new ChangeGate({ runningMax: 1, itemsMax: 3, itemsOfOwnerMax: 2 });
    assert.equal(gate.enter("a"), true);
    const waiting = [gate.enter("a"), gate.enter("a")];
    assert.equal(gate.enter("a"), false);
    waiting.push(gate.enter("b"));
    assert.equal(gate.enter("c"), false, "and all together have a bound");
    for (const _ of waiting) gate.leave();
    assert.deepEqual(await Promise.all(waiting), [true, true, true]);
  });
});
