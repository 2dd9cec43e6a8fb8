/** The steps of a shred: cut off before or after any transaction and gone on with, refused where it must be, and repeated. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { newAccount } from "../../src/cli/accounts.ts";
import { type ShredOptions, shredStore } from "../../src/cli/shred.ts";
import { createRootKeyFile, readRootKeyFile, takeRootKeyFile } from "../../src/custody/root-key-file.ts";
import { openCustody, type SoftwareCustody } from "../../src/custody/software.ts";
import { secretOf } from "../../src/kms/key-stores/xks-client.ts";
import { materialColumns } from "../../src/kms/keys.ts";
import { sealedMaterialOf } from "../../src/kms/resources.ts";
import { insertBucket } from "../../src/storage/buckets.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { insertKeyStore } from "../../src/storage/key-stores.ts";
import { insertMaterial } from "../../src/storage/materials.ts";
import { putObject } from "../../src/storage/objects.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import { noteProcess } from "../../src/storage/recipients.ts";
import { findShred, type KeptVersion } from "../../src/storage/shreds.ts";
import type { Store } from "../../src/storage/store.ts";
import { ascii, HeldClock, owner } from "../custody/fixtures.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { keyStore } from "../storage/stores.ts";

const folder = new TemporaryDirectory();
after(() => folder[Symbol.dispose]());
const clock = new HeldClock();
let stores = 0;

/** Of "any", on the first day of 2030, with the secret of the key store: HMACs by the rule of SigV4. */
const SIGNATURE = ["20300101", "eu-west-1", "kms-xks-proxy", "aws4_request", "any"]
  .reduce<string | Buffer>(
    (key, text) => createHmac("sha256", key).update(text).digest(),
    "AWS4a secret that a proxy knows, of 43 letters..",
  )
  .toString("hex");

/** A store with keys in two Regions, an access key and a session key, and where its root keys are. */
interface Filled {
  readonly store: Store;
  readonly options: ShredOptions;
  /** A ciphertext for each material, by its id. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

async function fill(): Promise<Filled> {
  stores += 1;
  const [rootKey, newRootKey] = [folder.at(`${stores}.key`), folder.at(`${stores}-new.key`)];
  const store = await openMemoryStore({ kind: "serve", clock });
  const rootKeys = [await createRootKeyFile(rootKey)];
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys, clock, singleRootKey: true });
  const blobs = new Map<string, Uint8Array>();
  for (const region of ["eu-west-1", "us-east-1"]) {
    const material = await custody.createMaterial({ ...owner, region });
    blobs.set(material.materialId, await custody.encrypt(material, ascii(region), {}));
    await store.transaction((tx) => insertMaterial(tx, { ...materialColumns(material), created_at: clock.now() }));
  }
  // What is left of imported material that was deleted: nothing is sealed in it.
  const gone = { ...(await custody.createMaterial({ ...owner, origin: "EXTERNAL" })), sealed: new Uint8Array(0) };
  await store.transaction((tx) => insertMaterial(tx, { ...materialColumns(gone), created_at: clock.now() }));
  await custody.newSession({ accessKeyId: "ASIAEXAMPLE", claims: "{}" });
  const secret = await custody.sealKeyStoreSecret(
    secretOf(keyStore()),
    ascii("a secret that a proxy knows, of 43 letters.."),
  );
  await store.transaction((tx) => insertKeyStore(tx, keyStore({ secret })));
  await newAccount({ store, custody }, { id: owner.account, name: "a" }, clock.now());
  const { sealed } = await custody.objectKeys.create(objectKeyOf(BUCKET.id));
  await store.transaction(async (tx) => {
    await insertBucket(tx, BUCKET);
    await putObject(tx, { ...OBJECT, data_key: sealed }, []);
  });
  custody.close();
  return { store, options: { data: folder.path, rootKey, newRootKey }, blobs };
}

const BUCKET = {
  partition: "aws",
  name: "a-bucket",
  id: "bucket id",
  account: owner.account,
  region: "us-east-1",
  created_at: 0,
  policy: null,
  policy_principals: "{}",
  encryption: null,
};
const OBJECT = {
  bucket: BUCKET.id,
  key: "a key",
  body: "a body",
  size: 0,
  etag: "",
  headers: "{}",
  metadata: "{}",
  algorithm: "AES256" as const,
  key_arn: null,
  context: null,
  bucket_key: 0,
  checksum: null,
  parts: null,
  modified_at: 0,
};
const objectKeyOf = (bucket: string) => ({ account: owner.account, bucket, body: OBJECT.body });

/** Opens the store with the root key in a file, and everything in it. */
async function checkWhole({ store, blobs }: Filled, rootKey: string): Promise<void> {
  const custody = await openCustody({
    store: domainKeyStore(store, clock),
    rootKeys: [await readRootKeyFile(rootKey)],
    clock,
  });
  await custody.recipients.verify();
  const rows = await store.db.selectFrom("material").selectAll().execute();
  const living = rows.filter(({ sealed }) => sealed.length > 0);
  assert.deepEqual(living.map(({ material_id }) => material_id).sort(), [...blobs.keys()].sort());
  assert.equal(rows.length, living.length + 1);
  for (const row of living) {
    const blob = blobs.get(row.material_id) ?? new Uint8Array();
    assert.deepEqual(await custody.decrypt(sealedMaterialOf(row), blob, {}), ascii(row.region));
  }
  await checkCredential(store, custody);
  const object = await store.db.selectFrom("s3_object").selectAll().executeTakeFirstOrThrow();
  await custody.objectKeys.open(objectKeyOf(object.bucket), object.data_key);
  const row = await store.db.selectFrom("key_store").selectAll().executeTakeFirstOrThrow();
  const signature = await custody.signForProxy(secretOf(row), { date: "20300101", stringToSign: "any" });
  assert.equal(signature, SIGNATURE);
  custody.close();
}

async function checkCredential(store: Store, custody: SoftwareCustody): Promise<void> {
  const { account, access_key_id, secret } = await store.db
    .selectFrom("credential")
    .selectAll()
    .executeTakeFirstOrThrow();
  await custody.resealCredential({ account, accessKeyId: access_key_id }, secret);
}

const shredOf = ({ store, options }: Filled): Promise<void> =>
  shredStore({ store, clock, options, isLocked: true, print() {} });

/** A store whose transactions end with the one of that number, which is carried out or not. */
function cutOff(store: Store, { when, number }: { readonly when: "before" | "after"; readonly number: number }): Store {
  let transactions = 0;
  const transaction = async <T>(body: Parameters<Store["transaction"]>[0]): Promise<T> => {
    transactions += 1;
    if (transactions > number || (transactions === number && when === "before")) throw new CutOffError();
    const result = (await store.transaction(body)) as T;
    if (transactions === number) throw new CutOffError();
    return result;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === "transaction") return transaction;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

class CutOffError extends Error {}

function textOf({ region, purpose, version }: KeptVersion): string {
  return JSON.stringify({ region, purpose, version });
}

describe("a shred", () => {
  for (const when of ["before", "after"] as const) {
    it(`that is cut off ${when} any of its transactions loses nothing and is finished by the next`, async () => {
      const states = new Set<string | undefined>();
      let isCut = true;
      for (let number = 1; isCut; number += 1) {
        const filled = await fill();
        const { store, options } = filled;
        isCut = await shredOf({ ...filled, store: cutOff(store, { when, number }) }).then(
          () => false,
          (error: unknown) => {
            if (!(error instanceof CutOffError)) throw error;
            return true;
          },
        );
        const shred = await findShred(store.db);
        states.add(shred?.state);
        await checkWhole(filled, shred === undefined ? (options.rootKey ?? "") : options.newRootKey);
        await shredOf(filled);
        await checkWhole(filled, options.newRootKey);
        assert.ok(!existsSync(options.rootKey ?? ""));
        assert.ok(number < 100);
        await store.close();
      }
      assert.deepEqual([...states].sort(), ["done", "sealed", "sealing", undefined]);
    });
  }

  it("leaves one version of each domain key, sealed to the new root keys alone, and can be repeated", async () => {
    const filled = await fill();
    const { store, options } = filled;
    const before = await store.db.selectFrom("domain_key").selectAll().execute();
    await shredOf(filled);
    const domainKeys = await store.db.selectFrom("domain_key").selectAll().execute();
    const names = domainKeys.map(({ purpose, region, version }) => `${purpose}/${region}/${version}`);
    assert.deepEqual(
      names.sort(),
      before.map(({ purpose, region, version }) => `${purpose}/${region}/${version + 1}`).sort(),
    );
    const { id } = await readRootKeyFile(options.newRootKey);
    const recipients = await store.db.selectFrom("recipient").select("id").execute();
    assert.equal(recipients.length, 2, "the new root key and a new recovery key");
    assert.ok(recipients.some((recipient) => recipient.id === id));
    const copies = await store.db.selectFrom("domain_key_copy").select("recipient").distinct().execute();
    assert.deepEqual(copies.map(({ recipient }) => recipient).sort(), recipients.map((row) => row.id).sort());

    await shredOf(filled); // finished already: nothing happens
    assert.deepEqual(await store.db.selectFrom("domain_key").selectAll().execute(), domainKeys);
    const next = { ...options, rootKey: options.newRootKey, newRootKey: folder.at("next.key") };
    await shredOf({ ...filled, options: next });
    await checkWhole(filled, next.newRootKey);
    assert.ok(!existsSync(options.newRootKey));
  });

  it("makes its backup when nothing old is left and the old root key is, and again in a run after one that was cut off there", async () => {
    const filled = await fill();
    const { store, options } = filled;
    const seen: unknown[] = [];
    const shredOnce = (isCut: boolean): Promise<void> =>
      shredStore({
        store,
        clock,
        options,
        isLocked: true,
        print() {},
        backup: {
          requirePlace: () => void seen.push("place"),
          async make(rootKey, versions) {
            const keys = await store.db.selectFrom("domain_key").select(["region", "purpose", "version"]).execute();
            assert.deepEqual(new Set(keys.map((key) => JSON.stringify(key))), new Set(versions.map(textOf)));
            assert.equal(rootKey.id, (await readRootKeyFile(options.newRootKey)).id);
            seen.push(existsSync(options.rootKey ?? ""));
            if (isCut) throw new CutOffError();
          },
        },
      });
    await assert.rejects(shredOnce(true), CutOffError);
    assert.equal((await findShred(store.db))?.state, "sealed");
    await shredOnce(false);
    await shredOnce(false);
    assert.deepEqual(seen, ["place", true, true]);
    assert.ok(!existsSync(options.rootKey ?? ""));
  });

  it("goes on by the new recovery key when the new root key file is lost half-way, and makes no other in its place", async () => {
    const filled = await fill();
    const { options, store } = filled;
    const printed: Uint8Array[] = [];
    const print = (text: string | Uint8Array): void => void (typeof text === "string" || printed.push(text.slice()));
    const cut = cutOff(store, { when: "after", number: 6 });
    await assert.rejects(shredStore({ store: cut, clock, options, isLocked: true, print }), CutOffError);
    assert.equal((await findShred(store.db))?.state, "sealing");
    const lost = { ...options, newRootKey: folder.at("lost.key") };
    await assert.rejects(shredOf({ ...filled, options: lost }), /the file that it was begun with/);
    assert.ok(!existsSync(lost.newRootKey));
    await takeRootKeyFile(lost.newRootKey);
    await assert.rejects(shredOf({ ...filled, options: lost }), /begun with another new root key/);
    const recovery = folder.at("recovery.key");
    writeFileSync(recovery, printed[0] ?? "", { mode: 0o600 });
    await shredOf({ ...filled, options: { ...options, newRootKey: recovery } });
    await checkWhole(filled, recovery);
  });

  it("is refused when the new root key opens the store already, or others have the store open", async () => {
    const filled = await fill();
    const { store, options } = filled;
    const rootKey = options.rootKey ?? "";
    copyFileSync(rootKey, folder.at("same.key"));
    await assert.rejects(shredOf({ ...filled, options: { ...options, newRootKey: folder.at("same.key") } }), /already/);
    const { id } = await readRootKeyFile(rootKey);
    const note = { process: "1", label: "serve, process 1 on here", recipients: [id], now: clock.now() };
    const expiresAt = clock.now() + 3_600_000;
    await store.transaction((tx) => noteProcess(tx, { ...note, kind: "serve", expiresAt }));
    const unlocked = { store, options, isLocked: false, print() {} };
    let time = clock.now();
    const hasty = {
      now() {
        time += 10_000;
        return time;
      },
    };
    await assert.rejects(shredStore({ ...unlocked, clock: hasty }), /serve, process 1 on here/);
    await checkWhole(filled, rootKey);
  });
});
