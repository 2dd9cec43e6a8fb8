/** Accounts and access keys that change while a server runs: they count from the next request. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ServiceQuotas } from "@aws-sdk/client-service-quotas";
import {
  accessKeyIn,
  initStore,
  type RunningProcess,
  runKeystead,
  startServe,
  TemporaryDirectory,
} from "../faults/processes.ts";
import { type AccessKey, callKms, keyArnOf, mustCallKms } from "../faults/signed-requests.ts";

describe("a running server", () => {
  const directory = new TemporaryDirectory();
  const store = directory.at("store");
  let server: RunningProcess;
  let first: AccessKey;
  before(async () => {
    first = (await initStore(store)).credentials;
    server = await startServe(store);
  });
  after(async () => {
    await server.stop();
    directory[Symbol.dispose]();
  });

  const as = (credentials: AccessKey) => ({ endpoint: server.endpoint, credentials });
  const run = async (args: readonly string[]): Promise<AccessKey> => {
    const { code, stdout, stderr } = await runKeystead(["account", ...args, "--data", store]);
    assert.equal(code, 0, stderr);
    return accessKeyIn(stdout);
  };

  it("takes the access key of a new account at once, and keeps the accounts apart", async () => {
    const arn = keyArnOf((await mustCallKms(as(first), "CreateKey", {})).output);
    const second = await run(["create", "--account", "444455556666"]);
    const own = keyArnOf((await mustCallKms(as(second), "CreateKey", {})).output);
    assert.match(own, /:444455556666:key/);
    assert.equal((await callKms(as(second), "DescribeKey", { KeyId: arn })).code, "AccessDeniedException");
    const { output } = await mustCallKms(as(second), "ListKeys", {});
    assert.equal((output["Keys"] as unknown[]).length, 1);
  });

  it("takes a key that it has refused before as unknown, once that key is there", async () => {
    const unknown = { accessKeyId: "AKIANOBODYHASTHISONE", secretAccessKey: first.secretAccessKey };
    assert.equal((await callKms(as(unknown), "ListKeys", {})).code, "UnrecognizedClientException");
    const third = await run(["create", "--account", "777788889999"]);
    assert.equal((await callKms(as(third), "ListKeys", {})).status, 200);
  });

  it("refuses an access key at once when it was reset, and takes the new one", async () => {
    const old = await run(["create", "--account", "222233334444"]);
    const arn = keyArnOf((await mustCallKms(as(old), "CreateKey", {})).output);
    const renewed = await run(["reset-credentials", "--account", "222233334444"]);
    assert.equal((await callKms(as(old), "DescribeKey", { KeyId: arn })).code, "UnrecognizedClientException");
    assert.equal((await mustCallKms(as(renewed), "DescribeKey", { KeyId: arn })).status, 200);
    assert.notEqual(renewed.accessKeyId, old.accessKeyId);
    assert.equal((await callKms(as(first), "ListKeys", {})).status, 200);
  });

  it("leaves an account's request for more quota to the operator", async () => {
    const quotas = new ServiceQuotas({ ...as(first), region: "us-east-1", maxAttempts: 1 });
    const quota = { ServiceCode: "kms", QuotaCode: "L-340F62FB" };
    const { RequestedQuota } = await quotas.requestServiceQuotaIncrease({ ...quota, DesiredValue: 51 });
    assert.equal(RequestedQuota?.Status, "CASE_OPENED");
    assert.equal((await quotas.getServiceQuota(quota)).Quota?.Value, 50);
    quotas.destroy();
  });

  it("shows a secret access key nowhere but in the command's output", async () => {
    const credentials = await run(["create"]);
    assert.equal((await callKms(as(credentials), "ListKeys", {})).status, 200);
    assert.ok(!server.log().includes(credentials.secretAccessKey));
    assert.ok(!server.printed().includes(credentials.secretAccessKey));
  });
});
