/** SigV4 signing keys: AWS's own example, and the sealed credentials they come from. */

import assert from "node:assert/strict";
import { createSecretKey, KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import { SealedRowError } from "../../src/custody/seal.ts";
import { deriveSigningKey } from "../../src/custody/signing-keys.ts";
import { openCustody } from "../../src/custody/software.ts";
import { ascii, flipped, HeldClock, newCustody } from "./fixtures.ts";

const name = { account: "111122223333", accessKeyId: "AKIAIOSFODNN7EXAMPLE" };
const scope = { date: "20150830", region: "us-east-1", service: "iam" };
/** AWS General Reference, "Examples of how to derive a signing key for Signature Version 4". */
const example = {
  secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  key: createSecretKey("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9", "hex"),
};

describe("a signing key", () => {
  it("is the one of AWS's example", () => {
    assert.ok(deriveSigningKey(ascii(example.secret), scope).equals(example.key));
  });

  it("comes from the sealed credential, and at once the second time", async () => {
    const { custody } = await newCustody();
    const secret = ascii(example.secret);
    const sealed = await custody.sealCredential(name, secret);
    assert.deepEqual(secret, ascii(example.secret), "the secret is borrowed");
    const credential = { ...name, ...scope, revision: "1", sealed };
    const first = custody.signingKey(credential);
    assert.ok(first instanceof Promise);
    assert.ok((await first).equals(example.key));
    const second = custody.signingKey(credential);
    assert.ok(second instanceof KeyObject);
    assert.ok(second.equals(example.key));
  });

  it("is kept for one date, Region, service and revision", async () => {
    const { custody } = await newCustody();
    const sealed = await custody.sealCredential(name, ascii(example.secret));
    const credential = { ...name, ...scope, revision: "1", sealed };
    await custody.signingKey(credential);
    for (const change of [{ date: "20150831" }, { region: "us-west-2" }, { service: "kms" }]) {
      const other = custody.signingKey({ ...credential, ...change });
      assert.ok(other instanceof Promise);
      assert.ok(!(await other).equals(example.key));
    }
    const resealed = await custody.sealCredential(name, ascii("another/secret"));
    const renewed = custody.signingKey({ ...credential, revision: "2", sealed: resealed });
    assert.ok(renewed instanceof Promise);
    assert.ok(!(await renewed).equals(example.key));
  });

  it("is not kept past its age", async () => {
    const { store, rootKey } = await newCustody();
    const clock = new HeldClock();
    const signingKeyLimits = { entriesMax: 5, ageMsMax: 1000 };
    const custody = await openCustody({ store, rootKeys: [rootKey], clock, signingKeyLimits });
    const sealed = await custody.sealCredential(name, ascii(example.secret));
    const credential = { ...name, ...scope, revision: "1", sealed };
    await custody.signingKey(credential);
    clock.time += 1000;
    assert.ok(custody.signingKey(credential) instanceof Promise);
  });
});

describe("a sealed credential", () => {
  it("opens for its own account and access key only, unaltered", async () => {
    const { custody } = await newCustody();
    const sealed = await custody.sealCredential(name, ascii(example.secret));
    const credential = { ...name, ...scope, revision: "1", sealed };
    const changed = [
      { account: "444455556666" },
      { accessKeyId: "AKIAI44QH8DHBEXAMPLE" },
      { account: name.account + name.accessKeyId.slice(0, 1), accessKeyId: name.accessKeyId.slice(1) },
      ...Array.from(sealed, (_, index) => ({ sealed: flipped(sealed, index) })),
      { sealed: sealed.slice(0, 20) },
      { sealed: new Uint8Array(0) },
    ];
    for (const change of changed) {
      await assert.rejects(async () => await custody.signingKey({ ...credential, ...change }), SealedRowError);
    }
  });

  it("does not hold the secret in the clear", async () => {
    const { custody } = await newCustody();
    const sealed = await custody.sealCredential(name, ascii(example.secret));
    assert.ok(!sealed.toHex().includes(ascii(example.secret).toHex()));
    assert.equal(sealed.length, 33 + example.secret.length);
  });
});
