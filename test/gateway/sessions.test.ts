/** Requests that are signed with temporary credentials: whose they are, when they end, and what makes them nobody's. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Clock } from "../../src/base/clock.ts";
import type { ServiceError } from "../../src/base/errors.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { openCustody, type SoftwareCustody } from "../../src/custody/software.ts";
import { Authenticator } from "../../src/gateway/authenticate.ts";
import { mayCallIam } from "../../src/iam/session-limits.ts";
import { stsService } from "../../src/iam/sts.ts";
import { printClaims, type SessionClaims } from "../../src/identity/session.ts";
import { insertAccount } from "../../src/storage/accounts.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { insertIdentity } from "../../src/storage/identities.ts";
import type { IdentityRow } from "../../src/storage/identity-schema.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import type { Store } from "../../src/storage/store.ts";
import type { WireRequest } from "../../src/wire/protocol.ts";
import { callerIdentityDraft, presign, sign } from "../faults/signed-requests.ts";

const ACCOUNT = "111122223333";
const HOUR_MS = 3_600_000;
/** Far from the machine's time: sessions go by the injected clock alone. */
const clock = {
  time: Date.UTC(2040, 5, 1, 12),
  now(): number {
    return this.time;
  },
};
const machineClock: Clock = { now: () => Date.now() };

let store: SqliteStore;
let custody: SoftwareCustody;
let service: ReturnType<typeof stsService>;
let authenticator: Authenticator;

before(async () => {
  store = await openMemoryStore({ kind: "dev", clock });
  custody = await openCustody({
    store: domainKeyStore(store, clock),
    rootKeys: [ephemeralRootKey()],
    clock,
    singleRootKey: true,
    incarnation: store.incarnation,
  });
  service = stsService({ custody, identityTokens: () => assert.fail("no token of a provider comes here") });
  authenticator = new Authenticator({ services: [service], store, custody, machineClock, clock });
  await store.transaction(async (tx) => {
    for (const id of [ACCOUNT, "444455556666"]) await insertAccount(tx, { id, name: "test", created_at: 0 });
    await insertIdentity(tx, row("role", "AROAREADER"));
    await insertIdentity(tx, row("user", "AIDAALICE"));
  });
});
after(async () => {
  await store.close();
  custody.close();
});

function row(kind: "role" | "user", uniqueId: string, name: string = kind): IdentityRow {
  return {
    unique_id: uniqueId,
    account: ACCOUNT,
    kind,
    name,
    name_key: name,
    path: "/",
    created_at: 0,
    boundary: null,
    trust_policy: null,
    trust_principals: "{}",
    description: null,
    max_session_seconds: null,
    linked_service: null,
  };
}

async function removeIdentity({ unique_id, kind, name_key }: IdentityRow): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.db.deleteFrom("identity").where("unique_id", "=", unique_id).execute();
    await tx.changed("identity", unique_id);
    await tx.changed("identityName", ACCOUNT, kind, name_key);
  });
}

interface Temporary {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

let made = 0;

/** Temporary credentials of the role, or of whom the changes say. */
async function credentials(changes: Partial<SessionClaims> = {}): Promise<Temporary> {
  made += 1;
  const accessKeyId = `ASIATEST${String(made).padStart(12, "A")}`;
  const claims = printClaims({
    kind: "assumed-role",
    accessKeyId,
    account: ACCOUNT,
    identityId: "AROAREADER",
    name: "session",
    issuedAt: clock.time,
    expiresAt: clock.time + HOUR_MS,
    policies: [],
    policyArns: [],
    tags: [],
    transitiveTagKeys: [],
    ...changes,
  });
  const { secretAccessKey, token } = await custody.newSession({ accessKeyId, claims });
  return { accessKeyId, secretAccessKey: Buffer.from(secretAccessKey).toString(), sessionToken: token };
}

async function request(temporary: Temporary, form: "header" | "query" = "header"): Promise<WireRequest> {
  const server = { endpoint: "http://127.0.0.1:1", credentials: temporary };
  const scope = { service: "sts" };
  const { method, path, headers, body } =
    form === "header"
      ? await sign(server, callerIdentityDraft(), scope)
      : await presign(server, callerIdentityDraft(), { ...scope, expiresIn: 60 });
  return { method, target: path, headers, body };
}

async function whoSent(wire: WireRequest, by = authenticator): Promise<string> {
  const { service: meant, claimed } = by.serviceOf(wire);
  try {
    return (await by.authenticate(wire, meant, claimed)).principal.arn;
  } catch (cause) {
    const { code, message } = cause as ServiceError;
    return `${code}: ${message}`;
  }
}

const INVALID = "UnrecognizedClientException: The security token included in the request is invalid.";
const EXPIRED = "ExpiredTokenException: The security token included in the request is expired";
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/role/session`;

describe("a request with temporary credentials", () => {
  for (const form of ["header", "query"] as const) {
    it(`is the session's, with the token in the ${form}`, async () => {
      assert.equal(await whoSent(await request(await credentials(), form)), SESSION);
    });
  }

  for (const { title, changes, arn } of [
    {
      title: "a user's session",
      changes: { kind: "session-token", identityId: "AIDAALICE", name: "" },
      arn: `arn:aws:iam::${ACCOUNT}:user/user`,
    },
    {
      title: "the root user's session",
      changes: { kind: "session-token", identityId: null, name: "" },
      arn: `arn:aws:iam::${ACCOUNT}:root`,
    },
    {
      title: "a federated user's session",
      changes: { kind: "federated-user", identityId: "AIDAALICE", name: "visitor" },
      arn: `arn:aws:sts::${ACCOUNT}:federated-user/visitor`,
    },
    { title: "a session of a user that claims to be a role's", changes: { identityId: "AIDAALICE" }, arn: INVALID },
    { title: "a session of an account that has no such role", changes: { account: "444455556666" }, arn: INVALID },
    { title: "a session of an account that is closed", changes: { account: "999988887777" }, arn: INVALID },
    { title: "a session of a role that never was", changes: { identityId: "AROANOBODY" }, arn: INVALID },
  ] as { title: string; changes: Partial<SessionClaims>; arn: string }[]) {
    it(`knows ${title}`, async () => {
      assert.equal(await whoSent(await request(await credentials(changes))), arn);
    });
  }

  it("is nobody's with another session's token, without one, with an altered one or with one of another store", async () => {
    const [mine, other] = [await credentials(), await credentials()];
    const spoiled = Buffer.from(mine.sessionToken, "base64");
    spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1;
    await using strange = await openMemoryStore({ kind: "dev", clock });
    const stranger = await openCustody({
      store: domainKeyStore(strange, clock),
      rootKeys: [ephemeralRootKey()],
      clock,
      singleRootKey: true,
    });
    const foreign = await stranger.newSession({ accessKeyId: mine.accessKeyId, claims: "{}" });
    for (const sessionToken of [
      other.sessionToken,
      spoiled.toString("base64"),
      `${mine.sessionToken.slice(0, -4)}====`,
      foreign.token,
      "no token",
      "AAAA",
    ]) {
      assert.equal(await whoSent(await request({ ...mine, sessionToken })), INVALID);
    }
    const { sessionToken: _, ...bare } = mine;
    assert.equal(await whoSent(await request(bare as Temporary)), INVALID);
    assert.equal(await whoSent(await request({ ...mine, secretAccessKey: other.secretAccessKey })).then(codeOf), BAD);
    assert.equal(await whoSent(await request(mine)), SESSION, "the credentials themselves are good");
    stranger.close();
  });

  const BAD = "InvalidSignatureException";
  const codeOf = (text: string): string => text.slice(0, text.indexOf(":"));

  it("ends at its time by the injected clock", async () => {
    const temporary = await credentials();
    const wire = await request(temporary);
    clock.time += HOUR_MS - 1;
    assert.equal(await whoSent(wire), SESSION);
    clock.time += 1;
    assert.equal(await whoSent(wire), EXPIRED);
    clock.time += 72 * HOUR_MS;
    assert.equal(await whoSent(await request(temporary)), EXPIRED, "its domain key is out of date, too");
    await credentials(); // makes the day's domain key, and erases those of days before
    assert.equal(await whoSent(await request(temporary)), EXPIRED);
  });

  it("is nobody's from the next request on when its role is deleted, and another's that is made again", async () => {
    const gone = row("role", "AROAGONE", "gone");
    await store.transaction((tx) => insertIdentity(tx, gone));
    const temporary = await credentials({ identityId: "AROAGONE" });
    assert.equal(await whoSent(await request(temporary)), `arn:aws:sts::${ACCOUNT}:assumed-role/gone/session`);
    await removeIdentity(gone);
    assert.equal(await whoSent(await request(temporary)), INVALID);
    await store.transaction((tx) => insertIdentity(tx, { ...gone, unique_id: "AROAAGAIN" }));
    assert.equal(await whoSent(await request(temporary)), INVALID);
  });

  it("is nobody's when its account is closed", async () => {
    const temporary = await credentials({ kind: "session-token", account: "444455556666", identityId: null });
    assert.equal(await whoSent(await request(temporary)), "arn:aws:iam::444455556666:root");
    await store.transaction(async (tx) => {
      await tx.db.deleteFrom("account").where("id", "=", "444455556666").execute();
      await tx.changed("account", "444455556666");
    });
    assert.equal(await whoSent(await request(temporary)), INVALID);
  });

  for (const { title, changes, taken } of [
    { title: "a role's session", changes: {}, taken: true },
    {
      title: "a user's session without multi-factor authentication",
      changes: { kind: "session-token", identityId: "AIDAALICE" },
      taken: false,
    },
    {
      title: "a user's session with it",
      changes: { kind: "session-token", identityId: "AIDAALICE", mfaAt: 1 },
      taken: true,
    },
    { title: "a federated user's session", changes: { kind: "federated-user", identityId: "AIDAALICE" }, taken: false },
  ] as { title: string; changes: Partial<SessionClaims>; taken: boolean }[]) {
    it(`is ${taken ? "taken" : "refused as nobody's"} by a service with IAM's rule: ${title}`, async () => {
      const strict = { ...service, admits: mayCallIam };
      const by = new Authenticator({ services: [strict], store, custody, machineClock, clock });
      const answer = await whoSent(await request(await credentials(changes)), by);
      assert.equal(answer !== INVALID, taken, answer);
    });
  }

  it("reads no database once its session is known, and has one principal with one session for all requests", async () => {
    const waits: unknown[] = [];
    const watched = new Proxy(store, {
      get(target, name) {
        if (name === "db") throw new Error("A query was made.");
        if (name !== "settle") return Reflect.get(target, name);
        return (reading: never) => {
          const settled: unknown = target.settle(reading);
          if (settled instanceof Promise) waits.push(settled);
          return settled;
        };
      },
    }) as unknown as Store;
    const by = new Authenticator({ services: [service], store: watched, custody, machineClock, clock });
    const temporary = await credentials();
    const principalOf = async () => {
      const wire = await request(temporary);
      const { service: meant, claimed } = by.serviceOf(wire);
      return (await by.authenticate(wire, meant, claimed)).principal;
    };
    const first = await principalOf();
    waits.length = 0;
    const openings: unknown[] = [];
    const open = custody.openSession.bind(custody);
    custody.openSession = (asked) => {
      const opening = open(asked);
      openings.push(opening);
      return opening;
    };
    const second = await principalOf();
    Reflect.deleteProperty(custody, "openSession");
    assert.equal(second, first);
    assert.equal(second.session, first.session);
    assert.deepEqual(waits, []);
    assert.equal(openings.length, 1);
    assert.ok(!(openings[0] instanceof Promise), "custody answers at once");
  });
});
