/** The web console in a browser: the table of keys, what keys of each kind show, imported material, and replicas. */

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { unzipSync } from "fflate";
import type { Page } from "playwright-core";
import { TemporaryDirectory } from "../faults/processes.ts";
import { randomMaterial, wrap } from "../key-material.ts";
import { ACCOUNT, describedKey, type Metadata, newKey, present } from "../kms-client.ts";
import { type ConsoleWorld, columnOf, eventually, namelessControls, startConsoleWorld } from "./browser.ts";
import { createKey, next } from "./wizard.ts";

const ADMINISTRATOR = "keeper";
const TABLE = "Customer managed keys";

const ALL_COLUMNS = [
  "Aliases",
  "Key ID",
  "Status",
  "Creation date",
  "Key type",
  "Key spec",
  "Key usage",
  "Origin",
  "Expiration date",
  "Custom key store ID",
  "Custom key store name",
  "Regionality",
];

let world: ConsoleWorld;
let page: Page;

before(async () => {
  world = await startConsoleWorld();
  page = await world.signedIn();
});
after(async () => {
  const { complaints } = world;
  await world.stop();
  assert.deepEqual(complaints, []);
});

/** A key with an alias. */
async function named(alias: string, input: Parameters<typeof newKey>[1] = {}): Promise<Metadata> {
  const key = await newKey(world.kms, input);
  await world.kms.createAlias({ AliasName: `alias/${alias}`, TargetKeyId: key.KeyId });
  return key;
}

async function open(path: string, region?: string): Promise<void> {
  await page.goto(world.address(path, region));
}

/** Opens a page of the console from another one: what it shows is asked for anew. */
async function openAnew(path: string): Promise<void> {
  await open("defaultKeys");
  await page.getByRole("heading", { name: "AWS managed keys" }).waitFor();
  await open(path);
}

async function tabNames(): Promise<readonly string[]> {
  await page.getByRole("tab", { name: "Key policy" }).waitFor();
  return await page.getByRole("tab").allTextContents();
}

async function filter(text: string): Promise<void> {
  const input = page.getByRole("combobox", { name: "Filter keys" });
  await input.fill(text);
  await input.press("Enter");
}

describe("the table of keys", () => {
  it("S05-059, S01-057 sorts and filters by key type, and takes Regionality, origin, key spec and key usage as columns", async () => {
    await named("table-rsa", { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" });
    await named("table-hmac", { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    await named("table-multi", { MultiRegion: true });
    await named("table-external", { Origin: "EXTERNAL" });
    await openAnew("keys");
    await filter("Alias : table-");
    await page.getByRole("button", { name: "Key type" }).press("Enter");
    const types = () => columnOf(page, TABLE, "Key type");
    await eventually(async () =>
      assert.deepEqual(await types(), ["Asymmetric", "Symmetric", "Symmetric", "Symmetric"]),
    );
    await page.getByRole("button", { name: "Key type" }).press("Enter");
    await eventually(async () => assert.equal((await types()).at(-1), "Asymmetric"));

    const added = ["Regionality", "Origin", "Key spec", "Key usage"];
    const headers = () => page.getByRole("table", { name: TABLE }).getByRole("columnheader").allTextContents();
    for (const name of added) assert.ok(!(await headers()).includes(name), name);
    await page.getByRole("button", { name: "Preferences" }).click();
    assert.deepEqual(await page.getByRole("dialog").getByRole("checkbox").count(), ALL_COLUMNS.length + 1);
    for (const name of ALL_COLUMNS) await page.getByRole("checkbox", { name, exact: true }).waitFor();
    for (const name of added) await page.getByRole("checkbox", { name, exact: true }).check();
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.reload();
    await filter("Alias : table-");
    await eventually(async () => {
      for (const [name, values] of Object.entries({
        Aliases: ["table-external", "table-hmac", "table-multi", "table-rsa"],
        Regionality: ["Single Region", "Single Region", "Multi-Region primary", "Single Region"],
        Origin: ["External (Import key material)", "AWS KMS", "AWS KMS", "AWS KMS"],
        "Key spec": ["SYMMETRIC_DEFAULT", "HMAC_256", "SYMMETRIC_DEFAULT", "RSA_2048"],
        "Key usage": ["Encrypt and decrypt", "Generate and verify MAC", "Encrypt and decrypt", "Sign and verify"],
      })) {
        assert.deepEqual(await columnOf(page, TABLE, name), values, name);
      }
    });

    await filter("Key type = Asymmetric");
    await eventually(async () => assert.deepEqual(await columnOf(page, TABLE, "Aliases"), ["table-rsa"]));
  });
});

describe("many keys", () => {
  const REGION = "ap-northeast-3";
  const KEYS = 120;

  it("S01-058 are sorted and filtered as a whole, by tags with key and value, whatever the case", async () => {
    const kms = world.client(REGION);
    for (let index = 0; index < KEYS; index += 1) {
      const number = String(index).padStart(3, "0");
      const { KeyId } = await newKey(kms, {
        Tags: [{ TagKey: "Team", TagValue: index === 77 ? "Payments" : "Other" }],
      });
      await kms.createAlias({ AliasName: `alias/many-${number}`, TargetKeyId: KeyId });
    }
    await open("keys", REGION);
    await page.getByRole("heading", { name: `Customer managed keys (${KEYS})` }).waitFor();
    const shown = () => columnOf(page, TABLE, "Aliases");
    assert.deepEqual((await shown()).slice(0, 2), ["many-000", "many-001"]);
    await page.getByRole("button", { name: "Aliases" }).press("Enter");
    await eventually(async () => assert.equal((await shown())[0], "many-119"));
    await page.getByRole("button", { name: /^Page 2 / }).click();
    await eventually(async () => assert.equal((await shown())[0], "many-099"));
    await filter("Team = payments");
    await eventually(async () => assert.deepEqual(await shown(), ["many-077"]));
    await page.getByRole("button", { name: "Clear filters" }).click();
    await filter("MANY-11");
    await eventually(async () => assert.equal((await shown()).length, 10));
  });

  it("S02-052, S02-053, S08-030: SC-01 are scheduled for deletion together, and kept together", async () => {
    const kms = world.client("ca-west-1");
    const ids = [await newKey(kms), await newKey(kms)].map(({ KeyId }) => KeyId);
    const states = async () => await Promise.all(ids.map(async (id) => (await describedKey(kms, id)).KeyState));
    await open("keys", "ca-west-1");
    const act = async (action: string): Promise<void> => {
      for (const id of ids) await page.getByRole("checkbox", { name: `Select ${id}` }).check();
      await page.getByRole("button", { name: "Key actions" }).click();
      await page.getByRole("menuitem", { name: action }).click();
    };
    await act("Schedule key deletion");
    const dialog = page.getByRole("dialog");
    const schedule = dialog.getByRole("button", { name: "Schedule deletion" });
    await dialog.getByRole("spinbutton", { name: "Waiting period (in days)" }).fill("6");
    assert.ok(await schedule.isDisabled());
    await dialog.getByRole("spinbutton", { name: "Waiting period (in days)" }).fill("12");
    assert.ok(await schedule.isDisabled());
    await dialog.getByRole("checkbox", { name: "delete these 2 keys in 12 days." }).check();
    await schedule.click();
    await page.getByText("2 keys: scheduled for deletion in 12 days.").waitFor();
    assert.deepEqual(await states(), ["PendingDeletion", "PendingDeletion"]);

    await page.getByRole("link", { name: present(ids[0]) }).click();
    const { DeletionDate } = await describedKey(kms, present(ids[0]));
    const day = present(DeletionDate).toLocaleDateString("en-US", { month: "short", day: "2-digit", year: "numeric" });
    await page.getByText("Scheduled deletion date").waitFor();
    await page.getByText(new RegExp(`^${day}, \\d\\d:\\d\\d [A-Z]`)).waitFor();

    await open("keys", "ca-west-1");
    await act("Cancel key deletion");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel key deletion" }).click();
    await page.getByText("no longer scheduled for deletion").waitFor();
    assert.deepEqual(await states(), ["Disabled", "Disabled"]);
    await act("Enable");
    await page.getByRole("dialog").getByRole("button", { name: "Enable" }).click();
    await page.getByText("2 keys: enabled.").waitFor();
    assert.deepEqual(await states(), ["Enabled", "Enabled"]);
  });
});

describe("the page of a key", () => {
  it("S01-059 shows the box of rotation cleared and locked while the key is disabled or to be deleted", async () => {
    const { KeyId } = await newKey(world.kms);
    const box = page.getByRole("checkbox", { name: "Automatically rotate this KMS key" });
    const isShown = async (isTicked: boolean, isLocked: boolean): Promise<void> => {
      await openAnew(`keys/${KeyId}/rotation`);
      await box.waitFor();
      assert.deepEqual([await box.isChecked(), await box.isDisabled()], [isTicked, isLocked]);
    };
    await open(`keys/${KeyId}/rotation`);
    await box.check();
    await page.getByRole("spinbutton", { name: "Rotation period (in days)" }).fill("180");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The key will be rotated every 180 days.").waitFor();
    assert.equal((await world.kms.getKeyRotationStatus({ KeyId })).RotationPeriodInDays, 180);
    await page.getByRole("button", { name: "Rotate now" }).click();
    await page.getByRole("button", { name: "Rotate key" }).click();
    await page.getByRole("cell", { name: "On-demand" }).waitFor();

    await world.kms.disableKey({ KeyId });
    await isShown(false, true);
    await world.kms.enableKey({ KeyId });
    await isShown(true, false);
    await world.kms.scheduleKeyDeletion({ KeyId });
    await isShown(false, true);
  });

  it("S01-060 creates and deletes aliases, and moves none; tags are edited beside them", async () => {
    const { KeyId } = await newKey(world.kms);
    await open(`keys/${KeyId}/aliases`);
    await page.getByRole("button", { name: "Create alias" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Alias name" }).fill("alias/Foo");
    await dialog.getByRole("button", { name: "Create alias" }).click();
    await page.getByRole("cell", { name: /:alias\/alias\/Foo$/ }).waitFor();
    const panel = page.getByRole("tabpanel", { name: "Aliases" });
    assert.deepEqual(await panel.getByRole("button").allTextContents(), ["Delete", "Create alias"]);
    await page.getByRole("checkbox", { name: "Select alias/Foo" }).check();
    await panel.getByRole("button", { name: "Delete" }).click();
    await page.getByText("The alias was deleted.").waitFor();
    assert.deepEqual((await world.kms.listAliases({ KeyId })).Aliases, []);

    await page.getByRole("tab", { name: "Tags" }).click();
    await page.getByRole("button", { name: "Edit tags" }).click();
    await page.getByRole("textbox", { name: "Tag key 1" }).fill("Purpose");
    await page.getByRole("textbox", { name: "Tag value 1" }).fill("test");
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByText("The tags were saved.").waitFor();
    assert.deepEqual((await world.kms.listResourceTags({ KeyId })).Tags, [{ TagKey: "Purpose", TagValue: "test" }]);
  });

  it("S05-059 has a tab for the public key, the key material and the Regionality of those keys alone that have them", async () => {
    const common = ["Key policy", "Cryptographic configuration", "Tags"];
    for (const { input, tabs } of [
      { input: {}, tabs: ["Key rotation"] },
      { input: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }, tabs: ["Public key"] },
      { input: { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" }, tabs: [] },
      { input: { Origin: "EXTERNAL" }, tabs: ["Key material"] },
      { input: { MultiRegion: true }, tabs: ["Key rotation", "Regionality"] },
    ] as const) {
      const { KeyId } = await newKey(world.kms, input);
      await open(`keys/${KeyId}`);
      await page.getByRole("heading", { name: KeyId }).waitFor();
      assert.deepEqual(await tabNames(), [...common, ...tabs, "Aliases", "Grants", "Explain access"]);
    }
  });

  it("S05-059 copies and downloads a public key", async () => {
    const { KeyId } = await newKey(world.kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const { PublicKey } = await world.kms.getPublicKey({ KeyId });
    await open(`keys/${KeyId}/public`);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByText("Public key copied").waitFor();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const downloaded = readFileSync(await (await downloading).path(), "utf8");
    assert.equal(downloaded, copied);
    const der = createPublicKey(copied).export({ type: "spki", format: "der" });
    assert.deepEqual(new Uint8Array(der), PublicKey);
  });
});

describe("every page", () => {
  it("has controls with names", async () => {
    const { KeyId } = await named("labelled", { MultiRegion: true });
    const external = await newKey(world.kms, { Origin: "EXTERNAL" });
    for (const { path, shown } of [
      { path: "keys", shown: "labelled" },
      { path: "keys/create", shown: "Key usage" },
      { path: `keys/${KeyId}`, shown: "Policy document" },
      { path: `keys/${KeyId}/rotation`, shown: "Automatic key rotation" },
      { path: `keys/${KeyId}/regionality`, shown: "Primary Region" },
      { path: `keys/${KeyId}/tags`, shown: "No tags" },
      { path: `keys/${KeyId}/aliases`, shown: "Alias ARN" },
      { path: `keys/${KeyId}/replicate`, shown: "Replica Regions" },
      { path: `keys/${external.KeyId}/import`, shown: "Select wrapping algorithm" },
    ]) {
      await open(path);
      await page.getByText(shown).first().waitFor();
      assert.deepEqual(await namelessControls(page), [], path);
    }
  });
});

describe("imported key material", () => {
  it("S05-067, S05-068 begins with a confirmation, ends on the page of the download, and lets administrators import", async () => {
    await world.person(ADMINISTRATOR);
    await openAnew("keys");
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByRole("button", { name: "Advanced options" }).click();
    await page.getByRole("radio", { name: "External (Import key material)" }).check();
    await next(page);
    await page.getByText("Confirm that you understand the implications").first().waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();

    await createKey(page, {
      alias: "imported",
      origin: "External (Import key material)",
      administrators: [ADMINISTRATOR],
    });
    await page.getByRole("heading", { name: "Download wrapping public key and import token" }).waitFor();
    const { KeyId } = await describedKey(world.kms, "alias/imported");
    assert.ok(page.url().endsWith(`/keys/${KeyId}/import`));
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Pending import").first().waitFor();

    const { Policy } = await world.kms.getKeyPolicy({ KeyId });
    const { Statement } = JSON.parse(present(Policy)) as { Statement: { Sid: string; Action: string[] }[] };
    const actions = present(Statement.find(({ Sid }) => Sid === "Allow access for Key Administrators")).Action;
    for (const action of ["GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"]) {
      const covers = (pattern: string): boolean =>
        pattern === `kms:${action}` || (pattern.endsWith("*") && `kms:${action}`.startsWith(pattern.slice(0, -1)));
      assert.ok(actions.some(covers), action);
    }
    const { AccessKey } = await world.iam.createAccessKey({ UserName: ADMINISTRATOR });
    const { kms } = world.clients({
      accessKeyId: present(AccessKey?.AccessKeyId),
      secretAccessKey: present(AccessKey?.SecretAccessKey),
    });
    const { PublicKey, ImportToken } = await kms.getParametersForImport({
      KeyId,
      WrappingAlgorithm: "RSAES_OAEP_SHA_256",
      WrappingKeySpec: "RSA_2048",
    });
    await kms.importKeyMaterial({
      KeyId,
      ImportToken,
      EncryptedKeyMaterial: wrap(randomMaterial(32), present(PublicKey), "RSAES_OAEP_SHA_256"),
      ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    await kms.deleteImportedKeyMaterial({ KeyId });
  });

  it("S05-060 is wrapped with what a ZIP of three files brings, and uploaded", async () => {
    using files = new TemporaryDirectory();
    const { KeyId } = await newKey(world.kms, { Origin: "EXTERNAL" });
    await open(`keys/${KeyId}/import`);
    await page.getByRole("radio", { name: "RSA_3072" }).check();
    await page.getByRole("radio", { name: "RSAES_OAEP_SHA_1" }).check();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download wrapping public key and import token", exact: true }).click();
    const download = await downloading;
    assert.match(download.suggestedFilename(), new RegExp(`^Import_Parameters_${KeyId}_\\d{10}\\.zip$`));
    const zip = unzipSync(readFileSync(await download.path()));
    assert.deepEqual(Object.keys(zip).sort(), ["ImportToken.bin", "README.txt", "WrappingPublicKey.bin"]);
    const readme = new TextDecoder().decode(zip["README.txt"]);
    for (const told of [KeyId, "RSA_3072", "RSAES_OAEP_SHA_1"]) assert.ok(readme.includes(told), told);
    assert.match(readme, /expire at \d{4}-\d\d-\d\dT/);

    const publicKey = present(zip["WrappingPublicKey.bin"]);
    writeFileSync(files.at("wrapped.bin"), wrap(randomMaterial(32), publicKey, "RSAES_OAEP_SHA_1"));
    writeFileSync(files.at("token.bin"), present(zip["ImportToken.bin"]));
    await next(page);
    const inputs = page.locator("input[type=file]");
    await inputs.nth(0).setInputFiles(files.at("wrapped.bin"));
    await inputs.nth(1).setInputFiles(files.at("token.bin"));
    await page.getByRole("button", { name: "Upload key material" }).click();
    await page.getByText("The key material was imported.").waitFor();
    await page.getByText("Does not expire").waitFor();
    assert.equal((await describedKey(world.kms, KeyId)).KeyState, "Enabled");
  });
});

describe("replica keys", () => {
  it("S05-066 begin as the primary key is, in Regions of its partition that have none, one in each", async () => {
    await openAnew("keys");
    await createKey(page, {
      alias: "replicated",
      multiRegion: true,
      description: "in several Regions",
      tags: { Purpose: "replication" },
    });
    const { KeyId } = await describedKey(world.kms, "alias/replicated");
    const { Policy } = await world.kms.getKeyPolicy({ KeyId });
    await open(`keys/${KeyId}/regionality`);
    await page.getByRole("button", { name: "Create new replica keys" }).click();
    await page.getByRole("button", { name: /Choose Regions/ }).click();
    const option = (region: string) => page.getByRole("option", { name: new RegExp(`${region}$`) });
    await option("eu-west-1").waitFor();
    assert.equal(await option("us-east-1").getAttribute("aria-disabled"), "true");
    for (const foreign of ["cn-north-1", "us-gov-west-1"]) assert.equal(await option(foreign).count(), 0);
    await option("eu-west-1").click();
    await option("ap-south-1").click();
    await page.keyboard.press("Escape");
    await next(page);
    assert.equal(await page.getByRole("textbox", { name: "Alias" }).inputValue(), "replicated");
    assert.equal(await page.getByRole("textbox", { name: "Description" }).inputValue(), "in several Regions");
    assert.equal(await page.getByRole("textbox", { name: "Tag key 1" }).inputValue(), "Purpose");
    assert.equal(await page.getByRole("textbox", { name: "Tag value 1" }).inputValue(), "replication");
    await page.getByRole("textbox", { name: "Description" }).fill("a replica");
    for (let step = 2; step < 5; step += 1) await next(page);
    assert.equal(await page.locator("pre").textContent(), Policy);
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("2 replica keys were created.").waitFor();
    await page.getByRole("link", { name: `arn:aws:kms:ap-south-1:${ACCOUNT}:key/${KeyId}` }).waitFor();

    for (const region of ["eu-west-1", "ap-south-1"]) {
      const kms = world.client(region);
      const replica = await describedKey(kms, "alias/replicated");
      assert.deepEqual([replica.KeyId, replica.Description], [KeyId, "a replica"]);
      assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, [{ TagKey: "Purpose", TagValue: "replication" }]);
      assert.deepEqual(JSON.parse(present((await kms.getKeyPolicy({ KeyId })).Policy)), JSON.parse(present(Policy)));
    }
    await page.getByRole("link", { name: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/${KeyId}` }).click();
    await page.getByText("Multi-Region replica").first().waitFor();
    assert.match(page.url(), /#\/eu-west-1\/kms\/keys\/mrk-/);
  });
});
