/** Aliases of spec 01 and 08: names, what the four operations do, and what they leave alone. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { AliasListEntry, KMS } from "@aws-sdk/client-kms";
import {
  ABSENT_KEY_ID,
  ACCOUNT,
  assertRefused,
  bytes,
  describedKey,
  managedKey,
  membersOf,
  newKey,
  newPendingKey,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const arnOf = (name: string): string => `arn:aws:kms:us-east-1:${ACCOUNT}:${name}`;

async function aliasesOf(client: KMS, keyId: string): Promise<readonly AliasListEntry[]> {
  return present((await client.listAliases({ KeyId: keyId })).Aliases);
}

async function namesOf(client: KMS, keyId: string): Promise<readonly (string | undefined)[]> {
  return (await aliasesOf(client, keyId)).map(({ AliasName }) => AliasName);
}

describe("CreateAlias", () => {
  const prefixMissing =
    'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html';

  const reserved = "The alias name for a customer managed CMK cannot begin with alias/aws/.";

  for (const { title, AliasName, code, message } of [
    { title: "without alias/ in front", AliasName: "billing", code: "ValidationException", message: prefixMissing },
    { title: "with Alias/ in front", AliasName: "Alias/billing", code: "ValidationException", message: prefixMissing },
    // Spec 08, P07: what is seen on AWS, though the operation does not declare it.
    {
      title: "with alias/aws/ in front",
      AliasName: "alias/aws/mine",
      code: "NotAuthorizedException",
      message: reserved,
    },
    { title: "of a predefined alias", AliasName: "alias/aws/s3", code: "NotAuthorizedException", message: reserved },
    { title: "with nothing behind alias/", AliasName: "alias/", code: "InvalidAliasNameException", message: undefined },
    {
      title: "with a colon",
      AliasName: "alias/a:b",
      code: "ValidationException",
      message: "alias/a:b contains invalid characters for an alias",
    },
    { title: "with a space", AliasName: "alias/a b", code: "ValidationException", message: /at 'aliasName' failed/ },
    { title: "with a dot", AliasName: "alias/a.b", code: "ValidationException", message: /at 'aliasName' failed/ },
    {
      title: "with a letter beyond ASCII",
      AliasName: "alias/ä",
      code: "ValidationException",
      message: /at 'aliasName' failed/,
    },
    {
      title: "of 257 characters",
      AliasName: `alias/${"a".repeat(251)}`,
      code: "ValidationException",
      message: /at 'aliasName' failed to satisfy constraint: Member must have length less than or equal to 256$/,
    },
  ]) {
    it(`S01-023: a name ${title} is refused with ${code}, and nothing is made`, async () => {
      const { KeyId } = await newKey(kms);
      await assertRefused(kms.createAlias({ AliasName, TargetKeyId: KeyId }), code, message);
      assert.deepEqual(await aliasesOf(kms, KeyId), []);
    });
  }

  for (const AliasName of ["alias/a", `alias/${"b".repeat(250)}`, "alias/Az09/_-", "alias/alias/x", "alias/awsome"]) {
    it(`takes the name ${AliasName.length > 60 ? "of 256 characters" : AliasName}`, async () => {
      const { KeyId } = await newKey(kms);
      await kms.createAlias({ AliasName, TargetKeyId: KeyId });
      assert.deepEqual(await namesOf(kms, KeyId), [AliasName]);
    });
  }

  it("S01-024: a name that is taken in the account and Region is AlreadyExistsException, whichever key is meant", async () => {
    const [first, second] = [await newKey(kms), await newKey(kms)];
    const AliasName = "alias/taken";
    await kms.createAlias({ AliasName, TargetKeyId: first.KeyId });
    for (const { KeyId } of [first, second]) {
      await assertRefused(
        kms.createAlias({ AliasName, TargetKeyId: KeyId }),
        "AlreadyExistsException",
        `An alias with the name ${arnOf(AliasName)} already exists`,
      );
    }
    assert.deepEqual(await namesOf(kms, first.KeyId), [AliasName]);
    assert.deepEqual(await namesOf(kms, second.KeyId), []);
  });

  it("S01-024: the same name is free in another Region, in another account and in other letters", async () => {
    const AliasName = "alias/same";
    for (const client of [kms, world.client("eu-west-1"), world.other]) {
      const { KeyId } = await newKey(client);
      await client.createAlias({ AliasName, TargetKeyId: KeyId });
      assert.deepEqual(await namesOf(client, KeyId), [AliasName]);
    }
    const { KeyId } = await newKey(kms);
    await kms.createAlias({ AliasName: "alias/SAME", TargetKeyId: KeyId });
    assert.deepEqual(await namesOf(kms, KeyId), ["alias/SAME"]);
  });

  it("S08-014: alias/Team and alias/team are two aliases", async () => {
    const [upper, lower] = [await newKey(kms), await newKey(kms)];
    await kms.createAlias({ AliasName: "alias/Team", TargetKeyId: upper.KeyId });
    await kms.createAlias({ AliasName: "alias/team", TargetKeyId: lower.KeyId });
    assert.equal((await describedKey(kms, "alias/Team")).KeyId, upper.KeyId);
    assert.equal((await describedKey(kms, "alias/team")).KeyId, lower.KeyId);
    await assertRefused(kms.deleteAlias({ AliasName: "alias/TEAM" }), "NotFoundException");
    await assertRefused(kms.updateAlias({ AliasName: "alias/tEAM", TargetKeyId: upper.KeyId }), "NotFoundException");
  });

  it("gives one key several names, and refuses the 51st", async () => {
    const { KeyId } = await newKey(kms);
    for (let count = 0; count < 50; count += 1) {
      await kms.createAlias({ AliasName: `alias/many-${count}`, TargetKeyId: KeyId });
    }
    await assertRefused(kms.createAlias({ AliasName: "alias/many-50", TargetKeyId: KeyId }), "LimitExceededException");
    assert.equal((await aliasesOf(kms, KeyId)).length, 50);
  });

  it("does not point to a key of another account or to none", async () => {
    const foreign = await newKey(world.other);
    await assertRefused(
      kms.createAlias({ AliasName: "alias/abroad", TargetKeyId: foreign.Arn }),
      /^(?:NotFoundException|AccessDeniedException)$/,
    );
    await assertRefused(
      kms.createAlias({ AliasName: "alias/nowhere", TargetKeyId: ABSENT_KEY_ID }),
      "NotFoundException",
    );
  });
});

describe("alias operations", () => {
  it("S01-025: CreateAlias, UpdateAlias and DeleteAlias answer 200 with an empty body", async () => {
    const [first, second] = [await newKey(kms), await newKey(kms)];
    const AliasName = "alias/empty-bodies";
    for (const [operation, input] of [
      ["CreateAlias", { AliasName, TargetKeyId: first.KeyId }],
      ["UpdateAlias", { AliasName, TargetKeyId: second.KeyId }],
      ["DeleteAlias", { AliasName }],
    ] as const) {
      const { status, body } = await world.raw(operation, input);
      assert.deepEqual([operation, status, body.length], [operation, 200, 0]);
    }
  });

  it("S01-026: CreateAlias sets both dates alike; UpdateAlias changes TargetKeyId and LastUpdatedDate alone", async () => {
    const [first, second] = [await newKey(kms), await newKey(kms)];
    const AliasName = "alias/dated";
    await kms.createAlias({ AliasName, TargetKeyId: first.KeyId });
    const [created] = await aliasesOf(kms, first.KeyId);
    const { CreationDate, LastUpdatedDate, ...rest } = present(created);
    assert.ok(CreationDate instanceof Date);
    assert.deepEqual(LastUpdatedDate, CreationDate);
    assert.deepEqual(rest, { AliasName, AliasArn: arnOf(AliasName), TargetKeyId: first.KeyId });
    await world.server.clock.advance("PT1H");
    await kms.updateAlias({ AliasName, TargetKeyId: second.KeyId });
    assert.deepEqual(await aliasesOf(kms, first.KeyId), []);
    const [updated] = await aliasesOf(kms, second.KeyId);
    const { LastUpdatedDate: later, ...same } = present(updated);
    assert.deepEqual(same, { ...rest, CreationDate, TargetKeyId: second.KeyId });
    assert.ok(present(later).getTime() - CreationDate.getTime() >= 3_600_000);
    assert.equal((await describedKey(kms, AliasName)).KeyId, second.KeyId);
  });

  it("S01-028: ListAliases shows predefined AWS aliases with their name and ARN alone", async () => {
    const client = world.client("ca-central-1");
    const { Aliases = [], Truncated } = await client.listAliases({});
    assert.equal(Truncated, false);
    for (const service of ["s3", "dynamodb", "ebs", "redshift"]) {
      const AliasName = `alias/aws/${service}`;
      const entry = Aliases.find((alias) => alias.AliasName === AliasName);
      assert.deepEqual(entry, { AliasName, AliasArn: `arn:aws:kms:ca-central-1:${ACCOUNT}:${AliasName}` });
    }
  });

  it("S01-028: the KeyId filter of ListAliases takes key ids and ARNs, of AWS managed keys too", async () => {
    const key = await newKey(kms);
    for (const AliasName of ["alias/filtered-1", "alias/filtered-2"]) {
      await kms.createAlias({ AliasName, TargetKeyId: key.KeyId });
    }
    assert.deepEqual(await namesOf(kms, key.KeyId), ["alias/filtered-1", "alias/filtered-2"]);
    assert.deepEqual(await aliasesOf(kms, key.Arn), await aliasesOf(kms, key.KeyId));
    const managed = await managedKey(kms, "kinesis");
    assert.deepEqual(await namesOf(kms, managed.Arn), ["alias/aws/kinesis"]);
    await assertRefused(kms.listAliases({ KeyId: ABSENT_KEY_ID }), "NotFoundException");
  });

  it("S08-013: predefined aliases have no TargetKeyId until their key is there", async () => {
    const client = world.client("ca-west-1");
    const entryOf = async (name: string): Promise<AliasListEntry> =>
      present((await client.listAliases({})).Aliases?.find(({ AliasName }) => AliasName === name));
    assert.equal("TargetKeyId" in (await entryOf("alias/aws/ebs")), false);
    const { KeyId } = await managedKey(client, "ebs");
    assert.equal((await entryOf("alias/aws/ebs")).TargetKeyId, KeyId);
    assert.equal("TargetKeyId" in (await entryOf("alias/aws/s3")), false);
  });

  it("S01-029: deleting a key deletes its aliases and no others", async () => {
    const [doomed, kept] = [await newKey(kms), await newKey(kms)];
    await kms.createAlias({ AliasName: "alias/doomed-1", TargetKeyId: doomed.KeyId });
    await kms.createAlias({ AliasName: "alias/doomed-2", TargetKeyId: doomed.KeyId });
    await kms.createAlias({ AliasName: "alias/kept", TargetKeyId: kept.KeyId });
    await kms.scheduleKeyDeletion({ KeyId: doomed.KeyId, PendingWindowInDays: 7 });
    assert.equal((await aliasesOf(kms, doomed.KeyId)).length, 2);
    await world.server.clock.advance("P8D");
    const { Aliases = [] } = await kms.listAliases({ Limit: 100 });
    const names = Aliases.map(({ AliasName }) => AliasName);
    assert.equal(names.includes("alias/doomed-1") || names.includes("alias/doomed-2"), false);
    await assertRefused(kms.describeKey({ KeyId: "alias/doomed-1" }), "NotFoundException");
    assert.equal((await describedKey(kms, "alias/kept")).KeyId, kept.KeyId);
  });

  it("S01-029: deleting an alias leaves its key as it was", async () => {
    const key = await newKey(kms);
    await kms.createAlias({ AliasName: "alias/short-lived", TargetKeyId: key.KeyId });
    await kms.deleteAlias({ AliasName: "alias/short-lived" });
    assert.deepEqual(await describedKey(kms, key.KeyId), key);
    assert.deepEqual(await aliasesOf(kms, key.KeyId), []);
  });

  it("S08-015: after DeleteAlias the key is enabled and opens what was encrypted through the alias", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const AliasName = "alias/deleted-later";
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const { CiphertextBlob } = await kms.encrypt({ KeyId: AliasName, Plaintext: bytes(10) });
    await kms.deleteAlias({ AliasName });
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Enabled");
    const opened = await kms.decrypt({ CiphertextBlob });
    assert.deepEqual([opened.Plaintext, opened.KeyId], [bytes(10), Arn]);
    await assertRefused(kms.decrypt({ CiphertextBlob, KeyId: AliasName }), "NotFoundException");
    await assertRefused(kms.deleteAlias({ AliasName }), "NotFoundException", `Alias ${arnOf(AliasName)} is not found.`);
  });

  it("UpdateAlias and DeleteAlias refuse the names that CreateAlias refuses, and aliases that are not there", async () => {
    const { KeyId } = await newKey(kms);
    for (const [AliasName, code] of [
      ["billing", "ValidationException"],
      ["alias/aws/s3", "NotAuthorizedException"],
      ["alias/absent", "NotFoundException"],
    ] as const) {
      await assertRefused(kms.updateAlias({ AliasName, TargetKeyId: KeyId }), code);
      await assertRefused(kms.deleteAlias({ AliasName }), code);
    }
  });

  it("S02-050: UpdateAlias leaves a key pending deletion, and never goes to one", async () => {
    const [pending, enabled] = [await newKey(kms), await newKey(kms)];
    const AliasName = "alias/rescued";
    await kms.createAlias({ AliasName, TargetKeyId: pending.KeyId });
    await kms.scheduleKeyDeletion({ KeyId: pending.KeyId });
    assert.deepEqual(membersOf(await kms.updateAlias({ AliasName, TargetKeyId: enabled.KeyId })), {});
    assert.deepEqual(await namesOf(kms, enabled.KeyId), [AliasName]);
    const target = await newPendingKey(kms);
    await assertRefused(
      kms.updateAlias({ AliasName, TargetKeyId: target.KeyId }),
      "KMSInvalidStateException",
      `${target.Arn} is pending deletion.`,
    );
    assert.deepEqual(await namesOf(kms, enabled.KeyId), [AliasName]);
  });
});
