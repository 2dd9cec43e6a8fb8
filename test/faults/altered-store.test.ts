/** A store that somebody changed behind the server's back, a wrong root key, and ciphertexts that were changed: all refused. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { startKeystead } from "../../src/testing.ts";
import { initStore, runKeystead, TemporaryDirectory } from "./processes.ts";
import { callKms, keyArnOf, mustCallKms, REGION, type ServerAddress, textOf } from "./signed-requests.ts";

const DEV_ACCOUNT = "111122223333";
const OTHER_ACCOUNT = "444455556666";
const OTHER_REGION = "eu-west-1";
const CONTEXT = { purpose: "altered" };
const PLAINTEXT = Buffer.from("what the key protects").toString("base64");

const SEED = `accounts:
  - id: "${OTHER_ACCOUNT}"
    credentials:
      - accessKeyId: AKIAEXAMPLEACCOUNT02
        secretAccessKey: any/string/of/eight/characters/or/more
`;
const OTHER_CREDENTIALS = {
  accessKeyId: "AKIAEXAMPLEACCOUNT02",
  secretAccessKey: "any/string/of/eight/characters/or/more",
};

/** A key with a ciphertext under it, whose row was changed while no server ran. */
interface AlteredKey {
  readonly server: ServerAddress;
  readonly keyId: string;
  readonly ciphertext: string;
}

/** Makes a key, stops the server, runs SQL with the key's id as `$key`, starts again and lets `body` look. */
async function withAlteredRow(statements: readonly string[], body: (altered: AlteredKey) => Promise<void>) {
  using directory = new TemporaryDirectory();
  const data = directory.at("store");
  const seed = directory.at("seed.yaml");
  await import("node:fs/promises").then(({ writeFile }) => writeFile(seed, SEED));
  const args = ["--data", data, "--seed", seed];
  const { keyId, ciphertext } = await makeKey(args);
  alter(data, statements, keyId);
  await using server = await startKeystead({ args });
  await body({ server, keyId, ciphertext });
  assert.equal(server.process.exitCode, null);
  await requireWorkingKey(server);
}

async function makeKey(args: readonly string[]): Promise<{ readonly keyId: string; readonly ciphertext: string }> {
  await using server = await startKeystead({ args });
  const arn = keyArnOf((await mustCallKms(server, "CreateKey", {})).output);
  const input = { KeyId: arn, Plaintext: PLAINTEXT, EncryptionContext: CONTEXT };
  const { output } = await mustCallKms(server, "Encrypt", input);
  return { keyId: arn.slice(arn.indexOf("/") + 1), ciphertext: textOf(output, "CiphertextBlob") };
}

function alter(data: string, statements: readonly string[], keyId: string): void {
  using database = new DatabaseSync(join(data, "keystead.db"));
  for (const sql of statements) {
    const { changes } = database.prepare(sql).run({ $key: keyId });
    assert.equal(Number(changes), 1, sql);
  }
}

/** The other keys of the store are none the worse. */
async function requireWorkingKey(server: ServerAddress): Promise<void> {
  const arn = keyArnOf((await mustCallKms(server, "CreateKey", {})).output);
  const { output } = await mustCallKms(server, "Encrypt", { KeyId: arn, Plaintext: PLAINTEXT });
  const opened = await mustCallKms(server, "Decrypt", { CiphertextBlob: output["CiphertextBlob"] });
  assert.equal(opened.output["Plaintext"], PLAINTEXT);
}

/** That nothing is encrypted, decrypted or handed out under a key, for a fault on our side. */
async function requireInternalError(
  { server, keyId, ciphertext }: AlteredKey,
  options: { readonly region?: string } = {},
): Promise<void> {
  for (const [operation, input] of [
    ["Encrypt", { KeyId: keyId, Plaintext: PLAINTEXT }],
    ["Decrypt", { CiphertextBlob: ciphertext, EncryptionContext: CONTEXT }],
    ["GenerateDataKey", { KeyId: keyId, KeySpec: "AES_256" }],
  ] as const) {
    const { status, code, output } = await callKms(server, operation, input, options);
    assert.equal(status, 500, operation);
    assert.equal(code, "KMSInternalException", operation);
    assert.deepEqual(Object.keys(output), ["__type"], operation);
  }
}

describe("an altered store", () => {
  it("gives nothing under a sealed row with one changed bit", () =>
    withAlteredRow([flipBit("20")], (altered) => requireInternalError(altered)));

  it("gives nothing under a sealed row whose last byte was changed", () =>
    withAlteredRow([flipBit("length(sealed)")], (altered) => requireInternalError(altered)));

  it("gives nothing under a sealed row that was cut", () =>
    withAlteredRow(
      ["UPDATE material SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE key_id = $key"],
      (altered) => requireInternalError(altered),
    ));

  it("gives nothing under a sealed row of another key", () =>
    withAlteredRow(
      [
        otherRowsSeal(),
        "UPDATE material SET sealed = (SELECT value FROM setting WHERE name = 'other') WHERE key_id = $key",
      ],
      (altered) => requireInternalError(altered),
    ));

  for (const { column, value } of [
    { column: "account", value: OTHER_ACCOUNT },
    { column: "region", value: OTHER_REGION },
    { column: "spec", value: "HMAC_256" },
    { column: "usage", value: "GENERATE_VERIFY_MAC" },
    { column: "origin", value: "EXTERNAL" },
  ]) {
    it(`gives nothing under material whose ${column} was changed`, () =>
      withAlteredRow([`UPDATE material SET ${column} = '${value}' WHERE key_id = $key`], (altered) =>
        requireInternalError(altered),
      ));
  }

  it("gives nothing to another account to which key and material were moved", () =>
    withAlteredRow(
      [
        `UPDATE material SET account = '${OTHER_ACCOUNT}' WHERE key_id = $key`,
        `UPDATE key SET account = '${OTHER_ACCOUNT}', policy = replace(policy, '${DEV_ACCOUNT}', '${OTHER_ACCOUNT}') WHERE key_id = $key`,
      ],
      ({ server, ...key }) =>
        requireInternalError({ ...key, server: { endpoint: server.endpoint, credentials: OTHER_CREDENTIALS } }),
    ));

  it("gives nothing in another Region to which key and material were moved", () =>
    withAlteredRow(
      [
        `UPDATE material SET region = '${OTHER_REGION}' WHERE key_id = $key`,
        `UPDATE key SET region = '${OTHER_REGION}' WHERE key_id = $key`,
      ],
      (altered) => requireInternalError(altered, { region: OTHER_REGION }),
    ));

  for (const { column, value } of [
    { column: "spec", value: "HMAC_256" },
    { column: "usage", value: "GENERATE_VERIFY_MAC" },
    { column: "origin", value: "EXTERNAL" },
  ]) {
    it(`encrypts and decrypts nothing when the ${column} of key and material was changed alike`, () =>
      withAlteredRow(
        ["material", "key"].map((table) => `UPDATE ${table} SET ${column} = '${value}' WHERE key_id = $key`),
        async ({ server, keyId, ciphertext }) => {
          const encrypted = await callKms(server, "Encrypt", { KeyId: keyId, Plaintext: PLAINTEXT });
          const decrypted = await callKms(server, "Decrypt", {
            CiphertextBlob: ciphertext,
            EncryptionContext: CONTEXT,
          });
          for (const { status, output } of [encrypted, decrypted]) {
            assert.ok(status >= 400, String(status));
            assert.equal(output["Plaintext"] ?? output["CiphertextBlob"], undefined);
          }
        },
      ));
  }

  it("is opened by its own root key alone", async () => {
    using directory = new TemporaryDirectory();
    const [ours, theirs] = [directory.at("ours"), directory.at("theirs")];
    await initStore(ours);
    await initStore(theirs);
    const { code, stdout, stderr } = await runKeystead([
      "serve",
      ...["--data", ours, "--port", "0", "--root-key", join(theirs, "root.key")],
    ]);
    assert.equal(code, 1);
    assert.doesNotMatch(stdout, /ready/);
    assert.match(stderr, /root key/i);
  });
});

describe("an altered request to decrypt", () => {
  it("is refused for every altered part of the ciphertext, alike", async () => {
    await using server = await startKeystead();
    const { ciphertext } = await encryptOn(server);
    const blob = Buffer.from(ciphertext, "base64");
    const told = new Set<string>();
    // version, algorithm, material id, nonce, iv, tag and data; the key id is another test's.
    for (const at of [0, 1, 20, 50, 52, 66, 68, 79, 80, 95, 96, blob.length - 1]) {
      const changed = Buffer.from(blob);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const input = { CiphertextBlob: changed.toString("base64"), EncryptionContext: CONTEXT };
      const { status, code, body } = await callKms(server, "Decrypt", input);
      assert.equal(status, 400, `byte ${at}`);
      assert.equal(code, "InvalidCiphertextException", `byte ${at}`);
      told.add(body.toString("utf8"));
    }
    assert.equal(told.size, 1);
  });

  it("is refused without a word on existence when the ciphertext names another key", async () => {
    await using server = await startKeystead();
    const { ciphertext } = await encryptOn(server);
    const changed = Buffer.from(ciphertext, "base64");
    changed[10] = (changed[10] ?? 0) ^ 1;
    const input = { CiphertextBlob: changed.toString("base64"), EncryptionContext: CONTEXT };
    const { status, code } = await callKms(server, "Decrypt", input);
    assert.equal(status, 400);
    assert.equal(code, "AccessDeniedException");
  });

  for (const { title, context } of [
    { title: "another value", context: { purpose: "other" } },
    { title: "a value in capitals", context: { purpose: "ALTERED" } },
    { title: "another name", context: { Purpose: "altered" } },
    { title: "one pair more", context: { ...CONTEXT, more: "x" } },
    { title: "no pair", context: {} },
    { title: "name and value divided elsewhere", context: { purposea: "ltered" } },
  ]) {
    it(`is refused for a context with ${title}`, async () => {
      await using server = await startKeystead();
      const { ciphertext } = await encryptOn(server);
      const { status, code } = await callKms(server, "Decrypt", {
        CiphertextBlob: ciphertext,
        EncryptionContext: context,
      });
      assert.equal(status, 400);
      assert.equal(code, "InvalidCiphertextException");
    });
  }
});

async function encryptOn(server: ServerAddress): Promise<{ readonly ciphertext: string }> {
  const arn = keyArnOf((await mustCallKms(server, "CreateKey", {}, { region: REGION })).output);
  const input = { KeyId: arn, Plaintext: PLAINTEXT, EncryptionContext: CONTEXT };
  const { output } = await mustCallKms(server, "Encrypt", input);
  return { ciphertext: textOf(output, "CiphertextBlob") };
}
