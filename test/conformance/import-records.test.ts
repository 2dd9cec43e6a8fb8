/** What imports leave in records and ask of policies, and the expiry of what was imported, also over downtime (spec 02, 04, 05). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { KMS, RotationsListEntry } from "@aws-sdk/client-kms";
import { MovableClock } from "../../src/base/clock.ts";
import { DEV_ACCOUNT, ensureAccount } from "../../src/cli/accounts.ts";
import { type RunningServer, startServer } from "../../src/cli/server.ts";
import { ephemeralRootKey, type RootKey } from "../../src/custody/root-key.ts";
import { readTrail } from "../faults/audit-trail.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { importInto, newExternalKey, OAEP, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  bytes,
  clientOf,
  describedKey,
  type Metadata,
  policyOf,
  present,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, records } = world;
const { clock } = world.server;

const DAY_MS = 86_400_000;
const NEW = { ImportType: "NEW_KEY_MATERIAL" } as const;

async function inDays(days: number): Promise<Date> {
  return new Date(Math.floor(((await clock.now()).getTime() + days * DAY_MS) / 1000) * 1000);
}

/** A key with its first material. */
async function newImportedKey(): Promise<{ KeyId: string; Arn: string; first: string; material: Uint8Array }> {
  const { KeyId, Arn } = await newExternalKey(kms);
  const material = randomMaterial(32);
  const { KeyMaterialId } = await importInto(kms, KeyId, material);
  return { KeyId, Arn, first: present(KeyMaterialId), material };
}

async function materialsOf(KeyId: string, from: KMS = kms): Promise<readonly RotationsListEntry[]> {
  return present((await from.listKeyRotations({ KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" })).Rotations);
}

async function stateOf(KeyId: string): Promise<string | undefined> {
  return (await describedKey(kms, KeyId)).KeyState;
}

const importMembers = ({ ExpirationModel, ValidTo, KeyState, Enabled }: Metadata) => ({
  ExpirationModel,
  ValidTo,
  KeyState,
  Enabled,
});

describe("material that expires", () => {
  const isExpiryOf =
    (arn: string) =>
    ({ eventName, resources }: AuditRecord): boolean =>
      eventName === "DeleteExpiredKeyMaterial" && resources?.[0]?.ARN === arn;
  const expiries = (arn: string): readonly AuditRecord[] => records.all().filter(isExpiryOf(arn));
  /** The one record of a material's expiry, as soon as it is there. */
  const expiryOf = async (arn: string, materialId: string | undefined): Promise<AuditRecord> => {
    const [record, ...more] = await records.where(
      (candidate) => isExpiryOf(arn)(candidate) && candidate.serviceEventDetails?.["keyMaterialId"] === materialId,
    );
    assert.deepEqual(more, []);
    return present(record);
  };

  it("S05-052, S02-020: is gone at its time, once, with a record; the same again opens what it encrypted", async () => {
    const { KeyId, Arn, first, material } = await newImportedKey();
    const ValidTo = await inDays(3);
    await importInto(kms, KeyId, material, { ValidTo });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(5) });
    await clock.set(new Date(ValidTo.getTime() - 60_000));
    await kms.decrypt({ CiphertextBlob });
    await clock.advance("P30D");
    const described = importMembers(await describedKey(kms, KeyId));
    const expired = { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo, KeyState: "PendingImport", Enabled: false };
    assert.deepEqual(described, expired);
    await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException", `${Arn} is pending import.`);
    const record = await expiryOf(Arn, first);
    const { eventType, eventTime, requestID, requestParameters, responseElements, readOnly, serviceEventDetails } =
      record;
    assert.deepEqual(
      { eventType, eventTime, requestID, requestParameters, responseElements, readOnly, serviceEventDetails },
      {
        eventType: "AwsServiceEvent",
        eventTime: ValidTo.toISOString().replace(".000", ""),
        requestID: undefined,
        requestParameters: null,
        responseElements: null,
        readOnly: false,
        serviceEventDetails: { keyId: KeyId, keyMaterialId: first },
      },
    );
    const [entry] = await materialsOf(KeyId);
    assert.deepEqual([entry?.ImportState, entry?.ValidTo], ["PENDING_IMPORT", ValidTo]);
    await assertRefused(importInto(kms, KeyId, randomMaterial(32)), "IncorrectKeyMaterialException");
    await importInto(kms, KeyId, material);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(5));
    await clock.advance("P400D");
    assert.equal(expiries(Arn).length, 1);
    assert.equal(await stateOf(KeyId), "Enabled");
  });

  it("lasts as long as its last import said, and a deletion comes before it", async () => {
    const { KeyId, Arn, material } = await newImportedKey();
    await importInto(kms, KeyId, material, { ValidTo: await inDays(3) });
    await importInto(kms, KeyId, material, { ValidTo: await inDays(20) });
    await clock.advance("P10D");
    assert.equal(await stateOf(KeyId), "Enabled");
    await kms.deleteImportedKeyMaterial({ KeyId });
    await clock.advance("P30D");
    assert.deepEqual(expiries(Arn), []);
  });

  it("takes the key with it, or leaves it be where it had yet to become current", async () => {
    const { KeyId, Arn, first } = await newImportedKey();
    const waiting = await importInto(kms, KeyId, randomMaterial(32), { ...NEW, ValidTo: await inDays(2) });
    await clock.advance("P3D");
    await expiryOf(Arn, waiting.KeyMaterialId);
    assert.equal(await stateOf(KeyId), "Enabled");
    assert.deepEqual(
      (await materialsOf(KeyId)).map((entry) => entry.KeyMaterialId),
      [first],
    );
    const next = randomMaterial(32);
    const { KeyMaterialId: second } = await importInto(kms, KeyId, next, { ...NEW, ValidTo: await inDays(2) });
    await kms.rotateKeyOnDemand({ KeyId });
    await clock.advance("P3D");
    assert.equal(await stateOf(KeyId), "PendingImport");
    await expiryOf(Arn, second);
    await importInto(kms, KeyId, next);
    assert.equal(await stateOf(KeyId), "Enabled");
  });

  it("goes from a disabled key, and from one pending deletion, which keeps its state", async () => {
    const [left, right] = [await newImportedKey(), await newImportedKey()];
    for (const { KeyId, material } of [left, right])
      await importInto(kms, KeyId, material, { ValidTo: await inDays(2) });
    await kms.disableKey({ KeyId: left.KeyId });
    await kms.scheduleKeyDeletion({ KeyId: right.KeyId, PendingWindowInDays: 10 });
    await clock.advance("P3D");
    assert.equal(await stateOf(left.KeyId), "PendingImport");
    assert.equal(await stateOf(right.KeyId), "PendingDeletion");
    await expiryOf(right.Arn, right.first);
    await kms.cancelKeyDeletion({ KeyId: right.KeyId });
    assert.equal(await stateOf(right.KeyId), "PendingImport");
  });
});

describe("imported material in a data directory", () => {
  const credentials = DEV_ACCOUNT.credential;

  function run(
    kind: "dev" | "serve",
    directory: string,
    rootKey: RootKey,
    runClock: MovableClock,
  ): Promise<RunningServer> {
    return startServer({
      kind,
      directory,
      create: true,
      host: "127.0.0.1",
      port: 0,
      rootKeys: [rootKey, ...(kind === "serve" ? [otherRootKey] : [])],
      clock: runClock,
      auditSync: false,
      log: { error: (_facts, message) => assert.fail(message), warn: () => {} },
      prepare: (parts) => ensureAccount(parts, DEV_ACCOUNT, runClock.now()),
    });
  }
  const otherRootKey = ephemeralRootKey();

  /** A server with a key whose material expires in two days; both end. */
  async function leaveExpiring(kind: "dev" | "serve", directory: string, rootKey: RootKey) {
    const server = await run(kind, directory, rootKey, new MovableClock());
    try {
      using mine = clientOf({ endpoint: server.endpoint, credentials });
      const { KeyId } = await newExternalKey(mine.kms);
      const material = randomMaterial(32);
      await importInto(mine.kms, KeyId, material, { ValidTo: new Date(Date.now() + 2 * DAY_MS) });
      const { CiphertextBlob } = await mine.kms.encrypt({ KeyId, Plaintext: bytes(6) });
      return { KeyId, material, CiphertextBlob };
    } finally {
      await server.close();
    }
  }

  function clockIn(days: number): MovableClock {
    const later = new MovableClock();
    later.set(Date.now() + days * DAY_MS);
    return later;
  }

  it("S05-052: is gone at the next start when it expired while the server was down, once, and comes again", async () => {
    using directory = new TemporaryDirectory();
    const rootKey = ephemeralRootKey();
    const { KeyId, material, CiphertextBlob } = await leaveExpiring("dev", directory.path, rootKey);
    const server = await run("dev", directory.path, rootKey, clockIn(5));
    try {
      using mine = clientOf({ endpoint: server.endpoint, credentials });
      await Promise.all([server.dueWork.runDue(), server.dueWork.runDue()]);
      const [entry] = await materialsOf(KeyId, mine.kms);
      assert.equal(entry?.ImportState, "PENDING_IMPORT");
      await assertRefused(mine.kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException", /is pending import\.$/);
      await importInto(mine.kms, KeyId, material);
      assert.deepEqual((await mine.kms.decrypt({ CiphertextBlob })).Plaintext, bytes(6));
    } finally {
      await server.close();
    }
    await (await run("dev", directory.path, rootKey, clockIn(9))).close();
    const { inSegments, inOutbox } = await readTrail(directory.path);
    const told = [...inSegments, ...inOutbox].filter(({ eventName }) => eventName === "DeleteExpiredKeyMaterial");
    assert.equal(told.length, 1);
  });

  it("leaves no sealed byte in the database and its log once it was deleted", async () => {
    using directory = new TemporaryDirectory();
    const server = await run("dev", directory.path, ephemeralRootKey(), new MovableClock());
    try {
      using mine = clientOf({ endpoint: server.endpoint, credentials });
      const { KeyId } = await newExternalKey(mine.kms);
      await importInto(mine.kms, KeyId, randomMaterial(32));
      const read = (): Promise<{ sealed: Uint8Array }> =>
        server.store.db.selectFrom("material").select("sealed").where("key_id", "=", KeyId).executeTakeFirstOrThrow();
      const { sealed } = await read();
      const files = (): string =>
        ["keystead.db", "keystead.db-wal"].map((name) => readFileSync(join(directory.path, name), "hex")).join(" ");
      assert.ok(files().includes(sealed.toHex()));
      await mine.kms.deleteImportedKeyMaterial({ KeyId });
      await server.dueWork.runDue();
      assert.equal((await read()).sealed.length, 0);
      assert.ok(!files().includes(sealed.toHex().slice(-64)));
      assert.ok(files().includes(Buffer.from(KeyId).toString("hex")), "the search would find what is there");
    } finally {
      await server.close();
    }
  });

  it("is not used past its date, and not destroyed within an hour of a start of `serve`", async () => {
    using directory = new TemporaryDirectory();
    const rootKey = ephemeralRootKey();
    const { KeyId, CiphertextBlob } = await leaveExpiring("serve", directory.path, rootKey);
    for (const { days, usable } of [
      { days: 5, usable: false },
      { days: 1, usable: true },
    ]) {
      const server = await run("serve", directory.path, rootKey, clockIn(days));
      try {
        using mine = clientOf({ endpoint: server.endpoint, credentials });
        await server.dueWork.runDue();
        const [entry] = await materialsOf(KeyId, mine.kms);
        assert.equal(entry?.ImportState, "IMPORTED");
        const decrypted = mine.kms.decrypt({ CiphertextBlob });
        if (usable) assert.deepEqual((await decrypted).Plaintext, bytes(6));
        else await assertRefused(decrypted, "KMSInvalidStateException", /is pending import\.$/);
        const { KeyState, Enabled } = await describedKey(mine.kms, KeyId);
        assert.deepEqual([KeyState, Enabled], usable ? ["Enabled", true] : ["PendingImport", false]);
      } finally {
        await server.close();
      }
    }
  });
});

describe("records of imports", () => {
  it("S02-004, S02-006: name how and what, and hold neither token nor material", async () => {
    const created = await kms.createKey({ Origin: "EXTERNAL" });
    const { KeyId, Arn } = present(created.KeyMetadata) as Metadata;
    const made = await records.of(requestIdOf(created));
    assert.equal(made.requestParameters?.["origin"], "EXTERNAL");
    const { keyMetadata } = present(made.responseElements ?? undefined);
    const { enabled, keyState, origin } = keyMetadata as Readonly<Record<string, unknown>>;
    assert.deepEqual([enabled, keyState, origin], [false, "PendingImport", "EXTERNAL"]);
    const parameters = await kms.getParametersForImport({ KeyId, ...OAEP });
    const read = await records.of(requestIdOf(parameters));
    assert.deepEqual(read.requestParameters, {
      keyId: KeyId,
      wrappingAlgorithm: OAEP.WrappingAlgorithm,
      wrappingKeySpec: OAEP.WrappingKeySpec,
    });
    assert.deepEqual([read.responseElements, read.readOnly], [null, true]);
    const material = randomMaterial(32);
    const input = { ...NEW, ValidTo: await inDays(100), KeyMaterialDescription: "mine" };
    const imported = await importInto(kms, KeyId, material, input);
    const written = await records.of(requestIdOf(imported));
    const { validTo, ...rest } = present(written.requestParameters ?? undefined);
    assert.match(String(validTo), /^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M$/);
    assert.deepEqual(rest, { keyId: KeyId, importType: "NEW_KEY_MATERIAL", keyMaterialDescription: "mine" });
    const { KeyMaterialId } = imported;
    assert.deepEqual(written.responseElements, { keyId: Arn, keyMaterialId: KeyMaterialId });
    assert.equal(written.readOnly, false);
    assert.equal(written.resources?.[0]?.ARN, Arn);
    const deleted = await records.of(requestIdOf(await kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId })));
    assert.deepEqual(deleted.requestParameters, { keyId: KeyId, keyMaterialId: KeyMaterialId });
    assert.deepEqual(deleted.responseElements, { keyId: Arn, keyMaterialId: KeyMaterialId });
    const text = JSON.stringify(records.all());
    for (const hidden of [material, present(parameters.ImportToken), present(parameters.PublicKey)]) {
      assert.ok(!text.includes(Buffer.from(hidden).toString("base64").slice(0, 40)));
    }
  });

  it("of a rotation name both materials and the origin", async () => {
    const { KeyId, Arn, first } = await newImportedKey();
    const { KeyMaterialId } = await importInto(kms, KeyId, randomMaterial(32), NEW);
    await kms.rotateKeyOnDemand({ KeyId });
    const [record] = await records.where(
      ({ eventName, resources }) => eventName === "RotateKey" && resources?.[0]?.ARN === Arn,
    );
    assert.deepEqual(record?.serviceEventDetails, {
      rotationType: "ON_DEMAND",
      keyOrigin: "EXTERNAL",
      previousKeyMaterialId: first,
      currentKeyMaterialId: KeyMaterialId,
      keyId: KeyId,
    });
  });
});

describe("condition keys of imports", () => {
  const manage = ["kms:PutKeyPolicy", "kms:DescribeKey", "kms:ScheduleKeyDeletion"];
  const when = (action: string, Condition: object): object => ({ ...allowing(ACCOUNT, action), Condition });
  const keyWith = (...statements: readonly object[]): Promise<Metadata> =>
    newExternalKey(kms, { Policy: policyOf(allowing(ACCOUNT, manage), ...statements) });

  it("S04-022, S05-061: kms:WrappingAlgorithm and kms:WrappingKeySpec decide who gets parameters", async () => {
    const { KeyId } = await keyWith(
      when("kms:GetParametersForImport", {
        StringEquals: { "kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256", "kms:WrappingKeySpec": "RSA_2048" },
      }),
    );
    await kms.getParametersForImport({ KeyId, ...OAEP });
    for (const other of [{ WrappingAlgorithm: "RSAES_OAEP_SHA_1" }, { WrappingKeySpec: "RSA_3072" }] as const) {
      await assertRefused(kms.getParametersForImport({ KeyId, ...OAEP, ...other }), "AccessDeniedException");
    }
  });

  it("S04-006, S05-061: kms:ExpirationModel is there only where the request has it", async () => {
    const parameters = allowing(ACCOUNT, "kms:GetParametersForImport");
    const absent = await keyWith(
      parameters,
      when("kms:ImportKeyMaterial", { Null: { "kms:ExpirationModel": "true" } }),
    );
    const expiring = await keyWith(
      parameters,
      when("kms:ImportKeyMaterial", { StringEquals: { "kms:ExpirationModel": "KEY_MATERIAL_EXPIRES" } }),
    );
    const ValidTo = await inDays(1);
    const named = { ValidTo, ExpirationModel: "KEY_MATERIAL_EXPIRES" } as const;
    const material = randomMaterial(32);
    await importInto(kms, absent.KeyId, material, { ValidTo });
    await assertRefused(importInto(kms, absent.KeyId, material, named), "AccessDeniedException");
    await assertRefused(importInto(kms, expiring.KeyId, material, { ValidTo }), "AccessDeniedException");
    await importInto(kms, expiring.KeyId, material, named);
  });

  it("S04-007, S05-061: kms:ValidTo is a number and a date", async () => {
    const limit = await inDays(10);
    const parameters = allowing(ACCOUNT, "kms:GetParametersForImport");
    for (const Condition of [
      { NumericLessThanEquals: { "kms:ValidTo": `${limit.getTime() / 1000}.0` } },
      { DateLessThan: { "kms:ValidTo": new Date(limit.getTime() + 1000).toISOString() } },
    ]) {
      const { KeyId } = await keyWith(parameters, when("kms:ImportKeyMaterial", Condition));
      const material = randomMaterial(32);
      await importInto(kms, KeyId, material, { ValidTo: limit });
      const late = importInto(kms, KeyId, material, { ValidTo: await inDays(11) });
      await assertRefused(late, "AccessDeniedException");
      await assertRefused(importInto(kms, KeyId, material), "AccessDeniedException");
    }
  });
});
