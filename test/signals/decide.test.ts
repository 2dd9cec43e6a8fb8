/** The state of an alarm by its data points: the tables of CloudWatch's user guide, and the words of its reasons. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Condition, decideState, reasonOf } from "../../src/signals/alarms/decide.ts";

const condition = (changes: Partial<Condition> = {}): Condition => ({
  Threshold: 10,
  ComparisonOperator: "GreaterThanThreshold",
  EvaluationPeriods: 3,
  ...changes,
});

/** Points from the oldest on: `0` does not breach, `X` does, `-` is missing. */
const rangeOf = (points: string) =>
  points
    .split(" ")
    .map((point, index) => ({ start: index * 60_000, ...(point !== "-" && { value: point === "X" ? 20 : 5 }) }))
    .reverse();

const KEPT = "kept";

/** "Configuring how CloudWatch alarms treat missing data", both tables: missing, ignore, breaching, notBreaching. */
const TABLES = [
  { needed: 3, points: "0 - X - X", states: ["OK", "OK", "OK", "OK"] },
  { needed: 3, points: "0 - - - -", states: ["OK", "OK", "OK", "OK"] },
  { needed: 3, points: "- - - - -", states: ["INSUFFICIENT_DATA", KEPT, "ALARM", "OK"] },
  { needed: 3, points: "0 X X - X", states: ["ALARM", "ALARM", "ALARM", "ALARM"] },
  { needed: 3, points: "- - X - -", states: ["ALARM", KEPT, "ALARM", "OK"] },
  { needed: 2, points: "0 - X - X", states: ["ALARM", "ALARM", "ALARM", "ALARM"] },
  { needed: 2, points: "0 0 X 0 X", states: ["ALARM", "ALARM", "ALARM", "ALARM"] },
  { needed: 2, points: "0 - X - -", states: ["OK", "OK", "ALARM", "OK"] },
  { needed: 2, points: "- - - - 0", states: ["OK", "OK", "ALARM", "OK"] },
  { needed: 2, points: "- - - X -", states: ["ALARM", KEPT, "ALARM", "OK"] },
];

describe("an alarm", () => {
  for (const { needed, points, states } of TABLES) {
    it(`that needs ${needed} of 3 is decided as the guide has it for ${points}`, () => {
      const found = ["missing", "ignore", "breaching", "notBreaching"].map((TreatMissingData) => {
        const asked = condition({ DatapointsToAlarm: needed, TreatMissingData });
        return decideState(asked, rangeOf(points))?.state ?? KEPT;
      });
      assert.deepEqual(found, states);
    });
  }

  for (const { ComparisonOperator, states } of [
    { ComparisonOperator: "GreaterThanThreshold", states: ["OK", "OK", "ALARM"] },
    { ComparisonOperator: "GreaterThanOrEqualToThreshold", states: ["OK", "ALARM", "ALARM"] },
    { ComparisonOperator: "LessThanThreshold", states: ["ALARM", "OK", "OK"] },
    { ComparisonOperator: "LessThanOrEqualToThreshold", states: ["ALARM", "ALARM", "OK"] },
  ] as const) {
    it(`compares by ${ComparisonOperator}`, () => {
      const asked = condition({ ComparisonOperator, EvaluationPeriods: 1 });
      const found = [9, 10, 11].map((value) => decideState(asked, [{ start: 0, value }])?.state);
      assert.deepEqual(found, states);
    });
  }

  it("says why, in CloudWatch's words", () => {
    const start = Date.UTC(2031, 1, 3, 4, 5, 6);
    const asked = condition({ EvaluationPeriods: 1 });
    for (const { value, treat, needed, reason } of [
      {
        value: 20,
        reason: "Threshold Crossed: 1 datapoint [20.0 (03/02/31 04:05:06)] was greater than the threshold (10.0).",
      },
      {
        value: 20,
        needed: 1,
        reason:
          "Threshold Crossed: 1 out of the last 1 datapoints [20.0 (03/02/31 04:05:06)] was greater than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition).",
      },
      {
        value: 0.5,
        needed: 1,
        reason:
          "Threshold Crossed: 1 out of the last 1 datapoints [0.5 (03/02/31 04:05:06)] was not greater than the threshold (10.0) (minimum 1 datapoint for ALARM -> OK transition).",
      },
      { value: undefined, reason: "Insufficient Data: 1 datapoint was unknown." },
      {
        value: undefined,
        treat: "breaching",
        reason:
          "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching].",
      },
    ]) {
      const made = { ...asked, TreatMissingData: treat, DatapointsToAlarm: needed };
      const verdict = decideState(made, [{ start, ...(value !== undefined && { value }) }]);
      assert.ok(verdict !== undefined);
      assert.equal(reasonOf(made, verdict, verdict.state === "ALARM" ? "OK" : "ALARM"), reason);
    }
  });

  it("lists the five newest of many data points, after the words about them", () => {
    const asked = condition({ EvaluationPeriods: 6 });
    const verdict = decideState(asked, rangeOf("X X X X X X X"));
    assert.ok(verdict !== undefined);
    const listed = [6, 5, 4, 3, 2].map((minute) => `20.0 (01/01/70 00:0${minute}:00)`).join(", ");
    const recent = `The most recent datapoints which crossed the threshold: [${listed}]`;
    const crossed = "were greater than the threshold (10.0).";
    assert.equal(reasonOf(asked, verdict, "OK"), `Threshold Crossed: 6 datapoints ${crossed} ${recent}.`);
    assert.equal(
      reasonOf({ ...asked, DatapointsToAlarm: 6 }, verdict, "OK"),
      `Threshold Crossed: 6 out of the last 6 datapoints ${crossed} ${recent} (minimum 6 datapoints for OK -> ALARM transition).`,
    );
  });
});
