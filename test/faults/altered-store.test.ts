/** A store that somebody changed behind the server's back, a wrong root key, and ciphertexts that were changed: all refused. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import { alterStore, runSql } from "../held-server.ts";
import { initStore, runKeystead, TemporaryDirectory } from "./processes.ts";
import {
  type AccessKey,
  callKms,
  keyArnOf,
  mustCallKms,
  REGION,
  type ServerAddress,
  textOf,
} from "./signed-requests.ts";

const DEV_ACCOUNT = "111122223333";
const OTHER_ACCOUNT = "444455556666";
const OTHER_REGION = "eu-west-1";
const CONTEXT = { purpose: "altered" };
/** Where a blob names its key (docs/ciphertext.md). */
const KEY_ID_AT = 2;
const KEY_ID_BYTES = 17;
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

/** A key with a ciphertext under it. */
interface MadeKey {
  readonly keyId: string;
  /** base64 */
  readonly ciphertext: string;
}

/** What somebody did to the rows of one key while no server ran. */
interface Alteration {
  readonly title: string;
  /** What became of the sealed row of its material. */
  readonly sealed?: (sealed: Uint8Array) => Uint8Array;
  /** Statements with the key's id as `$key`; each has to change one row. */
  readonly sql?: readonly string[];
  /** Whom the key seems to belong to afterwards, and where. */
  readonly credentials?: AccessKey;
  readonly region?: string;
  /** Whether the new row is refused for what it says, before anything is opened. */
  readonly refusedBefore?: boolean;
  /** Whether no row of that material is left: a blob that names it is then like one that names a material that never was. */
  readonly materialGone?: boolean;
}

function setColumn(table: string, column: string, value: string): string {
  return `UPDATE ${table} SET ${column} = ${value} WHERE key_id = $key`;
}

/** Changes the lowest bit of the byte at a part of the way through a sealed row, 1 being its last byte. */
const otherByte =
  (part: number) =>
  (sealed: Uint8Array): Uint8Array => {
    const at = Math.floor(part * (sealed.length - 1));
    return sealed.with(at, (sealed[at] ?? 0) ^ 1);
  };

const COLUMNS = [
  { column: "account", value: OTHER_ACCOUNT },
  { column: "region", value: OTHER_REGION },
  { column: "spec", value: "HMAC_256" },
  { column: "usage", value: "GENERATE_VERIFY_MAC" },
  { column: "origin", value: "EXTERNAL" },
];

const alterations: readonly Alteration[] = [
  { title: "a sealed row whose first byte was changed", sealed: otherByte(0) },
  { title: "a sealed row with a changed byte in the middle", sealed: otherByte(0.5) },
  { title: "a sealed row whose last byte was changed", sealed: otherByte(1) },
  { title: "a sealed row that was cut", sealed: (sealed) => sealed.subarray(0, -1) },
  { title: "a sealed row that was emptied", sealed: () => new Uint8Array() },
  {
    title: "a sealed row that is another key's",
    sql: [
      setColumn("material", "sealed", "(SELECT other.sealed FROM material other WHERE other.key_id <> $key LIMIT 1)"),
    ],
  },
  { title: "material that is not there", sql: ["DELETE FROM material WHERE key_id = $key"], materialGone: true },
  ...COLUMNS.map(({ column, value }) => ({
    title: `material whose ${column} was changed`,
    sql: [setColumn("material", column, `'${value}'`)],
    materialGone: column === "region",
  })),
  {
    title: "a key that was moved to another account, its material and its policy with it",
    sql: [
      setColumn("material", "account", `'${OTHER_ACCOUNT}'`),
      setColumn("key", "account", `'${OTHER_ACCOUNT}'`),
      setColumn("key", "policy", `replace(policy, '${DEV_ACCOUNT}', '${OTHER_ACCOUNT}')`),
    ],
    credentials: OTHER_CREDENTIALS,
  },
  {
    title: "a key that was moved to another Region with its material",
    sql: [setColumn("material", "region", `'${OTHER_REGION}'`), setColumn("key", "region", `'${OTHER_REGION}'`)],
    region: OTHER_REGION,
  },
  ...COLUMNS.slice(2).map(({ column, value }) => ({
    title: `a key whose ${column} was changed alike in key and material`,
    sql: ["material", "key"].map((table) => setColumn(table, column, `'${value}'`)),
    refusedBefore: column !== "origin",
  })),
];

describe("an altered store", () => {
  const directory = new TemporaryDirectory();
  const keys = new Map<Alteration, MadeKey>();
  let server: Keystead;

  before(async () => {
    const seed = directory.at("seed.yaml");
    writeFileSync(seed, SEED);
    const args = ["--data", directory.at("store"), "--seed", seed];
    {
      await using first = await startKeystead({ args });
      for (const alteration of alterations) keys.set(alteration, await makeKey(first));
    }
    await alterStore(directory.at("store"), async (db) => {
      for (const [{ sealed, sql = [] }, { keyId }] of keys) {
        if (sealed !== undefined) {
          const material = db.selectFrom("material").where("key_id", "=", keyId);
          const row = await material.select("sealed").executeTakeFirstOrThrow();
          const update = db.updateTable("material").set({ sealed: sealed(new Uint8Array(row.sealed)) });
          assert.equal((await update.where("key_id", "=", keyId).executeTakeFirst()).numUpdatedRows, 1n);
        }
        for (const text of sql) assert.equal(await runSql(db, text.replaceAll("$key", `'${keyId}'`)), 1, text);
      }
    });
    server = await startKeystead({ args });
  });
  after(async () => {
    await server.stop();
    directory[Symbol.dispose]();
  });

  for (const alteration of alterations) {
    it(`gives nothing under ${alteration.title}`, async () => {
      const key = keys.get(alteration);
      assert.ok(key);
      const {
        credentials = server.credentials,
        region = REGION,
        refusedBefore = false,
        materialGone = false,
      } = alteration;
      const address = { endpoint: server.endpoint, credentials };
      for (const [operation, input] of usesOf(key)) {
        const { status, code, output } = await callKms(address, operation, input, { region });
        assert.deepEqual(
          Object.keys(output).filter((member) => !/^(?:__type|message)$/.test(member)),
          [],
          operation,
        );
        if (refusedBefore) assert.ok(status >= 400, operation);
        else if (materialGone && operation === "Decrypt") assert.equal(code, "InvalidCiphertextException");
        else assert.deepEqual({ status, code }, { status: 500, code: "KMSInternalException" }, operation);
      }
      assert.equal(server.process.exitCode, null);
      await requireWorkingKey(server);
    });
  }

  it("S08-030: SC-20 is opened by its own root key alone", async () => {
    using stores = new TemporaryDirectory();
    const [ours, theirs] = [stores.at("ours"), stores.at("theirs")];
    await initStore(ours);
    await initStore(theirs);
    const key = ["--root-key", join(theirs, "root.key")];
    const { code, stdout, stderr } = await runKeystead(["serve", "--data", ours, "--port", "0", ...key]);
    assert.equal(code, 1);
    assert.doesNotMatch(stdout, /ready/);
    assert.match(stderr, /^keystead: .*root key/im);
  });
});

/** Calls that need the key's material. */
function usesOf({ keyId, ciphertext }: MadeKey): readonly (readonly [operation: string, input: unknown])[] {
  return [
    ["Encrypt", { KeyId: keyId, Plaintext: PLAINTEXT }],
    ["Decrypt", { CiphertextBlob: ciphertext, EncryptionContext: CONTEXT }],
    ["GenerateDataKey", { KeyId: keyId, KeySpec: "AES_256" }],
  ];
}

async function makeKey(server: ServerAddress): Promise<MadeKey> {
  const arn = keyArnOf((await mustCallKms(server, "CreateKey", {})).output);
  const input = { KeyId: arn, Plaintext: PLAINTEXT, EncryptionContext: CONTEXT };
  const { output } = await mustCallKms(server, "Encrypt", input);
  return { keyId: arn.slice(arn.indexOf("/") + 1), ciphertext: textOf(output, "CiphertextBlob") };
}

/** The other keys of the store are none the worse. */
async function requireWorkingKey(server: ServerAddress): Promise<void> {
  const { ciphertext } = await makeKey(server);
  const input = { CiphertextBlob: ciphertext, EncryptionContext: CONTEXT };
  assert.equal((await mustCallKms(server, "Decrypt", input)).output["Plaintext"], PLAINTEXT);
}

describe("an altered request to decrypt", () => {
  let server: Keystead;
  let key: MadeKey;
  before(async () => {
    server = await startKeystead();
    key = await makeKey(server);
  });
  after(() => server.stop());

  const decrypt = (ciphertext: Uint8Array | string, context: Readonly<Record<string, string>>) =>
    callKms(server, "Decrypt", {
      CiphertextBlob: typeof ciphertext === "string" ? ciphertext : Buffer.from(ciphertext).toString("base64"),
      EncryptionContext: context,
    });

  it("is refused alike for every altered part of the ciphertext", async () => {
    const blob = Buffer.from(key.ciphertext, "base64");
    const told = new Set<string>();
    for (let at = 0; at < blob.length; at += 1) {
      if (at >= KEY_ID_AT && at < KEY_ID_AT + KEY_ID_BYTES) continue;
      const changed = Buffer.from(blob);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const { status, code, body } = await decrypt(changed, CONTEXT);
      assert.deepEqual({ status, code }, { status: 400, code: "InvalidCiphertextException" }, `byte ${at}`);
      told.add(body.toString("utf8"));
    }
    assert.equal(told.size, 1);
  });

  it("is refused for a ciphertext that names a key that does not exist, as for one that is not the caller's", async () => {
    const changed = Buffer.from(key.ciphertext, "base64");
    changed[KEY_ID_AT + 8] = (changed[KEY_ID_AT + 8] ?? 0) ^ 1;
    const { status, code } = await decrypt(changed, CONTEXT);
    assert.deepEqual({ status, code }, { status: 400, code: "AccessDeniedException" });
  });

  it("is refused for a ciphertext that was cut or lengthened", async () => {
    const blob = Buffer.from(key.ciphertext, "base64");
    for (const changed of [blob.subarray(0, -1), blob.subarray(0, 96), Buffer.concat([blob, Buffer.alloc(1)])]) {
      const { status, code } = await decrypt(changed, CONTEXT);
      assert.deepEqual({ status, code }, { status: 400, code: "InvalidCiphertextException" });
    }
  });

  for (const { title, context } of [
    { title: "another value", context: { purpose: "other" } },
    { title: "a value in capitals", context: { purpose: "ALTERED" } },
    { title: "a name in capitals", context: { Purpose: "altered" } },
    { title: "one pair more", context: { ...CONTEXT, more: "x" } },
    { title: "no pair", context: {} },
    { title: "name and value divided elsewhere", context: { purposea: "ltered" } },
  ]) {
    it(`is refused for a context with ${title}`, async () => {
      const { status, code } = await decrypt(key.ciphertext, context);
      assert.deepEqual({ status, code }, { status: 400, code: "InvalidCiphertextException" });
    });
  }

  it("is answered when nothing was altered", async () => {
    const { status, output } = await decrypt(key.ciphertext, CONTEXT);
    assert.equal(status, 200);
    assert.equal(output["Plaintext"], PLAINTEXT);
  });
});
