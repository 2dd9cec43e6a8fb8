/** A cache with a share for each owner: bounded, and nobody pushes out what others use. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FairCache } from "../../src/base/fair-cache.ts";

describe("a cache with a share for each owner", () => {
  it("keeps a quiet owner's values through another's tens of thousands of names, used or not", () => {
    const cache = new FairCache<number>(1_000);
    const quiet = Array.from({ length: 300 }, (_, at) => `quiet ${at}`);
    for (const [at, name] of quiet.entries()) cache.put(name, at, { owner: "quiet" });
    for (let at = 0; at < 50_000; at += 1) {
      cache.put(`many ${at}`, at, { owner: "many" });
      cache.find(`many ${at}`); // as hot as can be
    }
    for (const [at, name] of quiet.entries()) assert.equal(cache.find(name), at);
    assert.equal(cache.size, 1_000);
  });

  it("keeps what is owned through a flood of names that lead to nothing, which have a quarter", () => {
    const cache = new FairCache<number>(1_000);
    for (let at = 0; at < 750; at += 1) cache.put(`own ${at}`, at, { owner: String(at % 7) });
    for (let at = 0; at < 10_000; at += 1) cache.put(`nothing ${at}`, at, { owner: undefined });
    for (let at = 0; at < 750; at += 1) assert.equal(cache.find(`own ${at}`), at);
  });

  it("lets one owner alone have all of it, and keeps what it uses", () => {
    const dropped: number[] = [];
    const cache = new FairCache<number>(100, (value) => dropped.push(value));
    cache.put("hot", -1, { owner: "a" });
    for (let at = 0; at < 1_000; at += 1) {
      cache.put(`cold ${at}`, at, { owner: "a" });
      assert.equal(cache.find("hot"), -1);
    }
    assert.equal(cache.size, 100);
    assert.equal(dropped.length, 901);
  });

  it("never weighs more than it may, always has what came last, and takes from an owner within its share only when nobody is over", () => {
    const step = fc.record({
      name: fc.integer({ min: 0, max: 40 }),
      owner: fc.constantFrom("a", "b", "c", undefined),
      weight: fc.integer({ min: 1, max: 4 }),
      act: fc.constantFrom("put", "put", "put", "find", "delete"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const weightMax = 24;
        const model = new Map<number, { owner: string | undefined; weight: number }>();
        const weightOf = (owner: string | undefined): number =>
          [...model.values()].reduce((sum, each) => sum + (each.owner === owner ? each.weight : 0), 0);
        const isOver = (owner: string | undefined): boolean => {
          const owners = new Set([...model.values()].map((each) => each.owner).filter((each) => each !== undefined));
          return (
            weightOf(owner) > (owner === undefined ? weightMax / 4 : Math.max(1, (weightMax * 0.75) / owners.size))
          );
        };
        const cache = new FairCache<number>(weightMax, (name) => {
          const gone = model.get(name);
          assert.ok(gone, "left twice");
          const othersOver = [...model.entries()].some(
            ([other, { owner }]) => other !== latest && owner !== gone.owner && isOver(owner),
          );
          assert.ok(isOver(gone.owner) || !othersOver, `${gone.owner} gave way`);
          model.delete(name);
        });
        let latest = -1;
        for (const { name, owner, weight, act } of steps) {
          if (act === "find") assert.equal(cache.find(String(name)), model.has(name) ? name : undefined);
          else if (act === "delete") {
            cache.delete(String(name));
            model.delete(name);
          } else {
            latest = name;
            model.delete(name);
            model.set(name, { owner, weight });
            cache.put(String(name), name, { owner, weight });
            assert.equal(cache.find(String(name)), name);
          }
          const total = [...model.values()].reduce((sum, each) => sum + each.weight, 0);
          assert.ok(total <= weightMax);
          assert.equal(cache.size, model.size);
          assert.deepEqual([...cache].map(([, value]) => value).toSorted(), [...model.keys()].toSorted());
        }
      }),
    );
  });
});
