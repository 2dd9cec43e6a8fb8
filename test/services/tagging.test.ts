/** The Resource Groups Tagging API: what it lists, by which filters, on how many pages, and for whom. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { EC2 } from "@aws-sdk/client-ec2";
import { type GetResourcesCommandInput, ResourceGroupsTaggingAPI } from "@aws-sdk/client-resource-groups-tagging-api";
import { allow, startIamWorld } from "../iam-world.ts";
import { ACCOUNT, assertRefused, newKey, OTHER_ACCOUNT, present, REGION, requestIdOf } from "../kms-client.ts";

const world = await startIamWorld();
const { endpoint, credentials } = world.server;
const clients: { destroy(): void }[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
});

function tagging(region: string = REGION, key = credentials): ResourceGroupsTaggingAPI {
  const client = new ResourceGroupsTaggingAPI({ endpoint, region, credentials: key, maxAttempts: 1 });
  clients.push(client);
  return client;
}

const api = tagging();
const tagsOf = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));

const web = (await newKey(world.kms, { Tags: tagsOf({ Team: "web", Stage: "test" }) })).Arn;
const shop = (await newKey(world.kms, { Tags: tagsOf({ Team: "shop", Stage: "production" }) })).Arn;
const bare = await newKey(world.kms);
await newKey(world.other, { Tags: tagsOf({ Team: "strangers" }) });
const ec2 = new EC2({ endpoint, region: REGION, credentials, maxAttempts: 1 });
clients.push(ec2);
const { VpcEndpoint } = await ec2.createVpcEndpoint({
  VpcId: "vpc-1",
  ServiceName: `com.amazonaws.${REGION}.kms`,
  TagSpecifications: [{ ResourceType: "vpc-endpoint", Tags: [{ Key: "Team", Value: "" }] }],
});
const door = `arn:aws:ec2:${REGION}:${ACCOUNT}:vpc-endpoint/${present(VpcEndpoint).VpcEndpointId}`;
const made = await world.iam.createPolicy({
  PolicyName: "tagged",
  PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [allow("kms:ListKeys")] }),
  Tags: [{ Key: "Stage", Value: "test" }],
});
const policy = present(made.Policy?.Arn);

const { VolumeId } = await ec2.createVolume({
  AvailabilityZone: "us-east-1a",
  Size: 1,
  TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: "Disk", Value: "yes" }] }],
});
const { SnapshotId } = await ec2.createSnapshot({
  VolumeId,
  TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "Disk", Value: "copy" }] }],
});

const volume = `arn:aws:ec2:${REGION}:${ACCOUNT}:volume/${VolumeId}`;
const snapshot = `arn:aws:ec2:${REGION}::snapshot/${SnapshotId}`;

async function listed(input: GetResourcesCommandInput, client = api): Promise<string[]> {
  const { ResourceTagMappingList, PaginationToken } = await client.getResources(input);
  assert.equal(PaginationToken, "");
  return present(ResourceTagMappingList).map(({ ResourceARN }) => present(ResourceARN));
}

describe("GetResources", () => {
  const keys = [web, shop].sort();
  for (const { title, input, expected } of [
    {
      title: "lists what is tagged, whatever its kind",
      input: { TagFilters: [] },
      expected: [snapshot, volume, door, policy, ...keys],
    },
    { title: "lists volumes", input: { ResourceTypeFilters: ["ec2:volume"] }, expected: [volume] },
    { title: "lists a service's", input: { ResourceTypeFilters: ["kms"] }, expected: keys },
    { title: "lists a type's", input: { ResourceTypeFilters: ["kms:key", "iam:policy"] }, expected: [policy, ...keys] },
    { title: "lists none of another type", input: { ResourceTypeFilters: ["kms:alias", "sqs"] }, expected: [] },
    {
      title: "takes a key without values for any value, the empty one too",
      input: { TagFilters: [{ Key: "Team" }] },
      expected: [door, ...keys],
    },
    {
      title: "takes any of the values of a filter",
      input: { TagFilters: [{ Key: "Team", Values: ["shop", "web", "none"] }] },
      expected: keys,
    },
    {
      title: "wants all filters met",
      input: { TagFilters: [{ Key: "Team" }, { Key: "Stage", Values: ["test"] }] },
      expected: [web],
    },
    { title: "minds the case of keys", input: { TagFilters: [{ Key: "team" }] }, expected: [] },
    {
      title: "tells of ARNs that are asked for",
      input: { ResourceARNList: [shop, bare.Arn, door, `arn:aws:kms:${REGION}:${OTHER_ACCOUNT}:key/x`] },
      expected: [door, shop],
    },
    {
      title: "finds everything in line with tag policies, of which there are none",
      input: { IncludeComplianceDetails: true, ExcludeCompliantResources: true },
      expected: [],
    },
  ] satisfies { title: string; input: GetResourcesCommandInput; expected: string[] }[]) {
    it(title, async () => assert.deepEqual(await listed(input), expected));
  }

  it("gives each resource all its tags, in the order of their keys", async () => {
    const { ResourceTagMappingList } = await api.getResources({
      ResourceARNList: [web],
      IncludeComplianceDetails: true,
    });
    assert.deepEqual(ResourceTagMappingList, [
      {
        ResourceARN: web,
        Tags: [
          { Key: "Stage", Value: "test" },
          { Key: "Team", Value: "web" },
        ],
        ComplianceDetails: { NoncompliantKeys: [], KeysWithNoncompliantValues: [], ComplianceStatus: true },
      },
    ]);
  });

  it("pages through kinds and resources without losing or repeating one", async () => {
    const seen: string[] = [];
    let PaginationToken = "";
    do {
      const page = await api.getResources({ ResourcesPerPage: 1, PaginationToken });
      assert.ok(present(page.ResourceTagMappingList).length <= 1);
      seen.push(...present(page.ResourceTagMappingList).map(({ ResourceARN }) => present(ResourceARN)));
      PaginationToken = present(page.PaginationToken);
    } while (PaginationToken !== "");
    assert.deepEqual(seen, [snapshot, volume, door, policy, ...keys]);
  });

  it("ends a page before a resource whose tags would be too many, and never splits one", async () => {
    const many = Array.from({ length: 40 }, (_, index) => [`k${index}`, "v"]);
    const Tags = tagsOf({ ...Object.fromEntries(many), Full: "yes" });
    const kms = world.client("eu-west-1");
    for (let count = 0; count < 3; count += 1) await newKey(kms, { Tags });
    const client = tagging("eu-west-1");
    const first = await client.getResources({ TagsPerPage: 100 });
    assert.equal(first.ResourceTagMappingList?.length, 2);
    const second = await client.getResources({ TagsPerPage: 100, PaginationToken: present(first.PaginationToken) });
    assert.deepEqual([second.ResourceTagMappingList?.length, second.PaginationToken], [1, ""]);
    assert.deepEqual((await client.getTagKeys({})).TagKeys?.length, 41);
  });

  for (const { title, input, code } of [
    { title: "pages of no resource", input: { ResourcesPerPage: 0 }, code: "InvalidParameterException" },
    { title: "pages of more than 100", input: { ResourcesPerPage: 101 }, code: "InvalidParameterException" },
    { title: "pages of fewer than 100 tags", input: { TagsPerPage: 99 }, code: "InvalidParameterException" },
    {
      title: "both page sizes",
      input: { ResourcesPerPage: 10, TagsPerPage: 100 },
      code: "InvalidParameterException",
    },
    {
      title: "ARNs together with filters",
      input: { ResourceARNList: [web], TagFilters: [{ Key: "Team" }] },
      code: "InvalidParameterException",
    },
    { title: "an ARN that is none", input: { ResourceARNList: ["key/1"] }, code: "InvalidParameterException" },
    {
      title: "a filter without a key",
      input: { TagFilters: [{ Values: ["web"] }] },
      code: "InvalidParameterException",
    },
    {
      title: "ExcludeCompliantResources by itself",
      input: { ExcludeCompliantResources: true },
      code: "InvalidParameterException",
    },
    { title: "a token of nobody", input: { PaginationToken: "bm9uZQ" }, code: "PaginationTokenExpiredException" },
  ] satisfies { title: string; input: GetResourcesCommandInput; code: string }[]) {
    it(`refuses ${title}`, async () => {
      await assertRefused(api.getResources(input), code);
    });
  }

  it("refuses the token of another list, and of another account", async () => {
    const { PaginationToken = "" } = await api.getResources({ ResourcesPerPage: 1 });
    assert.notEqual(PaginationToken, "");
    const stranger = tagging(REGION, world.otherCredentials);
    await assertRefused(
      api.getResources({ ResourceTypeFilters: ["kms"], PaginationToken }),
      "PaginationTokenExpiredException",
    );
    await assertRefused(stranger.getResources({ PaginationToken }), "PaginationTokenExpiredException");
  });

  it("keeps to the account, and IAM's resources to IAM's Region", async () => {
    assert.equal((await listed({}, tagging(REGION, world.otherCredentials))).length, 1);
    assert.deepEqual(await listed({}, tagging("eu-west-2")), []);
  });
});

describe("GetTagKeys and GetTagValues", () => {
  it("tell each text once, of all kinds together", async () => {
    const { TagKeys, PaginationToken } = await api.getTagKeys({});
    assert.deepEqual([TagKeys, PaginationToken], [["Disk", "Stage", "Team"], ""]);
    const values = async (Key: string) => (await api.getTagValues({ Key })).TagValues;
    assert.deepEqual(await values("Team"), ["", "shop", "web"]);
    assert.deepEqual(await values("Stage"), ["production", "test"]);
    assert.deepEqual(await values("None"), []);
  });

  it("go on with the next page after a hundred", async () => {
    const kms = world.client("eu-west-3");
    for (const half of [0, 1, 2]) {
      const names = Array.from({ length: 40 }, (_, index) => [`tag-${half}-${index}`, ""]);
      await newKey(kms, { Tags: tagsOf(Object.fromEntries(names)) });
    }
    const client = tagging("eu-west-3");
    const first = await client.getTagKeys({});
    const second = await client.getTagKeys({ PaginationToken: present(first.PaginationToken) });
    assert.deepEqual([first.TagKeys?.length, second.TagKeys?.length, second.PaginationToken], [100, 20, ""]);
    assert.equal(new Set([...present(first.TagKeys), ...present(second.TagKeys)]).size, 120);
  });
});

describe("permissions and records of the tagging API", () => {
  it("ask for tag:GetResources on no resource, and for nothing of KMS", async () => {
    const reader = await world.person("reader", { allow: [allow("tag:GetResources")] });
    const key = await world.iam.createAccessKey({ UserName: reader.name });
    const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(key.AccessKey);
    const client = tagging(REGION, { accessKeyId, secretAccessKey });
    assert.ok((await listed({ ResourceTypeFilters: ["kms"] }, client)).length > 0);
    await assertRefused(
      client.getTagKeys({}),
      "AccessDeniedException",
      `User: ${reader.arn} is not authorized to perform: tag:GetTagKeys because no identity-based policy allows the tag:GetTagKeys action`,
    );
  });

  it("record the request under the service's name", async () => {
    const output = await api.getTagValues({ Key: "Team" });
    const record = await world.records.of(requestIdOf(output));
    assert.deepEqual(
      [record.eventSource, record.eventName, record.readOnly, record.requestParameters, record.responseElements],
      ["tagging.amazonaws.com", "GetTagValues", true, { key: "Team" }, null],
    );
  });
});
