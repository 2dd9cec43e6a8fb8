/** VPC endpoints (spec 03): their API, their policies, what conditions and records say of requests that came through them. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { EC2 } from "@aws-sdk/client-ec2";
import { KMS } from "@aws-sdk/client-kms";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { freePort } from "../free-port.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  newKey,
  policyOf,
  present,
  REGION,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, records } = world;
const { endpoint, credentials } = world.server;
const ec2 = new EC2({ endpoint, credentials, region: REGION, maxAttempts: 1 });
after(() => ec2.destroy());

const VpcId = "vpc-0123456789abcdef0";
const ServiceName = `com.amazonaws.${REGION}.kms`;

/** A statement of an endpoint policy that lets anybody do this. */
const anybody = (...Action: string[]): object => ({ Effect: "Allow", Principal: "*", Action, Resource: "*" });

async function newEndpoint(PolicyDocument?: string): Promise<{ id: string; dnsName: string }> {
  const made = await ec2.createVpcEndpoint({
    VpcId,
    ServiceName,
    VpcEndpointType: "Interface",
    ...(PolicyDocument !== undefined && { PolicyDocument }),
  });
  const { VpcEndpointId, DnsEntries = [] } = present(made.VpcEndpoint);
  return { id: present(VpcEndpointId), dnsName: present(DnsEntries[0]?.DnsName) };
}

/** A KMS client whose requests come through an endpoint: in dev its DNS name as Host is enough. */
function through({ dnsName }: { readonly dnsName: string }): KMS {
  const client = new KMS({ endpoint, credentials, region: REGION, maxAttempts: 1 });
  client.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["host"] = dnsName;
      return next(args);
    },
    { step: "build", priority: "low", name: "host" },
  );
  after(() => client.destroy());
  return client;
}

describe("the API of VPC endpoints", () => {
  it("makes, shows, changes and removes an endpoint", async () => {
    const { id, dnsName } = await newEndpoint();
    assert.match(id, /^vpce-0[0-9a-f]{16}$/);
    assert.match(dnsName, new RegExp(`^${id}-[0-9a-f]{8}\\.kms\\.${REGION}\\.vpce\\.amazonaws\\.com$`));
    const read = async () => present((await ec2.describeVpcEndpoints({ VpcEndpointIds: [id] })).VpcEndpoints)[0];
    const first = present(await read());
    assert.deepEqual(JSON.parse(present(first.PolicyDocument)), {
      Statement: [{ Action: "*", Effect: "Allow", Principal: "*", Resource: "*" }],
    });
    assert.deepEqual(
      [first.VpcId, first.ServiceName, first.VpcEndpointType, first.OwnerId, first.PrivateDnsEnabled],
      [VpcId, ServiceName, "Interface", ACCOUNT, true],
    );
    const PolicyDocument = policyOf(anybody("kms:Encrypt"));
    await ec2.modifyVpcEndpoint({ VpcEndpointId: id, PolicyDocument, AddSubnetIds: ["subnet-1", "subnet-2"] });
    await ec2.modifyVpcEndpoint({ VpcEndpointId: id, RemoveSubnetIds: ["subnet-1"] });
    assert.deepEqual([(await read())?.PolicyDocument, (await read())?.SubnetIds], [PolicyDocument, ["subnet-2"]]);
    await ec2.modifyVpcEndpoint({ VpcEndpointId: id, ResetPolicy: true });
    assert.equal((await read())?.PolicyDocument, first.PolicyDocument);
    const { Unsuccessful } = await ec2.deleteVpcEndpoints({ VpcEndpointIds: [id, "vpce-0000000000000000f"] });
    assert.deepEqual(
      present(Unsuccessful).map((item) => [item.ResourceId, item.Error?.Code]),
      [["vpce-0000000000000000f", "InvalidVpcEndpointId.NotFound"]],
    );
    await assertRefused(ec2.describeVpcEndpoints({ VpcEndpointIds: [id] }), "InvalidVpcEndpointId.NotFound");
  });

  it("lists by filters and in pages, with tags", async () => {
    const tagged = await ec2.createVpcEndpoint({
      VpcId: "vpc-0000000000000000a",
      ServiceName,
      TagSpecifications: [{ ResourceType: "vpc-endpoint", Tags: [{ Key: "stage", Value: "beta" }] }],
    });
    const id = present(tagged.VpcEndpoint?.VpcEndpointId);
    await newEndpoint();
    const byTag = await ec2.describeVpcEndpoints({ Filters: [{ Name: "tag:stage", Values: ["beta"] }] });
    assert.deepEqual(
      present(byTag.VpcEndpoints).map(({ VpcEndpointId, Tags }) => [VpcEndpointId, Tags]),
      [[id, [{ Key: "stage", Value: "beta" }]]],
    );
    const all: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await ec2.describeVpcEndpoints({ MaxResults: 1, ...(NextToken && { NextToken }) });
      all.push(...present(page.VpcEndpoints).map(({ VpcEndpointId }) => present(VpcEndpointId)));
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    assert.equal(new Set(all).size, all.length);
    assert.ok(all.includes(id));
    await assertRefused(ec2.describeVpcEndpoints({ Filters: [{ Name: "nonsense", Values: [] }] }), "InvalidParameter");
  });

  for (const { title, input, code } of [
    {
      title: "a service that is not there",
      input: { VpcId, ServiceName: "com.amazonaws.us-east-1.nothing" },
      code: "InvalidServiceName",
    },
    {
      title: "a service of another Region",
      input: { VpcId, ServiceName: "com.amazonaws.eu-west-1.kms" },
      code: "InvalidServiceName",
    },
    {
      title: "a policy that is none",
      input: { VpcId, ServiceName, PolicyDocument: "{}" },
      code: "InvalidPolicyDocument",
    },
    {
      title: "a gateway endpoint",
      input: { VpcId, ServiceName, VpcEndpointType: "Gateway" as const },
      code: "InvalidParameter",
    },
  ]) {
    it(`refuses ${title}`, async () => {
      await assertRefused(ec2.createVpcEndpoint(input), code);
    });
  }

  it("ends a dry run that would succeed", async () => {
    const dry = ec2.createVpcEndpoint({ VpcId, ServiceName, DryRun: true });
    await assert.rejects(dry, (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
      assert.deepEqual([error.name, error.$metadata?.httpStatusCode], ["DryRunOperation", 412]);
      return true;
    });
  });
});

describe("a request through a VPC endpoint", () => {
  it("S03-028: needs the endpoint's policy as well; a refusal by it leaves no record, and an allowed one names the endpoint", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const route = await newEndpoint(policyOf(anybody("kms:Encrypt", "kms:DescribeKey")));
    const client = through(route);
    await client.encrypt({ KeyId, Plaintext: bytes(1) });
    const refusal = client.generateDataKey({ KeyId, KeySpec: "AES_256" });
    await assertRefused(
      refusal,
      "AccessDeniedException",
      `User: arn:aws:iam::${ACCOUNT}:root is not authorized to perform: kms:GenerateDataKey on resource: ${Arn} because no VPC endpoint policy allows the kms:GenerateDataKey action`,
    );
    await ec2.modifyVpcEndpoint({
      VpcEndpointId: route.id,
      PolicyDocument: policyOf(anybody("*"), { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" }),
    });
    await assertRefused(
      client.encrypt({ KeyId, Plaintext: bytes(1) }),
      "AccessDeniedException",
      /with an explicit deny in a VPC endpoint policy$/,
    );
    await client.generateDataKey({ KeyId, KeySpec: "AES_256" });
    const mine = records.all().filter(({ requestParameters }) => requestParameters?.["keyId"] === KeyId);
    assert.deepEqual(
      mine.map(({ eventName, vpcEndpointId }) => [eventName, vpcEndpointId]),
      [
        ["Encrypt", route.id],
        ["GenerateDataKey", route.id],
      ],
    );
  });

  it("S03-028: lets nothing pass once the endpoint is gone, and nothing of another Region", async () => {
    const { KeyId } = await newKey(kms);
    const route = await newEndpoint();
    const client = through(route);
    await client.describeKey({ KeyId });
    const elsewhere = through({ dnsName: route.dnsName });
    await ec2.deleteVpcEndpoints({ VpcEndpointIds: [route.id] });
    await assertRefused(elsewhere.describeKey({ KeyId }), "AccessDeniedException");
  });

  it("S03-029: aws:SourceVpce and aws:SourceVpc are there in a VPC alone, and aws:SourceIp outside alone", async () => {
    const route = await newEndpoint();
    const inside = through(route);
    const decides = async (Condition: object): Promise<{ inside: boolean; outside: boolean }> => {
      const Policy = policyOf(
        { ...allowing(ACCOUNT), Action: ["kms:P*", "kms:D*", "kms:S*"] },
        {
          ...allowing(ACCOUNT, "kms:Encrypt"),
          Condition,
        },
      );
      const { KeyId } = await newKey(kms, { Policy });
      const tries = async (client: KMS): Promise<boolean> => {
        try {
          await client.encrypt({ KeyId, Plaintext: bytes(1) });
          return true;
        } catch (error) {
          assert.equal((error as Error).name, "AccessDeniedException");
          return false;
        }
      };
      return { inside: await tries(inside), outside: await tries(kms) };
    };
    const insideOnly = { inside: true, outside: false };
    const outsideOnly = { inside: false, outside: true };
    assert.deepEqual(await decides({ StringEquals: { "aws:sourceVpce": route.id } }), insideOnly);
    assert.deepEqual(await decides({ StringEquals: { "aws:SourceVpc": VpcId } }), insideOnly);
    assert.deepEqual(await decides({ StringEquals: { "aws:VpceAccount": ACCOUNT } }), insideOnly);
    const vpcArn = `arn:aws:ec2:us-east-1:${ACCOUNT}:vpc/${VpcId}`;
    assert.deepEqual(await decides({ ArnEquals: { "aws:SourceVpcArn": vpcArn } }), insideOnly);
    assert.deepEqual(await decides({ StringEquals: { "aws:sourceVpce": "vpce-0000" } }), {
      inside: false,
      outside: false,
    });
    assert.deepEqual(await decides({ IpAddress: { "aws:SourceIp": "127.0.0.0/8" } }), outsideOnly);
    assert.deepEqual(await decides({ IpAddress: { "aws:VpcSourceIp": "127.0.0.0/8" } }), insideOnly);
    assert.deepEqual(await decides({ Null: { "aws:SourceVpce": "true" } }), outsideOnly);
  });

  it("S03-029: a deny for all but one endpoint refuses what comes without any", async () => {
    const route = await newEndpoint();
    const Policy = policyOf(allowing(ACCOUNT), {
      Effect: "Deny",
      Principal: "*",
      Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
      Resource: "*",
      Condition: { StringNotEquals: { "aws:sourceVpce": route.id } },
    });
    const { KeyId } = await newKey(kms, { Policy });
    await assertRefused(kms.encrypt({ KeyId, Plaintext: bytes(1) }), "AccessDeniedException", /explicit deny/);
    await through(route).encrypt({ KeyId, Plaintext: bytes(1) });
    await assertRefused(through(await newEndpoint()).encrypt({ KeyId, Plaintext: bytes(1) }), "AccessDeniedException");
  });
});

describe("a listener of a VPC endpoint", () => {
  it("S03-029: is the endpoint for whatever comes in there, whatever its Host says", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keystead-endpoint-"));
    after(() => rmSync(folder, { recursive: true }));
    const data = ["--data", join(folder, "store")];
    const first = await startDevServer({ args: data });
    const made = await new EC2({ ...clientConfig(first), endpoint: first.endpoint }).createVpcEndpoint({
      VpcId,
      ServiceName,
    });
    const id = present(made.VpcEndpoint?.VpcEndpointId);
    const Policy = policyOf(
      { ...allowing(ACCOUNT), Action: ["kms:PutKeyPolicy", "kms:DescribeKey"] },
      { ...allowing(ACCOUNT, "kms:Encrypt"), Condition: { StringEquals: { "aws:SourceVpce": id } } },
    );
    const { KeyId } = await newKey(new KMS({ ...clientConfig(first), endpoint: first.endpoint }), { Policy });
    await first.stop();

    const port = await freePort();
    await using second = await startDevServer({ args: [...data, "--vpc-endpoint", `${id}=127.0.0.1:${port}`] });
    const inside = new KMS({ ...clientConfig(second), endpoint: `http://127.0.0.1:${port}` });
    const outside = new KMS({ ...clientConfig(second), endpoint: second.endpoint });
    await inside.encrypt({ KeyId, Plaintext: bytes(1) });
    await assertRefused(outside.encrypt({ KeyId, Plaintext: bytes(1) }), "AccessDeniedException");
  });

  it("ends the start when its address is taken, and leaves nothing listening", async () => {
    const taken = new URL(endpoint).port;
    const listener = `vpce-0a1b2c3d4e5f60718=127.0.0.1:${taken}`;
    await assert.rejects(startDevServer({ args: ["--vpc-endpoint", listener] }), /it is in use/);
  });

  for (const text of ["vpce-1", "vpce-0a=127.0.0.1", "ep-1=127.0.0.1:80", "vpce-0a=127.0.0.1:99999", ""]) {
    it(`is not '${text}'`, async () => {
      await assert.rejects(startDevServer({ args: ["--vpc-endpoint", text] }), /--vpc-endpoint|--port takes/);
    });
  }
});

function clientConfig({ credentials }: DevServer) {
  return { credentials, region: REGION, maxAttempts: 1 };
}
