/** Queries of CloudWatch Metrics Insights: read, refused, and which series they mean. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ServiceError } from "../../src/base/errors.ts";
import { isMeant, parseQuery } from "../../src/signals/metrics/query.ts";
import type { Series } from "../../src/signals/metrics/recorder.ts";

const series = (metric: Series["metric"], dimensions: Series["dimensions"]): Series => ({
  account: "111122223333",
  region: "us-east-1",
  metric,
  dimensions,
});
const encrypts = series("SuccessfulRequest", { KeyArn: "k", Operation: "Encrypt" });
const decrypts = series("SuccessfulRequest", { KeyArn: "k", Operation: "Decrypt" });
const moves = series("SuccessfulRequest", { SourceKeyArn: "k", DestinationKeyArn: "l", Operation: "ReEncrypt" });
const latencies = series("XksProxyLatency", { CustomKeyStoreId: "cks-1" });
const ALL = [encrypts, decrypts, moves, latencies];

describe("a query", () => {
  for (const { text, statistic, meant } of [
    { text: 'SELECT SUM(SuccessfulRequest) FROM "AWS/KMS"', statistic: "Sum", meant: [encrypts, decrypts, moves] },
    {
      text: `select max("SuccessfulRequest")\n from "AWS/KMS" where Operation = 'Encrypt' `,
      statistic: "Maximum",
      meant: [encrypts],
    },
    {
      text: `SELECT AVG(SuccessfulRequest) FROM "AWS/KMS" WHERE Operation != 'Encrypt' AND "KeyArn" = 'k'`,
      statistic: "Average",
      meant: [decrypts],
    },
    {
      text: 'SELECT COUNT(SuccessfulRequest) FROM SCHEMA("AWS/KMS", Operation, KeyArn)',
      statistic: "SampleCount",
      meant: [encrypts, decrypts],
    },
    { text: `SELECT MIN(XksProxyLatency) FROM "AWS/KMS" WHERE KeyArn != 'k'`, statistic: "Minimum", meant: [] },
    { text: 'SELECT SUM(SuccessfulRequest) FROM "AWS/EC2"', statistic: "Sum", meant: [] },
  ] as const) {
    it(`means by ${text.replaceAll("\n", " ")} the ${statistic} of ${meant.length} series`, () => {
      const query = parseQuery(text);
      assert.equal(query.statistic, statistic);
      assert.deepEqual(
        ALL.filter((each) => isMeant(query, each)),
        meant,
      );
    });
  }

  for (const [text, code] of [
    ["SELECT", "ValidationException"],
    ["SELECT P99(SuccessfulRequest) FROM x", "ValidationException"],
    ["SELECT SUM SuccessfulRequest FROM x", "ValidationException"],
    ["SELECT SUM(SuccessfulRequest) FROM AWS/KMS", "ValidationException"],
    ["SELECT SUM(a) FROM b WHERE c = d", "ValidationException"],
    ["SELECT SUM(a) FROM b WHERE c = 'd' OR e = 'f'", "ValidationException"],
    ["SELECT SUM(a) FROM SCHEMA(b, c", "ValidationException"],
    ["SELECT SUM(a) FROM b GROUP BY c", "UnsupportedOperationException"],
    ["SELECT SUM(a) FROM b WHERE c = 'd' LIMIT 5", "UnsupportedOperationException"],
  ] as const) {
    it(`is refused: ${text}`, () => assert.throws(() => parseQuery(text), { code }));
  }

  it("is read or refused, whatever the text", () => {
    const piece = fc.constantFrom(
      "SELECT ",
      "SUM",
      "(",
      "a",
      ")",
      " FROM ",
      '"',
      "'",
      "WHERE ",
      "=",
      "!",
      " ",
      ",",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        try {
          parseQuery(pieces.join(""));
        } catch (error) {
          assert.ok(error instanceof ServiceError);
        }
      }),
    );
  });
});
