/** Turns, shares and the pace of refusals: what a gateway lets in, and when. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Admission, RefusalPace } from "../../src/gateway/admission.ts";
import { Shares } from "../../src/gateway/shares.ts";

const limits = { requestsMax: 100, shareMin: 4, turnMax: 5 };
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the door to what costs", () => {
  it("lets a lone caller have everything, and no more", () => {
    const admission = new Admission(limits);
    const entered = Array.from({ length: 101 }, () => admission.enter("a", 0) !== false);
    assert.equal(entered.filter(Boolean).length, 100);
    assert.equal(entered.at(-1), false);
    admission.leave("a");
    assert.notEqual(admission.enter("a", 0), false);
  });

  it("gives each caller an equal share as others come, and always a few", () => {
    const admission = new Admission(limits);
    for (let at = 0; at < 60; at += 1) admission.enter("a", 0);
    for (let at = 0; at < 50; at += 1) assert.notEqual(admission.enter("b", 0), false);
    assert.equal(admission.enter("b", 0), false, "half of all");
    assert.equal(admission.enter("a", 0), false, "which the first is over now");
    for (let caller = 0; caller < 60; caller += 1) {
      for (let at = 0; at < 4; at += 1) assert.notEqual(admission.enter(`small ${caller}`, 0), false);
    }
    assert.equal(admission.enter("small 0", 0), false);
  });

  it("begins a bounded number in a turn of the event loop, a quiet caller's among the next", async () => {
    const admission = new Admission(limits);
    const begun: string[] = [];
    const arrive = async (caller: string): Promise<void> => {
      await admission.enter(caller, 0);
      begun.push(caller);
    };
    const all = [...Array.from({ length: 50 }, () => arrive("many")), arrive("one")];
    assert.equal(begun.length, 0, "nothing begins before all has been read");
    await nextTurn();
    assert.equal(begun.length, 5);
    assert.ok(begun.includes("one"));
    await nextTurn();
    assert.equal(begun.length, 10);
    await Promise.all(all);
    assert.equal(begun.length, 51);
    assert.equal(admission.size, 51);
    for (const caller of begun) admission.leave(caller);
    assert.equal(admission.size, 0);
  });

  it("counts a long body as many requests", async () => {
    const admission = new Admission(limits);
    const begun: string[] = [];
    for (const [caller, bytes] of [
      ["a", 1_048_576],
      ["b", 0],
    ] as const) {
      void Promise.resolve(admission.enter(caller, bytes)).then(() => begun.push(caller));
    }
    await nextTurn();
    assert.deepEqual(begun, ["a"]);
    await nextTurn();
    assert.deepEqual(begun, ["a", "b"]);
  });
});

describe("refusals", () => {
  it("are answered at once while they are few, and at a steady rate when they are many", () => {
    const pace = new RefusalPace();
    const held = Array.from({ length: 600 }, () => pace.hold(10_000));
    assert.equal(held.filter((ms) => ms === 0).length, 101);
    assert.equal(held[101], 2.5);
    assert.equal(held[301], 502.5);
    assert.equal(Math.max(...held), 1_000, "nobody waits longer than a second");
    assert.equal(pace.hold(20_000), 0, "and all is forgotten soon");
  });
});

describe("shares of what there is", () => {
  it("leave as much free as the greediest owner holds, whatever is taken and given back", () => {
    const step = fc.record({
      owner: fc.constantFrom("a", "b", "c"),
      amount: fc.integer({ min: 1, max: 30 }),
      give: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const shares = new Shares(100);
        const held = new Map<string, number[]>();
        for (const { owner, amount, give } of steps) {
          const own = held.get(owner) ?? [];
          held.set(owner, own);
          const last = give ? own.pop() : undefined;
          if (last !== undefined) shares.release(owner, last);
          else if (shares.take(owner, amount)) own.push(amount);
          const sums = [...held.values()].map((each) => each.reduce((sum, one) => sum + one, 0));
          assert.equal(
            shares.total,
            sums.reduce((sum, one) => sum + one, 0),
          );
          assert.ok(shares.total <= 100);
        }
        for (const [owner, own] of held) for (const amount of own) shares.release(owner, amount);
        assert.equal(shares.total, 0);
      }),
    );
    const shares = new Shares(100);
    assert.ok(shares.take("a", 50));
    assert.ok(!shares.take("a", 1), "one alone has half");
    assert.ok(shares.take("b", 25));
    assert.ok(!shares.take("b", 1));
  });
});
