/** Seed files, of our own form and of local-kms's: what they plant, and what is wrong with broken ones. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import { UsageError } from "../../src/cli/options.ts";
import { parseSeed } from "../../src/cli/seed.ts";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { runKeystead, TemporaryDirectory } from "../faults/processes.ts";

const KEY = "1234abcd-12ab-34cd-56ef-1234567890ab";
const DISABLED = "2234abcd-12ab-34cd-56ef-1234567890ab";
const PARTNERS = "3234abcd-12ab-34cd-56ef-1234567890ab";
const MATERIAL = "00112233445566778899aabbccddeeff".repeat(2);
const TEST = { accessKeyId: "test", secretAccessKey: "test" };
const PARTNER = { accessKeyId: "AKIAEXAMPLEACCOUNT02", secretAccessKey: "any/string/of/eight/characters/or/more" };

const SEED = `
accounts:
  - id: "444455556666"
    credentials:
      - accessKeyId: AKIAEXAMPLEACCOUNT02
        secretAccessKey: any/string/of/eight/characters/or/more
  - id: "111122223333"
    credentials:
      - accessKeyId: test
        secretAccessKey: test
keys:
  - id: ${KEY}
    description: of the tests
    material: ${MATERIAL}
    aliases: [alias/app, alias/app/old]
    tags: { Team: Blue, Stage: "" }
  - id: ${DISABLED}
    enabled: false
  - id: ${PARTNERS}
    account: "444455556666"
    region: eu-west-2
    material: ${MATERIAL}
`;

/** local-kms's own example, with the fields that it knows beside it. */
const LOCAL_KMS_KEY = "bc436485-5092-42b8-92a3-0aa8b93536dc";
const LOCAL_KMS_SEED = `
Keys:
  Symmetric:
    Aes:
      - Metadata:
          KeyId: ${LOCAL_KMS_KEY}
          Description: "Your key description"
        BackingKeys:
          - 34743777217A25432A46294A404E635266556A586E3272357538782F413F4428
          - 5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9
Aliases:
  - AliasName: alias/testing
    TargetKeyId: ${LOCAL_KMS_KEY}
`;

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

/** Writes a seed file and returns its path. */
function seedFile(name: string, text: string): string {
  const path = directory.at(name);
  writeFileSync(path, text);
  return path;
}

/** Lets `body` use a client and closes it. */
async function withClient<T>(
  { endpoint }: DevServer,
  credentials: typeof TEST,
  region: string,
  body: (kms: KMS) => Promise<T>,
): Promise<T> {
  const kms = new KMS({ endpoint, region, credentials, maxAttempts: 1 });
  try {
    return await body(kms);
  } finally {
    kms.destroy();
  }
}

describe("a seed file", () => {
  it("plants accounts, keys, aliases and tags, and the same material in every server", async () => {
    const args = ["--seed", seedFile("own.yaml", SEED)];
    const CiphertextBlob = await (async () => {
      await using first = await startDevServer({ args });
      await withClient(first, PARTNER, "eu-west-2", async (kms) => {
        const { KeyMetadata } = await kms.describeKey({ KeyId: PARTNERS });
        assert.equal(KeyMetadata?.Arn, `arn:aws:kms:eu-west-2:444455556666:key/${PARTNERS}`);
        assert.deepEqual((await kms.listKeys({})).Keys?.length, 1);
      });
      return await withClient(first, TEST, "us-east-1", async (kms) => {
        const { KeyMetadata } = await kms.describeKey({ KeyId: KEY });
        assert.equal(KeyMetadata?.Arn, `arn:aws:kms:us-east-1:111122223333:key/${KEY}`);
        assert.equal(KeyMetadata?.Description, "of the tests");
        assert.equal(KeyMetadata?.KeyState, "Enabled");
        assert.equal(KeyMetadata?.Origin, "AWS_KMS");
        const { Aliases = [] } = await kms.listAliases({ KeyId: KEY });
        assert.deepEqual(Aliases.map(({ AliasName }) => AliasName).sort(), ["alias/app", "alias/app/old"]);
        const { Tags = [] } = await kms.listResourceTags({ KeyId: KEY });
        assert.deepEqual(Object.fromEntries(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])), {
          Team: "Blue",
          Stage: "",
        });
        const { KeyMetadata: disabled } = await kms.describeKey({ KeyId: DISABLED });
        assert.deepEqual([disabled?.KeyState, disabled?.Enabled], ["Disabled", false]);
        assert.equal((await kms.listKeys({})).Keys?.length, 2);
        return (await kms.encrypt({ KeyId: "alias/app", Plaintext: Buffer.from("carried along") })).CiphertextBlob;
      });
    })();
    await using second = await startDevServer({ args });
    await withClient(second, second.credentials, "us-east-1", async (kms) => {
      const { Plaintext } = await kms.decrypt({ CiphertextBlob });
      assert.equal(Buffer.from(Plaintext ?? []).toString(), "carried along");
    });
  });

  it("of local-kms plants the newest backing key under its id and alias, the same in every server", async () => {
    const args = ["--seed", seedFile("local-kms.yaml", LOCAL_KMS_SEED)];
    const region = "eu-west-2";
    const CiphertextBlob = await (async () => {
      await using first = await startDevServer({ args });
      return await withClient(first, first.credentials, region, async (kms) => {
        const { KeyMetadata } = await kms.describeKey({ KeyId: "alias/testing" });
        assert.equal(KeyMetadata?.Arn, `arn:aws:kms:${region}:111122223333:key/${LOCAL_KMS_KEY}`);
        assert.equal(KeyMetadata?.Description, "Your key description");
        return (await kms.encrypt({ KeyId: LOCAL_KMS_KEY, Plaintext: Buffer.from("carried along") })).CiphertextBlob;
      });
    })();
    // The same key in our own form: what was sealed with it opens, so it is the last backing key.
    const ours = `keys: [{ id: ${LOCAL_KMS_KEY}, region: ${region}, material: 5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9 }]`;
    await using second = await startDevServer({ args: ["--seed", seedFile("ours.yaml", ours)] });
    await withClient(second, second.credentials, region, async (kms) => {
      const { Plaintext } = await kms.decrypt({ CiphertextBlob });
      assert.equal(Buffer.from(Plaintext ?? []).toString(), "carried along");
    });
  });

  it("of local-kms goes by its variable for the Region", async () => {
    const args = ["--seed", seedFile("variables.yaml", LOCAL_KMS_SEED)];
    await using server = await startDevServer({ args, env: { KMS_REGION: "ap-south-1" } });
    await withClient(server, server.credentials, "ap-south-1", async (kms) => {
      const { KeyMetadata } = await kms.describeKey({ KeyId: "alias/testing" });
      assert.equal(KeyMetadata?.Arn, `arn:aws:kms:ap-south-1:111122223333:key/${LOCAL_KMS_KEY}`);
    });
  });

  it("leaves alone the keys that a data directory has already", async () => {
    const args = ["--data", directory.at("store"), "--seed", seedFile("again.yaml", SEED)];
    {
      await using first = await startDevServer({ args });
      await withClient(first, TEST, "us-east-1", async (kms) => {
        await kms.updateKeyDescription({ KeyId: KEY, Description: "changed since" });
        await kms.deleteAlias({ AliasName: "alias/app/old" });
      });
    }
    await using second = await startDevServer({ args });
    await withClient(second, TEST, "us-east-1", async (kms) => {
      assert.equal((await kms.describeKey({ KeyId: KEY })).KeyMetadata?.Description, "changed since");
      assert.equal((await kms.listAliases({ KeyId: KEY })).Aliases?.length, 1);
      assert.equal((await kms.listKeys({})).Keys?.length, 2);
    });
  });

  it("plants a multi-Region key that is there again in another Region as a replica, and rotation that comes", async () => {
    const id = `mrk-${"5eed".repeat(8)}`;
    const text = `keys:
  - { id: ${id}, material: ${MATERIAL}, rotation: true, description: first }
  - { id: ${id}, region: eu-west-1, material: ${MATERIAL}, rotation: true, aliases: [alias/replica], enabled: false }
  - { id: mrk-${"0123".repeat(8)} }
`;
    const args = ["--data", directory.at("regions"), "--seed", seedFile("regions.yaml", text)];
    for (const run of ["first", "second"]) {
      await using server = await startDevServer({ args });
      const blob = await withClient(server, server.credentials, "us-east-1", async (kms) => {
        const { KeyMetadata } = await kms.describeKey({ KeyId: id });
        const { MultiRegionKeyType, ReplicaKeys } = KeyMetadata?.MultiRegionConfiguration ?? {};
        assert.equal(MultiRegionKeyType, "PRIMARY", run);
        assert.deepEqual(
          ReplicaKeys?.map(({ Region }) => Region),
          ["eu-west-1"],
        );
        const { KeyMetadata: alone } = await kms.describeKey({ KeyId: `mrk-${"0123".repeat(8)}` });
        assert.deepEqual(alone?.MultiRegionConfiguration?.ReplicaKeys, []);
        const { NextRotationDate } = await kms.getKeyRotationStatus({ KeyId: id });
        assert.ok(NextRotationDate && NextRotationDate.getTime() > Date.now());
        return (await kms.encrypt({ KeyId: id, Plaintext: Buffer.from("across") })).CiphertextBlob;
      });
      await withClient(server, server.credentials, "eu-west-1", async (kms) => {
        const { KeyMetadata } = await kms.describeKey({ KeyId: "alias/replica" });
        assert.equal(KeyMetadata?.MultiRegionConfiguration?.MultiRegionKeyType, "REPLICA");
        assert.deepEqual(
          [KeyMetadata.Description, KeyMetadata.KeyState],
          ["", run === "first" ? "Disabled" : "Enabled"],
        );
        await kms.enableKey({ KeyId: id });
        const { Plaintext } = await kms.decrypt({ CiphertextBlob: blob });
        assert.equal(Buffer.from(Plaintext ?? []).toString(), "across");
      });
    }
  });
});

describe("the documentation", () => {
  it("shows seed files that are right", () => {
    const text = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
    const examples = [...text.matchAll(/^```yaml\n((?:accounts|keys):.*?)^```$/gms)].map(([, example = ""]) => example);
    assert.equal(examples.length, 3);
    for (const example of examples) parseSeed(example, {});
  });
});

/** What `parseSeed` says of a text that is wrong. */
function complaintOf(text: string, environment: NodeJS.ProcessEnv = {}): string {
  try {
    parseSeed(text, environment);
  } catch (cause) {
    assert.ok(cause instanceof UsageError, String(cause));
    return cause.message;
  }
  return assert.fail("it was taken");
}

describe("a seed file that is wrong says where", () => {
  const key = (members: string): string => `keys: [{ id: ${KEY}, ${members} }]`;
  const localKms = (members: string): string => `Keys: { Symmetric: { Aes: [{ ${members} }] } }`;
  const backing = `BackingKeys: [${MATERIAL}]`;
  for (const { title, text, says } of [
    { title: "when it is no YAML", text: "keys: [", says: /not YAML/ },
    { title: "when it is a list", text: "- keys", says: /\(top\): / },
    { title: "when it is a text", text: "keys", says: /\(top\): / },
    { title: "when it has a section too many", text: "aliases: []", says: /aliases/ },
    { title: "when an account id is a number", text: "accounts: [{ id: 7 }]", says: /accounts\.0\.id: / },
    {
      title: "when an account id is short",
      text: 'accounts: [{ id: "7", credentials: [{ accessKeyId: a, secretAccessKey: b }] }]',
      says: /accounts\.0\.id: an account id has 12 digits/,
    },
    {
      title: "when an account has no credentials",
      text: 'accounts: [{ id: "444455556666", credentials: [] }]',
      says: /accounts\.0\.credentials: an account needs an access key, a user or a role/,
    },
    {
      title: "when a user's policy is none",
      text: 'accounts: [{ id: "444455556666", users: [{ name: eve, inline: { p: { Statement: [] } } }] }]',
      says: /accounts\.0\.users\.0\.inline\.p: Syntax errors in policy/,
    },
    {
      title: "when a role trusts nobody",
      text: 'accounts: [{ id: "444455556666", roles: [{ name: app }] }]',
      says: /accounts\.0\.roles\.0\.trust: /,
    },
    {
      title: "when a role's sessions would be too long",
      text: 'accounts: [{ id: "444455556666", roles: [{ name: app, maxSessionSeconds: 43201 }] }]',
      says: /accounts\.0\.roles\.0\.maxSessionSeconds: /,
    },
    {
      title: "when an identity provider has no URL",
      text: 'accounts: [{ id: "444455556666", identityProviders: [{ url: issuer, clientIds: [a] }] }]',
      says: /accounts\.0\.identityProviders\.0\.url: an issuer's URL begins with https/,
    },
    { title: "when a key has no id", text: "keys: [{ description: x }]", says: /keys\.0\.id: / },
    { title: "when a key id is none", text: "keys: [{ id: my-key }]", says: /keys\.0\.id: a key id is a UUID/ },
    { title: "when a Region is none", text: key("region: moon-1"), says: /keys\.0\.region: no Region of AWS/ },
    {
      title: "when a spec is one that seed files don't make",
      text: key("spec: RSA_2048"),
      says: /keys\.0\.spec: a seed file makes SYMMETRIC_DEFAULT/,
    },
    { title: "when material is short", text: key("material: '0011'"), says: /keys\.0\.material: .* 32 bytes in hex/ },
    { title: "when an alias has no prefix", text: key("aliases: [app]"), says: /keys\.0\.aliases\.0: / },
    { title: "when an alias is AWS's", text: key("aliases: [alias/aws/app]"), says: /keys\.0\.aliases\.0: / },
    { title: "when a tag is no text", text: key("tags: { Cost: 7 }"), says: /keys\.0\.tags\.Cost: / },
    { title: "when a tag is AWS's", text: key('tags: { "aws:app": x }'), says: /keys\.0\.tags/ },
    { title: "when a member is not known", text: key("materiel: 00"), says: /materiel/ },
    { title: "when a key policy is none", text: key("policy: everybody"), says: /keys\.0\.policy: / },
    ...["account: '444455556666'", "region: cn-north-1", `material: ${MATERIAL}`, "rotation: true"].map((members) => ({
      title: `when a replica differs from its primary in ${members.split(":")[0]}`,
      text: `keys: [{ id: mrk-${"5eed".repeat(8)} }, { id: mrk-${"5eed".repeat(8)}, ${members.includes("region") ? "" : "region: eu-west-1, "}${members} }]`,
      says: /keys: the key mrk-\w+ in \S+ must have the account, partition, material and rotation of that in us-east-1/,
    })),
    { title: "when a key is there twice", text: `keys: [{ id: ${KEY} }, { id: ${KEY} }]`, says: /keys: .*twice/ },
    {
      title: "of local-kms, when a key has no material",
      text: localKms(`Metadata: { KeyId: ${KEY} }, BackingKeys: []`),
      says: /Keys\.Symmetric\.Aes\.0\.BackingKeys: /,
    },
    {
      title: "of local-kms, when a key is to be imported",
      text: localKms(`Metadata: { KeyId: ${KEY}, Origin: EXTERNAL }, ${backing}`),
      says: /Origin/,
    },
    {
      title: "of local-kms, when there are asymmetric keys",
      text: "Keys: { Asymmetric: { Ecc: [] } }",
      says: /Keys\.Asymmetric: a seed file makes symmetric encryption keys only/,
    },
    {
      title: "of local-kms, when an alias is of a key that is not there",
      text: `${localKms(`Metadata: { KeyId: ${KEY} }, ${backing}`)}\nAliases: [{ AliasName: alias/a, TargetKeyId: ${DISABLED} }]`,
      says: /alias\/a|Aliases\.0/,
    },
    {
      title: "when it is of both forms",
      text: `${localKms(`Metadata: { KeyId: ${KEY} }, ${backing}`)}\naccounts: []`,
      says: /accounts/,
    },
  ]) {
    it(title, () => assert.match(complaintOf(text), says));
  }

  it("in every place at once", () => {
    const said = complaintOf("accounts: [{ id: 7, credentials: [{}] }]\nkeys: [{ id: x }]");
    assert.match(said, /accounts\.0\.id/);
    assert.match(said, /accounts\.0\.credentials/);
    assert.match(said, /keys\.0\.id/);
  });

  it("without a word of the secrets in it", () => {
    const secret = "a-secret-that-nobody-may-see";
    const said = complaintOf(
      `accounts: [{ id: 7, credentials: [{ accessKeyId: a, secretAccessKey: ${secret}, x: 1 }] }]\n${key(`material: "${secret}"`)}`,
    );
    assert.ok(!said.includes(secret), said);
  });
});

describe("a seed file that doesn't fit its store stops the start", () => {
  const cases: readonly { title: string; text: string; env?: Readonly<Record<string, string>>; says: RegExp }[] = [
    {
      title: "with a key of an account that is not there",
      text: `keys: [{ id: ${KEY}, account: "999988887777" }]`,
      says: /account 999988887777, but no such account/,
    },
    {
      title: "with a role for somebody who is not there",
      text: `accounts:
  - id: "444455556666"
    roles:
      - name: app
        trust: { Statement: [{ Effect: Allow, Principal: { AWS: "arn:aws:iam::444455556666:user/eve" }, Action: "sts:AssumeRole" }] }`,
      says: /a role for arn:aws:iam::444455556666:user\/eve, who is not here/,
    },
    {
      title: "with local-kms's variable for an account that is not there",
      text: LOCAL_KMS_SEED,
      env: { KMS_ACCOUNT_ID: "000000000000" },
      says: /account 000000000000, but no such account/,
    },
    {
      title: "with an alias of two keys",
      text: `keys: [{ id: ${KEY}, aliases: [alias/a] }, { id: ${DISABLED}, aliases: [alias/a] }]`,
      says: /alias\/a to two keys/,
    },
    {
      title: "with an access key of two accounts",
      text: `accounts: [{ id: "444455556666", credentials: [{ accessKeyId: AKIAKEYSTEADDEVELOPR, secretAccessKey: x }] }]`,
      says: /AKIAKEYSTEADDEVELOPR belongs to another account/,
    },
  ];
  for (const { title, text, env = {}, says } of cases) {
    it(title, async () => {
      const args = ["dev", "--port", "0", "--seed", seedFile("wrong.yaml", text)];
      const { code, stdout, stderr } = await runKeystead(args, { env });
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr, says);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    });
  }
});
