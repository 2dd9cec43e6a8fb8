/** The cache of opened secrets is bounded in number and age, and drops what leaves. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgedCache } from "../../src/custody/aged-cache.ts";
import { HeldClock } from "./fixtures.ts";

function newCache(): { cache: AgedCache<string>; clock: HeldClock; dropped: string[] } {
  const clock = new HeldClock();
  const dropped: string[] = [];
  const cache = new AgedCache<string>({ entriesMax: 2, ageMsMax: 1000 }, clock, (value) => dropped.push(value));
  return { cache, clock, dropped };
}

describe("a cache of opened secrets", () => {
  it("drops what was not used when it is full", () => {
    const { cache, dropped } = newCache();
    cache.put("a", "A", "owner");
    cache.put("b", "B", "owner");
    assert.equal(cache.find("a"), "A");
    cache.put("c", "C", "owner");
    assert.deepEqual(dropped, ["B"]);
    assert.equal(cache.find("b"), undefined);
    assert.equal(cache.find("a"), "A");
    assert.equal(cache.size, 2);
  });

  it("drops a value of the same name that is replaced", () => {
    const { cache, dropped } = newCache();
    cache.put("a", "A", "owner");
    cache.put("a", "A2", "owner");
    assert.deepEqual(dropped, ["A"]);
    assert.equal(cache.find("a"), "A2");
  });

  it("keeps nothing past its age, however often it was used", () => {
    const { cache, clock, dropped } = newCache();
    cache.put("a", "A", "owner");
    clock.time += 600;
    assert.equal(cache.find("a"), "A");
    clock.time += 399;
    assert.equal(cache.find("a"), "A");
    clock.time += 1;
    assert.equal(cache.find("a"), undefined);
    assert.deepEqual(dropped, ["A"]);
  });

  it("sweeps what is old when anything else is asked for", () => {
    const { cache, clock, dropped } = newCache();
    cache.put("a", "A", "owner");
    clock.time += 1000;
    assert.equal(cache.find("b"), undefined);
    assert.deepEqual(dropped, ["A"]);
    assert.equal(cache.size, 0);
  });

  it("drops everything when the clock has run backwards", () => {
    const { cache, clock, dropped } = newCache();
    cache.put("a", "A", "owner");
    clock.time -= 1;
    assert.equal(cache.find("a"), undefined);
    assert.deepEqual(dropped, ["A"]);
  });
});
