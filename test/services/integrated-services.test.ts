/** Services that Keystead doesn't have, simulated in front of its KMS: managed keys, contexts, grants and principals of their own. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { KmsRefusal } from "../../src/services/forwarding.ts";
import { startHeld } from "../held-server.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  bytes,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
} from "../kms-client.ts";
import { simulatedService } from "./simulated-service.ts";

const REGION = "eu-west-1";
const server = await startHeld();
after(() => server.stop());
const kms = server.client(REGION);
const service = (name: string) => simulatedService(server, name, REGION);

/** The code of what KMS refused to a simulated service. */
async function refused(call: Promise<unknown>): Promise<string> {
  const cause: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(cause instanceof KmsRefusal, "the call was not refused");
  return cause.cause.code;
}

type Rendered = AuditRecord & Readonly<Record<string, unknown>>;

/** The records whose encryption context is this one. */
async function recordsOf(context: Readonly<Record<string, string>>): Promise<readonly Rendered[]> {
  const wanted = JSON.stringify(context);
  return (await server.records.where(
    ({ requestParameters }) => JSON.stringify(requestParameters?.["encryptionContext"]) === wanted,
  )) as readonly Rendered[];
}

describe("Elastic Transcoder", () => {
  it("S07-039 opens keys that were encrypted for it, with its one encryption context and with no other", async () => {
    const transcoder = service("elastictranscoder");
    const { KeyId } = await newKey(kms);
    const EncryptionContext = { service: "elastictranscoder.amazonaws.com" };
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(16), EncryptionContext });
    const input = { CiphertextBlob: present(CiphertextBlob) };
    assert.deepEqual((await transcoder.perform("Decrypt", { ...input, EncryptionContext })).Plaintext, bytes(16));
    assert.equal(await refused(transcoder.perform("Decrypt", input)), "InvalidCiphertextException");
    await transcoder.perform("GenerateDataKey", { KeyId, KeySpec: "AES_128", EncryptionContext });
    const records = await recordsOf(EncryptionContext);
    assert.deepEqual(
      records.map(({ eventName, userIdentity }) => [eventName, userIdentity["invokedBy"]]),
      [
        ["Encrypt", undefined],
        ["Decrypt", "elastictranscoder.amazonaws.com"],
        ["GenerateDataKey", "elastictranscoder.amazonaws.com"],
      ],
    );
  });
});

describe("EMR", () => {
  it("S07-040 binds data keys to the object or to the key's ARN, passphrases to nothing, and takes no AWS managed key but by S3", async () => {
    const s3 = service("s3");
    const alias = await s3.managedKey();
    const object = { "aws:s3:arn": "arn:aws:s3:::emr-bucket/part-0000" };
    const data = { KeyId: alias, KeySpec: "AES_256" as const };
    const sealed = await s3.perform("GenerateDataKey", { ...data, EncryptionContext: object });
    const read = { CiphertextBlob: present(sealed.CiphertextBlob), EncryptionContext: object };
    assert.equal((await s3.perform("Decrypt", read)).Plaintext?.length, 32);
    // CSE-KMS and LUKS: nodes call KMS themselves, so the AWS managed key's policy stops them.
    await assertRefused(kms.generateDataKey(data), "AccessDeniedException");
    const { Arn, KeyId } = await newKey(kms);
    for (const EncryptionContext of [{ kms_cmk_id: Arn }, undefined]) {
      const { CiphertextBlob, Plaintext } = await kms.generateDataKey({
        KeyId,
        KeySpec: "AES_256",
        ...(EncryptionContext && { EncryptionContext }),
      });
      const input = { CiphertextBlob, ...(EncryptionContext && { EncryptionContext }) };
      assert.deepEqual((await kms.decrypt(input)).Plaintext, Plaintext);
      const other = { CiphertextBlob, EncryptionContext: { kms_cmk_id: KeyId } };
      await assertRefused(kms.decrypt(other), "InvalidCiphertextException");
    }
  });
});

describe("Redshift", () => {
  it("S07-045, S08-030: SC-04 binds the database key to the cluster and the time it was made, and opens it with both alone", async () => {
    const redshift = service("redshift");
    const KeyId = await redshift.managedKey();
    const arn = { "aws:redshift:arn": `arn:aws:redshift:${REGION}:${ACCOUNT}:cluster:sales` };
    const time = { "aws:redshift:createtime": "20150206T1832Z" };
    const EncryptionContext = { ...arn, ...time };
    const { CiphertextBlob } = await redshift.perform("GenerateDataKey", {
      KeyId,
      KeySpec: "AES_256",
      EncryptionContext,
    });
    const input = { CiphertextBlob: present(CiphertextBlob) };
    assert.equal((await redshift.perform("Decrypt", { ...input, EncryptionContext })).Plaintext?.length, 32);
    for (const part of [arn, time, {}]) {
      const call = redshift.perform("Decrypt", { ...input, EncryptionContext: part });
      assert.equal(await refused(call), "InvalidCiphertextException");
    }
    const [record] = await recordsOf(EncryptionContext);
    assert.equal(record?.eventName, "GenerateDataKey");
  });
});

describe("SES", () => {
  it("S07-046 makes data keys for messages of the account that the key policy names, and for nothing else", async () => {
    const statement = {
      Sid: "AllowSESToEncryptMessagesBelongingToThisAccount",
      Effect: "Allow",
      Principal: { Service: "ses.amazonaws.com" },
      Action: ["kms:Encrypt", "kms:GenerateDataKey*"],
      Resource: "*",
      Condition: {
        Null: {
          "kms:EncryptionContext:aws:ses:rule-name": false,
          "kms:EncryptionContext:aws:ses:message-id": false,
        },
        StringEquals: { "kms:EncryptionContext:aws:ses:source-account": ACCOUNT },
      },
    };
    const Policy = policyOf(allowing(ACCOUNT), statement);
    const { Arn: KeyId } = await newKey(kms, { Policy });
    assert.equal((await kms.getKeyPolicy({ KeyId })).Policy, Policy);
    const [ses, other] = [service("ses"), service("sns")];
    const whole = {
      "aws:ses:source-account": ACCOUNT,
      "aws:ses:rule-name": "inbound",
      "aws:ses:message-id": "d6iitobk75ur44p8kdnnp7g2n800",
    };
    const ask = (from: typeof ses, EncryptionContext: Record<string, string>) =>
      from.performAlone("GenerateDataKey", { KeyId, KeySpec: "AES_256", EncryptionContext });
    const { CiphertextBlob, Plaintext } = await ask(ses, whole);
    const { "aws:ses:message-id": _id, ...withoutId } = whole;
    const { "aws:ses:rule-name": _rule, ...withoutRule } = whole;
    for (const call of [
      () => ask(ses, withoutId),
      () => ask(ses, withoutRule),
      () => ask(ses, { ...whole, "aws:ses:source-account": OTHER_ACCOUNT }),
      () => ask(ses, {}),
      () => ask(other, whole),
      () => ses.performAlone("Decrypt", { CiphertextBlob: present(CiphertextBlob), EncryptionContext: whole }),
    ]) {
      assert.equal(await refused(call()), "AccessDeniedException");
    }
    assert.deepEqual((await kms.decrypt({ CiphertextBlob, EncryptionContext: whole })).Plaintext, Plaintext);
  });
});

describe("WorkMail", () => {
  const context = { "aws:workmail:arn": `arn:aws:workmail:${REGION}:${ACCOUNT}:organization/m-0f00` };
  const NAME = `workmail.${REGION}.amazonaws.com`;

  it("S07-050 alone uses its AWS managed key, whose policy nobody changes and whose grants the account revokes", async () => {
    const workmail = service("workmail");
    const KeyId = await workmail.managedKey();
    const plain = { KeyId, Plaintext: bytes(32), EncryptionContext: context };
    await assertRefused(kms.encrypt(plain), "AccessDeniedException");
    assert.equal(await refused(service("ses").perform("Encrypt", plain)), "AccessDeniedException");
    assert.ok((await workmail.perform("Encrypt", plain)).CiphertextBlob);
    const key = await managedKey(kms, "workmail");
    const { Policy = "" } = await kms.getKeyPolicy({ KeyId: key.KeyId });
    assert.deepEqual((JSON.parse(Policy) as { Id: string }).Id, "auto-workmail-1");
    await assertRefused(
      kms.putKeyPolicy({ KeyId: key.KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
      "AccessDeniedException",
    );
    const { GrantId } = await workmail.perform("CreateGrant", grant(key.Arn));
    await kms.revokeGrant({ KeyId: key.KeyId, GrantId });
    assert.deepEqual((await kms.listGrants({ KeyId: key.KeyId })).Grants, []);
  });

  const organization = context["aws:workmail:arn"];
  const grant = (KeyId: string) => ({
    KeyId,
    GranteeServicePrincipal: NAME,
    RetiringServicePrincipal: NAME,
    Operations: ["Encrypt" as const, "Decrypt" as const],
    Constraints: { SourceArn: organization, EncryptionContextEquals: context },
  });

  it("S07-051 encrypts and decrypts by itself with a grant, and is recorded as a service", async () => {
    const workmail = service("workmail");
    const { Arn: KeyId } = await newKey(kms);
    const alone = { as: NAME, sourceArn: organization };
    const plain = { KeyId, Plaintext: bytes(32), EncryptionContext: context };
    assert.equal(await refused(workmail.performAlone("Encrypt", plain, alone)), "AccessDeniedException");
    const { GrantId = "" } = await workmail.perform("CreateGrant", grant(KeyId));
    const { CiphertextBlob } = await workmail.performAlone("Encrypt", plain, alone);
    const sealed = { CiphertextBlob: present(CiphertextBlob), EncryptionContext: context };
    assert.deepEqual((await workmail.performAlone("Decrypt", sealed, alone)).Plaintext, bytes(32));
    const elsewhere = { ...alone, sourceArn: `${organization}1` };
    assert.equal(await refused(workmail.performAlone("Encrypt", plain, elsewhere)), "AccessDeniedException");
    const records = (await recordsOf(context)).filter(
      ({ userIdentity, resources }) => userIdentity["type"] === "AWSService" && resources?.[0]?.ARN === KeyId,
    );
    assert.deepEqual(
      records.map((record) => [
        record.eventName,
        record["errorCode"],
        record.userIdentity,
        record.eventType,
        record["sourceIPAddress"],
        record["userAgent"],
        record.requestParameters?.["keyId"],
        record.recipientAccountId,
        typeof record["sharedEventID"],
      ]),
      [
        ["Encrypt", "AccessDenied"],
        ["Encrypt", undefined],
        ["Decrypt", undefined],
        ["Encrypt", "AccessDenied"],
      ].map(([event, error]) => [
        event,
        error,
        { type: "AWSService", invokedBy: NAME },
        "AwsApiCall",
        NAME,
        NAME,
        event === "Decrypt" ? undefined : KeyId,
        ACCOUNT,
        "string",
      ]),
    );
    await kms.revokeGrant({ KeyId, GrantId });
    assert.equal(await refused(workmail.performAlone("Decrypt", sealed, alone)), "AccessDeniedException");
  });
});

describe("WorkSpaces", () => {
  it("S07-052 takes a grant of its own and one for EBS, which uses it for that workspace alone; both retire with it", async () => {
    const [workspaces, ec2] = [service("workspaces"), service("ec2")];
    const { Arn: KeyId } = await newKey(kms);
    const workspace = {
      "aws:workspaces:sid-directoryid": "[S-1-5-21-277731876-1789304096-451871588-1107]@[d-1234abcd01]",
    };
    const volume = { ...workspace, "aws:ebs:id": "vol-1234abcd" };
    const sourceArn = `arn:aws:workspaces:${REGION}:${ACCOUNT}:workspace/ws-0000`;
    const NAME = "workspaces.amazonaws.com";
    const launched = await workspaces.perform("CreateGrant", {
      KeyId,
      GranteeServicePrincipal: NAME,
      RetiringServicePrincipal: NAME,
      Operations: ["CreateGrant", "GenerateDataKeyWithoutPlaintext", "Decrypt", "RetireGrant"],
      Constraints: { SourceArn: sourceArn, EncryptionContextSubset: workspace },
    });
    const EBS = "ec2.amazonaws.com";
    const forVolume = (EncryptionContextSubset: Record<string, string>) =>
      workspaces.performAlone(
        "CreateGrant",
        {
          KeyId,
          GranteeServicePrincipal: EBS,
          RetiringServicePrincipal: NAME,
          Operations: ["GenerateDataKeyWithoutPlaintext", "Decrypt"],
          Constraints: { SourceArn: sourceArn, EncryptionContextSubset },
        },
        { sourceArn },
      );
    const attached = await forVolume(volume);
    assert.equal(await refused(forVolume({ "aws:ebs:id": "vol-1234abcd" })), "AccessDeniedException");
    const { Grants } = await kms.listGrants({ KeyId });
    assert.deepEqual(Grants?.map(({ GranteeServicePrincipal }) => GranteeServicePrincipal).toSorted(), [EBS, NAME]);
    const make = (EncryptionContext: Record<string, string>) =>
      ec2.performAlone(
        "GenerateDataKeyWithoutPlaintext",
        { KeyId, NumberOfBytes: 64, EncryptionContext },
        { sourceArn },
      );
    const { CiphertextBlob } = await make(volume);
    const sealed = { CiphertextBlob: present(CiphertextBlob), EncryptionContext: volume };
    assert.ok((await ec2.performAlone("Decrypt", sealed, { sourceArn })).Plaintext);
    assert.equal(await refused(make({ ...volume, "aws:ebs:id": "vol-other" })), "AccessDeniedException");
    for (const { GrantId = "" } of [attached, launched]) {
      assert.equal(await refused(ec2.performAlone("RetireGrant", { KeyId, GrantId })), "AccessDeniedException");
      await workspaces.performAlone("RetireGrant", { KeyId, GrantId });
    }
    assert.deepEqual((await kms.listGrants({ KeyId })).Grants, []);
    assert.equal(await refused(ec2.performAlone("Decrypt", sealed, { sourceArn })), "AccessDeniedException");
  });
});
