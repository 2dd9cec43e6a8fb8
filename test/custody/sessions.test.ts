/** Session tokens: sealed once, opened by whom they were made for, and for no longer than their domain key is kept. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deriveSigningKey } from "../../src/custody/signing-keys.ts";
import { openCustody } from "../../src/custody/software.ts";
import { flipped, newCustody } from "./fixtures.ts";

const scope = { date: "20300101", region: "us-east-1", service: "kms" };
const accessKeyId = "ASIAIOSFODNN7EXAMPLE";
const claims = '{"anything":"é"}';
const DAY_MS = 86_400_000;

describe("a session token", () => {
  it("opens to its claims and the signing key of its secret, and at once the second time", async () => {
    const { custody } = await newCustody();
    const { secretAccessKey, token } = await custody.newSession({ accessKeyId, claims });
    const first = await custody.openSession({ accessKeyId, token, ...scope });
    assert.ok(typeof first === "object");
    assert.equal(first.claims.text, claims);
    assert.ok(first.signingKey.equals(deriveSigningKey(secretAccessKey, scope)));
    const second = custody.openSession({ accessKeyId, token, ...scope });
    assert.ok(typeof second === "object" && !(second instanceof Promise));
    assert.equal(second.claims, first.claims, "one object names what is made of it");
    assert.ok(second.signingKey.equals(deriveSigningKey(secretAccessKey, scope)));
    const elsewhere = await custody.openSession({ accessKeyId, token, ...scope, region: "eu-west-1" });
    assert.ok(typeof elsewhere === "object");
    assert.equal(elsewhere.claims, first.claims);
    assert.ok(!elsewhere.signingKey.equals(second.signingKey));
  });

  it("has a secret of 40 characters of base64, another each time, and does not show it", async () => {
    const { custody } = await newCustody();
    const made = await Promise.all(Array.from({ length: 50 }, () => custody.newSession({ accessKeyId, claims })));
    const secrets = made.map(({ secretAccessKey }) => Buffer.from(secretAccessKey).toString());
    for (const secret of secrets) assert.match(secret, /^[A-Za-z0-9+/]{40}$/);
    assert.equal(new Set(secrets).size, 50);
    assert.equal(new Set(secrets.join("")).size, 64);
    for (const [index, { token }] of made.entries()) {
      assert.ok(!Buffer.from(token, "base64").includes(secrets[index] ?? ""));
    }
  });

  it("does not open when a single bit is turned, cut, for another access key or in another encoding", async () => {
    const { custody } = await newCustody();
    const { token } = await custody.newSession({ accessKeyId, claims });
    const bytes = Uint8Array.fromBase64(token);
    const open = (sent: string, by = accessKeyId) => custody.openSession({ accessKeyId: by, token: sent, ...scope });
    for (const [index] of bytes.entries()) {
      // The bytes of the version may name one of the past.
      const opened = await open(flipped(bytes, index).toBase64());
      assert.ok(opened === undefined || (index >= 1 && index <= 4 && opened === "expired"), `byte ${index}`);
    }
    assert.equal(await open(bytes.slice(0, -1).toBase64()), undefined);
    assert.equal(await open(""), undefined);
    assert.equal(await open("é"), undefined);
    assert.equal(await open(token, "ASIAIOSFODNN7EXAMPLF"), undefined);
    assert.ok(typeof (await open(token)) === "object");
  });

  it("does not open in another incarnation of the store", async () => {
    const { store, rootKey, clock } = await newCustody();
    const custodies = await Promise.all(
      ["first", "restored"].map((incarnation) => openCustody({ store, rootKeys: [rootKey], clock, incarnation })),
    );
    const [first, restored] = custodies;
    const { token } = (await first?.newSession({ accessKeyId, claims })) ?? { token: "" };
    assert.equal(typeof (await first?.openSession({ accessKeyId, token, ...scope })), "object");
    assert.equal(await restored?.openSession({ accessKeyId, token, ...scope }), undefined);
  });

  it("is opened by other processes of the store", async () => {
    const { custody, store, rootKey, clock } = await newCustody();
    const { token } = await custody.newSession({ accessKeyId, claims });
    const other = await openCustody({ store, rootKeys: [rootKey], clock });
    assert.equal(typeof (await other.openSession({ accessKeyId, token, ...scope })), "object");
  });

  it("has a domain key of its day, which is erased 37 hours after that day, when it can be nobody's any more", async () => {
    const { custody, store, clock } = await newCustody();
    const versions = (): number[] =>
      store.keys.filter(({ purpose }) => purpose === "session").map((key) => key.version);
    const day = Math.floor(clock.time / DAY_MS);
    const { token } = await custody.newSession({ accessKeyId, claims });
    await custody.newSession({ accessKeyId, claims });
    assert.deepEqual(versions(), [day]);
    clock.time = (day + 1) * DAY_MS;
    await custody.newSession({ accessKeyId, claims });
    assert.deepEqual(versions(), [day, day + 1]);
    clock.time = (day + 1) * DAY_MS + 37 * 3_600_000 - 1;
    await custody.newSession({ accessKeyId, claims });
    assert.deepEqual(versions(), [day, day + 1, day + 2]);
    assert.equal(typeof (await custody.openSession({ accessKeyId, token, ...scope })), "object");
    clock.time += 1;
    await custody.newSession({ accessKeyId, claims });
    assert.deepEqual(versions(), [day + 1, day + 2]);
    assert.equal(await custody.openSession({ accessKeyId, token, ...scope, region: "eu-west-1" }), "expired");
  });

  it("keeps a bounded number of sessions, none past its age", async () => {
    const { store, rootKey, clock } = await newCustody();
    const sessionLimits = { entriesMax: 2, ageMsMax: 1_000 };
    const custody = await openCustody({ store, rootKeys: [rootKey], clock, sessionLimits });
    const tokens = await Promise.all(Array.from({ length: 3 }, () => custody.newSession({ accessKeyId, claims })));
    const open = (index: number) => custody.openSession({ accessKeyId, token: tokens[index]?.token ?? "", ...scope });
    for (const index of [0, 1, 2]) await open(index);
    assert.ok(open(0) instanceof Promise, "the oldest left");
    assert.ok(!(open(2) instanceof Promise));
    clock.time += 1_000;
    assert.ok(open(2) instanceof Promise);
  });
});
