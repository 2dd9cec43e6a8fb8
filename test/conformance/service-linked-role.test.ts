/** The service-linked role of multi-Region keys, which KMS makes with an account's first primary key (spec 05). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { STS } from "@aws-sdk/client-sts";
import { allow, assertIamRefused, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, assertRefused, newKey, present, REGION } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, kms } = world;

const RoleName = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
const PATH = "/aws-service-role/mrk.kms.amazonaws.com/";
const ARN = `arn:aws:iam::${ACCOUNT}:role${PATH}${RoleName}`;

describe("the service-linked role of multi-Region keys", () => {
  it("S05-073, S05-026: comes with the first primary key, once, and is nobody's to assume, delete or rename", async () => {
    await newKey(kms);
    await assertIamRefused(iam.getRole({ RoleName }), "NoSuchEntity", 404);
    await newKey(kms, { MultiRegion: true });
    const made = present((await iam.getRole({ RoleName })).Role);
    assert.deepEqual([made.Arn, made.Path], [ARN, PATH]);
    await newKey(kms, { MultiRegion: true });
    assert.equal((await iam.getRole({ RoleName })).Role?.RoleId, made.RoleId);

    const person = await world.person("assuming", { allow: [allow("sts:AssumeRole"), allow("iam:*")] });
    const credentials = await person.iam.config.credentials();
    const sts = new STS({ endpoint: world.server.endpoint, region: REGION, credentials, maxAttempts: 1 });
    await assertIamRefused(sts.assumeRole({ RoleArn: ARN, RoleSessionName: "session" }), "AccessDenied", 403);
    sts.destroy();
    await assertIamRefused(person.iam.deleteRole({ RoleName }), "UnmodifiableEntity", 400);
    const PolicyDocument = trusting({ AWS: person.arn });
    await assertIamRefused(person.iam.updateAssumeRolePolicy({ RoleName, PolicyDocument }), "UnmodifiableEntity", 400);
    await person.iam.updateRole({ RoleName, Description: "replicates keys" });
    assert.equal((await iam.getRole({ RoleName })).Role?.Description, "replicates keys");
  });

  it("S05-026: takes permission to be created, also where it is there, and no key is made without", async () => {
    const allowed = [allow(["kms:CreateKey", "kms:ListKeys"])];
    const person = await world.person("unlinked", { allow: allowed });
    const before = (await kms.listKeys({})).Keys?.length;
    await assertRefused(
      person.kms.createKey({ MultiRegion: true }),
      "AccessDeniedException",
      new RegExp(`iam:CreateServiceLinkedRole on resource: ${ARN}`),
    );
    assert.equal((await kms.listKeys({})).Keys?.length, before);
    await newKey(person.kms);
    const linking = await world.person("linking", { allow: [...allowed, allow("iam:CreateServiceLinkedRole", ARN)] });
    await newKey(linking.kms, { MultiRegion: true });
  });
});
