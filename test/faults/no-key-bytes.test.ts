/** No key bytes outside custody: the whole API on a key with known material, then a search of all that the server left. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { operations } from "../../src/kms/operations/index.ts";
import { IDLE_KEY_STORES, PROXY_CREDENTIAL } from "../xks-proxy.ts";
import { type Asked, PLAINTEXT, useEveryOperation } from "./every-operation.ts";
import { findNeedles, type Hay, Needle } from "./needles.ts";
import { type RunningProcess, startProcess, TemporaryDirectory } from "./processes.ts";
import { callKms } from "./signed-requests.ts";

const KEY_ID = "5eed0000-1111-4222-8333-444455556666";
const DEAD_KEY_ID = "dead0000-1111-4222-8333-444455556666";
const MULTI_REGION_KEY_ID = "mrk-5eed000011114222833344445555666f";
const MATERIAL = digest("the marked material");
const DEAD_MATERIAL = digest("the marked material of a key that is deleted");
const IMPORTED_MATERIAL = digest("the marked material that is imported");
const SHARED_MATERIAL = digest("the marked material of related keys");
const SECRET = "marked/secret/access/key/of/the/second/account";

/** What no file, line or answer may hold. */
const needles = [
  new Needle("the material", MATERIAL),
  new Needle("the material of the deleted key", DEAD_MATERIAL),
  new Needle("the imported material", IMPORTED_MATERIAL),
  new Needle("the material of related keys", SHARED_MATERIAL),
  new Needle("the secret access key of the seed", Buffer.from(SECRET)),
  new Needle("the secret of a proxy's credential", Buffer.from(PROXY_CREDENTIAL.RawSecretAccessKey)),
  new Needle("the secret access key of dev", Buffer.from("keystead/dev/secret/not/for/production/0")),
];

const SEED = `accounts:
  - id: "444455556666"
    credentials:
      - { accessKeyId: AKIAMARKEDACCOUNT002, secretAccessKey: ${SECRET} }
keys:
  - { id: ${KEY_ID}, material: ${MATERIAL.toString("hex")}, aliases: [alias/seeded] }
  - { id: ${DEAD_KEY_ID}, material: ${DEAD_MATERIAL.toString("hex")} }
  - { id: ${MULTI_REGION_KEY_ID}, material: ${SHARED_MATERIAL.toString("hex")} }
  - { id: ${MULTI_REGION_KEY_ID}, region: us-west-2, material: ${SHARED_MATERIAL.toString("hex")} }
`;

describe("all that a server leaves when the whole API has run on a marked key", () => {
  const directory = new TemporaryDirectory();
  const data = directory.at("store");
  const log = directory.at("audit.log");
  let server: RunningProcess;
  let asked: readonly Asked[];
  /** Plaintext data keys that were answered: nobody but the caller may have them. */
  let dataKeys: readonly Needle[];
  const hays: Hay[] = [];

  before(async () => {
    const seed = directory.at("seed.yaml");
    writeFileSync(seed, SEED);
    const keyStores = directory.at("key-stores.yaml");
    writeFileSync(keyStores, IDLE_KEY_STORES);
    const files = ["--seed", seed, "--audit-log", log, "--key-stores", keyStores];
    server = await startProcess(["dev", "--port", "0", "--data", data, ...files]);
    const credentials = {
      accessKeyId: "AKIAKEYSTEADDEVELOPR",
      secretAccessKey: "keystead/dev/secret/not/for/production/0",
    };
    const address = { endpoint: server.endpoint, credentials };
    const keys = { keyId: KEY_ID, multiRegionKeyId: MULTI_REGION_KEY_ID, imported: IMPORTED_MATERIAL };
    asked = await useEveryOperation(address, keys);
    // Deleting for good empties the database's log, and closing removes it, so it is looked at while it is there.
    cpSync(data, directory.at("while-running"), { recursive: true });
    await deleteForGood(address);
    assert.equal(await server.stop(), 0);
    hays.push(...filesBelow(directory.at("while-running")), ...filesBelow(data));
    hays.push({ name: "the audit log", bytes: readFileSync(log) });
    hays.push({ name: "standard error", bytes: Buffer.from(server.log()) });
    dataKeys = asked
      .filter(({ operation }) =>
        /^(?:GenerateDataKey(?:Pair)?|GenerateRandom|DeriveSharedSecret|(?:En|De)capsulate)$/.test(operation),
      )
      .flatMap(({ operation, answer }) => {
        const { Plaintext, PrivateKeyPlaintext, SharedSecret } = answer.output;
        const plaintext = Plaintext ?? PrivateKeyPlaintext ?? SharedSecret;
        return typeof plaintext === "string" ? new Needle(operation, Buffer.from(plaintext, "base64")) : [];
      });
  });
  after(async () => {
    await server.kill();
    directory[Symbol.dispose]();
  });

  async function deleteForGood(address: Parameters<typeof callKms>[0]): Promise<void> {
    await callKms(address, "Encrypt", { KeyId: DEAD_KEY_ID, Plaintext: "AAAA" });
    await callKms(address, "ScheduleKeyDeletion", { KeyId: DEAD_KEY_ID, PendingWindowInDays: 7 });
    const moved = await fetch(`${server.endpoint}/_keystead/clock`, { method: "PUT", body: '{"advance":"P8D"}' });
    assert.equal(moved.status, 200);
    assert.equal((await callKms(address, "DescribeKey", { KeyId: DEAD_KEY_ID })).code, "NotFoundException");
  }

  it("is the whole API: every operation that is built has succeeded and has failed", () => {
    const ofStatus = (ok: boolean) =>
      new Set(asked.filter(({ answer }) => (answer.status === 200) === ok).map(({ operation }) => operation));
    const [succeeded, failed] = [ofStatus(true), ofStatus(false)];
    const neverFail = new Set(["ListKeys", "ListAliases", "GenerateRandom"]);
    for (const name of operations.keys()) {
      assert.ok(succeeded.has(name), `${name} never succeeded`);
      assert.ok(failed.has(name) || neverFail.has(name), `${name} never failed`);
    }
  });

  it("is there to be searched: database, its log, segments, the audit log", () => {
    for (const pattern of [
      /while-running.*keystead\.db$/,
      /while-running.*keystead\.db-wal$/,
      /store.*\.seg$/,
      /audit log/,
    ]) {
      const found = hays.filter(({ name, bytes }) => pattern.test(name) && bytes.length > 0);
      assert.ok(found.length > 0, String(pattern));
    }
    const all = Buffer.concat(hays.map(({ bytes }) => Buffer.from(bytes)));
    assert.ok(all.includes(KEY_ID), "the search would find what is there");
  });

  it("S06a-036, S08-030: SC-20 holds no key material and no secret access key", () => {
    assert.deepEqual(findNeedles(needles, hays), []);
  });

  it("holds no data key that was answered, and nothing that was encrypted", () => {
    assert.ok(dataKeys.length >= 3);
    const plaintext = new Needle("a plaintext", Buffer.from(PLAINTEXT));
    assert.deepEqual(findNeedles([...dataKeys, plaintext], hays), []);
  });

  it("S08-030: SC-20 was answered without key material and secret access keys, in headers and bodies", () => {
    const answers = asked.map(({ operation, answer }) => ({
      name: `an answer to ${operation}`,
      bytes: Buffer.concat([Buffer.from(JSON.stringify(answer.headers)), answer.body]),
    }));
    assert.deepEqual(findNeedles(needles, answers), []);
    const decrypted = asked.flatMap(({ answer }) => answer.output["Plaintext"] ?? []);
    const blobs = asked.flatMap(({ answer }) => answer.output["CiphertextBlob"] ?? []);
    const opened = [...decrypted, ...blobs].map((text) => ({
      name: "a blob of an answer",
      bytes: Buffer.from(String(text), "base64"),
    }));
    assert.ok(opened.length > 0);
    assert.deepEqual(findNeedles(needles, opened), []);
  });
});

describe("the search for key bytes", () => {
  const needle = new Needle("planted", MATERIAL);
  const around = (text: string): Buffer => Buffer.from(`before ${text} after`, "latin1");
  for (const { form, hay } of [
    { form: "raw", hay: Buffer.concat([Buffer.alloc(5), MATERIAL, Buffer.alloc(5)]) },
    { form: "raw, cut in half", hay: MATERIAL.subarray(0, 16) },
    { form: "hex", hay: around(MATERIAL.toString("hex")) },
    { form: "hex in capitals", hay: around(MATERIAL.toString("hex").toUpperCase()) },
    { form: "base64", hay: around(MATERIAL.toString("base64")) },
    {
      form: "base64 after one other byte",
      hay: around(Buffer.concat([Buffer.alloc(1, 7), MATERIAL]).toString("base64")),
    },
    {
      form: "base64 after two other bytes",
      hay: around(Buffer.concat([Buffer.alloc(2, 7), MATERIAL, MATERIAL]).toString("base64")),
    },
    { form: "base64 in a URL", hay: around(MATERIAL.toString("base64url")) },
    { form: "a list of numbers", hay: around(JSON.stringify([...MATERIAL])) },
    { form: "a printed Buffer", hay: around(`<Buffer ${MATERIAL.toString("hex").replace(/..(?=.)/g, "$& ")}>`) },
    { form: "a printed Uint8Array", hay: around([...MATERIAL].join(", ")) },
  ]) {
    it(`finds them as ${form}`, () => {
      assert.ok(findNeedles([needle], [{ name: "hay", bytes: hay }]).length > 0);
    });
  }
  it("finds nothing where there is nothing", () => {
    assert.deepEqual(findNeedles([needle], [{ name: "hay", bytes: digest("something else") }]), []);
  });
});

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function filesBelow(folder: string): readonly Hay[] {
  return globSync("**/*", { cwd: folder })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ name: path, bytes: readFileSync(path) }));
}
