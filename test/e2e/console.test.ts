/** The web console in a browser: signing in, lists of keys, creating keys, and the policies that it writes and shows. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CreateKeyCommandInput } from "@aws-sdk/client-kms";
import type { Page } from "playwright-core";
import type { AccessKey } from "../faults/signed-requests.ts";
import { allow } from "../iam-world.ts";
import {
  ACCOUNT,
  allowing,
  describedKey,
  type Metadata,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
} from "../kms-client.ts";
import { type ConsoleWorld, eventually, signIn, signOut, startConsoleWorld, switchTo } from "./browser.ts";
import { createKey, fillIn, next, type WizardKey } from "./wizard.ts";

const ROOT_ARN = `arn:aws:iam::${ACCOUNT}:root`;
const OTHER_ROOT_ARN = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
const ADMINISTRATOR = "keeper";
const USER = "reader";
const userArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:user/${name}`;

const ADMINISTRATION = [
  "Create",
  "Describe",
  "Enable",
  "List",
  "Put",
  "Update",
  "Revoke",
  "Disable",
  "Get",
  "Delete",
].map((verb) => `kms:${verb}*`);
const TAGGING = ["kms:TagResource", "kms:UntagResource"];
const DELETION = ["kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"];

interface Statement {
  readonly Sid: string;
  readonly Principal: { readonly AWS: string | readonly string[] };
  readonly Action: string | readonly string[];
  readonly Condition?: unknown;
}

let world: ConsoleWorld;
/** The root user's page. */
let page: Page;
/** A page of whoever a test signs in there. */
let others: Page;

before(async () => {
  world = await startConsoleWorld();
  for (const UserName of [ADMINISTRATOR, USER]) await world.iam.createUser({ UserName });
  page = await world.signedIn();
  others = await world.signedIn(world.otherCredentials);
});
after(async () => {
  const { complaints } = world;
  await world.stop();
  assert.deepEqual(complaints, []);
});

async function openKeys(): Promise<void> {
  await page.goto(world.address("keys"));
}

/** The statements of a key's policy, by the key's alias. */
async function statementsOf(alias: string): Promise<readonly Statement[]> {
  const { KeyMetadata } = await world.kms.describeKey({ KeyId: `alias/${alias}` });
  const { Policy } = await world.kms.getKeyPolicy({ KeyId: present(KeyMetadata?.KeyId) });
  return (JSON.parse(present(Policy)) as { Statement: Statement[] }).Statement;
}

/** A user with an access key, allowed these actions. */
async function somebody(name: string, actions: readonly string[]): Promise<AccessKey> {
  await world.iam.createUser({ UserName: name });
  await world.iam.putUserPolicy({ UserName: name, PolicyName: "allowed", PolicyDocument: policyOf(allow(actions)) });
  const { AccessKey: key } = await world.iam.createAccessKey({ UserName: name });
  return { accessKeyId: present(key?.AccessKeyId), secretAccessKey: present(key?.SecretAccessKey) };
}

/** What keys of one kind have in common, whoever made them. */
function commonOf(key: Metadata): object {
  const { KeyId: _id, Arn: _arn, CreationDate: _date, Description: _description, ...rest } = key;
  const { CurrentKeyMaterialId: _material, MultiRegionConfiguration, ...common } = rest;
  return { ...common, regionality: MultiRegionConfiguration?.MultiRegionKeyType };
}

describe("the policy of a key that the console made", () => {
  const people = { administrators: [ADMINISTRATOR], users: [USER] };

  for (const { title, key, input, administration, use, attaches } of [
    {
      title: "S03-035, S08-030: SC-26 names administrators and users of a symmetric encryption key",
      key: { alias: "symmetric", ...people },
      input: {},
      administration: [...ADMINISTRATION, ...TAGGING, ...DELETION, "kms:RotateKeyOnDemand"],
      use: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
      attaches: true,
    },
    {
      title:
        "S03-035, S08-030: SC-26 gives administrators no deletion where the box is cleared, and lets multi-Region keys be replicated",
      key: {
        alias: "signing",
        type: "Asymmetric",
        usage: "Sign and verify",
        spec: "ECC_NIST_P256",
        multiRegion: true,
        administratorsMayNotDelete: true,
        ...people,
      },
      input: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY", MultiRegion: true },
      administration: [...ADMINISTRATION, "kms:ReplicateKey", "kms:UpdatePrimaryRegion", ...TAGGING],
      use: ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"],
      attaches: true,
    },
    {
      title: "S05-024 lets users of an HMAC key make and verify MACs, and attach nothing",
      key: {
        alias: "HMAC/test-key",
        usage: "Generate and verify MAC",
        spec: "HMAC_256",
        tags: { Type: "HMAC" },
        ...people,
      },
      input: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
      administration: [...ADMINISTRATION, ...TAGGING, ...DELETION],
      use: ["kms:DescribeKey", "kms:GenerateMac", "kms:VerifyMac"],
      attaches: false,
    },
  ] satisfies readonly {
    title: string;
    key: WizardKey;
    input: CreateKeyCommandInput;
    administration: readonly string[];
    use: readonly string[];
    attaches: boolean;
  }[]) {
    it(title, async () => {
      await openKeys();
      await createKey(page, key);
      assert.deepEqual(await statementsOf(key.alias), [
        {
          Sid: "Enable IAM User Permissions",
          Effect: "Allow",
          Principal: { AWS: ROOT_ARN },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Sid: "Allow access for Key Administrators",
          Effect: "Allow",
          Principal: { AWS: userArn(ADMINISTRATOR) },
          Action: administration,
          Resource: "*",
        },
        {
          Sid: "Allow use of the key",
          Effect: "Allow",
          Principal: { AWS: userArn(USER) },
          Action: use,
          Resource: "*",
        },
        ...(attaches
          ? [
              {
                Sid: "Allow attachment of persistent resources",
                Effect: "Allow",
                Principal: { AWS: userArn(USER) },
                Action: ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
                Resource: "*",
                Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
              },
            ]
          : []),
      ]);
      const made = await describedKey(world.kms, `alias/${key.alias}`);
      assert.deepEqual(commonOf(made), commonOf(await newKey(world.kms, input)));
    });
  }

  it("S04-032 lets another account use the key by exactly two statements, and shows that account none of it", async () => {
    await openKeys();
    await createKey(page, { alias: "shared", otherAccounts: [OTHER_ACCOUNT] });
    const [, ...rest] = await statementsOf("shared");
    assert.deepEqual(
      rest.map(({ Sid, Principal, Condition }) => ({ Sid, Principal, Condition })),
      [
        { Sid: "Allow use of the key", Principal: { AWS: OTHER_ROOT_ARN }, Condition: undefined },
        {
          Sid: "Allow attachment of persistent resources",
          Principal: { AWS: OTHER_ROOT_ARN },
          Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
        },
      ],
    );
    const { KeyMetadata } = await world.kms.describeKey({ KeyId: "alias/shared" });
    await world.other.describeKey({ KeyId: present(KeyMetadata?.Arn) });
    await others.getByRole("button", { name: "Refresh keys" }).click();
    await others.getByText("No customer managed keys").waitFor();
    assert.equal(await others.getByText(present(KeyMetadata?.KeyId)).count(), 0);
  });
});

describe("the wizard", () => {
  it("S01-056, S08-030: SC-01 has five steps, wants an alias, and puts alias/ before it", async () => {
    await openKeys();
    await page.getByRole("button", { name: "Create key" }).click();
    const goOn = () => page.getByRole("button", { name: "Next", exact: true }).click();
    const isAt = (title: string) => page.getByRole("heading", { name: title, exact: true, level: 1 }).waitFor();
    await isAt("Configure key");
    await goOn();
    await isAt("Add labels");
    await goOn();
    await page.getByText("An alias is required.").first().waitFor();
    await page.getByRole("textbox", { name: "Alias" }).fill("aws/mine");
    await goOn();
    await page
      .getByText(/begin with aws\//)
      .first()
      .waitFor();
    await page.getByRole("textbox", { name: "Alias" }).fill("alias/Foo");
    for (const title of ["Define key administrative permissions", "Define key usage permissions", "Review"]) {
      await goOn();
      await isAt(title);
    }
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("Key alias/Foo was created").waitFor();
    await describedKey(world.kms, "alias/alias/Foo");
  });

  it("says what KMS refuses, and makes no second key when the alias is taken", async () => {
    const { KeyId: taken } = await newKey(world.kms);
    await world.kms.createAlias({ AliasName: "alias/taken", TargetKeyId: taken });
    const keys = async () => (await world.kms.listKeys({ Limit: 1000 })).Keys?.length;
    const before = present(await keys());
    await openKeys();
    await fillIn(page, { alias: "taken" });
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("AlreadyExistsException: kms:CreateAlias").waitFor();
    await page.getByText("but has no alias yet").waitFor();
    await page.getByRole("button", { name: "Edit alias, description and tags" }).click();
    await page.getByRole("textbox", { name: "Alias" }).fill("free");
    for (let step = 1; step < 4; step += 1) await next(page);
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("Key free was created").waitFor();
    assert.equal(await keys(), before + 1);
  });
});

describe("the tab with a key's policy", () => {
  const account = { Sid: "Enable IAM User Permissions", ...allowing(ACCOUNT) };
  const administrators = {
    Sid: "Allow access for Key Administrators",
    Effect: "Allow",
    Principal: { AWS: userArn(ADMINISTRATOR) },
    Action: [...ADMINISTRATION, ...TAGGING, ...DELETION, "kms:RotateKeyOnDemand"],
    Resource: "*",
  };
  const consolePolicy = (...Statement: readonly object[]): string =>
    JSON.stringify({ Id: "key-consolepolicy-3", Version: "2012-10-17", Statement });
  const deletionBox = () => page.getByRole("checkbox", { name: "Allow key administrators to delete this key." });

  it("S02-054 adds and removes the permissions of deletion by a box, and shows a policy of another kind as a document", async () => {
    const { KeyId } = await newKey(world.kms, { Policy: consolePolicy(account, administrators) });
    const policy = async (): Promise<string> => present((await world.kms.getKeyPolicy({ KeyId })).Policy);
    await page.goto(world.address(`keys/${KeyId}`));
    await deletionBox().click();
    await eventually(async () => {
      for (const action of DELETION) assert.ok(!(await policy()).includes(action), action);
    });
    await eventually(async () => assert.ok(!(await deletionBox().isChecked()) && (await deletionBox().isEnabled())));
    await deletionBox().click();
    await eventually(async () => {
      for (const action of DELETION) assert.ok((await policy()).includes(action), action);
    });

    await page.getByRole("button", { name: "Switch to policy view" }).click();
    assert.equal(await page.locator("pre").textContent(), await policy());
    await page.getByRole("button", { name: "Edit key policy" }).click();
    await page.getByRole("textbox", { name: "Key policy" }).fill(consolePolicy(account, { ...account, Sid: "More" }));
    await page.getByRole("button", { name: "Save changes" }).click();
    await eventually(async () => assert.match(await policy(), /More/));
    await eventually(async () => assert.equal(await page.getByRole("button", { name: /^Switch to/ }).count(), 0));
  });

  it("refuses a statement without Resource before it is sent, and shows what KMS says of others", async () => {
    const { KeyId } = await newKey(world.kms);
    await page.goto(world.address(`keys/${KeyId}`));
    await page.getByRole("button", { name: "Edit key policy" }).click();
    assert.equal(await page.getByRole("button", { name: /^Switch to/ }).count(), 0);
    const document = page.getByRole("textbox", { name: "Key policy" });
    const { Resource: _all, ...without } = { Resource: "*", ...allowing(ACCOUNT) };
    await document.fill(policyOf(without));
    await page
      .getByText(/has no Resource/)
      .first()
      .waitFor();
    assert.ok(await page.getByRole("button", { name: "Save changes" }).isDisabled());
    await document.fill(policyOf({ ...account, Principal: { AWS: userArn("nobody") } }));
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByText("MalformedPolicyDocumentException: kms:PutKeyPolicy").waitFor();
  });

  it("S08-028, S08-029: 2019-11-15 shows the policies of AWS managed keys, and lets nobody edit them", async () => {
    const { KeyId } = await managedKey(world.kms, "ebs");
    const { Policy } = await world.kms.getKeyPolicy({ KeyId });
    await page.goto(world.address("defaultKeys"));
    await page.getByRole("link", { name: "aws/ebs" }).click();
    await eventually(async () => assert.equal(await page.locator("pre").allTextContents().then(String), Policy));
    for (const name of ["Edit key policy", "Edit description", "Key actions"]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, name);
    }
  });
});

describe("the lists of keys", () => {
  it("S08-029: 2018-11-07 are pages of KMS's own console: customer managed keys, AWS managed keys and both kinds of key stores", async () => {
    const { KeyId } = await newKey(world.kms);
    const { KeyId: managedId } = await managedKey(world.kms, "ebs");
    await page.goto(world.address("keys"));
    await page.getByRole("heading", { name: /^Customer managed keys/ }).waitFor();
    await page.getByRole("link", { name: KeyId }).waitFor();
    assert.equal(await page.getByText(managedId).count(), 0);
    for (const [link, heading] of [
      ["AWS managed keys", /^AWS managed keys/],
      ["AWS CloudHSM key stores", /^AWS CloudHSM key stores/],
      ["External key stores", /^External key stores/],
    ] as const) {
      await page.getByRole("navigation").getByRole("link", { name: link }).click();
      await page.getByRole("heading", { name: heading }).first().waitFor();
      assert.equal(await page.getByText(KeyId).count(), 0, link);
    }
  });

  it("S02-051 offer the columns of monitoring, those of AWS managed keys, too", async () => {
    for (const path of ["keys", "defaultKeys"]) {
      await page.goto(world.address(path));
      await page.getByRole("button", { name: "Preferences" }).click();
      for (const name of ["Key ID", "Status", "Creation date", "Expiration date", "Origin", "Custom key store ID"]) {
        await page.getByRole("dialog").getByRole("checkbox", { name, exact: true }).waitFor();
      }
      await page.getByRole("button", { name: "Cancel" }).click();
    }
  });

  for (const missing of ["kms:ListKeys", "kms:ListAliases", "tag:GetResources"]) {
    it(`S03-036 say which permission is missing: ${missing}`, async () => {
      const actions = ["kms:ListKeys", "kms:ListAliases", "tag:GetResources", "kms:DescribeKey"];
      const key = await somebody(
        `lacks-${missing.slice(4)}`,
        actions.filter((action) => action !== missing),
      );
      await switchTo(others, key);
      await others.getByText(`You don't have permission: ${missing}`).waitFor();
      await others.getByText(`is not authorized to perform: ${missing}`).waitFor();
    });
  }

  it("S03-036 name users and roles in a policy's default view only where iam:ListUsers and iam:ListRoles are allowed", async () => {
    const actions = ["kms:ListKeys", "kms:ListAliases", "kms:DescribeKey", "kms:GetKeyPolicy"];
    const Policy = JSON.stringify({ Id: "key-consolepolicy-3", Version: "2012-10-17", Statement: [allowing(ACCOUNT)] });
    const { KeyId } = await newKey(world.kms, { Policy });
    for (const missing of ["iam:ListUsers", "iam:ListRoles"]) {
      const allowed = ["iam:ListUsers", "iam:ListRoles"].filter((action) => action !== missing);
      await switchTo(others, await somebody(`lacks-${missing.slice(4)}`, [...actions, ...allowed]));
      await others.goto(world.address(`keys/${KeyId}`));
      await others.getByText(`You don't have permission: ${missing}`).waitFor();
      for (const other of allowed) {
        assert.equal(await others.getByText(`You don't have permission: ${other}`).count(), 0);
      }
    }
  });
});

describe("signing in", () => {
  it("leads to the Region that was chosen, or to the page that a link named", async () => {
    await switchTo(others, world.server.credentials, "cn-north-1");
    assert.match(others.url(), /#\/cn-north-1\/kms\/keys$/);
    await signOut(others);
    await others.goto(world.address("keys/create", "eu-west-1"));
    const { accessKeyId, secretAccessKey } = world.server.credentials;
    await others.getByLabel("Access key ID").fill(accessKeyId);
    await others.getByLabel("Secret access key").fill(secretAccessKey);
    await others.getByRole("button", { name: "Sign in" }).click();
    await others.getByRole("heading", { name: "Configure key" }).waitFor();
    await others.getByRole("button", { name: "Region: eu-west-1" }).waitFor();
  });

  it("refuses in STS's words, keeps the secret in the tab, and forgets it on the way out", async () => {
    const theirs = others;
    const requested: string[] = [];
    theirs.on("request", (request) => requested.push(request.url()));
    await signOut(theirs);
    const { credentials } = world.server;
    await theirs.getByLabel("Access key ID").fill(credentials.accessKeyId);
    await theirs.getByLabel("Secret access key").fill("not the secret");
    await theirs.getByRole("button", { name: "Sign in" }).click();
    await theirs.getByText("SignatureDoesNotMatch").waitFor();
    await signIn(theirs, credentials);
    const kept = (): Promise<string> => theirs.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }])");
    assert.match(await kept(), new RegExp(credentials.accessKeyId));
    await theirs.reload();
    await theirs.getByRole("heading", { name: /^Customer managed keys/ }).waitFor();
    await signOut(theirs);
    assert.doesNotMatch(await kept(), new RegExp(credentials.accessKeyId));
    await signIn(theirs, credentials);
    assert.ok(requested.every((url) => url.startsWith(world.server.endpoint)));
    assert.ok(!requested.some((url) => url.includes(credentials.accessKeyId) || url.includes("secret")));
  });
});
