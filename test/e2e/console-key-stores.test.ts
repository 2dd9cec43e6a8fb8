/** The web console in a browser: custom key stores and their keys, graphs of an external key store, grants, and why access is denied. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { PASSWORD, TRUST_ANCHOR } from "../conformance/cluster-world.ts";
import { ACCOUNT, newKey, present, REGION } from "../kms-client.ts";
import { SoftHsm } from "../soft-hsm.ts";
import { IDLE_KEY_STORES, IDLE_STORE, newExternalKey, PROXY_CREDENTIAL, PROXY_PATH, XksProxy } from "../xks-proxy.ts";
import { type ConsoleWorld, columnOf, eventually, namelessControls, startConsoleWorld } from "./browser.ts";
import { next } from "./wizard.ts";

const HOST = "proxy.keys.example.net";
const LIST = "External key stores";
const EXTERNAL_KEY = "vault-key-7";
const GRAPHS = ["Total requests", "Reliability", "Latency", "Top 5 exceptions", "Certificate days to expire"];

const CLUSTER = "cluster-abcdefghija";

let proxy: XksProxy;
let hsm: SoftHsm;
let folder: string;
let world: ConsoleWorld;
let page: Page;

before(async () => {
  proxy = await XksProxy.start();
  proxy.keys.set(EXTERNAL_KEY, newExternalKey());
  hsm = SoftHsm.start(PASSWORD);
  folder = mkdtempSync(join(tmpdir(), "keystead-console-"));
  const settings = join(folder, "key-stores.yaml");
  // A machine that is busy must not look like a proxy that is late.
  const host = `hosts:\n  ${HOST}: { address: 127.0.0.1, port: ${proxy.port}, tls: false }\n`;
  const anchor = join(folder, "customerCA.crt");
  writeFileSync(anchor, TRUST_ANCHOR);
  const { library, token, environment } = hsm.place;
  const cluster = {
    account: ACCOUNT,
    region: REGION,
    library,
    token,
    environment,
    trustAnchor: anchor,
    hsms: ["a", "b"].map((zone) => ({ id: `hsm-abcdefghij${zone}`, availabilityZone: `${REGION}${zone}` })),
  };
  const clusters = `cloudHsmClusters:\n  ${CLUSTER}: ${JSON.stringify(cluster)}\n`;
  writeFileSync(settings, `proxyTimeoutMs: 60000\n${host}${IDLE_KEY_STORES}${clusters}`);
  world = await startConsoleWorld(["--key-stores", settings]);
  page = await world.signedIn();
});
after(async () => {
  const { complaints } = world;
  await world.stop();
  await proxy[Symbol.asyncDispose]();
  hsm[Symbol.dispose]();
  rmSync(folder, { recursive: true });
  assert.deepEqual(complaints, []);
});

/** The configuration file of a proxy, as it is chosen in a form. */
async function chooseProxyFile(content: unknown): Promise<void> {
  const buffer = Buffer.from(JSON.stringify(content));
  await page.locator("input[type=file]").setInputFiles({ name: "proxy.json", mimeType: "application/json", buffer });
}

async function field(name: string): Promise<string> {
  return await page.getByRole("textbox", { name, exact: true }).inputValue();
}

/** Chooses an action for what is shown, and confirms it. */
async function act(action: string): Promise<void> {
  await page.getByRole("button", { name: "Key store actions" }).click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: action, exact: true }).click();
}

/** Waits until each of the graphs is there and has nothing to show. */
async function showsNoData(): Promise<void> {
  for (const name of GRAPHS) await page.getByRole("region", { name }).getByText("No data available").waitFor();
}

async function store() {
  const { CustomKeyStores } = await world.kms.describeCustomKeyStores({ CustomKeyStoreName: "vault" });
  return present(CustomKeyStores?.[0]);
}

describe("external key stores", () => {
  it("S06b-038 are made with what a configuration file filled in, which can still be edited, and are not connected", async () => {
    await page.getByRole("link", { name: LIST }).click();
    await page.getByText("No external key stores").waitFor();
    await page.getByRole("button", { name: "Create external key store" }).click();
    await page.getByRole("textbox", { name: "Custom key store name" }).fill("vault");
    await page.getByRole("textbox", { name: "Proxy URI endpoint" }).fill(`https://${HOST}`);
    await chooseProxyFile({ XksProxyUriPath: PROXY_PATH });
    await page.getByText(/^The file has to be JSON with XksProxyUriPath/).waitFor();
    await chooseProxyFile({
      XksProxyUriPath: "/team-b/kms/xks/v1",
      XksProxyAuthenticationCredential: PROXY_CREDENTIAL,
    });
    await eventually(async () => assert.equal(await field("Proxy URI path prefix - optional"), "/team-b"));
    assert.equal(await field("Proxy credential: Access key ID"), PROXY_CREDENTIAL.AccessKeyId);
    await page.getByRole("checkbox", { name: "Show secret access key" }).check();
    assert.equal(await field("Proxy credential: Secret access key"), PROXY_CREDENTIAL.RawSecretAccessKey);
    assert.deepEqual(await namelessControls(page), []);
    await page.getByRole("textbox", { name: "Proxy URI path prefix - optional" }).fill("/team-a");
    await page.getByRole("button", { name: "Create external key store" }).click();
    await page.getByText("Custom key store vault was created").waitFor();
    await eventually(async () => assert.deepEqual(await columnOf(page, LIST, "Connection state"), ["Disconnected"]));
    const { XksProxyConfiguration: made } = await store();
    assert.deepEqual(made, {
      AccessKeyId: PROXY_CREDENTIAL.AccessKeyId,
      Connectivity: "PUBLIC_ENDPOINT",
      UriEndpoint: `https://${HOST}`,
      UriPath: PROXY_PATH,
    });
  });

  it("S06b-038 are not made by the API of a file in place of path and credential", async () => {
    const { XksProxyUriPath, XksProxyAuthenticationCredential, ...rest } = IDLE_STORE;
    const file = JSON.stringify({ XksProxyUriPath, XksProxyAuthenticationCredential });
    const { status, json } = await world.raw("CreateCustomKeyStore", { ...rest, XksProxyConfigurationFile: file });
    assert.deepEqual([status, json["__type"]], [400, "ValidationException"]);
  });

  it("S06b-036 show five graphs without data while they are disconnected, and why a connection failed", async () => {
    const { CustomKeyStoreId } = await world.kms.createCustomKeyStore(IDLE_STORE);
    await world.kms.connectCustomKeyStore({ CustomKeyStoreId });
    await page.getByRole("link", { name: "vault" }).click();
    await showsNoData();

    await page.goto(world.address(`keyStores/external/${CustomKeyStoreId}`));
    await page.getByRole("button", { name: "Failed" }).hover();
    await page.getByText(/^XKS_PROXY_NOT_REACHABLE: /).waitFor();
  });

  it("S06b-036 show the requests of three hours by five minutes at first, and offer six ranges", async () => {
    const { CustomKeyStoreId } = await store();
    await page.goto(world.address(`keyStores/external/${CustomKeyStoreId}`));
    await page.getByRole("button", { name: "Create a KMS key in this key store" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Create a KMS key in this key store" }).click();

    assert.ok(await page.getByRole("radio", { name: "External key store" }).isChecked());
    await page.getByRole("checkbox", { name: /^I want to create this key in an external key store/ }).check();
    await next(page);
    assert.ok(await page.getByRole("radio", { name: "Select idle" }).isDisabled());
    assert.ok(await page.getByRole("radio", { name: "Select vault" }).isChecked());
    await next(page);
    await page.getByText(/^Choose a key store that is connected/).waitFor();
    await page.getByRole("textbox", { name: "External key ID" }).fill(EXTERNAL_KEY);
    await next(page);
    await page.getByRole("textbox", { name: "Alias" }).fill("sealed");
    for (let step = 0; step < 3; step += 1) await next(page);
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("Key sealed was created").waitFor();
    const { KeyMetadata } = await world.kms.describeKey({ KeyId: "alias/sealed" });
    const { Origin, XksKeyConfiguration, KeyId } = present(KeyMetadata);
    assert.deepEqual([Origin, XksKeyConfiguration], ["EXTERNAL_KEY_STORE", { Id: EXTERNAL_KEY }]);
    await world.kms.encrypt({ KeyId: present(KeyId), Plaintext: new Uint8Array(1) });

    await page.goto(world.address(`keyStores/external/${CustomKeyStoreId}`));
    await page.getByRole("cell", { name: EXTERNAL_KEY }).waitFor();
    await page.getByRole("application", { name: "Total requests" }).waitFor();
    await page.getByRole("application", { name: "Latency" }).waitFor();
    const ranges = page.getByRole("toolbar", { name: "Time range" }).getByRole("button");
    assert.deepEqual(await ranges.allTextContents(), ["1h", "3h", "12h", "1d", "3d", "1w"]);
    assert.equal(await ranges.nth(1).getAttribute("aria-pressed"), "true");
    await page.getByRole("button", { name: "Period 5 minutes" }).waitFor();
    await ranges.nth(5).click();
    await page.getByRole("application", { name: "Reliability" }).waitFor();
    assert.deepEqual(await namelessControls(page), []);
  });

  it("are named on the page of a key, and in the list of keys by columns and filters", async () => {
    const { CustomKeyStoreId } = await store();
    await page.goto(world.address("keys"));
    const filter = page.getByRole("combobox", { name: "Filter keys" });
    await filter.fill("Origin = External key store");
    await filter.press("Enter");
    await page.getByRole("button", { name: "Preferences" }).click();
    await page.getByRole("checkbox", { name: "Custom key store name" }).check();
    await page.getByRole("button", { name: "Confirm" }).click();
    const names = () => columnOf(page, "Customer managed keys", "Custom key store name");
    await eventually(async () => assert.deepEqual(await names(), ["vault"]));
    await page.getByRole("link", { name: "sealed" }).click();
    await page.getByRole("tab", { name: "Cryptographic configuration" }).click();
    const panel = page.getByRole("tabpanel", { name: "Cryptographic configuration" });
    for (const text of [present(CustomKeyStoreId), "vault", "EXTERNAL_KEY_STORE", "Connected", EXTERNAL_KEY]) {
      await panel.getByText(text, { exact: true }).waitFor();
    }
  });

  it("S06b-036 show no data once they are disconnected, whatever was asked before, and stay where they have keys", async () => {
    const { CustomKeyStoreId } = await store();
    await page.goto(world.address(`keyStores/external/${CustomKeyStoreId}`));
    await page.getByRole("application", { name: "Total requests" }).waitFor();
    await act("Disconnect");
    await page.getByText("Disconnected", { exact: true }).waitFor();
    await showsNoData();
    await act("Delete");
    await page
      .getByRole("dialog")
      .getByText(/^CustomKeyStoreHasCMKsException/)
      .waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  });

  it("S06b-038 are edited by a configuration file, tried before they are changed, and deleted once they are empty", async () => {
    const { CustomKeyStoreId } = await world.kms.createCustomKeyStore({
      CustomKeyStoreName: "spare",
      CustomKeyStoreType: "EXTERNAL_KEY_STORE",
      XksProxyConnectivity: "VPC_ENDPOINT_SERVICE",
      XksProxyUriEndpoint: "https://other.example.net",
      XksProxyUriPath: PROXY_PATH,
      XksProxyVpcEndpointServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3e",
      XksProxyAuthenticationCredential: PROXY_CREDENTIAL,
    });
    await page.goto(world.address(`keyStores/external/${CustomKeyStoreId}/edit`));
    await page.getByRole("radio", { name: "Public endpoint" }).check();
    await page.getByRole("textbox", { name: "Proxy URI endpoint" }).fill("https://nobody.invalid");
    const credential = { ...PROXY_CREDENTIAL, AccessKeyId: "ABCDEFGHIJKLMNOPQRST" };
    proxy.credentials.set(credential.AccessKeyId, credential.RawSecretAccessKey);
    await chooseProxyFile({ XksProxyUriPath: "/kms/xks/v1", XksProxyAuthenticationCredential: credential });
    await eventually(async () => assert.equal(await field("Proxy credential: Access key ID"), credential.AccessKeyId));
    const update = async () => {
      await page.getByRole("button", { name: "Update external key store" }).click();
      await page.getByRole("dialog").getByRole("checkbox").check();
      await page.getByRole("dialog").getByRole("button", { name: "Update external key store" }).click();
    };
    await update();
    await page
      .getByRole("dialog")
      .getByText(/^XksProxyUri\w*Exception: kms:UpdateCustomKeyStore/)
      .waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("textbox", { name: "Proxy URI endpoint" }).fill(`https://${HOST}`);
    await page.getByRole("textbox", { name: "Proxy URI path prefix - optional" }).fill("/team-a");
    await page.getByRole("textbox", { name: "Custom key store name" }).fill("second");
    await update();
    await page.getByText(/^XksProxyUriInUseException/).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await act("Delete");
    await page.getByText("Custom key store spare was deleted.").waitFor();
    await eventually(async () =>
      assert.deepEqual(await columnOf(page, LIST, "Custom key store name"), ["idle", "vault"]),
    );
  });
});

describe("AWS CloudHSM key stores", () => {
  it("S06a-029 are made of a cluster that no store has, listed with its HSMs, connected, and have keys by the wizard", async () => {
    const list = "AWS CloudHSM key stores";
    await page.getByRole("link", { name: list }).click();
    await page.getByRole("button", { name: "Create key store" }).click();
    await page.getByRole("button", { name: "Create AWS CloudHSM key store" }).click();
    await page.getByText(/^Choose the file customerCA\.crt/).waitFor();
    await page.getByRole("textbox", { name: "Custom key store name" }).fill("hsm");
    await page.getByRole("combobox", { name: "CloudHSM cluster ID" }).click();
    await page.getByRole("option", { name: CLUSTER }).click();
    await page.getByRole("textbox", { name: "kmsuser password" }).fill(PASSWORD);
    const buffer = Buffer.from(TRUST_ANCHOR);
    await page.locator("input[type=file]").setInputFiles({ name: "customerCA.crt", mimeType: "text/plain", buffer });
    await page.getByRole("button", { name: "Create AWS CloudHSM key store" }).click();
    await page.getByText("Custom key store hsm was created").waitFor();
    await eventually(async () => assert.deepEqual(await columnOf(page, list, "HSMs"), ["2"]));
    assert.deepEqual(await columnOf(page, list, "CloudHSM cluster ID"), [CLUSTER]);
    await page.getByRole("radio", { name: "Select hsm" }).check();
    await act("Connect");
    await eventually(async () => assert.deepEqual(await columnOf(page, list, "Connection state"), ["Connected"]));

    await page.getByRole("link", { name: "hsm", exact: true }).click();
    await page.getByRole("button", { name: "Create a KMS key in this key store" }).click();
    assert.ok(await page.getByRole("radio", { name: "AWS CloudHSM key store" }).isChecked());
    await next(page);
    assert.ok(await page.getByRole("radio", { name: "Select hsm" }).isChecked());
    await next(page);
    await page.getByRole("textbox", { name: "Alias" }).fill("in-hsm");
    for (let step = 0; step < 3; step += 1) await next(page);
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("Key in-hsm was created").waitFor();
    const { KeyMetadata } = await world.kms.describeKey({ KeyId: "alias/in-hsm" });
    assert.equal(KeyMetadata?.CloudHsmClusterId, CLUSTER);
    await page.goto(world.address(`keys/${KeyMetadata.KeyId}/cryptography`));
    await page.getByRole("tabpanel", { name: "Cryptographic configuration" }).getByText(CLUSTER).waitFor();
  });
});

describe("the tabs of a key", () => {
  it("create grants with constraints, and revoke them", async () => {
    const { KeyId } = await newKey(world.kms);
    const { User } = await world.iam.createUser({ UserName: "guest" });
    await page.goto(world.address(`keys/${KeyId}/grants`));
    await page.getByRole("button", { name: "Create grant" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Grantee principal" }).fill(present(User?.Arn));
    await dialog.getByRole("button", { name: "Operations" }).click();
    for (const name of ["Decrypt", "Encrypt"]) await page.getByRole("option", { name, exact: true }).click();
    await page.keyboard.press("Escape");
    await dialog.getByRole("radio", { name: "The encryption context is exactly these pairs" }).check();
    assert.ok(await dialog.getByRole("button", { name: "Create grant" }).isDisabled());
    await dialog.getByRole("button", { name: "Add pair" }).click();
    await dialog.getByRole("textbox", { name: "Context name 1" }).fill("stage");
    await dialog.getByRole("textbox", { name: "Context value 1" }).fill("beta");
    await dialog.getByRole("textbox", { name: "Name - optional" }).fill("for-guest");
    assert.deepEqual(await namelessControls(page), []);
    await dialog.getByRole("button", { name: "Create grant" }).click();
    await page.getByRole("cell", { name: "Encryption context stage=beta" }).waitFor();
    const { Grants } = await world.kms.listGrants({ KeyId });
    assert.deepEqual(present(Grants?.[0]).Operations?.toSorted(), ["Decrypt", "Encrypt"]);
    await page.getByRole("checkbox", { name: "Select for-guest" }).check();
    await page.getByRole("button", { name: "Revoke" }).click();
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The grant was revoked.").waitFor();
    assert.deepEqual((await world.kms.listGrants({ KeyId })).Grants, []);
  });

  it("tell why somebody is denied, and by what somebody is allowed", async () => {
    await world.iam.createUser({ UserName: "asked" });
    const { KeyId, Arn } = await newKey(world.kms);
    await page.goto(world.address(`keys/${KeyId}/access`));
    await page.getByRole("textbox", { name: "Principal" }).fill(`arn:aws:iam::${ACCOUNT}:user/asked`);
    await page.getByRole("button", { name: "Explain" }).click();
    await page.getByText("Denied: nothing allows it").waitFor();
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Action: "kms:Encrypt", Resource: Arn },
    });
    await world.iam.putUserPolicy({ UserName: "asked", PolicyName: "uses", PolicyDocument });
    await page.getByRole("button", { name: "Explain" }).click();
    await page.getByText("Allowed", { exact: true }).waitFor();
    await page.getByText(/^A statement of .*uses/).waitFor();
  });
});
