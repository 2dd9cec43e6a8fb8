/** RSA pairs that wait for whoever needs one. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { PairBytes } from "../../src/custody/curve-pairs.ts";
import { ReadyPairs } from "../../src/custody/ready-pairs.ts";

/** Makes numbered pairs at once. */
function maker() {
  const made: PairBytes[] = [];
  const make = async (): Promise<PairBytes> => {
    const pair = { privateKey: Uint8Array.of(made.length + 1), publicKey: new Uint8Array(1) };
    made.push(pair);
    return pair;
  };
  return { made, make };
}

describe("ready pairs", () => {
  it("are made up to their number and given away once each", async () => {
    const { made, make } = maker();
    const ready = new ReadyPairs(make, { RSA_2048: 2 });
    ready.fill();
    await setImmediate();
    assert.equal(ready.count("RSA_2048"), 2);
    const taken = [ready.take("RSA_2048"), ready.take("RSA_2048"), ready.take("RSA_2048")];
    assert.deepEqual(taken, [made[0], made[1], undefined]);
    await setImmediate();
    assert.equal(ready.count("RSA_2048"), 2);
    assert.equal(made.length, 4);
  });

  it("are begun when one is first asked for", async () => {
    const ready = new ReadyPairs(maker().make, { RSA_2048: 1 });
    assert.equal(ready.take("RSA_2048"), undefined);
    await setImmediate();
    assert.notEqual(ready.take("RSA_2048"), undefined);
  });

  it("are not made where none are to be ready", async () => {
    const { made, make } = maker();
    const ready = new ReadyPairs(make, {});
    ready.fill();
    assert.equal(ready.take("RSA_2048"), undefined);
    await setImmediate();
    assert.equal(made.length, 0);
  });

  it("are not made of specs that are quick to make", async () => {
    const { made, make } = maker();
    const ready = new ReadyPairs(make, { RSA_2048: 1 });
    assert.equal(ready.take("ECC_NIST_P256"), undefined);
    await setImmediate();
    assert.equal(made.length, 0);
  });

  it("are tried again at the next need when they can't be made", async () => {
    let tries = 0;
    const ready = new ReadyPairs(
      async () => {
        tries += 1;
        throw new Error("no time");
      },
      { RSA_2048: 2 },
    );
    ready.take("RSA_2048");
    await setImmediate();
    ready.take("RSA_2048");
    await setImmediate();
    assert.equal(tries, 2);
  });

  it("are wiped at the end, also one that comes late", async () => {
    const { made, make } = maker();
    const late = Promise.withResolvers<PairBytes>();
    const ready = new ReadyPairs((spec) => (spec === "RSA_4096" ? late.promise : make()), { RSA_2048: 2, RSA_4096: 1 });
    ready.fill();
    await setImmediate();
    ready.close();
    const pair = { privateKey: Uint8Array.of(9), publicKey: new Uint8Array(1) };
    late.resolve(pair);
    await setImmediate();
    assert.equal(made.length, 2);
    assert.ok([...made, pair].every(({ privateKey }) => privateKey.every((byte) => byte === 0)));
    assert.equal(ready.take("RSA_2048"), undefined);
  });
});
