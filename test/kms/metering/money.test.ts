/** Sums of money and hours of months: exact, and adding up. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { exactText, findMoney, money, priced, roundedText, sum } from "../../../src/kms/metering/money.ts";
import { findMonth, hoursBetween, monthOf } from "../../../src/kms/metering/month.ts";

describe("a sum of money", () => {
  for (const { amount, exact, rounded } of [
    { amount: "0", exact: "0.00", rounded: "0.00" },
    { amount: "0.03", exact: "0.03", rounded: "0.03" },
    { amount: "12.5", exact: "12.50", rounded: "12.50" },
    { amount: "0.005", exact: "0.005", rounded: "0.01" },
    { amount: "0.004999999", exact: "0.004999999", rounded: "0.00" },
    { amount: "999999999.999999999", exact: "999999999.999999999", rounded: "1000000000.00" },
  ]) {
    it(`of ${amount} is written ${exact}, and ${rounded} for people`, () => {
      assert.deepEqual([exactText(money(amount)), roundedText(money(amount))], [exact, rounded]);
    });
  }

  for (const text of ["", "1.", ".5", "-1", "1e3", "1,5", "0.0000000001", "1234567890", " 1"]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(findMoney(text), undefined);
      assert.throws(() => money(text), RangeError);
    });
  }

  it("is what fractions of two can't say: ten times a tenth is one", () => {
    assert.equal(exactText(sum(Array.from({ length: 10 }, () => money("0.1")))), "1.00");
  });

  it("is priced to a billionth, half up", () => {
    assert.deepEqual(
      [priced(money("1"), 1, 720), priced(money("1"), 240, 720), priced(money("0.000000001"), 1, 2)].map(exactText),
      ["0.001388889", "0.333333333", "0.000000001"],
    );
  });
});

describe("a month", () => {
  it("is one of UTC, with its hours", () => {
    for (const [name, hours] of [
      ["2026-11", 720],
      ["2026-12", 744],
      ["2027-02", 672],
      ["2028-02", 696],
    ] as const) {
      const month = findMonth(name);
      assert.ok(month !== undefined);
      assert.deepEqual([month.name, hoursBetween(month.from, month.until)], [name, hours]);
      assert.deepEqual(monthOf(month.until - 1), month);
      assert.notEqual(monthOf(month.until).name, name);
    }
    for (const name of ["2026-13", "2026-00", "26-11", "2026-1", "2026-11-01", ""]) {
      assert.equal(findMonth(name), undefined, name);
    }
  });

  it("has hours that add up, wherever it is cut", () => {
    const time = fc.integer({ min: 0, max: 10_000_000_000 });
    fc.assert(
      fc.property(time, time, time, (...times) => {
        const [a, b, c] = times.toSorted((left, right) => left - right) as [number, number, number];
        assert.equal(hoursBetween(a, b) + hoursBetween(b, c), hoursBetween(a, c));
        assert.equal(hoursBetween(c, a), 0);
      }),
    );
  });
});
