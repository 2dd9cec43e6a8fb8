/** The key-state table of spec 02, cell by cell against the server, and enabling and disabling (spec 01). */

import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { after, describe, it } from "node:test";
import { operations } from "../../src/kms/operations/index.ts";
import { assertRefused, bytes, describedKey, membersOf, newKey, present } from "../kms-client.ts";
import type { Subject } from "./key-state-calls.ts";
import { type KeyState, StateLab } from "./key-state-lab.ts";
import { COLUMNS, type Column, KEY_STATE_TABLE, NOTES } from "./key-state-table.ts";

const lab = await StateLab.start();
after(() => lab.stop());
const { kms } = lab;

/** The states of each column. */
const STATES: Readonly<Record<Column, readonly KeyState[]>> = {
  Enabled: ["Enabled"],
  Disabled: ["Disabled"],
  Pending: ["PendingDeletion", "PendingReplicaDeletion"],
  PendingImport: ["PendingImport"],
  Unavailable: ["Unavailable"],
  Creating: ["Creating"],
  Updating: ["Updating"],
};

/** What keys of a state are made of, where that isn't AWS_KMS: the guide's own words on the two states. */
const ORIGINS: Readonly<Partial<Record<KeyState, string>>> = { PendingImport: "EXTERNAL", Unavailable: "AWS_CLOUDHSM" };

/** Operations that are on no existing key, which the table leaves out. */
const ON_NO_KEY = [
  "ConnectCustomKeyStore",
  "CreateCustomKeyStore",
  "CreateKey",
  "DeleteCustomKeyStore",
  "DescribeCustomKeyStores",
  "DisconnectCustomKeyStore",
  "GenerateRandom",
  "ListKeys",
  "ListRetirableGrants",
  "UpdateCustomKeyStore",
];

/** Operations of keys with imported material, which the table tells of with such keys in mind. */
const IMPORTS = ["GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"];

/** One case: a call on a key of a state and origin, and the note that refuses it, if any. */
interface Case {
  readonly state: KeyState;
  readonly origin: string;
  readonly note: string | undefined;
}

/** The cases of one cell. `part` is which of an operation's keys is in the state, where it has several. */
function casesOf(operation: string, column: Column, part: string | undefined): readonly Case[] {
  const cell = present(KEY_STATE_TABLE.get(operation)?.[COLUMNS.indexOf(column)]);
  return STATES[column].flatMap((state): Case[] => {
    const origin = ORIGINS[state] ?? (IMPORTS.includes(operation) ? "EXTERNAL" : "AWS_KMS");
    switch (cell) {
      case "OK":
      case "12": // the switch is thrown; when it takes effect is the key store's matter
        return [{ state, origin, note: undefined }];
      case "?7":
        return [
          { state, origin, note: undefined },
          { state, origin: "EXTERNAL", note: "7" },
          { state, origin: "AWS_CLOUDHSM", note: "7" },
        ];
      case "?7a":
        return [
          { state, origin, note: undefined },
          { state, origin: "EXTERNAL", note: undefined },
          { state, origin: "AWS_CLOUDHSM", note: "7" },
        ];
      case "?9":
        return [
          { state, origin, note: undefined },
          { state, origin: "AWS_KMS", note: "9" },
          { state, origin: "AWS_CLOUDHSM", note: "9" },
        ];
      case "8|9": // the state comes before the kind of key here, too
        return [origin, "AWS_KMS"].map((of) => ({ state, origin: of, note: "8" }));
      case "?10":
        return [{ state, origin, note: part === "as the current key" ? undefined : "10" }];
      case "1|7":
      case "3|7": // the state comes before the kind of key (spec 09, RotateKeyOnDemand)
        return [origin, "EXTERNAL"].map((of) => ({ state, origin: of, note: cell.slice(0, 1) }));
      case "2|3":
        return [{ state, origin, note: "3" }];
      case "4,13":
        return [{ state, origin, note: "4" }];
      case "N/A": // older than imported asymmetric and HMAC material: as the rows of other uses (spec 02, DERIVED)
        if (IMPORTS.includes(operation)) return [{ state, origin, note: "9" }];
        return [{ state, origin, note: state === "PendingImport" ? "5" : "11" }];
      default:
        return [{ state, origin, note: cell }];
    }
  });
}

const pendingText = (state: KeyState): string =>
  state === "PendingReplicaDeletion" ? "pending replica deletion" : "pending deletion";

async function assertNote(call: Promise<unknown>, { Arn }: Subject, { state, origin, note }: Case): Promise<void> {
  const { code, text } = present(NOTES[note ?? ""]);
  await assertRefused(call, code, `${Arn} ${text({ origin, pending: pendingText(state) })}`);
}

describe("the key-state table", () => {
  for (const { operation, part, needs, call } of lab.calls) {
    for (const column of COLUMNS) {
      for (const one of casesOf(operation, column, part)) {
        const { state, origin, note } = one;
        const which = `${part === undefined ? "" : ` (${part})`}${origin === "AWS_KMS" ? "" : `, of origin ${origin}`}`;
        it(`S02-046: ${operation} ${note === undefined ? "takes" : "refuses"} a key that is ${state}${which}`, async () => {
          if (note === undefined) {
            await call(await lab.newSubject({ needs, state, origin }));
            return;
          }
          const subject = await lab.subject({ needs, state, origin });
          await assertNote(call(subject), subject, one);
          assert.equal((await describedKey(kms, subject.KeyId)).KeyState, state);
        });
      }
    }
  }

  it("has calls for every operation that is built and is on a key, and no others", () => {
    const called = new Set(lab.calls.map(({ operation }) => operation));
    const built = [...operations.keys()].filter((name) => !ON_NO_KEY.includes(name));
    assert.deepEqual([...called].sort(), built.sort());
    assert.deepEqual(
      built.filter((name) => !KEY_STATE_TABLE.has(name)),
      [],
    );
    for (const cells of KEY_STATE_TABLE.values()) assert.equal(cells.length, COLUMNS.length);
  });
});

describe("DisableKey and EnableKey", () => {
  it("S01-044: a disabled key shows it and is not used, while a data key that it gave still opens data outside", async () => {
    const { KeyId, Arn, ...made } = await newKey(kms);
    const dataKey = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    const cipher = createCipheriv("aes-256-gcm", present(dataKey.Plaintext), bytes(12), { authTagLength: 16 });
    const sealed = Buffer.concat([cipher.update("kept outside"), cipher.final()]);
    await kms.disableKey({ KeyId });
    assert.deepEqual(await describedKey(kms, KeyId), { ...made, KeyId, Arn, Enabled: false, KeyState: "Disabled" });
    const message = `${Arn} is disabled.`;
    const { CiphertextBlob } = dataKey;
    await assertRefused(kms.decrypt({ CiphertextBlob }), "DisabledException", message);
    await assertRefused(kms.encrypt({ KeyId, Plaintext: bytes(1) }), "DisabledException", message);
    await assertRefused(kms.generateDataKey({ KeyId, KeySpec: "AES_128" }), "DisabledException", message);
    const opener = createDecipheriv("aes-256-gcm", present(dataKey.Plaintext), bytes(12), { authTagLength: 16 });
    opener.setAuthTag(cipher.getAuthTag());
    assert.equal(Buffer.concat([opener.update(sealed), opener.final()]).toString(), "kept outside");
  });

  it("S01-045: an enabled key is used again, and opens what it sealed before", async () => {
    const made = await newKey(kms);
    const { KeyId } = made;
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(32) });
    await kms.disableKey({ KeyId });
    await assertRefused(kms.decrypt({ CiphertextBlob }), "DisabledException");
    await kms.enableKey({ KeyId });
    assert.deepEqual(await describedKey(kms, KeyId), made);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(32));
    await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
  });

  it("are idempotent", async () => {
    const { KeyId } = await newKey(kms);
    assert.deepEqual(membersOf(await kms.enableKey({ KeyId })), {});
    await kms.disableKey({ KeyId });
    assert.deepEqual(membersOf(await kms.disableKey({ KeyId })), {});
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Disabled");
  });
});
