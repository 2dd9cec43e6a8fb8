/** What Prometheus collects: counts and times of requests, and how they are written. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exposition, requestFamilies } from "../../src/signals/prometheus/exposition.ts";
import { mergeCounts, RequestCounters } from "../../src/signals/prometheus/requests.ts";

function counted(...requests: readonly (readonly [operation: string, code: string | undefined, ms: number])[]) {
  const counters = new RequestCounters();
  for (const [operation, code, ms] of requests) counters.observe("kms", operation, code, ms);
  return counters.counts();
}

const lines = (text: string, start: string): readonly string[] =>
  text.split("\n").filter((line) => line.startsWith(start));

describe("requests", () => {
  it("are counted by operation and code, their times in cumulative buckets, all processes together", () => {
    const counts = mergeCounts([
      counted(["Encrypt", undefined, 0.1], ["Encrypt", "DisabledException", 0.25]),
      counted(["Encrypt", undefined, 99_999], ["Sign", undefined, 3]),
    ]);
    const text = exposition(requestFamilies(counts));
    assert.deepEqual(lines(text, "keystead_requests_total"), [
      'keystead_requests_total{service="kms",operation="Encrypt",code="OK"} 2',
      'keystead_requests_total{service="kms",operation="Encrypt",code="DisabledException"} 1',
      'keystead_requests_total{service="kms",operation="Sign",code="OK"} 1',
    ]);
    const encrypt = 'keystead_request_duration_seconds_bucket{service="kms",operation="Encrypt",le=';
    assert.equal(lines(text, encrypt)[0], `${encrypt}"0.00025"} 2`);
    assert.equal(lines(text, encrypt).at(-2), `${encrypt}"5"} 2`);
    assert.equal(lines(text, encrypt).at(-1), `${encrypt}"+Inf"} 3`);
    const [sum] = lines(text, 'keystead_request_duration_seconds_sum{service="kms",operation="Encrypt"}');
    assert.ok(Math.abs(Number(sum?.split(" ")[1]) - 99.99935) < 1e-9, String(sum));
    assert.match(text, /^# HELP keystead_requests_total .*\n# TYPE keystead_requests_total counter\n/);
  });

  it("keep a bounded number of codes", () => {
    const counters = new RequestCounters();
    for (let code = 0; code < 1_000; code += 1) counters.observe("kms", "Encrypt", `Code${code}`, 1);
    const [encrypt] = counters.counts();
    assert.equal(encrypt?.codes.length, 65);
    assert.equal(encrypt?.codes.at(-1)?.[1], 1_000 - 64);
  });

  it("have labels that no value breaks out of", () => {
    const samples = [{ labels: { name: 'a"b\\c\nd' }, value: 1 }];
    const text = exposition([{ name: "n", help: "h", type: "gauge", samples }]);
    assert.ok(text.endsWith('n{name="a\\"b\\\\c\\nd"} 1\n'), text);
  });
});
