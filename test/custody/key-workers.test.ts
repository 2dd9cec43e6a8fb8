/** Custody's threads: dear jobs leave the event loop, accounts take turns, and what can't be done is told. */

import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { after, describe, it } from "node:test";
import { ThrottlingException } from "../../src/base/errors.ts";
import { KeyWorkers, type WorkerLimits } from "../../src/custody/key-workers.ts";
import { openCustody } from "../../src/custody/software.ts";
import { ascii, newCustody, owner } from "./fixtures.ts";

const limits: WorkerLimits = { threadsMax: 1, itemsMax: 40, itemsOfOwnerMax: 20, idleJobsMax: 2 };
const opened: KeyWorkers[] = [];
after(() => {
  for (const workers of opened) workers.close();
});
function newWorkers(changed: Partial<WorkerLimits> = {}): KeyWorkers {
  const workers = new KeyWorkers({ ...limits, ...changed });
  opened.push(workers);
  return workers;
}

const turnOf = (account: string) => ({ account, ms: 1 });
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const input = { algorithm: "RSASSA_PKCS1_V1_5_SHA_256", messageType: "RAW", message: ascii("x") } as const;

describe("the threads of custody", () => {
  it("start with the first job and do it", async () => {
    const workers = newWorkers();
    assert.equal(workers.threads, 0);
    const signature = await workers.run(turnOf("a"), "sign", privateKey, input);
    assert.ok(verify("sha256", input.message, publicKey, signature));
    assert.equal(workers.threads, 1);
  });

  it("serve accounts in turn: one job does not wait for another account's line", async () => {
    const workers = newWorkers();
    const done: string[] = [];
    const sign = async (account: string): Promise<void> => {
      await workers.run(turnOf(account), "sign", privateKey, input);
      done.push(account);
    };
    await Promise.all([...Array.from({ length: 20 }, () => sign("many")), sign("one")]);
    assert.equal(done.length, 21);
    assert.ok(done.indexOf("one") < 4, `served as number ${done.indexOf("one") + 1}`);
  });

  it("do what waits for idle threads last", async () => {
    const workers = newWorkers();
    const done: string[] = [];
    const idle = workers.runWhenIdle("newPair", "ECC_NIST_P384").then(() => done.push("idle"));
    const jobs = Array.from({ length: 6 }, () =>
      workers.run(turnOf("a"), "sign", privateKey, input).then(() => done.push("job")),
    );
    await Promise.all([idle, ...jobs]);
    assert.deepEqual(done, ["job", "job", "job", "job", "job", "job", "idle"]);
  });

  it("leave one thread free of the search for primes", async () => {
    const workers = newWorkers({ threadsMax: 2 });
    const several = Array.from({ length: 6 });
    while (workers.threads < 2) {
      await Promise.all(several.map(() => workers.run(turnOf("a"), "sign", privateKey, input)));
    }
    const done: string[] = [];
    const searches = Array.from({ length: 3 }, () =>
      workers.run(turnOf("a"), "newPair", "RSA_4096").then(() => done.push("pair")),
    );
    await workers.run(turnOf("b"), "sign", privateKey, input).then(() => done.push("signature"));
    await Promise.all(searches);
    assert.equal(done[0], "signature");
  });

  it("refuse more than may wait, in AWS's words for a quota, and go on", async () => {
    const workers = newWorkers({ itemsOfOwnerMax: 2 });
    const outcomes = await Promise.allSettled(
      ["a", "a", "a", "b"].map((account) => workers.run(turnOf(account), "sign", privateKey, input)),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled"],
    );
    const [, , refused] = outcomes;
    assert.ok(refused?.status === "rejected" && refused.reason instanceof ThrottlingException);
    assert.match(refused.reason.message, /exceeded the rate/);
    await workers.run(turnOf("a"), "sign", privateKey, input);
  });

  it("tell of a job that fails, and do the next", async () => {
    const workers = newWorkers();
    await assert.rejects(workers.run(turnOf("a"), "newPair", "RSA_1024"), /no material of spec RSA_1024/);
    await workers.run(turnOf("a"), "sign", privateKey, input);
    assert.equal(workers.threads, 1);
  });

  it("reject what is under way and what waits when they are closed, and all that comes later", async () => {
    const workers = newWorkers();
    const jobs = Array.from({ length: 5 }, () => workers.run(turnOf("a"), "sign", privateKey, input));
    workers.close();
    const outcomes = await Promise.allSettled(jobs);
    assert.ok(outcomes.every(({ status }) => status === "rejected"));
    await assert.rejects(workers.run(turnOf("a"), "sign", privateKey, input), /closed/);
    await assert.rejects(workers.runWhenIdle("newPair", "RSA_2048"), /closed/);
    assert.equal(workers.threads, 0);
  });
});

describe("custody's key pairs", () => {
  const DEAR = [
    { spec: "RSA_2048", algorithm: "RSASSA_PSS_SHA_256", digestBytes: 32 },
    { spec: "ECC_NIST_P384", algorithm: "ECDSA_SHA_384", digestBytes: 48 },
    { spec: "ML_DSA_44", algorithm: "ML_DSA_SHAKE_256" },
  ];
  const CHEAP = [
    { spec: "ECC_NIST_P256", algorithm: "ECDSA_SHA_256", digestBytes: 32 },
    { spec: "ECC_NIST_EDWARDS25519", algorithm: "ED25519_SHA_512" },
  ];
  for (const { spec, algorithm, digestBytes, threads } of [
    ...DEAR.map((dear) => ({ digestBytes: undefined, ...dear, threads: 1 })),
    ...CHEAP.map((cheap) => ({ digestBytes: undefined, ...cheap, threads: 0 })),
  ]) {
    it(`of ${spec} sign in ${threads === 1 ? "a thread" : "place"}, digests too`, async () => {
      const maker = await newCustody();
      const material = await maker.custody.createMaterial({ ...owner, spec, usage: "SIGN_VERIFY" });
      maker.custody.close();
      const workers = newWorkers();
      const { store, rootKey, clock } = maker;
      const custody = await openCustody({ store, rootKeys: [rootKey], clock, workers });
      const inputs = [
        { algorithm, messageType: "RAW", message: ascii("Attack at dawn") } as const,
        ...(digestBytes === undefined
          ? []
          : [{ algorithm, messageType: "DIGEST", message: new Uint8Array(digestBytes) } as const]),
      ];
      for (const each of inputs) {
        assert.ok(await custody.verify(material, each, await custody.sign(material, each)));
      }
      assert.equal(workers.threads, threads);
      const spki = Buffer.from(await custody.publicKey(material));
      assert.ok(createPublicKey({ key: spki, format: "der", type: "spki" }));
      custody.close();
      assert.equal(workers.threads, 0);
    });
  }

  it("decrypt RSA in a thread and leave the message's neighbours in memory behind", async () => {
    const workers = newWorkers();
    const { store, rootKey, clock } = await newCustody();
    const custody = await openCustody({ store, rootKeys: [rootKey], clock, workers });
    const material = await custody.createMaterial({ ...owner, spec: "RSA_2048" });
    const blob = await custody.encrypt(material, ascii("Attack at dawn"), {}, "RSAES_OAEP_SHA_256");
    const within = new Uint8Array(4_096);
    within.set(blob, 1_000);
    const view = within.subarray(1_000, 1_000 + blob.length);
    const opened = await custody.decrypt(material, view, {}, "RSAES_OAEP_SHA_256");
    assert.deepEqual(opened, ascii("Attack at dawn"));
    assert.equal(opened.buffer.byteLength, opened.length);
    custody.close();
  });

  it("are made ahead of time for GenerateDataKeyPair, each for one caller", async () => {
    const { custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    const pairs = [];
    for (let made = 0; made < 4; made += 1) {
      const { publicKey: spki, privateKey: pkcs8, blob } = await custody.generateDataKeyPair(material, "RSA_2048", {});
      assert.deepEqual(await custody.decrypt(material, blob, {}), pkcs8);
      pairs.push(spki.toHex());
    }
    assert.equal(new Set(pairs).size, 4);
    custody.close();
  });
});
