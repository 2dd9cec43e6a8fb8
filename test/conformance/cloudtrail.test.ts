/** CloudTrail, driven by AWS's own client: event history. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { CloudTrail, type LookupAttribute, type LookupEventsCommandInput } from "@aws-sdk/client-cloudtrail";
import { TemporaryDirectory } from "../faults/processes.ts";
import { allow, startIamWorld } from "../iam-world.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  requestIdOf,
} from "../kms-client.ts";

const folder = new TemporaryDirectory();
const quotas = join(folder.path, "quotas.yaml");
writeFileSync(quotas, `quotas: [{ account: "${OTHER_ACCOUNT}", values: { LookupEvents request rate: 2 } }]\n`);
const world = await startIamWorld(["--data", join(folder.path, "data"), "--quotas", quotas]);
const { endpoint, credentials } = world.server;
const clients: CloudTrail[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
  folder[Symbol.dispose]();
});

function client(key = credentials, region: string = REGION): CloudTrail {
  const made = new CloudTrail({ endpoint, region, credentials: key, maxAttempts: 1 });
  clients.push(made);
  return made;
}

const trail = client();
const { kms } = world;

/** The records that a lookup finds, newest first. */
async function lookup(
  AttributeKey: LookupAttribute["AttributeKey"],
  AttributeValue: string,
  more: LookupEventsCommandInput = {},
  by = trail,
) {
  const { Events = [] } = await by.lookupEvents({ LookupAttributes: [{ AttributeKey, AttributeValue }], ...more });
  return Events.map((event) => ({
    ...event,
    record: JSON.parse(present(event.CloudTrailEvent)) as AuditRecord & { readonly sharedEventID?: string },
  }));
}

describe("LookupEvents", () => {
  it("S02-001: gives every request's record, as it is written, at once", async () => {
    const key = await newKey(kms);
    const done = await kms.encrypt({ KeyId: key.KeyId, Plaintext: new Uint8Array(1) });
    await assertRefused(kms.encrypt({ KeyId: `${key.KeyId}0`, Plaintext: new Uint8Array(1) }), "NotFoundException");
    const latest = (await lookup("EventSource", "kms.amazonaws.com")).slice(0, 3);
    assert.deepEqual(latest.map(({ EventName }) => EventName).sort(), ["CreateKey", "Encrypt", "Encrypt"]);
    const [refused, encrypted] = latest.filter(({ EventName }) => EventName === "Encrypt");
    assert.equal(refused?.record.errorCode, "NotFoundException");
    const written = await world.records.of(requestIdOf(done));
    assert.deepEqual(encrypted?.record, written);
    assert.deepEqual(
      { ...encrypted, record: undefined, CloudTrailEvent: undefined },
      {
        EventId: written.eventID,
        EventName: "Encrypt",
        ReadOnly: "true",
        AccessKeyId: credentials.accessKeyId,
        EventTime: new Date(written.eventTime),
        EventSource: "kms.amazonaws.com",
        Username: "root",
        Resources: [],
        record: undefined,
        CloudTrailEvent: undefined,
      },
    );
  });

  it("S02-022: finds the management events of a key by its ARN, its id and its type, and by no read or use", async () => {
    const key = await newKey(kms);
    await kms.disableKey({ KeyId: key.KeyId });
    await kms.describeKey({ KeyId: key.KeyId });
    await kms.enableKey({ KeyId: key.Arn });
    await kms.createAlias({ AliasName: "alias/looked-up", TargetKeyId: key.KeyId });
    await kms.encrypt({ KeyId: key.KeyId, Plaintext: new Uint8Array(1) });
    const expected = ["CreateAlias", "EnableKey", "DisableKey", "CreateKey"];
    for (const name of [key.Arn, key.KeyId]) {
      const events = await lookup("ResourceName", name);
      assert.deepEqual(
        events.map(({ EventName }) => EventName),
        expected,
      );
      assert.ok(events.every(({ ReadOnly }) => ReadOnly === "false"));
    }
    const byType = await lookup("ResourceType", "AWS::KMS::Key");
    assert.deepEqual(
      byType.slice(0, 4).map(({ EventName }) => EventName),
      expected,
    );
    assert.deepEqual(byType[1]?.Resources, [{ ResourceType: "AWS::KMS::Key", ResourceName: key.Arn }]);
    assert.deepEqual(byType[2]?.Resources, [
      { ResourceType: "AWS::KMS::Key", ResourceName: key.KeyId },
      { ResourceType: "AWS::KMS::Key", ResourceName: key.Arn },
    ]);
  });

  it("finds by the name of a user or session, its access key, the event's name and id, and whether it only reads", async () => {
    const person = await world.person("looked-up", { allow: [allow("kms:ListKeys")] });
    const listed = await person.kms.listKeys({});
    const { eventID } = await world.records.of(requestIdOf(listed));
    for (const [key, value] of [
      ["Username", "looked-up"],
      ["AccessKeyId", person.accessKeyId],
      ["EventId", eventID],
    ] as const) {
      const events = await lookup(key, value);
      assert.deepEqual(
        events.map(({ EventId }) => EventId),
        [eventID],
        key,
      );
    }
    const [latest] = await lookup("EventName", "ListKeys");
    assert.equal(latest?.EventId, eventID);
    const [reading] = await lookup("ReadOnly", "true", { MaxResults: 1 });
    assert.equal(reading?.EventName, "LookupEvents");
    const [made] = await lookup("ResourceName", "looked-up");
    assert.deepEqual(made?.Resources, [{ ResourceType: "AWS::IAM::User", ResourceName: "looked-up" }]);
  });

  it("keeps to the caller's account and Region, and to times, both ends included", async () => {
    const key = await newKey(kms);
    const [created] = await lookup("ResourceName", key.Arn);
    const at = present(created?.EventTime);
    assert.equal((await lookup("ResourceName", key.Arn, { StartTime: at, EndTime: at })).length, 1);
    assert.equal((await lookup("ResourceName", key.Arn, { StartTime: new Date(at.getTime() + 1000) })).length, 0);
    assert.equal((await lookup("ResourceName", key.Arn, { EndTime: new Date(at.getTime() - 1000) })).length, 0);
    assert.equal((await lookup("ResourceName", key.Arn, {}, client(credentials, "eu-west-1"))).length, 0);
    assert.equal((await lookup("ResourceName", key.Arn, {}, client(world.otherCredentials))).length, 0);
    assert.deepEqual((await trail.lookupEvents({ EventCategory: "insight" })).Events, []);
  });

  it("pages through events without losing or repeating one, and knows its own tokens only", async () => {
    const KeyId = (await newKey(kms)).Arn;
    for (let round = 0; round < 3; round += 1) {
      await kms.disableKey({ KeyId });
      await kms.enableKey({ KeyId });
    }
    const LookupAttributes = [{ AttributeKey: "ResourceName" as const, AttributeValue: KeyId }];
    const all = present((await trail.lookupEvents({ LookupAttributes })).Events);
    assert.equal(all.length, 7);
    const paged: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await trail.lookupEvents({ LookupAttributes, MaxResults: 3, ...(NextToken && { NextToken }) });
      paged.push(...present(page.Events).map(({ EventId }) => EventId));
      NextToken = page.NextToken;
      if (NextToken !== undefined) {
        await assertRefused(trail.lookupEvents({ MaxResults: 3, NextToken }), "InvalidNextTokenException");
      }
    } while (NextToken !== undefined);
    assert.deepEqual(
      paged,
      all.map(({ EventId }) => EventId),
    );
  });

  for (const { title, input, error } of [
    {
      title: "two attributes",
      input: {
        LookupAttributes: [
          { AttributeKey: "EventName" as const, AttributeValue: "CreateKey" },
          { AttributeKey: "ReadOnly" as const, AttributeValue: "true" },
        ],
      },
      error: "InvalidLookupAttributesException",
    },
    { title: "51 results", input: { MaxResults: 51 }, error: "InvalidMaxResultsException" },
    { title: "no result", input: { MaxResults: 0 }, error: "InvalidMaxResultsException" },
    {
      title: "an end before the start",
      input: { StartTime: new Date(2), EndTime: new Date(1) },
      error: "InvalidTimeRangeException",
    },
    { title: "a token of nobody's", input: { NextToken: "AAAA" }, error: "InvalidNextTokenException" },
  ]) {
    it(`refuses ${title}`, async () => {
      await assertRefused(trail.lookupEvents(input), error);
    });
  }

  it("is for those whom a policy allows, and says so in CloudTrail's words", async () => {
    const person = await world.person("curious");
    const { AccessKey } = await world.iam.createAccessKey({ UserName: "curious" });
    const key = { accessKeyId: present(AccessKey?.AccessKeyId), secretAccessKey: present(AccessKey?.SecretAccessKey) };
    const curious = client(key);
    await assertRefused(
      curious.lookupEvents({}),
      "AccessDeniedException",
      `User: ${person.arn} is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action`,
    );
    const statement = allow("cloudtrail:LookupEvents");
    await world.iam.putUserPolicy({ UserName: "curious", PolicyName: "look", PolicyDocument: policyOf(statement) });
    const [own, refused] = await lookup("Username", "curious", {}, curious);
    assert.equal(own?.record.errorCode, "AccessDenied");
    assert.equal(refused, undefined);
  });

  it("is asked twice in a second at most where request quotas are on", async () => {
    const other = client(world.otherCredentials);
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => other.lookupEvents({ MaxResults: 1 })));
    const refused = answers.filter(({ status }) => status === "rejected");
    assert.ok(refused.length >= 4, `${refused.length} of 8 were refused`);
    for (const each of refused) assert.equal((each as PromiseRejectedResult).reason.name, "ThrottlingException");
  });

  it("S07-014: shows one record in each account of a use across accounts, linked by sharedEventID", async () => {
    const Policy = policyOf(
      allowing(ACCOUNT),
      allowing(OTHER_ACCOUNT, "kms:DisableKey"),
      allowing(OTHER_ACCOUNT, "kms:Encrypt"),
    );
    const key = await newKey(kms, { Policy });
    const used = await world.other.encrypt({ KeyId: key.Arn, Plaintext: new Uint8Array(1) });
    const requestId = requestIdOf(used);
    const others = client(world.otherCredentials, REGION);
    const [mine] = (await lookup("EventName", "Encrypt")).filter(({ record }) => record.requestID === requestId);
    await world.server.clock.advance("PT2S");
    const [theirs] = (await lookup("EventName", "Encrypt", {}, others)).filter(
      ({ record }) => record.requestID === requestId,
    );
    assert.equal(mine?.record.recipientAccountId, ACCOUNT);
    assert.equal(theirs?.record.recipientAccountId, OTHER_ACCOUNT);
    assert.equal(present(mine?.record.sharedEventID), theirs?.record.sharedEventID);
    assert.notEqual(mine?.EventId, theirs?.EventId);
    assert.deepEqual(mine?.record.userIdentity, {
      type: "AWSAccount",
      principalId: OTHER_ACCOUNT,
      accountId: OTHER_ACCOUNT,
    });
    assert.equal(theirs?.record.userIdentity["type"], "Root");
  });

  it("forgets events after 90 days", async () => {
    const key = await newKey(kms);
    assert.equal((await lookup("ResourceName", key.Arn)).length, 1);
    await world.server.clock.advance("P91D");
    assert.equal((await lookup("ResourceName", key.Arn)).length, 0);
  });
});
