/** The queue of dear jobs: bounded, and nobody waits behind somebody else's line. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FairQueue } from "../../src/base/fair-queue.ts";

const roomy = { itemsMax: 1_000, itemsOfOwnerMax: 1_000 };

describe("a fair queue", () => {
  it("serves owners in turn and each owner's items in their order", () => {
    const queue = new FairQueue<string>(roomy);
    for (const item of ["a1", "a2", "a3", "b1", "c1", "b2"]) queue.push(item.slice(0, 1), item);
    const served = Array.from({ length: 6 }, () => queue.take());
    assert.deepEqual(served, ["a1", "b1", "c1", "a2", "b2", "a3"]);
    assert.equal(queue.take(), undefined);
  });

  it("lets no owner wait for more than one item of each other owner", () => {
    const owners = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 60 });
    fc.assert(
      fc.property(owners, (pushed) => {
        const queue = new FairQueue<string>(roomy);
        for (const owner of pushed) queue.push(owner, owner);
        const served = Array.from(pushed, () => queue.take());
        assert.deepEqual(served.toSorted(), pushed.toSorted());
        for (const [index, owner] of served.entries()) {
          const before = served.slice(0, index);
          const since = served.slice(before.lastIndexOf(owner) + 1, index);
          assert.equal(new Set(since).size, since.length);
        }
      }),
    );
  });

  it("takes no more items than it may, of one owner and in all", () => {
    const queue = new FairQueue<number>({ itemsMax: 3, itemsOfOwnerMax: 2 });
    assert.deepEqual(
      [queue.push("a", 1), queue.push("a", 2), queue.push("a", 3), queue.push("b", 4), queue.push("c", 5)],
      [true, true, false, true, false],
    );
    assert.equal(queue.size, 3);
    assert.equal(queue.take(), 1);
    assert.ok(queue.push("c", 6));
  });

  it("leaves what may not be taken where it is", () => {
    const queue = new FairQueue<number>(roomy);
    queue.push("a", 1);
    queue.push("b", 2);
    assert.equal(
      queue.take((item) => item !== 1),
      2,
    );
    assert.equal(
      queue.take((item) => item !== 1),
      undefined,
    );
    assert.deepEqual(queue.drain(), [1]);
    assert.equal(queue.size, 0);
  });
});
