/** The service-linked role of multi-Region keys, as its account sees it (spec 04, Service-linked roles). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { STS } from "@aws-sdk/client-sts";
import { allow, assertIamRefused, deny, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, assertRefused, newKey, present, REGION } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, kms } = world;

const RoleName = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
const SERVICE = "mrk.kms.amazonaws.com";

describe("the service-linked role of multi-Region keys", () => {
  it("S04-034, S05-026: comes with the first primary key, trusts KMS, can't be made by users, and stays while there are such keys", async () => {
    await assertIamRefused(iam.getRole({ RoleName }), "NoSuchEntity", 404);
    await assertIamRefused(iam.createServiceLinkedRole({ AWSServiceName: SERVICE }), "AccessDenied", 403);
    const first = await newKey(kms, { MultiRegion: true });
    const { Role } = await iam.getRole({ RoleName });
    assert.equal(Role?.Arn, `arn:aws:iam::${ACCOUNT}:role/aws-service-role/${SERVICE}/${RoleName}`);
    assert.match(decodeURIComponent(present(Role?.AssumeRolePolicyDocument)), new RegExp(SERVICE));
    const second = await newKey(kms, { MultiRegion: true });
    assert.equal((await iam.getRole({ RoleName })).Role?.RoleId, Role?.RoleId);
    const deletion = await iam.deleteServiceLinkedRole({ RoleName });
    const status = await iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId: deletion.DeletionTaskId });
    assert.equal(status.Status, "FAILED");
    const used = status.Reason?.RoleUsageList?.flatMap(({ Resources = [] }) => Resources) ?? [];
    assert.deepEqual(used.sort(), [first.Arn, second.Arn].sort());
    await iam.getRole({ RoleName });
  });

  it("S05-073: is nobody's to assume, to delete or to open to others; its description may be changed", async () => {
    await newKey(kms, { MultiRegion: true });
    const RoleArn = present((await iam.getRole({ RoleName })).Role?.Arn);
    const person = await world.person("assuming", { allow: [allow("sts:AssumeRole"), allow("iam:*")] });
    const credentials = await person.iam.config.credentials();
    const sts = new STS({ endpoint: world.server.endpoint, region: REGION, credentials, maxAttempts: 1 });
    await assertIamRefused(sts.assumeRole({ RoleArn, RoleSessionName: "session" }), "AccessDenied", 403);
    sts.destroy();
    await assertIamRefused(person.iam.deleteRole({ RoleName }), "UnmodifiableEntity", 400);
    const PolicyDocument = trusting({ AWS: person.arn });
    await assertIamRefused(person.iam.updateAssumeRolePolicy({ RoleName, PolicyDocument }), "UnmodifiableEntity", 400);
    await person.iam.updateRole({ RoleName, Description: "replicates keys" });
    assert.equal((await iam.getRole({ RoleName })).Role?.Description, "replicates keys");
  });

  it("S05-026: who may not create it creates no primary key", async () => {
    const creator = await world.person("creator", {
      allow: [allow("kms:CreateKey"), allow("iam:CreateServiceLinkedRole"), deny("iam:CreateServiceLinkedRole")],
    });
    await assertRefused(
      creator.kms.createKey({ MultiRegion: true }),
      "AccessDeniedException",
      `User: ${creator.arn} is not authorized to perform: iam:CreateServiceLinkedRole on resource: arn:aws:iam::${ACCOUNT}:role/aws-service-role/${SERVICE}/${RoleName} with an explicit deny in an identity-based policy`,
    );
    await creator.kms.createKey({});
  });
});
