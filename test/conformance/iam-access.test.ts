/** What identity policies give on keys, alone and with key policies, in one account and across two (spec 03 and 04). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { GrantListEntry, KMS } from "@aws-sdk/client-kms";
import { operations } from "../../src/kms/operations/index.ts";
import { allow, deny, type Person, startIamWorld } from "../iam-world.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  refusalOf,
  requestIdOf,
} from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, kms, other } = world;

const Plaintext = bytes(4);
const POWER_USER = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";

/** A statement of a key policy about one principal. */
function about(principal: string, action: string | readonly string[], Effect = "Allow"): object {
  return { Effect, Principal: { AWS: principal }, Action: action, Resource: "*" };
}

/** A key of the first account that its root user can manage; the account's policies say nothing on it but what is given. */
async function keyWith(...statements: readonly object[]): Promise<string> {
  const { KeyId, Arn } = await newKey(kms);
  const root = about(`arn:aws:iam::${ACCOUNT}:root`, "kms:*");
  const rootAlone = { ...root, Condition: { StringEquals: { "aws:PrincipalType": "Account" } } };
  await kms.putKeyPolicy({ KeyId, Policy: policyOf(rootAlone, ...statements) });
  return Arn;
}

const encrypts = (by: KMS, KeyId: string): Promise<unknown> => by.encrypt({ KeyId, Plaintext });
const denied = (call: Promise<unknown>, message?: string | RegExp) =>
  assertRefused(call, "AccessDeniedException", message);

describe("in the account of the key, a user", () => {
  it("with IAM permissions uses a key with the default key policy, and one without is told what is missing", async () => {
    const { Arn } = await newKey(kms);
    const [able, unable] = [
      await world.person("able", { allow: [allow("kms:Encrypt")] }),
      await world.person("unable"),
    ];
    await encrypts(able.kms, Arn);
    await denied(
      encrypts(unable.kms, Arn),
      `User: ${unable.arn} is not authorized to perform: kms:Encrypt on resource: ${Arn} because no identity-based policy allows the kms:Encrypt action`,
    );
    await denied(able.kms.disableKey({ KeyId: Arn }));
  });

  it("who is named by the key policy needs no IAM policy; when only the account is, it needs one", async () => {
    const person = await world.person("named");
    const key = await keyWith(about(person.arn, "kms:Encrypt"));
    await encrypts(person.kms, key);
    await kms.putKeyPolicy({ KeyId: key, Policy: policyOf(allowing(ACCOUNT)) });
    await denied(encrypts(person.kms, key));
    const PolicyDocument = policyOf(allow("kms:Encrypt", key));
    await iam.putUserPolicy({ UserName: "named", PolicyName: "p", PolicyDocument });
    await encrypts(person.kms, key);
  });

  it("whom an Allow names as NotPrincipal is not let in by it, and everybody else is", async () => {
    const [left, other] = [await world.person("left-out"), await world.person("another")];
    const NotPrincipal = { AWS: left.arn };
    const key = await keyWith({ Effect: "Allow", NotPrincipal, Action: "kms:Encrypt", Resource: "*" });
    await denied(encrypts(left.kms, key));
    await encrypts(other.kms, key);
  });

  it("S03-004 gets nothing from IAM when the key policy leaves the account out, and an IAM deny outweighs its own name there", async () => {
    const allowed = await world.person("allowed-by-iam", { allow: [allow("kms:*")] });
    const forbidden = await world.person("denied-by-iam", { allow: [deny("kms:Encrypt")] });
    const key = await keyWith(about(forbidden.arn, "kms:*"));
    await denied(encrypts(allowed.kms, key), /because no resource-based policy allows the kms:Encrypt action$/);
    await denied(encrypts(forbidden.kms, key), /with an explicit deny in an identity-based policy$/);
    await forbidden.kms.describeKey({ KeyId: key });
  });

  it("S03-002 who made the key, and the root user, are refused like anybody else whom the key policy does not name", async () => {
    const creator = await world.person("creator", { allow: [allow("kms:*")] });
    const named = await world.person("only-named");
    const Policy = policyOf(about(named.arn, "kms:*"));
    const { KeyMetadata } = await creator.kms.createKey({ Policy, BypassPolicyLockoutSafetyCheck: true });
    const key = present(KeyMetadata?.Arn);
    for (const by of [creator.kms, kms]) {
      await denied(encrypts(by, key), /because no resource-based policy allows the kms:Encrypt action$/);
    }
    await encrypts(named.kms, key);
  });

  it("S03-007 gets nothing from an IAM policy whose resource is an alias or a key id", async () => {
    const { Arn, KeyId } = await newKey(kms);
    await kms.createAlias({ AliasName: "alias/named-in-iam", TargetKeyId: KeyId });
    const aliasArn = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/named-in-iam`;
    const person = await world.person("alias-in-iam", { allow: [allow("kms:*", aliasArn)] });
    for (const name of [Arn, aliasArn, "alias/named-in-iam"]) await denied(encrypts(person.kms, name));
    for (const resource of ["alias/named-in-iam", KeyId]) {
      const put = iam.putUserPolicy({
        UserName: "alias-in-iam",
        PolicyName: "p",
        PolicyDocument: policyOf(allow("kms:*", resource)),
      });
      assert.equal((await refusalOf(put)).name, "MalformedPolicyDocumentException");
    }
    const PolicyDocument = policyOf(allow("kms:Encrypt", `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KeyId}`));
    await iam.putUserPolicy({ UserName: "alias-in-iam", PolicyName: "p", PolicyDocument });
    for (const name of [Arn, aliasArn, "alias/named-in-iam"]) await encrypts(person.kms, name);
  });

  it("S03-012 makes a tagged key only with kms:TagResource from IAM, whatever the new key's policy says", async () => {
    const person = await world.person("tagger", { allow: [allow("kms:CreateKey")] });
    const Policy = policyOf(allowing(ACCOUNT), about(person.arn, "kms:*"));
    const input = { Policy, Tags: [{ TagKey: "a", TagValue: "b" }] };
    await denied(person.kms.createKey(input), /kms:TagResource/);
    await person.kms.createKey({ Policy });
    const PolicyDocument = policyOf(allow("kms:TagResource"));
    await iam.putUserPolicy({ UserName: "tagger", PolicyName: "tags", PolicyDocument });
    await person.kms.createKey(input);
  });

  it("S04-017 with kms:ResourceAliases reaches the key by any identifier, and the key policy can't have that condition", async () => {
    const { Arn, KeyId } = await newKey(kms);
    const Condition = { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/by-alias" } };
    const person = await world.person("by-alias", { allow: [{ ...allow("kms:Encrypt"), Condition }] });
    await denied(encrypts(person.kms, Arn));
    await kms.createAlias({ AliasName: "alias/by-alias", TargetKeyId: KeyId });
    const names = [KeyId, Arn, "alias/by-alias", `arn:aws:kms:${REGION}:${ACCOUNT}:alias/by-alias`];
    for (const name of names) await encrypts(person.kms, name);
    await kms.deleteAlias({ AliasName: "alias/by-alias" });
    for (const name of [KeyId, Arn]) await denied(encrypts(person.kms, name));
    const Policy = policyOf(allowing(ACCOUNT), { ...about(person.arn, "kms:Encrypt"), Condition });
    await assertRefused(kms.putKeyPolicy({ KeyId, Policy }), "MalformedPolicyDocumentException");
  });

  it("S04-027 makes and lists keys and gets random bytes by IAM alone: key policies have no say", async () => {
    const actions = ["kms:CreateKey", "kms:ListKeys", "kms:ListAliases", "kms:GenerateRandom"];
    const inKeyPolicy = await world.person("in-key-policy");
    await keyWith(about(inKeyPolicy.arn, [...actions, "kms:*"]), about("*", "kms:*"));
    const byIam = await world.person("by-iam", { allow: [allow(actions)] });
    await keyWith(about("*", actions, "Deny"));
    const calls = [
      (by: KMS) => by.createKey({}),
      (by: KMS) => by.listKeys({}),
      (by: KMS) => by.listAliases({}),
      (by: KMS) => by.generateRandom({ NumberOfBytes: 8 }),
    ];
    for (const call of calls) {
      await denied(call(inKeyPolicy.kms), /because no identity-based policy allows/);
      await call(byIam.kms);
    }
  });

  it("is asked for kms:CallerAccount by operations on custom key stores, too", async () => {
    for (const account of [ACCOUNT, OTHER_ACCOUNT]) {
      const Condition = { StringEquals: { "kms:CallerAccount": account } };
      const statement = { ...allow("kms:DescribeCustomKeyStores"), Condition };
      const { kms: by } = await world.person(`stores-${account}`, { allow: [statement] });
      if (account === ACCOUNT) await by.describeCustomKeyStores({});
      else await denied(by.describeCustomKeyStores({}));
    }
  });

  it("S04-030 gets from IAM no action and no identity more than the key policy leaves to it", async () => {
    const account = `arn:aws:iam::${ACCOUNT}:root`;
    const [wide, unnamed] = [
      await world.person("wide", { allow: [allow("kms:*")] }),
      await world.person("unnamed", { allow: [allow("kms:*")] }),
    ];
    const actionsAlone = await keyWith(about(account, ["kms:Encrypt", "kms:DescribeKey"]));
    await encrypts(wide.kms, actionsAlone);
    await denied(wide.kms.disableKey({ KeyId: actionsAlone }), /because no resource-based policy allows/);
    const oneAlone = await keyWith(about(wide.arn, "kms:Encrypt"));
    await encrypts(wide.kms, oneAlone);
    await denied(encrypts(unnamed.kms, oneAlone), /because no resource-based policy allows/);
  });

  it("has with AWSKeyManagementServicePowerUser what that policy lists, where the key policy leaves it to IAM", async () => {
    const person = await world.person("power");
    await iam.attachUserPolicy({ UserName: "power", PolicyArn: POWER_USER });
    const { KeyId, Arn } = await newKey(person.kms, { Tags: [{ TagKey: "a", TagValue: "b" }] });
    await person.kms.createAlias({ AliasName: "alias/power", TargetKeyId: KeyId });
    await person.kms.tagResource({ KeyId, Tags: [{ TagKey: "c", TagValue: "d" }] });
    await person.kms.listResourceTags({ KeyId });
    await person.kms.describeKey({ KeyId });
    await person.kms.generateRandom({ NumberOfBytes: 8 });
    await person.iam.listUsers({});
    await person.iam.listRoles({});
    await denied(encrypts(person.kms, Arn));
    await denied(person.kms.updateAlias({ AliasName: "alias/power", TargetKeyId: KeyId }));
    await denied(person.kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }));
    assert.equal((await refusalOf(person.iam.createUser({ UserName: "x" }))).name, "AccessDenied");
    await person.kms.deleteAlias({ AliasName: "alias/power" });
    await denied(person.kms.describeKey({ KeyId: await keyWith() }));
  });
});

describe("RetireGrant", () => {
  it("S03-023 is for those whom the grant names and for the key's account, which hands it on by IAM; a deny keeps from it", async () => {
    const retires = [allow("kms:RetireGrant")];
    const grantee = await world.person("grantee");
    const retirer = await world.person("retirer");
    const keeper = await world.person("keeper", { allow: retires });
    const idler = await world.person("idler");
    const stranger = await world.person("stranger", { account: OTHER_ACCOUNT, allow: retires });
    const { Arn: KeyId } = await newKey(kms);
    const grantWith = async (...Operations: ("Encrypt" | "RetireGrant")[]) => {
      const parties = { GranteePrincipal: grantee.arn, RetiringPrincipal: retirer.arn };
      const { GrantToken } = await kms.createGrant({ KeyId, ...parties, Operations });
      return { GrantToken: present(GrantToken) };
    };
    const first = await grantWith("Encrypt");
    await denied(grantee.kms.retireGrant(first));
    await denied(idler.kms.retireGrant(first));
    await denied(stranger.kms.retireGrant(first), /on this resource because the resource does not exist/);
    await retirer.kms.retireGrant(first);
    await grantee.kms.retireGrant(await grantWith("Encrypt", "RetireGrant"));
    await keeper.kms.retireGrant(await grantWith("Encrypt"));
    await kms.retireGrant(await grantWith("Encrypt"));
    const PolicyDocument = policyOf(deny("kms:RetireGrant"));
    await iam.putUserPolicy({ UserName: "retirer", PolicyName: "p", PolicyDocument });
    await denied(
      retirer.kms.retireGrant(await grantWith("Encrypt")),
      /with an explicit deny in an identity-based policy$/,
    );
  });

  it("is asked about the tags and aliases of the grant's key, which let retire and keep from it", async () => {
    const { Arn: KeyId } = await newKey(kms, { Tags: [{ TagKey: "Env", TagValue: "prod" }] });
    await kms.createAlias({ AliasName: "alias/prod-retiring", TargetKeyId: KeyId });
    const conditions = {
      tag: { StringEquals: { "aws:ResourceTag/env": "prod" } },
      otherTag: { StringEquals: { "aws:ResourceTag/env": "test" } },
      alias: { "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/prod-*" } },
      otherAlias: { "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/test-*" } },
    };
    for (const [name, Condition] of Object.entries(conditions)) {
      const isMet = name === "tag" || name === "alias";
      const only = await world.person(`retires-if-${name}`, { allow: [{ ...allow("kms:RetireGrant"), Condition }] });
      const unless = await world.person(`retires-unless-${name}`, {
        allow: [allow("kms:RetireGrant"), { ...deny("kms:RetireGrant"), Condition }],
      });
      for (const { person, may } of [
        { person: only, may: isMet },
        { person: unless, may: !isMet },
      ]) {
        const { GrantToken } = await kms.createGrant({
          KeyId,
          GranteePrincipal: person.arn,
          Operations: ["Encrypt"],
        });
        const retiring = person.kms.retireGrant({ GrantToken });
        await (may ? retiring : denied(retiring));
      }
    }
  });
});

describe("a deny until a date", () => {
  it("holds in every form in which IAM takes the date", async () => {
    const { kms: caller, name: UserName } = await world.person("until", { allow: [allow("kms:ListKeys")] });
    for (const until of [
      "2099-01-01T00:00:00Z",
      "2099-01-01T00:00:00",
      "2099-01-01T00:00",
      "2099-1-1",
      "2099-01-01t00:00:00z",
      "2099-01-01T00:00:00+02",
      "292278993-01-01",
    ]) {
      const statement = { ...deny("kms:ListKeys"), Condition: { DateLessThan: { "aws:CurrentTime": until } } };
      await iam.putUserPolicy({ UserName, PolicyName: "until", PolicyDocument: policyOf(statement) });
      await denied(caller.listKeys({}), /with an explicit deny in an identity-based policy$/);
    }
  });
});

describe("across accounts, a user", () => {
  it("S03-005 needs both: the key policy of the one account and an IAM policy of the other", async () => {
    const able = await world.person("foreign-able", { account: OTHER_ACCOUNT, allow: [allow("kms:Encrypt")] });
    const unable = await world.person("foreign-unable", { account: OTHER_ACCOUNT });
    const closed = await keyWith();
    const open = await keyWith(allowing(OTHER_ACCOUNT));
    const named = await keyWith(about(unable.arn, "kms:*"), about(able.arn, "kms:*"));
    for (const key of [open, named]) {
      await encrypts(able.kms, key);
      await denied(encrypts(unable.kms, key), /because no identity-based policy allows the kms:Encrypt action$/);
    }
    await denied(encrypts(able.kms, closed), /on this resource because the resource does not exist in this Region/);
  });

  it("S03-006, S04-031 reaches by Resource * a foreign key whose policy permits the account, and both accounts get the record", async () => {
    const person = await world.person("foreign-star", { account: OTHER_ACCOUNT, allow: [allow("kms:Encrypt", "*")] });
    const key = await keyWith(allowing(OTHER_ACCOUNT));
    const requestID = requestIdOf(await person.kms.encrypt({ KeyId: key, Plaintext }));
    const records = await world.records.where((record) => record.requestID === requestID);
    assert.deepEqual(records.map(({ recipientAccountId }) => recipientAccountId).sort(), [ACCOUNT, OTHER_ACCOUNT]);
    const owners = records.find(({ recipientAccountId }) => recipientAccountId === ACCOUNT);
    assert.deepEqual([owners?.userIdentity["type"], owners?.userIdentity["accountId"]], ["AWSAccount", OTHER_ACCOUNT]);
  });

  it("S04-029 finds by key id or alias name its own account's alone; key ARN and alias ARN reach, the latter not everywhere", async () => {
    const person = await world.person("foreign-names", { account: OTHER_ACCOUNT, allow: [allow("kms:*")] });
    const key = await keyWith(allowing(OTHER_ACCOUNT));
    const id = key.slice(key.lastIndexOf("/") + 1);
    await kms.createAlias({ AliasName: "alias/foreign-names", TargetKeyId: id });
    const aliasArn = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/foreign-names`;
    for (const name of [id, "alias/foreign-names"]) {
      await assertRefused(encrypts(person.kms, name), "NotFoundException");
      await assertRefused(person.kms.describeKey({ KeyId: name }), "NotFoundException");
    }
    for (const name of [key, aliasArn]) {
      await encrypts(person.kms, name);
      await person.kms.describeKey({ KeyId: name });
    }
    await person.kms.getKeyRotationStatus({ KeyId: key });
    await assertRefused(person.kms.getKeyRotationStatus({ KeyId: aliasArn }), /^(?:Validation|InvalidArn)Exception$/);
  });

  it("S04-033 is meant by Principal *, but needs IAM where users of the account need none; a deny wins", async () => {
    const own = await world.person("star-own");
    const ownDenied = await world.person("star-denied", { allow: [deny("kms:Encrypt")] });
    const able = await world.person("star-able", { account: OTHER_ACCOUNT, allow: [allow("kms:Encrypt")] });
    const unable = await world.person("star-unable", { account: OTHER_ACCOUNT });
    const key = await keyWith(about("*", "kms:Encrypt"));
    await encrypts(own.kms, key);
    await encrypts(able.kms, key);
    await denied(encrypts(unable.kms, key), /because no identity-based policy allows/);
    await denied(encrypts(ownDenied.kms, key), /with an explicit deny in an identity-based policy$/);
    const closed = await keyWith(about("*", "kms:Encrypt"), about(own.arn, "kms:Encrypt", "Deny"));
    await denied(encrypts(own.kms, closed), /with an explicit deny in a resource-based policy$/);
  });
});

/** The keys that the operations of the matrix take. */
const keys = {
  symmetric: { KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT" },
  external: { Origin: "EXTERNAL" },
  signing: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" },
  mac: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
} as const;

interface Row {
  readonly name: string;
  readonly key: keyof typeof keys;
  readonly call: (by: KMS, KeyId: string) => Promise<unknown>;
}

const Message = bytes(16);

/** "Cross-account: Yes" in the guide's table of permissions, as far as the operations are built. */
const acrossAccounts: readonly Row[] = [
  { name: "Encrypt", key: "symmetric", call: encrypts },
  {
    name: "Decrypt",
    key: "symmetric",
    call: async (by, KeyId) => {
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
      return by.decrypt({ KeyId, CiphertextBlob: present(CiphertextBlob) });
    },
  },
  {
    name: "ReEncrypt",
    key: "symmetric",
    call: async (by, KeyId) => {
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
      return by.reEncrypt({ CiphertextBlob: present(CiphertextBlob), DestinationKeyId: KeyId });
    },
  },
  { name: "GenerateDataKey", key: "symmetric", call: (by, KeyId) => by.generateDataKey({ KeyId, KeySpec: "AES_256" }) },
  {
    name: "GenerateDataKeyWithoutPlaintext",
    key: "symmetric",
    call: (by, KeyId) => by.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" }),
  },
  {
    name: "GenerateDataKeyPair",
    key: "symmetric",
    call: (by, KeyId) => by.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
  },
  {
    name: "GenerateDataKeyPairWithoutPlaintext",
    key: "symmetric",
    call: (by, KeyId) => by.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
  },
  { name: "DescribeKey", key: "symmetric", call: (by, KeyId) => by.describeKey({ KeyId }) },
  { name: "GetKeyRotationStatus", key: "symmetric", call: (by, KeyId) => by.getKeyRotationStatus({ KeyId }) },
  {
    name: "CreateGrant",
    key: "symmetric",
    call: (by, KeyId) =>
      by.createGrant({ KeyId, GranteePrincipal: `arn:aws:iam::${OTHER_ACCOUNT}:root`, Operations: ["Decrypt"] }),
  },
  { name: "ListGrants", key: "symmetric", call: (by, KeyId) => by.listGrants({ KeyId }) },
  {
    name: "RevokeGrant",
    key: "symmetric",
    call: async (by, KeyId) => {
      const GranteePrincipal = `arn:aws:iam::${ACCOUNT}:root`;
      const { GrantId } = await kms.createGrant({ KeyId, GranteePrincipal, Operations: ["Decrypt"] });
      return by.revokeGrant({ KeyId, GrantId: present(GrantId) });
    },
  },
  { name: "GetPublicKey", key: "signing", call: (by, KeyId) => by.getPublicKey({ KeyId }) },
  {
    name: "Sign",
    key: "signing",
    call: (by, KeyId) => by.sign({ KeyId, Message, SigningAlgorithm: "ECDSA_SHA_256" }),
  },
  {
    name: "Verify",
    key: "signing",
    call: async (by, KeyId) => {
      const algorithm = { KeyId, Message, SigningAlgorithm: "ECDSA_SHA_256" } as const;
      const { Signature } = await kms.sign(algorithm);
      return by.verify({ ...algorithm, Signature: present(Signature) });
    },
  },
  {
    name: "GenerateMac",
    key: "mac",
    call: (by, KeyId) => by.generateMac({ KeyId, Message, MacAlgorithm: "HMAC_SHA_256" }),
  },
  {
    name: "VerifyMac",
    key: "mac",
    call: async (by, KeyId) => {
      const algorithm = { KeyId, Message, MacAlgorithm: "HMAC_SHA_256" } as const;
      const { Mac } = await kms.generateMac(algorithm);
      return by.verifyMac({ ...algorithm, Mac: present(Mac) });
    },
  },
];

/** "Cross-account: No". */
const atHome: readonly Row[] = [
  { name: "CancelKeyDeletion", key: "symmetric", call: (by, KeyId) => by.cancelKeyDeletion({ KeyId }) },
  {
    name: "CreateAlias",
    key: "symmetric",
    call: (by, KeyId) => by.createAlias({ AliasName: "alias/of-foreign-key", TargetKeyId: KeyId }),
  },
  { name: "DisableKey", key: "symmetric", call: (by, KeyId) => by.disableKey({ KeyId }) },
  { name: "DisableKeyRotation", key: "symmetric", call: (by, KeyId) => by.disableKeyRotation({ KeyId }) },
  { name: "EnableKey", key: "symmetric", call: (by, KeyId) => by.enableKey({ KeyId }) },
  { name: "EnableKeyRotation", key: "symmetric", call: (by, KeyId) => by.enableKeyRotation({ KeyId }) },
  { name: "GetKeyLastUsage", key: "symmetric", call: (by, KeyId) => by.getKeyLastUsage({ KeyId }) },
  { name: "GetKeyPolicy", key: "symmetric", call: (by, KeyId) => by.getKeyPolicy({ KeyId }) },
  {
    name: "GetParametersForImport",
    key: "external",
    call: (by, KeyId) =>
      by.getParametersForImport({ KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" }),
  },
  {
    name: "ImportKeyMaterial",
    key: "external",
    call: (by, KeyId) =>
      by.importKeyMaterial({
        KeyId,
        ImportToken: bytes(64),
        EncryptedKeyMaterial: bytes(256),
        ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
      }),
  },
  { name: "DeleteImportedKeyMaterial", key: "external", call: (by, KeyId) => by.deleteImportedKeyMaterial({ KeyId }) },
  { name: "ListKeyPolicies", key: "symmetric", call: (by, KeyId) => by.listKeyPolicies({ KeyId }) },
  { name: "ListKeyRotations", key: "symmetric", call: (by, KeyId) => by.listKeyRotations({ KeyId }) },
  { name: "ListResourceTags", key: "symmetric", call: (by, KeyId) => by.listResourceTags({ KeyId }) },
  {
    name: "PutKeyPolicy",
    key: "symmetric",
    call: (by, KeyId) => by.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
  },
  { name: "RotateKeyOnDemand", key: "symmetric", call: (by, KeyId) => by.rotateKeyOnDemand({ KeyId }) },
  { name: "ScheduleKeyDeletion", key: "symmetric", call: (by, KeyId) => by.scheduleKeyDeletion({ KeyId }) },
  {
    name: "TagResource",
    key: "symmetric",
    call: (by, KeyId) => by.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }),
  },
  { name: "UntagResource", key: "symmetric", call: (by, KeyId) => by.untagResource({ KeyId, TagKeys: ["a"] }) },
  {
    name: "UpdateKeyDescription",
    key: "symmetric",
    call: (by, KeyId) => by.updateKeyDescription({ KeyId, Description: "foreign" }),
  },
];

const persons = {
  both: await world.person("matrix-both", { account: OTHER_ACCOUNT, allow: [allow("kms:*")] }),
  policyAlone: await world.person("matrix-policy", { account: OTHER_ACCOUNT }),
};

describe("across accounts,", () => {
  const made = async (spec: keyof typeof keys, open: boolean): Promise<string> => {
    const { Arn } = await newKey(kms, keys[spec]);
    if (open) await kms.putKeyPolicy({ KeyId: Arn, Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)) });
    return Arn;
  };

  for (const { name, key, call } of acrossAccounts) {
    it(`S04-028 ${name} is done with both policies, and with neither of them alone`, async () => {
      const [open, closed] = [await made(key, true), await made(key, false)];
      await call(persons.both.kms, open);
      await denied(call(persons.policyAlone.kms, open));
      await denied(call(persons.both.kms, closed));
    });
  }

  for (const { name, key, call } of atHome) {
    it(`S04-028 ${name} is not done, even with both policies`, async () => {
      const open = await made(key, true);
      await denied(call(persons.both.kms, open));
      await denied(call(other, open));
    });
  }

  it("S04-028 the two lists are all operations on keys that are built but for those that other tests are about", () => {
    const listed = [...acrossAccounts, ...atHome].map(({ name }) => name);
    const elsewhere = [
      ...["CreateKey", "GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants"], // on no key
      ...["Connect", "Create", "Delete", "Disconnect", "Update"].map((verb) => `${verb}CustomKeyStore`),
      "DescribeCustomKeyStores",
      ...["DeleteAlias", "UpdateAlias"], // an alias that is there is of the caller's account
      ...["DeriveSharedSecret", "Encapsulate", "Decapsulate", "RetireGrant"],
      ...["ReplicateKey", "UpdatePrimaryRegion"], // in two Regions
    ];
    assert.deepEqual([...listed, ...elsewhere].sort(), [...operations.keys()].sort());
  });
});

const { Arn: key } = await newKey(kms);

describe("a change decides from the next request on:", () => {
  let count = 0;
  const fresh = async (options?: Parameters<typeof world.person>[1]): Promise<Person> => {
    count += 1;
    return world.person(`changing${count}`, options);
  };
  const ALLOWED = policyOf(allow("kms:Encrypt"));
  const newPolicy = async (): Promise<string> => {
    count += 1;
    const { Policy } = await iam.createPolicy({ PolicyName: `changing${count}`, PolicyDocument: ALLOWED });
    return present(Policy?.Arn);
  };

  it("an access key that is turned off, on, and deleted", async () => {
    const person = await fresh({ allow: [allow("kms:Encrypt")] });
    const named = { UserName: person.name, AccessKeyId: person.accessKeyId };
    await encrypts(person.kms, key);
    await iam.updateAccessKey({ ...named, Status: "Inactive" });
    await assertRefused(encrypts(person.kms, key), "UnrecognizedClientException");
    assert.equal((await refusalOf(person.iam.getUser({}))).name, "InvalidClientTokenId");
    await iam.updateAccessKey({ ...named, Status: "Active" });
    await encrypts(person.kms, key);
    await iam.deleteAccessKey(named);
    await assertRefused(encrypts(person.kms, key), "UnrecognizedClientException");
  });

  it("an inline policy that is put and deleted", async () => {
    const person = await fresh();
    const named = { UserName: person.name, PolicyName: "p" };
    await denied(encrypts(person.kms, key));
    await iam.putUserPolicy({ ...named, PolicyDocument: ALLOWED });
    await encrypts(person.kms, key);
    await iam.putUserPolicy({ ...named, PolicyDocument: policyOf(allow("kms:Decrypt")) });
    await denied(encrypts(person.kms, key));
    await iam.putUserPolicy({ ...named, PolicyDocument: ALLOWED });
    await encrypts(person.kms, key);
    await iam.deleteUserPolicy(named);
    await denied(encrypts(person.kms, key));
  });

  it("a managed policy that is attached and detached, and its default version", async () => {
    const person = await fresh();
    const PolicyArn = await newPolicy();
    const named = { UserName: person.name, PolicyArn };
    await iam.attachUserPolicy(named);
    await encrypts(person.kms, key);
    const PolicyDocument = policyOf(deny("kms:Encrypt"));
    await iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true });
    await denied(
      encrypts(person.kms, key),
      new RegExp(`with an explicit deny in an identity-based policy: ${PolicyArn}$`),
    );
    await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: "v1" });
    await encrypts(person.kms, key);
    await iam.detachUserPolicy(named);
    await denied(encrypts(person.kms, key));
  });

  it("a permissions boundary that is put, changed and deleted", async () => {
    const person = await fresh({ allow: [allow("kms:*")] });
    const PolicyArn = await newPolicy();
    const named = { UserName: person.name };
    await encrypts(person.kms, key);
    await iam.putUserPermissionsBoundary({ ...named, PermissionsBoundary: POWER_USER });
    await denied(encrypts(person.kms, key), /because no permissions boundary allows the kms:Encrypt action$/);
    await iam.putUserPermissionsBoundary({ ...named, PermissionsBoundary: PolicyArn });
    await encrypts(person.kms, key);
    const PolicyDocument = policyOf(allow("kms:Decrypt"));
    await iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true });
    await denied(encrypts(person.kms, key));
    await iam.deleteUserPermissionsBoundary(named);
    await encrypts(person.kms, key);
  });

  it("who is in a group, and the group's policies", async () => {
    const person = await fresh();
    const GroupName = `${person.name}-group`;
    await iam.createGroup({ GroupName });
    await iam.putGroupPolicy({ GroupName, PolicyName: "p", PolicyDocument: ALLOWED });
    await denied(encrypts(person.kms, key));
    await iam.addUserToGroup({ GroupName, UserName: person.name });
    await encrypts(person.kms, key);
    await iam.deleteGroupPolicy({ GroupName, PolicyName: "p" });
    await denied(encrypts(person.kms, key));
    await iam.attachGroupPolicy({ GroupName, PolicyArn: await newPolicy() });
    await encrypts(person.kms, key);
    await iam.removeUserFromGroup({ GroupName, UserName: person.name });
    await denied(encrypts(person.kms, key));
  });

  it("a tag of the user", async () => {
    const Condition = { StringEquals: { "aws:PrincipalTag/team": "a" } };
    const person = await fresh({ allow: [{ ...allow("kms:Encrypt"), Condition }] });
    await denied(encrypts(person.kms, key));
    await iam.tagUser({ UserName: person.name, Tags: [{ Key: "Team", Value: "a" }] });
    await encrypts(person.kms, key);
    await iam.untagUser({ UserName: person.name, TagKeys: ["team"] });
    await denied(encrypts(person.kms, key));
  });

  it("a user who is renamed or moved stays who grants mean; one made anew under the name is shown none of them", async () => {
    const person = await fresh();
    const { name, arn } = person;
    const { Arn: key } = await newKey(kms);
    const input = { KeyId: key, GranteePrincipal: arn, RetiringPrincipal: arn } as const;
    for (const operation of ["Encrypt", "DescribeKey"] as const)
      await kms.createGrant({ ...input, Operations: [operation] });
    const grantsTo = async (grantee: string): Promise<number> =>
      present((await kms.listGrants({ KeyId: key, GranteePrincipal: grantee })).Grants).length;
    const toRetire = async (retirer: string): Promise<readonly GrantListEntry[]> =>
      present((await kms.listRetirableGrants({ RetiringPrincipal: retirer })).Grants);
    await encrypts(person.kms, key);
    await iam.updateUser({ UserName: name, NewUserName: `${name}-wed`, NewPath: "/north/" });
    const moved = arn.replace(`user/${name}`, `user/north/${name}-wed`);
    await encrypts(person.kms, key);
    assert.deepEqual([await grantsTo(arn), await grantsTo(moved), (await toRetire(arn)).length], [0, 2, 0]);
    const [first] = await toRetire(moved);
    assert.deepEqual([first?.GranteePrincipal, first?.RetiringPrincipal], [moved, moved]);
    await person.kms.retireGrant({ KeyId: key, GrantId: first?.GrantId });
    await iam.deleteAccessKey({ UserName: `${name}-wed`, AccessKeyId: person.accessKeyId });
    await iam.deleteUser({ UserName: `${name}-wed` });
    await iam.createUser({ UserName: `${name}-wed`, Path: "/north/" });
    assert.deepEqual([await grantsTo(moved), await toRetire(moved)], [0, []]);
  });

  it("a key policy shows the new name of a user in its principals alone, not in what its conditions compare", async () => {
    const { name: UserName, arn } = await fresh();
    const Condition = { ArnEquals: { "aws:PrincipalArn": [arn] }, StringEquals: { "aws:PrincipalTag/Principal": arn } };
    const policyNaming = (principal: string): string =>
      policyOf(
        allowing(ACCOUNT),
        { Effect: "Deny", NotPrincipal: { AWS: [ACCOUNT, principal] }, Action: "kms:Sign", Resource: "*" },
        { Condition, Effect: "Deny", Principal: { AWS: principal }, Action: "kms:Verify", Resource: "*" },
      );
    const { KeyId } = await newKey(kms, { Policy: policyNaming(arn) });
    const shown = async () => (await kms.getKeyPolicy({ KeyId })).Policy;
    assert.equal(await shown(), policyNaming(arn));
    await iam.updateUser({ UserName, NewUserName: `${UserName}-moved` });
    assert.equal(await shown(), policyNaming(`${arn}-moved`));
    const { User } = await iam.getUser({ UserName: `${UserName}-moved` });
    const [key] = present((await iam.listAccessKeys({ UserName: `${UserName}-moved` })).AccessKeyMetadata);
    await iam.deleteAccessKey({ UserName: `${UserName}-moved`, AccessKeyId: key?.AccessKeyId });
    await iam.deleteUser({ UserName: `${UserName}-moved` });
    assert.equal(await shown(), policyNaming(present(User?.UserId)));
  });

  it("a user who is renamed stays who the key policy means; one made anew under the name is another", async () => {
    const person = await fresh();
    const { name } = person;
    const named = await keyWith(about(person.arn, "kms:Encrypt"));
    await encrypts(person.kms, named);
    await iam.updateUser({ UserName: name, NewUserName: `${name}-renamed` });
    await encrypts(person.kms, named);
    assert.match(present((await kms.getKeyPolicy({ KeyId: named })).Policy), new RegExp(`user/${name}-renamed"`));
    await iam.deleteAccessKey({ UserName: `${name}-renamed`, AccessKeyId: person.accessKeyId });
    const { User } = await iam.getUser({ UserName: `${name}-renamed` });
    await iam.deleteUser({ UserName: `${name}-renamed` });
    const again = await world.person(name);
    assert.equal(again.arn, person.arn);
    await denied(encrypts(again.kms, named));
    await assertRefused(encrypts(person.kms, named), "UnrecognizedClientException");
    assert.ok(present((await kms.getKeyPolicy({ KeyId: named })).Policy).includes(present(User?.UserId)));
  });
});
