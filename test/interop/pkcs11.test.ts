/** Keys in a real PKCS #11 token, SoftHSM, reached through a process that may die. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { newTokenKeyId, type TokenUser } from "../../src/custody/pkcs11/tokens.ts";
import { ascii, flipped, newCustody } from "../custody/fixtures.ts";
import { untilGone } from "../faults/process-tree.ts";
import { present } from "../kms-client.ts";
import { SoftHsm } from "../soft-hsm.ts";

const LABEL = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const { custody } = await newCustody();
const { tokens } = custody;
after(() => custody.close());

const name = { account: "111122223333", region: "eu-west-1", keyStoreId: "cks-1", accessKeyId: "kmsuser" };

async function userOf(hsm: SoftHsm, password: string, keyStoreId = "cks-1"): Promise<TokenUser> {
  const named = { ...name, keyStoreId };
  return { name: named, sealed: await tokens.sealPassword(named, ascii(password)), place: hsm.place };
}

/** A user whose password was changed on the way. */
async function connected(user: TokenUser): Promise<TokenUser> {
  const begun = { ...user, sealed: await tokens.beginChange(user) };
  return { ...begun, sealed: await tokens.connect(begun) };
}

const hsms: SoftHsm[] = [];
after(() => {
  for (const hsm of hsms) hsm[Symbol.dispose]();
});

function newHsm(password?: string): SoftHsm {
  const hsm = SoftHsm.start(password);
  hsms.push(hsm);
  return hsm;
}

describe("a token", () => {
  const hsm = newHsm("password1");

  it("S06a-019: makes keys that it keeps, encrypts with them and opens what it encrypted, and nothing else", async () => {
    const user = await connected(await userOf(hsm, "password1"));
    const key = await tokens.generateKey(user, { id: newTokenKeyId(), label: LABEL });
    assert.match(key.handle, /^[0-9]+$/);
    const [text, aad] = [ascii("a text"), ascii("what goes with it")];
    const outer = await tokens.encrypt(user, { id: key.id, text, aad });
    assert.equal(outer.ciphertext.length, text.length);
    assert.deepEqual(await tokens.decrypt(user, { id: key.id, outer, aad }), text);
    for (const [what, altered] of Object.entries({
      iv: { outer: { ...outer, iv: flipped(outer.iv, 0) }, aad },
      tag: { outer: { ...outer, tag: flipped(outer.tag, 15) }, aad },
      ciphertext: { outer: { ...outer, ciphertext: flipped(outer.ciphertext, 3) }, aad },
      aad: { outer, aad: flipped(aad, 0) },
      metadata: { outer: { ...outer, metadata: ascii("x") }, aad },
    })) {
      assert.equal(await tokens.decrypt(user, { id: key.id, ...altered }), undefined, what);
    }
    const again = await tokens.encrypt(user, { id: key.id, text, aad });
    assert.ok(!isDeepStrictEqual(again.iv, outer.iv));
    assert.equal((await tokens.random(user, 24)).length, 24);
    assert.equal(await tokens.destroy(user, key.id), true);
    assert.equal(await tokens.destroy(user, key.id), false);
    await assert.rejects(tokens.encrypt(user, { id: key.id, text, aad }), { name: "TokenError", fault: "missing" });
    tokens.drop(user.name);
  });

  it("S06a-009, S06a-019: has keys of 256 bits that never come out, and a password that only custody knows", async () => {
    const own = newHsm("password1");
    const user = await connected(await userOf(own, "password1", "cks-2"));
    await tokens.generateKey(user, { id: newTokenKeyId(), label: LABEL });
    tokens.drop(user.name);
    assert.throws(() => own.keysOf("password1"), { code: 0xa0 });
    own.setPassword("password2");
    const kept = { isAes: true, lengthBytes: 32, sensitive: true, extractable: false, isShown: false };
    assert.deepEqual(own.keysOf("password2"), [{ label: LABEL, ...kept }]);
  });

  it("is logged in to again, with the changed password, when the process with its library has died", async () => {
    const user = await connected(await userOf(newHsm("password1"), "password1", "cks-3"));
    const { id } = await tokens.generateKey(user, { id: newTokenKeyId(), label: LABEL });
    const [text, aad] = [ascii("before"), ascii("aad")];
    const outer = await tokens.encrypt(user, { id, text, aad });
    const pid = present(tokens.pids[0]);
    const underWay = tokens.random(user, 1_000);
    process.kill(pid, "SIGKILL");
    await assert.rejects(underWay, { name: "TokenError", fault: "unreachable" });
    await untilGone([pid]);
    assert.deepEqual(await tokens.decrypt(user, { id, outer, aad }), text);
    assert.notEqual(tokens.pids[0], pid);
    tokens.drop(user.name);
    assert.deepEqual(tokens.pids, []);
  });

  it("finishes a change of the password that was begun and never told of", async () => {
    const own = newHsm("password1");
    const user = await userOf(own, "password1", "cks-4");
    const begun = { ...user, sealed: await tokens.beginChange(user) };
    await tokens.connect(begun); // the token has the next password now, and what this returned is lost
    tokens.drop(user.name);
    const again = { ...begun, sealed: await tokens.beginChange(begun) };
    assert.deepEqual(again.sealed, begun.sealed);
    const found = { ...again, sealed: await tokens.connect(again) };
    assert.equal((await tokens.random(found, 8)).length, 8);
    assert.equal(await tokens.isPassword(user.name, found.sealed, ascii("password1")), false);
    tokens.drop(user.name);
  });

  for (const { title, hsm: broken, password, fault } of [
    { title: "a wrong password", hsm: newHsm("password1"), password: "password2", fault: "credentials" },
    { title: "no user", hsm: newHsm(), password: "password1", fault: "noUser" },
  ]) {
    it(`S06a-010: with ${title} is not logged in to, and not asked again`, async () => {
      const user = await userOf(broken, password, `cks-${fault}`);
      await assert.rejects(connected(user), { name: "TokenError", fault });
      await assert.rejects(tokens.random(user, 1), { fault });
      assert.deepEqual(tokens.pids, []);
      await assert.rejects(tokens.random(user, 1), { fault });
      assert.deepEqual(tokens.pids, []);
      tokens.drop(user.name);
    });
  }

  it("S06a-022: that is not there, or whose library is none, is out of reach", async () => {
    const gone = newHsm("password1");
    gone.remove();
    const nowhere = await userOf(gone, "password1", "cks-gone");
    await assert.rejects(connected(nowhere), { fault: "unreachable", message: /no token of that label/ });
    const wrong = { ...nowhere, place: { ...gone.place, library: "/nowhere/pkcs11.so" } };
    await assert.rejects(connected(wrong), { fault: "unreachable", message: /can't be loaded/ });
  });

  it("shares its keys with as many sessions as it may have", async () => {
    const several = newHsm("password1");
    const user = await connected({
      ...(await userOf(several, "password1", "cks-5")),
      place: { ...several.place, sessions: 2 },
    });
    const { id } = await tokens.generateKey(user, { id: newTokenKeyId(), label: LABEL });
    const inputs = Array.from({ length: 8 }, (_, index) => ({ id, text: Uint8Array.of(index), aad: ascii("") }));
    const outers = await Promise.all(inputs.map((input) => tokens.encrypt(user, input)));
    assert.equal(tokens.pids.length, 2);
    const opened = outers.map((outer) => tokens.decrypt(user, { id, outer, aad: ascii("") }));
    assert.deepEqual(
      await Promise.all(opened),
      inputs.map(({ text }) => text),
    );
    tokens.drop(user.name);
  });
});
