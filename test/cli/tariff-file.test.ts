/** The tariff file: what it may say, what holds where it says nothing, and what is refused. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseTariff } from "../../src/cli/tariff-file.ts";
import { exactText } from "../../src/kms/metering/money.ts";
import { DEFAULT_TARIFF } from "../../src/kms/metering/tariff.ts";

describe("a tariff file", () => {
  it("is AWS's prices where it says nothing", () => {
    assert.deepEqual(parseTariff(""), DEFAULT_TARIFF);
    assert.deepEqual(parseTariff("requests: {}"), DEFAULT_TARIFF);
  });

  it("is AWS's prices in the documentation's example", () => {
    const text = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
    const [, example = ""] = /^```yaml\n(currency:.*?)^```$/ms.exec(text) ?? [];
    assert.match(example, /^keyMonth:/m);
    assert.deepEqual(parseTariff(example), DEFAULT_TARIFF);
  });

  it("takes prices as numbers and as texts, exactly", () => {
    const { currency, keyMonth, requests, freeRequests } = parseTariff(
      'currency: EUR\nkeyMonth: 0.1\nfreeRequests: 0\nrequests:\n  requests: "0.000000003"\n  asymmetric: 2\n',
    );
    assert.deepEqual(
      [currency, exactText(keyMonth), exactText(requests.requests), exactText(requests.asymmetric), freeRequests],
      ["EUR", "0.10", "0.000000003", "2.00", 0],
    );
    assert.equal(requests.rsaDataKeyPair, DEFAULT_TARIFF.requests.rsaDataKeyPair);
  });

  for (const { text, says } of [
    { text: "keyMonth: -1", says: /keyMonth: a price has/ },
    { text: "keyMonth: cheap", says: /keyMonth: a price has/ },
    { text: "requests: { signing: 1 }", says: /requests/ },
    { text: "keyMonths: 1", says: /keyMonths/ },
    { text: "freeRequests: 1.5", says: /freeRequests/ },
    { text: "currency: euro", says: /a currency is like EUR/ },
    { text: "- 1", says: /The tariff is not right/ },
    { text: "{", says: /The tariff is not YAML/ },
  ]) {
    it(`is refused: ${text}`, () => assert.throws(() => parseTariff(text), says));
  }
});
