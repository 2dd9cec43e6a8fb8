/** `aws cloudwatch`, `aws events` and `aws cloudtrail`, as an operator watches keys and proves what was recorded. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { TemporaryDirectory } from "../faults/processes.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import { ACCOUNT, startWorld, type World } from "../kms-client.ts";
import { PYTHON } from "../tools.ts";
import { AwsCli } from "./aws-cli.ts";

describe("aws cloudwatch and aws events", () => {
  let world: World;
  let cli: AwsCli;
  const folder = new TemporaryDirectory();

  before(async () => {
    mkdirSync(folder.at("audit-logs"));
    world = await startWorld(["--trail-directory", folder.path]);
    const { endpoint, credentials } = world.server;
    cli = new AwsCli({ endpoint, region: "us-east-1", credentials });
  });

  after(async () => {
    cli[Symbol.dispose]();
    await world.stop();
    folder[Symbol.dispose]();
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

  it("prove a trail's log files with validate-logs, and see one that was changed", async () => {
    const { server, kms } = world;
    const { endpoint, credentials, clock } = server;
    const start = await clock.now();
    const bucket = ["--s3-bucket-name", "audit-logs", "--enable-log-file-validation"];
    for (const args of [
      ["create-trail", "--name", "proved", ...bucket],
      ["start-logging", "--name", "proved"],
    ]) {
      const { code, stderr } = await cli.run("cloudtrail", args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    }
    for (const step of ["PT5M", "PT1H", "PT1H"]) {
      await kms.listKeys({});
      await clock.advance(step);
    }
    const validate = async () => {
      const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/proved`;
      const times = ["--start-time", start.toISOString(), "--end-time", (await clock.now()).toISOString()];
      const common = ["--endpoint-url", endpoint, "--region", "us-east-1", "--trail-arn", arn, ...times];
      const { accessKeyId, secretAccessKey } = credentials;
      const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, HOME: folder.path };
      const program = join(import.meta.dirname, "validate-logs.py");
      const args = [program, folder.path, "cloudtrail", "validate-logs", ...common];
      return await new Promise<{ readonly code: unknown; readonly stdout: string }>((resolve) => {
        execFile(PYTHON, args, { env }, (error, stdout) => resolve({ code: error?.code ?? 0, stdout }));
      });
    };
    const proved = await validate();
    assert.equal(proved.code, 0);
    assert.match(proved.stdout, /^2\/2 digest files valid\n2\/2 log files valid$/m);
    const [file = ""] = globSync("**/CloudTrail/**/*.json.gz", { cwd: folder.path }).sort();
    writeFileSync(folder.at(file), gzipSync('{"Records":[]}'));
    const changed = await validate();
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /^1\/2 log files valid, 1\/2 log files INVALID$/m);
  });
});
