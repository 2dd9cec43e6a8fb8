/** Keys with imported material: coming, going and coming again, tokens, and several materials of one key (spec 05). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS, RotationsListEntry } from "@aws-sdk/client-kms";
import {
  importInto,
  KEY_WRAP,
  newExternalKey,
  OAEP,
  privateKeyMaterial,
  randomMaterial,
  wrapFor,
} from "../key-material.ts";
import { assertRefused, bytes, describedKey, type Metadata, membersOf, present, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;
const { clock } = world.server;

const DAY_MS = 86_400_000;
const NEW = { ImportType: "NEW_KEY_MATERIAL" } as const;
const FOR_EVER = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" } as const;
const P256 = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
const HMAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
const newP256 = (): Uint8Array => privateKeyMaterial("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256");

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

describe("a key whose material comes from outside", () => {
  it("S05-045, S05-070, S01-046: is pending import until it has some, and shows no expiration before", async () => {
    const { KeyId, Arn, ...made } = await newExternalKey(kms);
    const { KeyState, Enabled, Origin } = made;
    assert.deepEqual({ KeyState, Enabled, Origin }, { KeyState: "PendingImport", Enabled: false, Origin: "EXTERNAL" });
    for (const member of ["ExpirationModel", "ValidTo", "CurrentKeyMaterialId"]) assert.ok(!(member in made), member);
    const text = `${Arn} is pending import.`;
    await assertRefused(kms.encrypt({ KeyId, Plaintext: bytes(1) }), "KMSInvalidStateException", text);
    await assertRefused(kms.enableKey({ KeyId }), "KMSInvalidStateException", text);
    await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException", text);
    const origin = `${Arn} origin is EXTERNAL which is not valid for this operation.`;
    await assertRefused(kms.enableKeyRotation({ KeyId }), "UnsupportedOperationException", origin);
    assert.deepEqual(membersOf(await kms.deleteImportedKeyMaterial({ KeyId })), { KeyId: Arn });
    const material = randomMaterial(32);
    const imported = membersOf(await importInto(kms, KeyId, material));
    const { CurrentKeyMaterialId, ...after } = await describedKey(kms, KeyId);
    assert.deepEqual(imported, { KeyId: Arn, KeyMaterialId: CurrentKeyMaterialId });
    assert.match(present(CurrentKeyMaterialId), /^[0-9a-f]{64}$/);
    const lasting = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE", Enabled: true, KeyState: "Enabled" };
    assert.deepEqual(after, { ...made, KeyId, Arn, ...lasting });
    const ValidTo = await inDays(10);
    await importInto(kms, KeyId, material, { ValidTo });
    const expiring = { ...lasting, ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo };
    assert.deepEqual(
      importMembers(await describedKey(kms, KeyId)),
      importMembers({ KeyId, Arn, ...expiring } as never),
    );
  });

  it("S05-071: loses its date when the material comes again for ever", async () => {
    const { KeyId } = await newExternalKey(kms);
    const material = randomMaterial(32);
    await importInto(kms, KeyId, material, { ValidTo: await inDays(5) });
    await importInto(kms, KeyId, material);
    assert.equal((await describedKey(kms, KeyId)).ValidTo, undefined);
    await clock.advance("P6D");
    assert.equal(await stateOf(KeyId), "Enabled");
  });

  for (const { title, input, message } of [
    {
      title: "the default model without a date",
      input: {},
      message: "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    },
    {
      title: "a model that expires without a date",
      input: { ExpirationModel: "KEY_MATERIAL_EXPIRES" },
      message: "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    },
    {
      title: "a model that does not expire with a date",
      input: { ...FOR_EVER, days: 1 },
      message:
        "The parameter ValidTo cannot be specified for a key with an expiration model of KEY_MATERIAL_DOES_NOT_EXPIRE",
    },
    { title: "a date that has passed", input: { days: -1 }, message: "ValidTo must be in the future" },
    {
      title: "a date beyond a year",
      input: { days: 365.1 },
      message: "ValidTo must be within 365 days of the request",
    },
  ] as const) {
    it(`S05-051: is refused ${title}`, async () => {
      const { KeyId } = await newExternalKey(kms);
      const { days, ...rest } = { days: undefined, ...input };
      const wrapped = await wrapFor(kms, KeyId, randomMaterial(32));
      const ValidTo = days === undefined ? undefined : await inDays(days);
      await assertRefused(
        kms.importKeyMaterial({ KeyId, ...wrapped, ...rest, ValidTo }),
        "ValidationException",
        message,
      );
    });
  }

  it("S05-051: takes a date of almost a year", async () => {
    const { KeyId } = await newExternalKey(kms);
    await importInto(kms, KeyId, randomMaterial(32), { ValidTo: await inDays(364.9) });
  });
});

describe("an import token", () => {
  it("S05-050: is good for 24 hours and not a moment more", async () => {
    const { KeyId } = await newExternalKey(kms);
    const material = randomMaterial(32);
    const wrapped = await wrapFor(kms, KeyId, material);
    await clock.advance("PT23H59M");
    await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER });
    await clock.advance("PT1M");
    await assertRefused(kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER }), "ExpiredImportTokenException");
    await importInto(kms, KeyId, material);
  });

  it("S05-050: is one key's, in one Region, and whole", async () => {
    const { KeyId } = await newExternalKey(kms);
    const { KeyId: other } = await newExternalKey(kms);
    const wrapped = await wrapFor(kms, KeyId, randomMaterial(32));
    const take = (KeyIdToo: string, ImportToken: Uint8Array) =>
      kms.importKeyMaterial({ ...wrapped, ImportToken, KeyId: KeyIdToo, ...FOR_EVER });
    await assertRefused(take(other, wrapped.ImportToken), "InvalidImportTokenException");
    const { ImportToken } = wrapped;
    for (const at of [0, 1, 4, 5, 20, 40, ImportToken.length - 1]) {
      const changed = ImportToken.with(at, (ImportToken[at] ?? 0) ^ 1);
      await assertRefused(take(KeyId, changed), "InvalidImportTokenException");
    }
    await assertRefused(take(KeyId, ImportToken.subarray(0, -1)), "InvalidImportTokenException");
    await assertRefused(take(KeyId, bytes(1)), "InvalidImportTokenException");
    await take(KeyId, ImportToken);
  });
});

describe("material that comes again", () => {
  for (const { kind, material, wrapping } of [
    { kind: {}, material: () => randomMaterial(32), wrapping: OAEP },
    { kind: HMAC, material: () => randomMaterial(32), wrapping: OAEP },
    { kind: P256, material: newP256, wrapping: KEY_WRAP },
  ]) {
    const spec = "KeySpec" in kind ? kind.KeySpec : "SYMMETRIC_DEFAULT";
    it(`S05-053, S05-050, S07-007: must be the same, also after it was deleted: ${spec}`, async () => {
      const { KeyId, Arn } = await newExternalKey(kms, kind);
      const [mine, another] = [material(), material()];
      const imported = membersOf(await importInto(kms, KeyId, mine, { wrapping }));
      await assertRefused(importInto(kms, KeyId, another, { wrapping }), "IncorrectKeyMaterialException");
      const deleted = membersOf(await kms.deleteImportedKeyMaterial({ KeyId }));
      assert.deepEqual(deleted, imported);
      assert.equal("KeyMaterialId" in imported, spec === "SYMMETRIC_DEFAULT");
      const { KeyState, ExpirationModel, ValidTo } = await describedKey(kms, KeyId);
      assert.deepEqual([KeyState, ExpirationModel, ValidTo], ["PendingImport", undefined, undefined]);
      await assertRefused(importInto(kms, KeyId, another, { wrapping }), "IncorrectKeyMaterialException");
      assert.deepEqual(membersOf(await kms.deleteImportedKeyMaterial({ KeyId })), imported);
      assert.deepEqual(membersOf(await importInto(kms, Arn, mine, { wrapping })), imported);
      assert.equal(await stateOf(KeyId), "Enabled");
    });
  }

  it("opens what it encrypted before", async () => {
    const { KeyId, Arn, material } = await newImportedKey();
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(9) });
    await kms.deleteImportedKeyMaterial({ KeyId });
    const text = `${Arn} is pending import.`;
    await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException", text);
    await importInto(kms, KeyId, material);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(9));
  });

  it("S05-033: does not open what another key of the same material encrypted", async () => {
    const { KeyId, material } = await newImportedKey();
    const { KeyId: twin } = await newExternalKey(kms);
    await importInto(kms, twin, material);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(9) });
    await assertRefused(kms.decrypt({ CiphertextBlob, KeyId: twin }), "IncorrectKeyException");
  });

  it("leaves a disabled key disabled, and its loss makes it pending import", async () => {
    const { KeyId, material } = await newImportedKey();
    await kms.disableKey({ KeyId });
    await importInto(kms, KeyId, material);
    assert.equal(await stateOf(KeyId), "Disabled");
    await kms.deleteImportedKeyMaterial({ KeyId });
    assert.equal(await stateOf(KeyId), "PendingImport");
    await importInto(kms, KeyId, material);
    assert.equal(await stateOf(KeyId), "Enabled");
  });

  it("does not come to a key pending deletion, which loses it all the same and is pending import if cancelled", async () => {
    const { KeyId, Arn, material } = await newImportedKey();
    const wrapped = await wrapFor(kms, KeyId, material);
    await kms.scheduleKeyDeletion({ KeyId });
    const text = `${Arn} is pending deletion.`;
    await assertRefused(kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER }), "KMSInvalidStateException", text);
    await assertRefused(kms.getParametersForImport({ KeyId, ...OAEP }), "KMSInvalidStateException", text);
    await kms.deleteImportedKeyMaterial({ KeyId });
    assert.equal(await stateOf(KeyId), "PendingDeletion");
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal(await stateOf(KeyId), "PendingImport");
    await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER });
    await kms.scheduleKeyDeletion({ KeyId });
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal(await stateOf(KeyId), "Disabled");
  });
});

describe("several materials of one key", () => {
  it("come in as new, wait for a rotation, and open what each encrypted", async () => {
    const { KeyId, Arn, first, material } = await newImportedKey();
    const old = await kms.encrypt({ KeyId, Plaintext: bytes(4) });
    const none = `No available key material pending rotation for the key: ${Arn}.`;
    await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException", none);
    const next = randomMaterial(32);
    const ValidTo = await inDays(100);
    const KeyMaterialDescription = "second: 2/2026";
    const { KeyMaterialId: second } = await importInto(kms, KeyId, next, { ...NEW, ValidTo, KeyMaterialDescription });
    const lasting = { ImportState: "IMPORTED", ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" };
    const waiting = {
      KeyId,
      KeyMaterialId: second,
      KeyMaterialDescription,
      ImportState: "IMPORTED",
      ExpirationModel: "KEY_MATERIAL_EXPIRES",
      ValidTo,
      KeyMaterialState: "PENDING_ROTATION",
    };
    const current = { KeyId, KeyMaterialId: first, ...lasting, KeyMaterialState: "CURRENT" };
    assert.deepEqual(await materialsOf(KeyId), [current, waiting]);
    assert.deepEqual((await kms.listKeyRotations({ KeyId })).Rotations, []);
    const before = await describedKey(kms, KeyId);
    assert.deepEqual([before.CurrentKeyMaterialId, before.ValidTo], [first, undefined]);
    assert.equal((await kms.generateDataKey({ KeyId, KeySpec: "AES_256" })).KeyMaterialId, first);

    assert.deepEqual(membersOf(await kms.rotateKeyOnDemand({ KeyId })), { KeyId: Arn });
    const rotated = await describedKey(kms, KeyId);
    assert.deepEqual([rotated.CurrentKeyMaterialId, rotated.ValidTo], [second, ValidTo]);
    const [firstNow, secondNow] = await materialsOf(KeyId);
    assert.deepEqual(firstNow, { ...current, KeyMaterialState: "NON_CURRENT" });
    const { RotationDate, ...rest } = present(secondNow);
    assert.ok(RotationDate instanceof Date);
    assert.deepEqual(rest, { ...waiting, KeyMaterialState: "CURRENT", RotationType: "ON_DEMAND" });
    assert.equal((await kms.decrypt({ CiphertextBlob: old.CiphertextBlob })).KeyMaterialId, first);
    assert.equal((await kms.generateDataKey({ KeyId, KeySpec: "AES_256" })).KeyMaterialId, second);
    await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException", none);

    await kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId: first });
    assert.equal(await stateOf(KeyId), "PendingImport");
    const gone = { KeyId, KeyMaterialId: first, ImportState: "PENDING_IMPORT", KeyMaterialState: "NON_CURRENT" };
    assert.deepEqual((await materialsOf(KeyId))[0], gone);
    for (const call of [
      () => kms.encrypt({ KeyId, Plaintext: bytes(1) }),
      () => kms.decrypt({ CiphertextBlob: old.CiphertextBlob }),
      () => kms.rotateKeyOnDemand({ KeyId }),
    ]) {
      await assertRefused(call(), "KMSInvalidStateException", `${Arn} is pending import.`);
    }
    await importInto(kms, KeyId, next, { ValidTo });
    assert.equal(await stateOf(KeyId), "PendingImport");
    await importInto(kms, KeyId, material, { KeyMaterialId: first });
    assert.equal(await stateOf(KeyId), "Enabled");
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: old.CiphertextBlob })).Plaintext, bytes(4));
    assert.equal((await materialsOf(KeyId))[1]?.KeyMaterialDescription, KeyMaterialDescription);
  });

  it("wait one at a time; what waits can be deleted for good, and another takes its place", async () => {
    const { KeyId, Arn, first, material } = await newImportedKey();
    const [second, third] = [randomMaterial(32), randomMaterial(32)];
    const { KeyMaterialId } = await importInto(kms, KeyId, second, NEW);
    const { message } = await assertRefused(importInto(kms, KeyId, third, NEW), "KMSInvalidStateException");
    const [, tried, waits] = present(
      /^New key material \(id: ([0-9a-f]{64})\) cannot be imported into KMS key \S+, because another key material \(id: ([0-9a-f]{64})\) is pending rotation\.$/.exec(
        message,
      ) ?? undefined,
    );
    assert.equal(waits, KeyMaterialId);
    await importInto(kms, KeyId, second);
    await assertRefused(importInto(kms, KeyId, second, NEW), "IncorrectKeyMaterialException");
    await assertRefused(importInto(kms, KeyId, material, NEW), "IncorrectKeyMaterialException");
    await kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId });
    assert.equal(await stateOf(KeyId), "Enabled");
    assert.deepEqual(
      (await materialsOf(KeyId)).map((entry) => entry.KeyMaterialId),
      [first],
    );
    await assertRefused(importInto(kms, KeyId, second), "IncorrectKeyMaterialException");
    await assertRefused(
      kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId }),
      "NotFoundException",
      `Key material '${KeyMaterialId}' of ${Arn} does not exist`,
    );
    assert.equal((await importInto(kms, KeyId, third, NEW)).KeyMaterialId, tried);
    await kms.rotateKeyOnDemand({ KeyId });
    await importInto(kms, KeyId, second, NEW);
    assert.deepEqual(
      (await materialsOf(KeyId)).map((entry) => entry.KeyMaterialState),
      ["NON_CURRENT", "CURRENT", "PENDING_ROTATION"],
    );
  });

  it("come one at a time also when two come at once", async () => {
    const { KeyId } = await newImportedKey();
    const wrapped = [await wrapFor(kms, KeyId, randomMaterial(32)), await wrapFor(kms, KeyId, randomMaterial(32))];
    const calls = wrapped.map((material) => kms.importKeyMaterial({ KeyId, ...material, ...FOR_EVER, ...NEW }));
    const [left, right] = await Promise.allSettled(calls);
    assert.deepEqual([left?.status, right?.status].sort(), ["fulfilled", "rejected"]);
    await assertRefused(Promise.all(calls), "KMSInvalidStateException", /is pending rotation\.$/);
    assert.equal((await materialsOf(KeyId)).length, 2);
  });

  it("are told apart by their ids, which a request must not confuse", async () => {
    const { KeyId } = await newExternalKey(kms);
    const [one, two] = [randomMaterial(32), randomMaterial(32)];
    const existing = { ImportType: "EXISTING_KEY_MATERIAL" } as const;
    await assertRefused(importInto(kms, KeyId, one, existing), "IncorrectKeyMaterialException");
    const { KeyMaterialId: first } = await importInto(kms, KeyId, one, NEW);
    const { KeyMaterialId: second } = await importInto(kms, KeyId, two, NEW);
    await assertRefused(importInto(kms, KeyId, one, { KeyMaterialId: second }), "IncorrectKeyMaterialException");
    await assertRefused(
      importInto(kms, KeyId, one, { KeyMaterialId: "0".repeat(64) }),
      "IncorrectKeyMaterialException",
    );
    await assertRefused(importInto(kms, KeyId, one, { ...NEW, KeyMaterialId: first }), "ValidationException");
    await importInto(kms, KeyId, one, { ...existing, KeyMaterialId: first });
  });

  it("are not for HMAC and asymmetric keys", async () => {
    const { KeyId } = await newExternalKey(kms, HMAC);
    const wrapped = await wrapFor(kms, KeyId, randomMaterial(32));
    for (const input of [NEW, { KeyMaterialDescription: "mine" }, { KeyMaterialId: "0".repeat(64) }]) {
      const call = kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER, ...input });
      await assertRefused(call, "UnsupportedOperationException");
    }
    const call = kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId: "0".repeat(64) });
    await assertRefused(call, "UnsupportedOperationException");
    await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER });
    await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "UnsupportedOperationException");
  });
});
