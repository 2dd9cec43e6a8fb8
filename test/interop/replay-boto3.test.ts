/** The guide's programming samples (spec 08, P01 to P22) with Debian's boto3, as one Python process: replay-boto3.py. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import { PYTHON } from "../tools.ts";

/** In the order in which they are run: each goes on from what those before it left. */
const SAMPLES = [
  "P01 CreateKey",
  "P02 GenerateDataKey",
  "P03 DescribeKey",
  "P04 ListKeys",
  "P12 Encrypt",
  "P13 Decrypt",
  "P14 ReEncrypt",
  "P06 DisableKey",
  "P05 EnableKey",
  "P07 CreateAlias",
  "P08 ListAliases",
  "P09 ListAliases of one key",
  "P10 UpdateAlias",
  "P11 DeleteAlias",
  "P15 ListKeyPolicies",
  "P16 GetKeyPolicy",
  "P17 PutKeyPolicy",
  "P18 CreateGrant",
  "P19 ListGrants",
  "P20 ListGrants filtered",
  "P21 RetireGrant",
  "P22 RevokeGrant",
];
/** What the samples ask for; the replay of P17 asks for one operation more, to see a policy's wildcard work. */
const OPERATIONS = [...new Set(SAMPLES.map((sample) => sample.split(" ")[1] ?? "")), "GenerateDataKeyPair"].sort();

let server: Keystead;
let failures: ReadonlyMap<string, string | null>;
let operations: readonly string[];
before(async () => {
  server = await startKeystead();
  const child = spawn(PYTHON, ["-I", fileURLToPath(new URL("replay-boto3.py", import.meta.url))], {
    env: {
      PATH: "/usr/bin:/bin",
      LC_ALL: "C.UTF-8",
      ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
      AWS_DEFAULT_REGION: "eu-west-2",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0);
  const lines = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Report);
  failures = new Map(lines.flatMap((line) => ("sample" in line ? [[line.sample, line.failure]] : [])));
  operations = lines.flatMap((line) => ("operations" in line ? line.operations : []));
});
after(() => server.stop());

/** A line that the replay prints. */
type Report = { readonly sample: string; readonly failure: string | null } | { readonly operations: readonly string[] };

describe("the guide's samples with boto3", () => {
  for (const sample of SAMPLES) {
    it(`S08-001 ${sample}`, () => {
      assert.equal(failures.get(sample), null, failures.get(sample) ?? "it was not run");
    });
  }

  it("S08-001 ask for 20 operations, and for one that a policy allows by a wildcard", () => {
    assert.deepEqual([...failures.keys()], SAMPLES);
    assert.deepEqual(operations, OPERATIONS);
    assert.equal(OPERATIONS.length, 21);
  });
});
