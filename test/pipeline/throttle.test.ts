/** The counters of request quotas: intervals, several quotas at once, whose counters they are, and how they end. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  DEFAULT_PROFILE,
  type Quota,
  type QuotaProfile,
  type QuotaSetting,
  Quotas,
} from "../../src/pipeline/quotas.ts";
import { type Charge, Throttle } from "../../src/pipeline/throttle.ts";
import type { Reader } from "../../src/storage/store.ts";

const OWNER = { account: "111122223333", region: "us-east-1" };

const quota = (value: number, code = "L-00000001"): Quota => ({
  service: "kms",
  code,
  name: code,
  description: "",
  kind: "request",
  value,
  adjustable: true,
  listed: true,
});

interface Setup {
  readonly profile?: Partial<QuotaProfile>;
  /** By code, of `OWNER`. */
  readonly granted?: ReadonlyMap<string, number>;
  readonly bucketsMax?: number;
}

/** Counters over a store that has nothing but what was granted. */
function throttleOf(quotas: readonly Quota[], { profile, granted, bucketsMax }: Setup = {}): Throttle {
  const reader: Reader = {
    find: (kind, ...name) =>
      kind === "quotas" && name[0] === OWNER.region && name[1] === OWNER.account && granted !== undefined
        ? ({ values: granted } as never)
        : undefined,
  };
  return new Throttle({
    store: { settle: (reading) => reading(reader) },
    quotas: new Quotas(quotas, { ...DEFAULT_PROFILE, requestRates: "aws", ...profile }),
    ...(bucketsMax !== undefined && { bucketsMax }),
  });
}

/** How many of `count` requests at one moment are let through. */
function admitted(throttle: Throttle, count: number, now: number, charge: Partial<Charge> & { quota: Quota }): number {
  return Array.from({ length: count }, () => throttle.admit([{ ...OWNER, ...charge }], now)).filter(Boolean).length;
}

describe("a request quota", () => {
  it("lets its number through in a second, refuses the rest of that second, and begins anew with the next", () => {
    const five = quota(5);
    const throttle = throttleOf([five]);
    assert.equal(admitted(throttle, 8, 10_000, { quota: five }), 5);
    assert.equal(admitted(throttle, 3, 10_999, { quota: five }), 0);
    assert.equal(admitted(throttle, 8, 11_000, { quota: five }), 5);
  });

  for (const { value, seconds } of [
    { value: 1, seconds: 1 },
    { value: 0.5, seconds: 2 },
    { value: 0.25, seconds: 4 },
    { value: 0.1, seconds: 10 },
  ]) {
    it(`of ${value} lets one request through in ${seconds} s, counted from that request`, () => {
      const slow = quota(value);
      const throttle = throttleOf([slow]);
      const start = 777;
      assert.equal(admitted(throttle, 2, start, { quota: slow }), 1);
      assert.equal(admitted(throttle, 1, start + seconds * 1000 - 1, { quota: slow }), 0);
      assert.equal(admitted(throttle, 2, start + seconds * 1000, { quota: slow }), 1);
    });
  }

  it("of nothing lets nothing through", () => {
    const none = quota(0);
    assert.equal(admitted(throttleOf([none]), 3, 0, { quota: none }), 0);
  });

  it("never lets more through than its number in each of its intervals, whatever the requests and rates", () => {
    const rates = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.double({ min: 0.05, max: 20, noNaN: true }));
    const gaps = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 200 });
    fc.assert(
      fc.property(rates, gaps, (value, steps) => {
        const some = quota(value);
        const throttle = throttleOf([some]);
        let now = 0;
        let passed = 0;
        for (const step of steps) {
          now += step;
          passed += admitted(throttle, 1, now, { quota: some });
        }
        const interval = (Math.ceil(value) * 1000) / value;
        assert.ok(passed <= Math.ceil(value) * (Math.floor(now / interval) + 1));
        assert.ok(steps.length === 0 || passed >= 1);
      }),
    );
  });

  it("begins anew when the clock goes back", () => {
    const one = quota(1);
    const throttle = throttleOf([one]);
    assert.equal(admitted(throttle, 2, 1_000_000, { quota: one }), 1);
    assert.equal(admitted(throttle, 2, 10, { quota: one }), 1);
  });

  it("is each account's and each Region's own", () => {
    const two = quota(2);
    const throttle = throttleOf([two]);
    assert.equal(admitted(throttle, 3, 0, { quota: two }), 2);
    assert.equal(admitted(throttle, 3, 0, { quota: two, account: "444455556666" }), 2);
    assert.equal(admitted(throttle, 3, 0, { quota: two, region: "eu-west-1" }), 2);
  });

  it("of a key store is shared by all accounts, and no other store's", () => {
    const store = quota(3);
    const throttle = throttleOf([store]);
    assert.equal(admitted(throttle, 2, 0, { quota: store, subject: "cks-1" }), 2);
    assert.equal(admitted(throttle, 2, 0, { quota: store, subject: "cks-1", account: "444455556666" }), 1);
    assert.equal(admitted(throttle, 4, 0, { quota: store, subject: "cks-2" }), 3);
    assert.equal(admitted(throttle, 4, 0, { quota: store }), 3);
  });

  it("is taken with all others of a request, or none is", () => {
    const [plenty, scarce] = [quota(10, "L-1"), quota(3, "L-2")];
    const throttle = throttleOf([plenty, scarce]);
    const both = [
      { ...OWNER, quota: plenty },
      { ...OWNER, quota: scarce, count: 2 },
    ];
    assert.deepEqual(
      [1, 2, 3].map(() => throttle.admit(both, 0)),
      [true, false, false],
    );
    assert.equal(admitted(throttle, 20, 0, { quota: plenty }), 9);
    assert.equal(admitted(throttle, 2, 0, { quota: scarce }), 1);
  });

  it("forgets the oldest counters rather than to grow without end", () => {
    const one = quota(1);
    const throttle = throttleOf([one], { bucketsMax: 2 });
    for (const account of ["1", "2", "3"]) assert.equal(admitted(throttle, 2, 0, { quota: one, account }), 1);
    assert.equal(admitted(throttle, 1, 0, { quota: one, account: "3" }), 0);
    assert.equal(admitted(throttle, 1, 0, { quota: one, account: "1" }), 1);
  });
});

describe("the value of a request quota", () => {
  const code = "L-00000001";
  const five = quota(5, code);
  const firstOf = (setup: Setup, owner: Partial<typeof OWNER> = {}): number =>
    admitted(throttleOf([five], setup), 100, 0, { quota: five, ...owner });
  const settings: readonly QuotaSetting[] = [
    { code, account: OWNER.account, region: OWNER.region, value: 4 },
    { code, account: OWNER.account, value: 3 },
    { code, region: OWNER.region, value: 2 },
    { code, value: 1 },
  ];

  for (const { title, setup, owner = {}, expected } of [
    { title: "is AWS's where nobody says otherwise", setup: {}, expected: 5 },
    { title: "is none where request quotas are off", setup: { profile: { requestRates: "off" } }, expected: 100 },
    { title: "is that of account and Region before any other", setup: { profile: { settings } }, expected: 4 },
    {
      title: "is the account's elsewhere",
      setup: { profile: { settings } },
      owner: { region: "eu-west-1" },
      expected: 3,
    },
    {
      title: "is the Region's of others",
      setup: { profile: { settings } },
      owner: { account: "444455556666" },
      expected: 2,
    },
    {
      title: "is everybody's where neither is named",
      setup: { profile: { settings } },
      owner: { account: "444455556666", region: "eu-west-1" },
      expected: 1,
    },
    {
      title: "is the later one of two that are for the same",
      setup: { profile: { settings: [...settings, { code, account: OWNER.account, region: OWNER.region, value: 6 }] } },
      expected: 6,
    },
    {
      title: "is one that is set while the others are off",
      setup: { profile: { requestRates: "off", settings } },
      expected: 4,
    },
    { title: "is what the account was granted", setup: { granted: new Map([[code, 9]]) }, expected: 9 },
    { title: "is not lowered by what was granted", setup: { granted: new Map([[code, 2]]) }, expected: 5 },
    {
      title: "is the operator's where increases wait for him",
      setup: { granted: new Map([[code, 9]]), profile: { increases: "hold" } },
      expected: 5,
    },
    {
      title: "is shared by processes",
      setup: { profile: { settings: [{ code, value: 20 }], processes: 4 } },
      expected: 5,
    },
  ] as readonly { title: string; setup: Setup; owner?: Partial<typeof OWNER>; expected: number }[]) {
    it(title, () => assert.equal(firstOf(setup, owner), expected));
  }

  it("lets four processes together through what one lets through, in a time in which each lets something through", () => {
    const throttle = throttleOf([five], { profile: { processes: 4 } });
    let passed = 0;
    for (let now = 0; now < 8_000; now += 100) passed += admitted(throttle, 5, now, { quota: five });
    assert.equal(4 * passed, 5 * 8);
  });

  it("may be a number in a longer time", () => {
    const value = { requests: 3, seconds: 60 };
    const throttle = throttleOf([five], { profile: { settings: [{ code, value }] } });
    assert.equal(admitted(throttle, 5, 0, { quota: five }), 3);
    assert.equal(admitted(throttle, 5, 59_999, { quota: five }), 0);
    assert.equal(admitted(throttle, 5, 60_000, { quota: five }), 3);
  });
});
