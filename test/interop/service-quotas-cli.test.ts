/** `aws service-quotas`, as somebody asks for a quota and for more of it. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { AwsCli } from "./aws-cli.ts";

describe("aws service-quotas", () => {
  let server: DevServer;
  let cli: AwsCli;

  before(async () => {
    server = await startDevServer();
    cli = new AwsCli({ endpoint: server.endpoint, region: "eu-west-2", credentials: server.credentials });
  });

  after(async () => {
    cli[Symbol.dispose]();
    await server.stop();
  });

  it("finds a quota by its name, asks for more, and sees that it was granted", async () => {
    const kms = ["--service-code", "kms"];
    const code = "Quotas[?QuotaName==`Cryptographic operations (RSA) request rate`].QuotaCode";
    const ecc = [...kms, "--quota-code", "L-DC14942D"];
    const more = ["request-service-quota-increase", ...ecc, "--desired-value", "3000"];
    for (const { args, query, expected } of [
      { args: ["list-service-quotas", ...kms], query: code, expected: ["L-2AC98190"] },
      { args: more, query: "RequestedQuota.Status", expected: "APPROVED" },
      { args: ["get-service-quota", ...ecc], query: "Quota.Value", expected: 3000 },
      { args: ["get-aws-default-service-quota", ...ecc], query: "Quota.Value", expected: 1000 },
      {
        args: ["list-requested-service-quota-change-history-by-quota", ...ecc],
        query: "RequestedQuotas[].DesiredValue",
        expected: [3000],
      },
    ]) {
      const { code, stdout, stderr } = await cli.run("service-quotas", [...args, "--query", query]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
      assert.deepEqual(JSON.parse(stdout), expected);
    }
  });
});
