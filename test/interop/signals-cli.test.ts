/** `aws cloudwatch` and `aws events`, as an operator watches a key whose material expires. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import { startWorld, type World } from "../kms-client.ts";
import { AwsCli } from "./aws-cli.ts";

describe("aws cloudwatch and aws events", () => {
  let world: World;
  let cli: AwsCli;

  before(async () => {
    world = await startWorld();
    const { endpoint, credentials } = world.server;
    cli = new AwsCli({ endpoint, region: "us-east-1", credentials });
  });

  after(async () => {
    cli[Symbol.dispose]();
    await world.stop();
  });

  it("find the metric, put an alarm on it and a rule for its changes, and see its state", async () => {
    const { kms, server } = world;
    const { KeyId } = await newExternalKey(kms);
    const ValidTo = new Date((await server.clock.now()).getTime() + 36_000_000);
    await importInto(kms, KeyId, randomMaterial(32), { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo });
    const run = async (service: string, args: readonly string[], query: string): Promise<unknown> => {
      const { code, stdout, stderr } = await cli.run(service, [...args, "--query", query]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
      return stdout === "" ? undefined : JSON.parse(stdout);
    };
    const metric = ["--namespace", "AWS/KMS", "--metric-name", "SecondsUntilKeyMaterialExpiration"];
    const series = [...metric, "--dimensions", `Name=KeyId,Value=${KeyId}`];
    const condition = ["--threshold", "86400", "--comparison-operator", "LessThanThreshold"];
    const periods = ["--statistic", "Minimum", "--period", "60", "--evaluation-periods", "1"];
    const pattern = '{"detail-type":["CloudWatch Alarm State Change"]}';
    await run("events", ["put-rule", "--name", "alarms", "--event-pattern", pattern], "RuleArn");
    await run("cloudwatch", ["put-metric-alarm", "--alarm-name", "expiry", ...series, ...condition, ...periods], "@");
    await server.clock.advance("PT5M");
    for (const { args, query, expected } of [
      { args: ["list-metrics", ...metric], query: "Metrics[].Dimensions[0].Value", expected: [KeyId] },
      { args: ["describe-alarms"], query: "MetricAlarms[].[AlarmName,StateValue]", expected: [["expiry", "ALARM"]] },
    ]) {
      assert.deepEqual(await run("cloudwatch", args, query), expected, args.join(" "));
    }
    const refused = await cli.run("cloudwatch", [
      "set-alarm-state",
      "--alarm-name",
      "none",
      "--state-value",
      "OK",
      "--state-reason",
      "r",
    ]);
    assert.match(refused.stderr, /An error occurred \(ResourceNotFound\) when calling the SetAlarmState operation/);
  });
});
