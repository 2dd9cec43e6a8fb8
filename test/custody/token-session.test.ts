/** Sessions with tokens that refuse, hang and die: who is told what, and what is tried again. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { KeyStoreSecrets } from "../../src/custody/key-store-secrets.ts";
import { type TokenPlace, TokenSession } from "../../src/custody/pkcs11/token-session.ts";
import { Tokens } from "../../src/custody/pkcs11/tokens.ts";
import { Secret } from "../../src/custody/secret.ts";
import { ascii } from "./fixtures.ts";
import { DIE, HANG, LOST_DEVICE, NO_SESSION } from "./token-stand-in.ts";

const sessions: TokenSession[] = [];
after(() => {
  for (const session of sessions) session.close();
});

const PLACE: TokenPlace = {
  library: "",
  token: "0",
  environment: {},
  userPrefix: "kmsuser:",
  vectorsBy: "caller",
  changesPassword: false,
  sessions: 1,
  timeoutMs: 20_000,
};
const MODULE = fileURLToPath(new URL("./token-stand-in.ts", import.meta.url));

/** @param token what its login returns, in hex */
function newSession(token = "0", { timeoutMs = 20_000, waitingMax = 4, pauseMs = { first: 0, max: 0 } } = {}) {
  const given: Secret[] = [];
  const session = new TokenSession({
    place: { ...PLACE, token, timeoutMs },
    pins: async () => [given[given.push(new Secret(ascii("password"))) - 1] as Secret],
    limits: { waitingMax, openMsMax: 20_000, pauseMs },
    module: MODULE,
  });
  sessions.push(session);
  return { session, given, ask: (lengthBytes: number) => session.ask("random", { lengthBytes }) };
}

describe("a session with a token", () => {
  for (const { title, code, fault } of [
    { title: "S06a-010, S06a-011: a locked user", code: "a4", fault: "locked" },
    { title: "S06a-010: a user that is logged in elsewhere", code: "104", fault: "loggedIn" },
  ]) {
    it(`${title} is no reason to try again`, async () => {
      const { session, ask, given } = newSession(code);
      await assert.rejects(ask(8), { name: "TokenError", fault });
      await assert.rejects(ask(8), { fault });
      assert.equal(given.length, 1);
      assert.throws(() => given[0]?.bytes, /wiped/);
      assert.equal(session.pid, undefined);
    });
  }

  it("waits longer and longer before it starts what does not come up", async () => {
    const { ask, given } = newSession("5", { pauseMs: { first: 60_000, max: 60_000 } });
    await assert.rejects(ask(8), { fault: "unreachable" });
    await assert.rejects(ask(8), { fault: "unreachable", message: /failed just now/ });
    assert.equal(given.length, 1);
  });

  it("S07-032: without a session that is free says so, and goes on; so it does with too many that wait", async () => {
    const { ask } = newSession();
    await assert.rejects(ask(NO_SESSION), { fault: "sessions" });
    const answers = await Promise.allSettled([8, 8, 8, 8, 8].map(ask));
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["fulfilled", "fulfilled", "fulfilled", "fulfilled", "rejected"],
    );
    assert.equal((await ask(8)).length, 8);
  });

  it("ends a process that hangs with all that wait for it, and gets another", async () => {
    const { session, ask } = newSession("0", { timeoutMs: 300 });
    await session.open();
    const { pid } = session;
    await Promise.all([HANG, HANG].map((how) => assert.rejects(ask(how), { message: /in time/ })));
    assert.equal(session.pid, undefined);
    await session.open();
    assert.notEqual(session.pid, pid);
  });

  it("gets another process after one that died, or that lost its device", async () => {
    const { session, ask } = newSession();
    for (const how of [DIE, LOST_DEVICE]) {
      assert.equal((await ask(8)).length, 8);
      await assert.rejects(ask(how), { fault: "unreachable" });
      assert.equal(session.pid, undefined);
    }
    assert.equal((await ask(8)).length, 8);
    session.close();
    await assert.rejects(ask(8), { message: /closed/ });
  });
});

describe("a token that is to make the vectors of AES-GCM", () => {
  it("is not believed when it leaves them as they were: all zeros would be one vector for everything", async () => {
    const secrets = { unseal: async () => new Secret(Uint8Array.of(1, 0x61)) } as unknown as KeyStoreSecrets;
    const tokens = new Tokens(secrets, { module: MODULE });
    after(() => tokens.close());
    const place = { ...PLACE, token: "0", vectorsBy: "token" as const };
    const name = { account: "111122223333", region: "eu-west-1", keyStoreId: "cks-1", accessKeyId: "kmsuser" };
    const user = { name, sealed: new Uint8Array(1), place };
    const input = { id: "00", text: ascii("text"), aad: ascii("") };
    await assert.rejects(tokens.encrypt(user, input), { name: "TokenError", message: /vector/ });
    const own = { ...user, place: { ...place, vectorsBy: "caller" as const } };
    assert.equal((await tokens.encrypt(own, input)).iv.length, 12);
  });
});
