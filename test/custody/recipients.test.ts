/** Root recipients in custody: one is added beside others who make domain keys, and all copies are checked. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WrongRootKeyError } from "../../src/custody/domain-keys.ts";
import { createRecoveryKey, ephemeralRootKey, type RootKey } from "../../src/custody/root-key.ts";
import { SealedRowError } from "../../src/custody/seal.ts";
import { openCustody, type SoftwareCustody } from "../../src/custody/software.ts";
import { ascii, flipped, HeldClock, newCustody, owner } from "./fixtures.ts";
import type { MemoryDomainKeyStore } from "./memory-domain-key-store.ts";

const open = (store: MemoryDomainKeyStore, ...rootKeys: RootKey[]): Promise<SoftwareCustody> =>
  openCustody({ store, rootKeys, clock: new HeldClock() });

/** What `remove` does to the rows. */
function removeRecipient(store: MemoryDomainKeyStore, id: string): void {
  store.recipientRows = store.recipientRows.filter((row) => row.id !== id);
  store.keys = store.keys.map((key) => ({ ...key, copies: key.copies.filter(({ recipient }) => recipient !== id) }));
}

describe("a root key that is added", () => {
  it("opens what was sealed before and after, in every Region", async () => {
    const { custody, store } = await newCustody();
    const before = await custody.createMaterial(owner);
    const blob = await custody.encrypt(before, ascii("before"), {});
    const { rootKey: added, text } = createRecoveryKey();
    text[Symbol.dispose]();
    await custody.recipients.add([added]);
    await custody.recipients.verify();
    const after = await custody.createMaterial({ ...owner, region: "us-east-1" });
    const opened = await open(store, added);
    assert.deepEqual(await opened.decrypt(before, blob, {}), ascii("before"));
    const later = await custody.encrypt(after, ascii("after"), {});
    assert.deepEqual(await opened.decrypt(after, later, {}), ascii("after"));
    assert.deepEqual(await opened.recipients.held(), [added.id]);
  });

  it("gets its copy of every domain key that another process makes at the same time, whoever is first", async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const { custody, store, rootKey } = await newCustody();
      const other = await open(store, rootKey);
      const added = ephemeralRootKey();
      const adding = custody.recipients.add([added]);
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const material = await other.createMaterial(owner);
      await adding;
      await custody.recipients.verify();
      const blob = await other.encrypt(material, ascii("x"), {});
      assert.deepEqual(await (await open(store, added)).decrypt(material, blob, {}), ascii("x"), `${turns} turns`);
    }
  });

  it("leaves the store to itself alone once the older one is removed", async () => {
    const { custody, store, rootKey } = await newCustody();
    const material = await custody.createMaterial(owner);
    const blob = await custody.encrypt(material, ascii("x"), {});
    const added = ephemeralRootKey();
    await custody.recipients.add([added]);
    removeRecipient(store, rootKey.id);
    await assert.rejects(open(store, rootKey), WrongRootKeyError);
    assert.deepEqual(await custody.recipients.held(), []);
    // What it has open it goes on with; a new domain key it neither makes nor opens.
    assert.deepEqual(await custody.decrypt(material, blob, {}), ascii("x"));
    await assert.rejects(custody.createMaterial({ ...owner, region: "us-east-1" }), WrongRootKeyError);
    await custody.recipients.take([added]);
    await custody.createMaterial({ ...owner, region: "us-east-1" });
    await assert.rejects(custody.recipients.take([rootKey]), WrongRootKeyError);
    await custody.recipients.verify();
  });
});

describe("the copies of domain keys", () => {
  it("are found wanting when one is missing, altered, swapped or an older key's", async () => {
    const { custody, store } = await newCustody();
    const added = ephemeralRootKey();
    await custody.recipients.add([added]);
    await custody.createMaterial(owner);
    const kept = store.keys;
    const [storeKey, materialKey] = kept;
    assert.ok(storeKey && materialKey);
    const change = (sealed: (old: Uint8Array) => Uint8Array) => [
      storeKey,
      {
        ...materialKey,
        copies: materialKey.copies.map((copy) =>
          copy.recipient === added.id ? { ...copy, sealed: sealed(copy.sealed) } : copy,
        ),
      },
    ];
    const swapped = storeKey.copies.find(({ recipient }) => recipient === added.id)?.sealed ?? new Uint8Array();
    for (const keys of [
      [storeKey, { ...materialKey, copies: materialKey.copies.filter(({ recipient }) => recipient !== added.id) }],
      change((old) => flipped(old, 20)),
      change((old) => old.slice(1)),
      change(() => swapped),
    ]) {
      store.keys = keys;
      await assert.rejects(custody.recipients.verify(), SealedRowError);
    }
    store.keys = kept;
    await custody.recipients.verify();
  });
});

describe("domain keys that are replaced", () => {
  it("leave material ids, secrets and ciphertexts as they were, while the old ones open nothing", async () => {
    const { custody, store, rootKey } = await newCustody();
    const material = await custody.createMaterial(owner);
    const blob = await custody.encrypt(material, ascii("x"), {});
    const name = { account: owner.account, accessKeyId: "AKIAEXAMPLE" };
    const secret = await custody.sealCredential(name, ascii("secret"));
    const request = { ...name, revision: "1", date: "20300101", region: "eu-west-1", service: "kms" };
    const key = await custody.signingKey({ ...request, sealed: secret });
    const session = await custody.newSession({ accessKeyId: "ASIAEXAMPLE", claims: "{}" });
    const marker = await custody.authenticate("list", ascii("a"));

    for (let time = 0; time < 2; time += 1) {
      const replacing = await open(store, rootKey);
      const newest = new Map(store.keys.map(({ purpose, region, version }) => [`${purpose}/${region}`, version]));
      const domains = store.keys.filter(
        ({ purpose, region, version }) => newest.get(`${purpose}/${region}`) === version,
      );
      for (const domain of domains) await replacing.recipients.renew(domain, domain.version + 1);
      const resealed = await replacing.resealMaterial(material, owner.region);
      const credential = await replacing.resealCredential(name, secret);
      await replacing.recipients.resealStoreRows();
      if (time === 0) continue; // cut off, and begun again
      for (const domain of domains) await replacing.recipients.eraseBefore(domain, domain.version);

      const opened = await open(store, rootKey);
      await opened.recipients.verify();
      assert.equal(resealed.materialId, material.materialId);
      assert.ok(resealed.domainVersion > material.domainVersion);
      assert.deepEqual(await opened.decrypt(resealed, blob, {}), ascii("x"));
      assert.deepEqual(await opened.signingKey({ ...request, sealed: credential }), key);
      await assert.rejects(async () => opened.decrypt(material, blob, {}), SealedRowError);
      await assert.rejects(
        async () => opened.signingKey({ ...request, revision: "2", sealed: secret }),
        SealedRowError,
      );
      const opening = await opened.openSession({ ...request, accessKeyId: "ASIAEXAMPLE", token: session.token });
      assert.equal(opening, undefined);
      assert.notDeepEqual(await opened.authenticate("list", ascii("a")), marker);
      const again = await opened.createMaterial(owner);
      assert.deepEqual(
        await (await open(store, rootKey)).decrypt(again, await opened.encrypt(again, ascii("y"), {}), {}),
        ascii("y"),
      );
    }
  });
});
