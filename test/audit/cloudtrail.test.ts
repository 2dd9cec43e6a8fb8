/** CloudTrail records as spec 02 has them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { renderRecords } from "../../src/audit/cloudtrail.ts";
import { AccessDeniedException, DisabledException, KMSInvalidStateException } from "../../src/base/errors.ts";
import type { Entry, InternalEntry } from "../../src/pipeline/operation.ts";
import {
  ACCOUNT,
  call,
  deleteKey,
  disableKey,
  encrypt,
  KEY,
  KEY_ARN,
  KEY_ID,
  OTHER_ACCOUNT,
  REQUEST_ID,
} from "./entries.ts";

const EVENT_ID = "99999999-8888-4777-8666-555555555555";
const IDENTITY = `{"type":"Root","principalId":"${ACCOUNT}","arn":"arn:aws:iam::${ACCOUNT}:root","accountId":"${ACCOUNT}","accessKeyId":"AKIAQQEXAMPLEQQ"}`;
const KEY_RESOURCE = `{"accountId":"${ACCOUNT}","type":"AWS::KMS::Key","ARN":"${KEY_ARN}"}`;
const ALIAS_ARN = `arn:aws:kms:eu-west-1:${ACCOUNT}:alias/mine`;
const ALIAS_RESOURCE = `{"accountId":"${ACCOUNT}","type":"AWS::KMS::Key","ARN":"${ALIAS_ARN}"}`;

const head = (operation: string): string =>
  `{"eventVersion":"1.11","userIdentity":${IDENTITY},"eventTime":"2031-02-03T04:05:06Z","eventSource":"kms.amazonaws.com","eventName":"${operation}","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"sdk/9",`;
const tail = (readOnly: boolean, resources: string): string =>
  `,"requestID":"${REQUEST_ID}","eventID":"${EVENT_ID}","readOnly":${readOnly},"resources":[${resources}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"${ACCOUNT}","eventCategory":"Management"}`;

const render = (entry: Entry | InternalEntry): readonly string[] =>
  renderRecords(entry, () => EVENT_ID).map(({ json }) => json);
const parse = (entry: Entry | InternalEntry): Record<string, unknown> => {
  const [text = ""] = render(entry);
  return JSON.parse(text) as Record<string, unknown>;
};

describe("a record", () => {
  for (const { title, entry, expected } of [
    {
      title: "of DisableKey names the key's ARN in its response",
      entry: disableKey,
      expected: `${head("DisableKey")}"requestParameters":{"keyId":"${KEY_ID}"},"responseElements":{"keyId":"${KEY_ARN}"}${tail(false, KEY_RESOURCE)}`,
    },
    {
      title: "S02-002 of a failure has the error between client and request, and no response",
      entry: { ...disableKey, response: null, error: new KMSInvalidStateException("It is pending deletion.") },
      expected: `${head("DisableKey")}"errorCode":"KMSInvalidStateException","errorMessage":"It is pending deletion.","requestParameters":{"keyId":"${KEY_ID}"},"responseElements":null${tail(false, KEY_RESOURCE)}`,
    },
    {
      title: "of a failure without a message has no errorMessage",
      entry: { ...disableKey, response: null, error: new DisabledException() },
      expected: `${head("DisableKey")}"errorCode":"DisabledException","requestParameters":{"keyId":"${KEY_ID}"},"responseElements":null${tail(false, KEY_RESOURCE)}`,
    },
    {
      title: "of a denial has CloudTrail's code for it, which is not the answer's",
      entry: { ...disableKey, response: null, error: new AccessDeniedException("User is not authorized.") },
      expected: `${head("DisableKey")}"errorCode":"AccessDenied","errorMessage":"User is not authorized.","requestParameters":{"keyId":"${KEY_ID}"},"responseElements":null${tail(false, KEY_RESOURCE)}`,
    },
    {
      title: "of CreateAlias lists the key, then the alias",
      entry: {
        ...disableKey,
        call: { ...call, operation: "CreateAlias" },
        request: { AliasName: "alias/mine", TargetKeyId: KEY_ID },
        resources: [KEY, { arn: ALIAS_ARN, account: ACCOUNT }],
      },
      expected: `${head("CreateAlias")}"requestParameters":{"aliasName":"alias/mine","targetKeyId":"${KEY_ID}"},"responseElements":{"keyId":"${KEY_ARN}"}${tail(false, `${KEY_RESOURCE},${ALIAS_RESOURCE}`)}`,
    },
    {
      title: "of GenerateRandom has null requestParameters and empty resources",
      entry: {
        ...encrypt,
        call: { ...call, operation: "GenerateRandom" },
        request: null,
        resources: [],
        additional: undefined,
      },
      expected: `${head("GenerateRandom")}"requestParameters":null,"responseElements":null${tail(true, "")}`,
    },
    {
      title: "of Encrypt keeps the caller's context keys and tells the key material",
      entry: encrypt,
      expected: `${head("Encrypt")}"requestParameters":{"keyId":"${KEY_ARN}","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"Purpose":"test","aws:s3:arn":"arn:aws:s3:::b/o"}},"responseElements":null,"additionalEventData":{"keyMaterialId":"${"ab".repeat(32)}"}${tail(true, KEY_RESOURCE)}`,
    },
    {
      title: "of DeleteKey has AWS Internal as its caller and no request id",
      entry: deleteKey,
      expected: `{"eventVersion":"1.11","userIdentity":{"accountId":"${ACCOUNT}","invokedBy":"AWS Internal"},"eventTime":"2031-03-05T00:00:09Z","eventSource":"kms.amazonaws.com","eventName":"DeleteKey","awsRegion":"eu-west-1","sourceIPAddress":"AWS Internal","userAgent":"AWS Internal","requestParameters":null,"responseElements":{"keyId":"${KEY_ARN}"},"eventID":"${EVENT_ID}","readOnly":false,"resources":[${KEY_RESOURCE}],"eventType":"AwsServiceEvent","recipientAccountId":"${ACCOUNT}","managementEvent":true,"eventCategory":"Management"}`,
    },
  ] satisfies { title: string; entry: Entry | InternalEntry; expected: string }[]) {
    it(title, () => assert.deepEqual(render(entry), [expected]));
  }

  it("has no resources member when the operation's rule gives none", () => {
    assert.equal("resources" in parse({ ...disableKey, resources: undefined }), false);
  });

  it("has no userAgent when the client sent none", () => {
    const record = parse({ ...disableKey, call: { ...call, client: { ...call.client, userAgent: undefined } } });
    assert.equal("userAgent" in record, false);
  });

  it("has tlsDetails for a call over TLS, last", () => {
    const tls = { version: "TLSv1.3", cipherSuite: "TLS_AES_128_GCM_SHA256" };
    const record = parse({ ...disableKey, call: { ...call, client: { ...call.client, tls } } });
    assert.deepEqual(Object.entries(record).at(-1), [
      "tlsDetails",
      { tlsVersion: "TLSv1.3", cipherSuite: "TLS_AES_128_GCM_SHA256", clientProvidedHostHeader: "kms.example:4599" },
    ]);
  });

  it("has the details of an internal operation", () => {
    const record = parse({ ...deleteKey, details: { KeyId: KEY_ID } });
    assert.deepEqual(record["serviceEventDetails"], { keyId: KEY_ID });
  });

  it("gives resources no type for a service whose types are not known", () => {
    const record = parse({ ...disableKey, call: { ...call, service: "ec2" } });
    assert.deepEqual(record["resources"], [{ accountId: ACCOUNT, ARN: KEY_ARN }]);
    assert.equal(record["eventSource"], "ec2.amazonaws.com");
  });

  it("lowers first letters at every depth", () => {
    const response = { KeyMetadata: { AWSAccountId: ACCOUNT, Arn: KEY_ARN, Tags: [{ TagKey: "A", TagValue: "B" }] } };
    assert.deepEqual(parse({ ...disableKey, response })["responseElements"], {
      keyMetadata: { aWSAccountId: ACCOUNT, arn: KEY_ARN, tags: [{ tagKey: "A", tagValue: "B" }] },
    });
  });

  it("keeps the keys of an encryption context that was built as a plain object", () => {
    const request = {
      SourceEncryptionContext: { Purpose: "x" },
      Constraints: { EncryptionContextSubset: { Team: "y" } },
    };
    assert.deepEqual(parse({ ...disableKey, request })["requestParameters"], {
      sourceEncryptionContext: { Purpose: "x" },
      constraints: { encryptionContextSubset: { Team: "y" } },
    });
  });

  it("leaves out members that are absent", () => {
    const request = { KeyId: KEY_ID, GrantTokens: undefined };
    assert.deepEqual(parse({ ...disableKey, request })["requestParameters"], { keyId: KEY_ID });
  });

  for (const { title, date, text } of [
    { title: "S02-017 writes dates as English text", date: [2031, 1, 3, 4, 5, 6], text: "Feb 3, 2031, 4:05:06 AM" },
    { title: "calls midnight 12 AM", date: [2031, 11, 31, 0, 0, 9], text: "Dec 31, 2031, 12:00:09 AM" },
    { title: "calls noon 12 PM", date: [2030, 0, 1, 12, 30, 0], text: "Jan 1, 2030, 12:30:00 PM" },
    { title: "counts afternoon hours from one", date: [2030, 8, 10, 23, 59, 59], text: "Sep 10, 2030, 11:59:59 PM" },
  ] satisfies { title: string; date: [number, number, number, number, number, number]; text: string }[]) {
    it(title, () => {
      const response = { DeletionDate: new Date(Date.UTC(...date)) };
      assert.deepEqual(parse({ ...disableKey, response })["responseElements"], { deletionDate: text });
    });
  }

  for (const { title, value } of [
    { title: "bytes", value: new Uint8Array(4) },
    { title: "a Buffer", value: Buffer.from("secret") },
    { title: "an ArrayBuffer", value: new ArrayBuffer(4) },
    { title: "an instance of a class", value: new Map() },
    { title: "a bigint", value: 1n },
    { title: "a number that is not finite", value: Number.NaN },
    { title: "an invalid date", value: new Date(Number.NaN) },
  ]) {
    it(`never holds ${title}, at any depth`, () => {
      const request = { List: [{ Plaintext: value }] };
      assert.throws(
        () => render({ ...disableKey, request }),
        (error) => {
          return error instanceof TypeError && !error.message.includes("secret");
        },
      );
    });
  }

  it("is one line of JSON whatever text the caller sent", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(text, text, text, (userAgent, key, value) => {
        const context = Object.assign(Object.create(null), { [`${key}!`]: value });
        const [record = ""] = render({
          ...encrypt,
          call: { ...call, client: { ...call.client, userAgent } },
          request: { EncryptionContext: context },
        });
        assert.equal(record.includes("\n"), false);
        const parsed = JSON.parse(record) as Record<string, unknown>;
        assert.equal(parsed["userAgent"], userAgent);
        assert.deepEqual(parsed["requestParameters"], { encryptionContext: { [`${key}!`]: value } });
      }),
    );
  });

  it("keeps a context pair named __proto__", () => {
    const request = { EncryptionContext: JSON.parse('{"__proto__":"x"}') };
    assert.match(render({ ...encrypt, request })[0] ?? "", /"encryptionContext":\{"__proto__":"x"\}/);
  });
});

describe("a request on another account's key", () => {
  const foreign = { arn: `arn:aws:kms:eu-west-1:${OTHER_ACCOUNT}:key/${KEY_ID}`, account: OTHER_ACCOUNT };
  const crossing = { ...encrypt, resources: [foreign] };
  const recipients = (entry: Entry): readonly unknown[] =>
    renderRecords(entry).map(({ json }) => (JSON.parse(json) as Record<string, unknown>)["recipientAccountId"]);

  it("S02-003 has one record in each account, the same but for ids, recipient and who the owner sees", () => {
    const [own = {}, theirs = {}] = renderRecords(crossing).map(
      ({ json }) => JSON.parse(json) as Record<string, unknown>,
    );
    assert.equal(own["recipientAccountId"], ACCOUNT);
    assert.equal(theirs["recipientAccountId"], OTHER_ACCOUNT);
    assert.notEqual(own["eventID"], theirs["eventID"]);
    assert.match(String(own["sharedEventID"]), /^[0-9a-f-]{36}$/);
    assert.equal(own["sharedEventID"], theirs["sharedEventID"]);
    assert.deepEqual(theirs["userIdentity"], { type: "AWSAccount", principalId: ACCOUNT, accountId: ACCOUNT });
    const { eventID, recipientAccountId, userIdentity, ...rest } = own;
    assert.deepEqual(
      { ...theirs, ...{ eventID, recipientAccountId, userIdentity } },
      { eventID, recipientAccountId, userIdentity, ...rest },
    );
    assert.deepEqual(Object.keys(own).slice(-3), ["recipientAccountId", "sharedEventID", "eventCategory"]);
  });

  it("S02-003 that was denied has a record in the caller's account alone", () => {
    const denied = { ...crossing, error: new AccessDeniedException("User is not authorized.") };
    assert.deepEqual(recipients(denied), [ACCOUNT]);
    assert.equal(renderRecords(denied)[0]?.json.includes("sharedEventID"), false);
  });

  it("that failed after it was allowed has a record in both", () => {
    assert.deepEqual(recipients({ ...crossing, error: new DisabledException() }), [ACCOUNT, OTHER_ACCOUNT]);
  });

  it("gives each account one record, however many of its keys were used", () => {
    assert.deepEqual(recipients({ ...crossing, resources: [foreign, foreign, KEY] }), [ACCOUNT, OTHER_ACCOUNT]);
  });
});
