/** The file of `--quotas`: what it says, and what it can't say. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { quotaProfile } from "../../src/cli/quotas.ts";
import { parseQuotas } from "../../src/cli/quotas-file.ts";

describe("a quotas file", () => {
  it("names quotas by name or code, for everybody, an account, a Region or both", () => {
    const text = `
requestRates: aws
increases: hold
nodes: 6
quotas:
  - values: { CreateKey request rate: 2.5 }
  - { account: "111122223333", region: eu-west-1, values: { L-C2F1777E: 3, Grants per CMK: 10 } }
  - region: us-east-1
    values: { L-6E3AF000: { requests: 100, seconds: 10 } }
`;
    assert.deepEqual(parseQuotas(text), {
      requestRates: "aws",
      increases: "hold",
      processes: 6,
      settings: [
        { code: "L-32B67F4A", value: 2.5 },
        { code: "L-C2F1777E", account: "111122223333", region: "eu-west-1", value: 3 },
        { code: "L-D594A657", account: "111122223333", region: "eu-west-1", value: 10 },
        { code: "L-6E3AF000", region: "us-east-1", value: { requests: 100, seconds: 10 } },
      ],
    });
  });

  it("may say nothing: request quotas are off then, and the command decides about increases", () => {
    assert.deepEqual(parseQuotas("{}"), { requestRates: "off", processes: 1, settings: [] });
  });

  for (const { title, text, message } of [
    { title: "no YAML", text: "quotas: [", message: /^The quotas file is not YAML: / },
    { title: "no mapping", text: "", message: /\(top\): / },
    { title: "an unknown word", text: "rates: aws", message: /Unrecognized key: "rates"/ },
    {
      title: "an unknown quota",
      text: "quotas: [{ values: { CreateKey: 5 } }]",
      message: /quotas\.0\.values\.CreateKey: no quota of KMS/,
    },
    {
      title: "less than nothing",
      text: "quotas: [{ values: { L-C2F1777E: -1 } }]",
      message: /quotas\.0\.values\.L-C2F1777E/,
    },
    {
      title: "half a key",
      text: "quotas: [{ values: { L-C2F1777E: 1.5 } }]",
      message: /a resource quota is a whole number/,
    },
    {
      title: "keys for each second",
      text: "quotas: [{ values: { L-C2F1777E: { requests: 1, seconds: 1 } } }]",
      message: /a resource quota is a whole number/,
    },
    {
      title: "requests in no time",
      text: "quotas: [{ values: { CreateKey request rate: { requests: 1, seconds: 0 } } }]",
      message: /quotas\.0\.values\.CreateKey request rate/,
    },
    {
      title: "an account that is a number",
      text: "quotas: [{ account: 111122223333, values: {} }]",
      message: /quotas\.0\.account/,
    },
    { title: "an account of another form", text: 'quotas: [{ account: "1", values: {} }]', message: /12 digits/ },
    { title: "no Region", text: "quotas: [{ region: mars-1, values: {} }]", message: /no Region of AWS/ },
    { title: "no nodes", text: "nodes: 0", message: /nodes/ },
    { title: "another way with increases", text: "increases: never", message: /increases/ },
  ]) {
    it(`is refused for ${title}`, () => assert.throws(() => parseQuotas(text), { name: "OperatorError", message }));
  }
});

describe("--quotas", () => {
  for (const { what, requestRates } of [
    { what: "off", requestRates: "off" },
    { what: "aws", requestRates: "aws" },
  ]) {
    it(`${what} sets request quotas and leaves resource quotas`, async () => {
      const profile = await quotaProfile(what, "hold");
      assert.deepEqual(profile, { requestRates, settings: [], increases: "hold", processes: 1 });
    });
  }

  it("takes a file that can be read", async () => {
    await assert.rejects(quotaProfile("/no/such/file.yaml", "hold"), /can't be read: ENOENT/);
  });
});
