/** What grants let their grantees do, and who may make, retire and revoke them (spec 03 and 04). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CreateGrantCommandInput, GrantConstraints, GrantOperation, KMS } from "@aws-sdk/client-kms";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  type Metadata,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld(["--unknown-principals", "allow"]);
after(() => world.stop());
const { kms, other, records } = world;

const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const OTHER_ROOT = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/keyUserRole`;
const ADMIN = `arn:aws:iam::${ACCOUNT}:role/adminRole`;
const Plaintext = bytes(8);

const manage = ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant", "kms:ScheduleKeyDeletion"];

/** A key that its account manages but may not use. */
const managedOnly = (...statements: readonly object[]): Promise<Metadata> =>
  newKey(kms, { Policy: policyOf(allowing(ACCOUNT, manage), ...statements) });

async function grant(
  KeyId: string,
  Operations: readonly GrantOperation[],
  input: Partial<CreateGrantCommandInput> = {},
  from: KMS = kms,
): Promise<{ readonly GrantId: string; readonly GrantToken: string }> {
  const made = await from.createGrant({ KeyId, GranteePrincipal: ROOT, ...input, Operations: [...Operations] });
  return { GrantId: present(made.GrantId), GrantToken: present(made.GrantToken) };
}

async function assertDenied(call: Promise<unknown>): Promise<void> {
  await assertRefused(call, "AccessDeniedException");
}

describe("a grant", () => {
  it("S03-019: with EncryptionContextEquals wants that context and no other; with EncryptionContextSubset, that and more", async () => {
    const byEquals = await managedOnly();
    const bySubset = await managedOnly();
    const all = ["Encrypt", "Decrypt"] as const;
    await grant(byEquals.KeyId, all, { Constraints: { EncryptionContextEquals: { A: "1" } } });
    await grant(bySubset.KeyId, all, { Constraints: { EncryptionContextSubset: { A: "1" } } });
    for (const { EncryptionContext, equal, superset } of [
      { EncryptionContext: { A: "1" }, equal: true, superset: true },
      { EncryptionContext: { a: "1" }, equal: true, superset: true },
      { EncryptionContext: { A: "1", B: "2" }, equal: false, superset: true },
      { EncryptionContext: { A: "1", a: "1" }, equal: false, superset: true },
      { EncryptionContext: { B: "2" }, equal: false, superset: false },
      { EncryptionContext: { A: "2" }, equal: false, superset: false },
      { EncryptionContext: {}, equal: false, superset: false },
      { EncryptionContext: undefined, equal: false, superset: false },
    ]) {
      for (const { key, fits } of [
        { key: byEquals, fits: equal },
        { key: bySubset, fits: superset },
      ]) {
        const { KeyId } = key;
        const encrypted = kms.encrypt({ KeyId, Plaintext, EncryptionContext });
        if (!fits) {
          await assertDenied(encrypted);
          continue;
        }
        const { CiphertextBlob } = await encrypted;
        assert.deepEqual((await kms.decrypt({ CiphertextBlob, EncryptionContext })).Plaintext, Plaintext);
        await assertDenied(kms.decrypt({ CiphertextBlob, EncryptionContext: { B: "2" } }));
        await assertDenied(kms.decrypt({ CiphertextBlob }));
      }
    }
  });

  it("S03-020: with a constraint on the encryption context lets DescribeKey be called, which has none", async () => {
    const { KeyId, Arn } = await managedOnly();
    await assertDenied(kms.describeKey({ KeyId }));
    await grant(KeyId, ["Encrypt", "DescribeKey"], { Constraints: { EncryptionContextEquals: { A: "1" } } });
    assert.equal((await kms.describeKey({ KeyId })).KeyMetadata?.Arn, Arn);
    await assertDenied(kms.encrypt({ KeyId, Plaintext }));
  });

  it("lets each operation be called that it has, and no other", async () => {
    const { KeyId } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT, [...manage, "kms:Encrypt"])) });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    const own = await newKey(kms);
    const encrypted = await kms.encrypt({ KeyId: own.KeyId, Plaintext });
    const calls: Partial<Record<GrantOperation, () => Promise<unknown>>> = {
      Decrypt: () => kms.decrypt({ CiphertextBlob }),
      GenerateDataKey: () => kms.generateDataKey({ KeyId, KeySpec: "AES_256" }),
      GenerateDataKeyWithoutPlaintext: () => kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" }),
      GenerateDataKeyPair: () => kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
      GenerateDataKeyPairWithoutPlaintext: () =>
        kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
      ReEncryptFrom: () => kms.reEncrypt({ CiphertextBlob, DestinationKeyId: own.KeyId }),
      ReEncryptTo: () => kms.reEncrypt({ CiphertextBlob: encrypted.CiphertextBlob, DestinationKeyId: KeyId }),
      DescribeKey: () => kms.describeKey({ KeyId }),
    };
    for (const [operation, call] of Object.entries(calls)) {
      await assertDenied(call());
      const { GrantId } = await grant(KeyId, [operation as GrantOperation]);
      for (const [name, attempt] of Object.entries(calls)) {
        if (name === operation) await attempt();
        else await assertDenied(attempt());
      }
      await kms.revokeGrant({ KeyId, GrantId });
      await assertDenied(call());
    }
  });

  it("lets keys of other kinds be used by their operations", async () => {
    const Policy = policyOf(allowing(ACCOUNT, manage));
    const signing = (await newKey(kms, { Policy, KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" })).KeyId;
    const mac = (await newKey(kms, { Policy, KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" })).KeyId;
    const agreeing = (await newKey(kms, { Policy, KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" })).KeyId;
    const peer = await kms.getPublicKey({
      KeyId: (await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" })).KeyId,
    });
    const Message = bytes(3);
    const SigningAlgorithm = "ECDSA_SHA_256" as const;
    const MacAlgorithm = "HMAC_SHA_256" as const;
    const sign = () => kms.sign({ KeyId: signing, Message, SigningAlgorithm });
    const publicKey = () => kms.getPublicKey({ KeyId: signing });
    const generate = () => kms.generateMac({ KeyId: mac, Message, MacAlgorithm });
    const derive = () =>
      kms.deriveSharedSecret({ KeyId: agreeing, KeyAgreementAlgorithm: "ECDH", PublicKey: peer.PublicKey });
    for (const call of [sign, publicKey, generate, derive]) await assertDenied(call());
    await grant(signing, ["Sign", "Verify", "GetPublicKey"]);
    await grant(mac, ["GenerateMac", "VerifyMac"]);
    await grant(agreeing, ["DeriveSharedSecret"]);
    const { Signature } = await sign();
    await kms.verify({ KeyId: signing, Message, SigningAlgorithm, Signature });
    await publicKey();
    const { Mac } = await generate();
    await kms.verifyMac({ KeyId: mac, Message, MacAlgorithm, Mac });
    await derive();
  });

  it("does not help against an explicit Deny, not even where a stranger is not told of one", async () => {
    const deny = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" };
    const { KeyId, Arn } = await managedOnly(deny);
    await grant(KeyId, ["Encrypt", "DescribeKey"]);
    await grant(KeyId, ["Encrypt", "DescribeKey"], { GranteePrincipal: OTHER_ROOT });
    await kms.describeKey({ KeyId });
    await other.describeKey({ KeyId: Arn });
    await assertRefused(kms.encrypt({ KeyId, Plaintext }), "AccessDeniedException", /with an explicit deny/);
    await assertRefused(other.encrypt({ KeyId: Arn, Plaintext }), "AccessDeniedException", /on this resource because/);
  });

  it("does not override the state of the key", async () => {
    const { KeyId, Arn } = await managedOnly();
    await grant(KeyId, ["Encrypt"]);
    await kms.scheduleKeyDeletion({ KeyId });
    await assertRefused(kms.encrypt({ KeyId, Plaintext }), "KMSInvalidStateException", `${Arn} is pending deletion.`);
  });

  it("on one key lets nobody use another", async () => {
    const [granted, not] = [await managedOnly(), await managedOnly()];
    await grant(granted.KeyId, ["Encrypt"]);
    await assertDenied(kms.encrypt({ KeyId: not.KeyId, Plaintext }));
  });

  it("to another account lets that account's root use the key by its ARN, and both accounts have the record", async () => {
    const { KeyId, Arn } = await newKey(kms);
    await assertDenied(other.encrypt({ KeyId: Arn, Plaintext }));
    await grant(KeyId, ["Encrypt", "Decrypt", "DescribeKey"], { GranteePrincipal: OTHER_ROOT });
    const encrypted = await other.encrypt({ KeyId: Arn, Plaintext });
    const opened = await other.decrypt({ CiphertextBlob: encrypted.CiphertextBlob });
    assert.deepEqual([opened.Plaintext, opened.KeyId], [Plaintext, Arn]);
    await assertDenied(other.generateDataKey({ KeyId: Arn, KeySpec: "AES_256" }));
    const both = await records.where(({ requestID }) => requestID === requestIdOf(encrypted));
    assert.deepEqual(both.map(({ recipientAccountId }) => recipientAccountId).sort(), [ACCOUNT, OTHER_ACCOUNT].sort());
  });

  it("to a role, user or session lets the account's root do nothing", async () => {
    const { KeyId } = await managedOnly();
    for (const GranteePrincipal of [
      ROLE,
      `arn:aws:iam::${ACCOUNT}:user/Alice`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/keyUserRole/session`,
      `arn:aws:sts::${ACCOUNT}:federated-user/Bob`,
    ]) {
      await grant(KeyId, ["Encrypt"], { GranteePrincipal });
    }
    await assertDenied(kms.encrypt({ KeyId, Plaintext }));
  });

  it("that is bound to a source lets nobody call directly", async () => {
    const { KeyId } = await managedOnly();
    await grant(KeyId, ["Encrypt", "DescribeKey"], { Constraints: { SourceArn: "arn:aws:s3:::a-bucket" } });
    await assertDenied(kms.encrypt({ KeyId, Plaintext }));
    await assertDenied(kms.describeKey({ KeyId }));
  });
});

describe("grant tokens", () => {
  it("are taken by every operation that has them, of whatever grant, and anything else is refused", async () => {
    const { KeyId } = await newKey(kms);
    const elsewhere = await newKey(kms);
    const { GrantToken } = await grant(elsewhere.KeyId, ["Encrypt"]);
    const { GrantToken: own } = await grant(KeyId, ["Encrypt"]);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    const withTokens: readonly ((GrantTokens: string[]) => Promise<unknown>)[] = [
      (GrantTokens) => kms.encrypt({ KeyId, Plaintext, GrantTokens }),
      (GrantTokens) => kms.decrypt({ CiphertextBlob, GrantTokens }),
      (GrantTokens) => kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId, GrantTokens }),
      (GrantTokens) => kms.describeKey({ KeyId, GrantTokens }),
      (GrantTokens) => kms.generateDataKey({ KeyId, KeySpec: "AES_256", GrantTokens }),
      (GrantTokens) => kms.createGrant({ KeyId, GranteePrincipal: ROLE, Operations: ["Encrypt"], GrantTokens }),
    ];
    for (const call of withTokens) {
      await call([]);
      await call([GrantToken, own, GrantToken]);
      await assertRefused(call([own, "no token"]), "InvalidGrantTokenException");
      await assertRefused(call([GrantToken.slice(4)]), "InvalidGrantTokenException");
    }
  });

  it("give nothing to whom the grant is not for", async () => {
    const { KeyId, Arn } = await managedOnly();
    const { GrantToken } = await grant(KeyId, ["Encrypt"], { GranteePrincipal: OTHER_ROOT });
    await assertDenied(kms.encrypt({ KeyId, Plaintext, GrantTokens: [GrantToken] }));
    await other.encrypt({ KeyId: Arn, Plaintext, GrantTokens: [GrantToken] });
  });
});

describe("a grant made by a grantee", () => {
  const parentOperations: readonly GrantOperation[] = ["Encrypt", "Decrypt", "CreateGrant"];
  const subset = (EncryptionContextSubset: Record<string, string>): GrantConstraints => ({ EncryptionContextSubset });
  const equals = (EncryptionContextEquals: Record<string, string>): GrantConstraints => ({ EncryptionContextEquals });
  const P = { Department: "IT" };
  const more = { Department: "IT", Project: "x" };

  // KMS guide, Granting CreateGrant permission; each request is made by a grantee, and by who has the permission from a policy.
  for (const { title, parent, operations, child, allowed } of [
    { title: "has one of the operations", parent: subset(P), operations: ["Encrypt"], child: subset(P), allowed: true },
    { title: "has all operations", parent: subset(P), operations: parentOperations, child: subset(P), allowed: true },
    {
      title: "has an operation more",
      parent: subset(P),
      operations: ["Encrypt", "DescribeKey"],
      child: subset(P),
      allowed: false,
    },
    {
      title: "has another operation",
      parent: subset(P),
      operations: ["GenerateDataKey"],
      child: subset(P),
      allowed: false,
    },
    { title: "adds a pair", parent: subset(P), operations: ["Encrypt"], child: subset(more), allowed: true },
    { title: "drops a pair", parent: subset(more), operations: ["Encrypt"], child: subset(P), allowed: false },
    { title: "drops the constraint", parent: subset(P), operations: ["Encrypt"], child: undefined, allowed: false },
    {
      title: "turns a subset into equality",
      parent: subset(P),
      operations: ["Encrypt"],
      child: equals(P),
      allowed: true,
    },
    {
      title: "turns equality into a subset",
      parent: equals(P),
      operations: ["Encrypt"],
      child: subset(P),
      allowed: false,
    },
    { title: "keeps equality", parent: equals(P), operations: ["Encrypt"], child: equals(P), allowed: true },
    {
      title: "adds a pair to equality",
      parent: equals(P),
      operations: ["Encrypt"],
      child: equals(more),
      allowed: false,
    },
    { title: "adds a constraint", parent: undefined, operations: ["Encrypt"], child: equals(P), allowed: true },
  ] as const) {
    it(`S03-021: is ${allowed ? "made" : "refused"} when it ${title}; a policy lets it be made`, async () => {
      const { KeyId, Arn } = await newKey(kms);
      const Constraints = child;
      await grant(KeyId, parentOperations, { GranteePrincipal: OTHER_ROOT, Constraints: parent });
      const byGrantee = grant(Arn, operations, { GranteePrincipal: ROLE, Constraints }, other);
      if (allowed) await byGrantee;
      else await assertDenied(byGrantee);
      await grant(KeyId, operations, { GranteePrincipal: ROLE, Constraints });
    });
  }

  it("S03-021: binds what is made through it in turn", async () => {
    const { KeyId, Arn } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT, [...manage, "kms:DescribeKey"])) });
    await grant(KeyId, ["Encrypt", "Decrypt", "CreateGrant"], { GranteePrincipal: OTHER_ROOT });
    const child = { GranteePrincipal: OTHER_ROOT, Constraints: subset(P) };
    const { GrantId } = await grant(Arn, ["Encrypt", "CreateGrant"], child, other);
    const listed = present((await kms.listGrants({ KeyId, GrantId })).Grants)[0];
    assert.equal(listed?.IssuingAccount, OTHER_ROOT);
    const parents = present((await kms.listGrants({ KeyId })).Grants).filter((entry) => entry.GrantId !== GrantId);
    for (const parent of parents) await kms.revokeGrant({ KeyId, GrantId: present(parent.GrantId) });
    const ofChild = (operations: readonly GrantOperation[], Constraints: GrantConstraints | undefined) =>
      grant(Arn, operations, { GranteePrincipal: ROLE, Constraints }, other);
    await ofChild(["Encrypt"], subset(more));
    await assertDenied(ofChild(["Decrypt"], subset(more)));
    await assertDenied(ofChild(["Encrypt"], undefined));
    await other.encrypt({ KeyId: Arn, Plaintext, EncryptionContext: P });
    await assertDenied(other.encrypt({ KeyId: Arn, Plaintext }));
  });

  it("is refused without the operation CreateGrant, and bound to a source it stays so", async () => {
    const { KeyId, Arn } = await newKey(kms);
    await grant(KeyId, ["Encrypt", "DescribeKey"], { GranteePrincipal: OTHER_ROOT });
    await assertDenied(grant(Arn, ["Encrypt"], { GranteePrincipal: ROLE }, other));
    const Constraints = { SourceArn: "arn:aws:s3:::a-bucket" };
    await grant(KeyId, ["Encrypt", "CreateGrant"], { GranteePrincipal: OTHER_ROOT, Constraints });
    await assertDenied(grant(Arn, ["Encrypt"], { GranteePrincipal: ROLE }, other));
    await assertDenied(grant(Arn, ["Encrypt"], { GranteePrincipal: ROLE, Constraints }, other));
  });
});

describe("conditions on CreateGrant", () => {
  const when = (Condition: object, action: string | readonly string[] = "kms:CreateGrant"): object => ({
    ...allowing(ACCOUNT, action),
    Condition,
  });
  const keyWith = (...statements: readonly object[]): Promise<Metadata> =>
    newKey(kms, {
      Policy: policyOf(allowing(ACCOUNT, ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]), ...statements),
    });

  it("S04-009: kms:GrantOperations counts every operation with ForAllValues, and one with ForAnyValue", async () => {
    const listed = { "kms:GrantOperations": ["Encrypt", "ReEncryptTo"] };
    const all = await keyWith(when({ "ForAllValues:StringEquals": listed }));
    const any = await keyWith(when({ "ForAnyValue:StringEquals": listed }));
    for (const { operations, byAll, byAny } of [
      { operations: ["Encrypt"], byAll: true, byAny: true },
      { operations: ["Encrypt", "ReEncryptTo"], byAll: true, byAny: true },
      { operations: ["Encrypt", "Decrypt"], byAll: false, byAny: true },
      { operations: ["Decrypt", "ReEncryptFrom"], byAll: false, byAny: false },
    ] as const) {
      for (const { key, allowed } of [
        { key: all, allowed: byAll },
        { key: any, allowed: byAny },
      ]) {
        const call = grant(key.KeyId, operations, { GranteePrincipal: ROLE });
        if (allowed) await call;
        else await assertDenied(call);
      }
    }
    await assertRefused(grant(all.KeyId, []), "ValidationException");
  });

  it("S04-010: kms:GranteePrincipal and kms:RetiringPrincipal are the ARNs of the request", async () => {
    const byGrantee = await keyWith(when({ StringEquals: { "kms:GranteePrincipal": ROLE } }));
    await grant(byGrantee.KeyId, ["Encrypt"], { GranteePrincipal: ROLE });
    await assertDenied(grant(byGrantee.KeyId, ["Encrypt"], { GranteePrincipal: `${ROLE}s` }));
    await assertDenied(grant(byGrantee.KeyId, ["Encrypt"], { GranteePrincipal: ADMIN, RetiringPrincipal: ROLE }));
    const byRetiring = await keyWith(when({ StringEquals: { "kms:RetiringPrincipal": ADMIN } }));
    await grant(byRetiring.KeyId, ["Encrypt"], { RetiringPrincipal: ADMIN });
    await assertDenied(grant(byRetiring.KeyId, ["Encrypt"], { RetiringPrincipal: ROLE }));
    await assertDenied(grant(byRetiring.KeyId, ["Encrypt"], { GranteePrincipal: ADMIN }));
  });

  it("kms:GranteeServicePrincipal, kms:RetiringServicePrincipal and kms:GrantConstraintSourceArn are those of the request", async () => {
    const SourceArn = "arn:aws:s3:::a-bucket";
    const service = { GranteePrincipal: undefined, GranteeServicePrincipal: "s3.amazonaws.com" };
    const input = { ...service, RetiringServicePrincipal: "s3.amazonaws.com", Constraints: { SourceArn } };
    const { KeyId } = await keyWith(
      when({
        StringEquals: {
          "kms:GranteeServicePrincipal": "s3.amazonaws.com",
          "kms:RetiringServicePrincipal": "s3.amazonaws.com",
          "kms:GrantConstraintType": "SourceArn",
        },
        ArnEquals: { "kms:GrantConstraintSourceArn": SourceArn },
      }),
    );
    await grant(KeyId, ["Encrypt"], input);
    await assertDenied(grant(KeyId, ["Encrypt"], { ...input, GranteeServicePrincipal: "ec2.amazonaws.com" }));
    await assertDenied(grant(KeyId, ["Encrypt"], { ...input, RetiringServicePrincipal: "ec2.amazonaws.com" }));
    await assertDenied(grant(KeyId, ["Encrypt"], { ...input, Constraints: { SourceArn: `${SourceArn}s` } }));
    await assertDenied(grant(KeyId, ["Encrypt"]));
  });

  it("kms:GrantConstraintType is the kind of constraint, absent without one", async () => {
    const { KeyId } = await keyWith(when({ StringEquals: { "kms:GrantConstraintType": "EncryptionContextEquals" } }));
    await grant(KeyId, ["Encrypt"], { Constraints: { EncryptionContextEquals: { A: "1" } } });
    await assertDenied(grant(KeyId, ["Encrypt"], { Constraints: { EncryptionContextSubset: { A: "1" } } }));
    await assertDenied(grant(KeyId, ["Encrypt"]));
    const none = await keyWith(when({ Null: { "kms:GrantConstraintType": "true" } }));
    await grant(none.KeyId, ["Encrypt"]);
    await assertDenied(grant(none.KeyId, ["Encrypt"], { Constraints: { EncryptionContextSubset: { A: "1" } } }));
  });

  it("kms:EncryptionContext and kms:EncryptionContextKeys are those of the constraint", async () => {
    const byValue = await keyWith(when({ StringEquals: { "kms:EncryptionContext:Department": "IT" } }));
    const byName = await keyWith(when({ "ForAnyValue:StringEquals": { "kms:EncryptionContextKeys": "Department" } }));
    for (const { Constraints, value, name } of [
      { Constraints: { EncryptionContextSubset: { Department: "IT" } }, value: true, name: true },
      { Constraints: { EncryptionContextEquals: { department: "IT", a: "b" } }, value: true, name: false },
      { Constraints: { EncryptionContextSubset: { Department: "HR" } }, value: false, name: true },
      { Constraints: undefined, value: false, name: false },
    ]) {
      for (const { key, allowed } of [
        { key: byValue, allowed: value },
        { key: byName, allowed: name },
      ]) {
        const call = grant(key.KeyId, ["Encrypt"], { Constraints });
        if (allowed) await call;
        else await assertDenied(call);
      }
    }
  });

  it('kms:GrantIsForAWSResource is false of whoever calls directly, with true and with "true"', async () => {
    const actions = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
    for (const value of [true, "true"]) {
      const { KeyId } = await keyWith(when({ Bool: { "kms:GrantIsForAWSResource": value } }, actions));
      await assertDenied(grant(KeyId, ["Encrypt"]));
      await assertDenied(kms.listGrants({ KeyId }));
      await assertDenied(kms.revokeGrant({ KeyId, GrantId: "0".repeat(64) }));
    }
    const { KeyId } = await keyWith(when({ Bool: { "kms:GrantIsForAWSResource": "false" } }, actions));
    const { GrantId } = await grant(KeyId, ["Encrypt"]);
    await kms.listGrants({ KeyId });
    await kms.revokeGrant({ KeyId, GrantId });
  });
});

describe("retiring and revoking", () => {
  const RetiringPrincipal = OTHER_ROOT;

  it("S03-024: are permissions of their own: who retires can't revoke, and who revokes can't retire", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const retirable = await grant(KeyId, ["Encrypt"], { GranteePrincipal: ROLE, RetiringPrincipal });
    await assertDenied(other.revokeGrant({ KeyId: Arn, GrantId: retirable.GrantId }));
    await other.retireGrant({ KeyId: Arn, GrantId: retirable.GrantId });
    const revocable = await newKey(kms, {
      Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:RevokeGrant")),
    });
    const { GrantId, GrantToken } = await grant(revocable.KeyId, ["Encrypt"], { GranteePrincipal: ROLE });
    await assertDenied(other.retireGrant({ GrantToken }));
    await assertDenied(other.retireGrant({ KeyId: revocable.Arn, GrantId }));
    await other.revokeGrant({ KeyId: revocable.Arn, GrantId });
  });

  it("S04-026: kms:RetireGrant in a key policy neither lets retire nor keeps from it", async () => {
    const { KeyId, Arn } = await newKey(kms, {
      Policy: policyOf(
        allowing(ACCOUNT, ["kms:CreateGrant", "kms:PutKeyPolicy"]),
        allowing(OTHER_ACCOUNT, "kms:RetireGrant"),
        {
          Effect: "Deny",
          Principal: { AWS: ROOT },
          Action: "kms:RetireGrant",
          Resource: "*",
        },
      ),
    });
    const unnamed = await grant(KeyId, ["Encrypt"], { GranteePrincipal: ROLE });
    await assertDenied(other.retireGrant({ GrantToken: unnamed.GrantToken }));
    await kms.retireGrant({ GrantToken: unnamed.GrantToken });
    const named = await grant(KeyId, ["Encrypt"], { GranteePrincipal: ROLE, RetiringPrincipal });
    await other.retireGrant({ KeyId: Arn, GrantId: named.GrantId });
  });

  it("is done by the grantee only where the grant has RetireGrant", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const without = await grant(KeyId, ["Decrypt"], { GranteePrincipal: OTHER_ROOT });
    await assertDenied(other.retireGrant({ GrantToken: without.GrantToken }));
    const Constraints = { EncryptionContextEquals: { A: "1" } };
    const withIt = await grant(KeyId, ["Encrypt", "RetireGrant"], { GranteePrincipal: OTHER_ROOT, Constraints });
    await other.retireGrant({ KeyId: Arn, GrantId: withIt.GrantId });
    await assertDenied(other.encrypt({ KeyId: Arn, Plaintext, EncryptionContext: { A: "1" } }));
  });

  it("is done by the account that issued the grant, and by the key's", async () => {
    const { Arn } = await newKey(kms, {
      Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:CreateGrant")),
    });
    const mine = await grant(Arn, ["Encrypt"], { GranteePrincipal: ROLE }, other);
    await other.retireGrant({ GrantToken: mine.GrantToken });
    const again = await grant(Arn, ["Encrypt"], { GranteePrincipal: ROLE }, other);
    await kms.retireGrant({ GrantToken: again.GrantToken });
  });

  it("does not tell strangers whether a grant or a key is there", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { GrantId } = await grant(KeyId, ["Encrypt"], { GranteePrincipal: ROLE });
    const absentKey = Arn.replace(KeyId, "00000000-0000-4000-8000-000000000000");
    for (const call of [
      (name: string, id: string) => other.retireGrant({ KeyId: name, GrantId: id }),
      (name: string, id: string) => other.revokeGrant({ KeyId: name, GrantId: id }),
    ]) {
      const texts = [];
      for (const [name, id] of [
        [Arn, GrantId],
        [Arn, "0".repeat(64)],
        [absentKey, GrantId],
      ] as const) {
        texts.push((await assertRefused(call(name, id), "AccessDeniedException")).message);
      }
      assert.equal(new Set(texts).size, 1);
    }
  });
});

describe("another account's key", () => {
  it("S04-029: is found by its ARN and not by its id, and by no alias for what manages grants", async () => {
    const { KeyId, Arn } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)) });
    const AliasName = "alias/of-the-owner";
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const aliasArn = Arn.replace(`key/${KeyId}`, AliasName);
    await assertRefused(other.encrypt({ KeyId, Plaintext }), "NotFoundException");
    await assertRefused(other.encrypt({ KeyId: AliasName, Plaintext }), "NotFoundException");
    await assertRefused(other.listGrants({ KeyId }), "NotFoundException");
    for (const name of [Arn, aliasArn]) await other.encrypt({ KeyId: name, Plaintext });
    const { GrantId } = await grant(Arn, ["Encrypt"], {}, other);
    await other.listGrants({ KeyId: Arn });
    await other.getKeyRotationStatus({ KeyId: Arn });
    for (const call of [
      () => grant(aliasArn, ["Encrypt"], {}, other),
      () => other.listGrants({ KeyId: aliasArn }),
      () => other.getKeyRotationStatus({ KeyId: aliasArn }),
      () => other.revokeGrant({ KeyId: aliasArn, GrantId }),
    ]) {
      await assertRefused(call(), "InvalidArnException");
    }
    await other.revokeGrant({ KeyId: Arn, GrantId });
  });
});
