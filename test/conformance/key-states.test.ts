/** The key-state table of spec 02 for the operations that are built, and enabling and disabling (spec 01). */

import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, randomUUID } from "node:crypto";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput } from "@aws-sdk/client-kms";
import { operations } from "../../src/kms/operations/index.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  membersOf,
  newKey,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

/** A key in a state, with all that the rows need. */
interface Cell {
  readonly KeyId: string;
  readonly Arn: string;
  /** An alias of the key. */
  readonly AliasName: string;
  /** Bytes that were encrypted under the key. */
  readonly CiphertextBlob: Uint8Array;
  /** What a key of another kind made of the message: its signature or its MAC. */
  readonly proof: Uint8Array;
}

type State = "Enabled" | "Disabled" | "PendingDeletion";
const STATES: readonly State[] = ["Enabled", "Disabled", "PendingDeletion"];

/** The notes of the table: each error's code and how its message ends after the key's ARN. */
const NOTES = {
  disabled: { code: "DisabledException", text: "is disabled." }, // note 1
  pending: { code: "KMSInvalidStateException", text: "is pending deletion." }, // note 3, also for "[2] or [3]"
  notPending: { code: "KMSInvalidStateException", text: "is not pending deletion." }, // note 4
} as const;
type Outcome = "OK" | keyof typeof NOTES;

interface Row {
  readonly operation: string;
  /** The kind of key, unless it is a symmetric encryption key. */
  readonly kind?: CreateKeyCommandInput;
  /** Which of the operation's keys is in the state, where it has several. */
  readonly part?: string;
  readonly call: (cell: Cell) => Promise<unknown>;
  readonly outcomes: readonly [Enabled: Outcome, Disabled: Outcome, PendingDeletion: Outcome];
}

const ALL_OK = ["OK", "OK", "OK"] as const;
const USE = ["OK", "disabled", "pending"] as const;
const MANAGE = ["OK", "OK", "pending"] as const;

const anotherKey = await newKey(kms);
const another = await kms.encrypt({ KeyId: anotherKey.KeyId, Plaintext: bytes(16) });

const SIGNING = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
const MAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
const AGREEING = { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" } as const;
const signed = { Message: bytes(3), SigningAlgorithm: "ECDSA_SHA_256" } as const;
const authenticated = { Message: bytes(3), MacAlgorithm: "HMAC_SHA_256" } as const;
const peer = await newKey(kms, AGREEING);
const { PublicKey } = await kms.getPublicKey({ KeyId: peer.KeyId });

const newAliasName = (): string => `alias/state-${randomUUID()}`;

const TABLE: readonly Row[] = [
  {
    operation: "CancelKeyDeletion",
    call: ({ KeyId }) => kms.cancelKeyDeletion({ KeyId }),
    outcomes: ["notPending", "notPending", "OK"],
  },
  {
    operation: "CreateAlias",
    call: ({ KeyId }) => kms.createAlias({ AliasName: newAliasName(), TargetKeyId: KeyId }),
    outcomes: MANAGE,
  },
  { operation: "Decrypt", call: ({ CiphertextBlob }) => kms.decrypt({ CiphertextBlob }), outcomes: USE },
  {
    operation: "Decrypt",
    part: "named by KeyId",
    call: ({ CiphertextBlob, KeyId }) => kms.decrypt({ CiphertextBlob, KeyId }),
    outcomes: USE,
  },
  { operation: "DeleteAlias", call: ({ AliasName }) => kms.deleteAlias({ AliasName }), outcomes: ALL_OK },
  {
    operation: "DeriveSharedSecret",
    kind: AGREEING,
    call: ({ KeyId }) => kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey }),
    outcomes: USE,
  },
  { operation: "DescribeKey", call: ({ KeyId }) => kms.describeKey({ KeyId }), outcomes: ALL_OK },
  { operation: "DisableKey", call: ({ KeyId }) => kms.disableKey({ KeyId }), outcomes: MANAGE },
  { operation: "DisableKeyRotation", call: ({ KeyId }) => kms.disableKeyRotation({ KeyId }), outcomes: USE },
  { operation: "EnableKey", call: ({ KeyId }) => kms.enableKey({ KeyId }), outcomes: MANAGE },
  { operation: "EnableKeyRotation", call: ({ KeyId }) => kms.enableKeyRotation({ KeyId }), outcomes: USE },
  { operation: "Encrypt", call: ({ KeyId }) => kms.encrypt({ KeyId, Plaintext: bytes(16) }), outcomes: USE },
  {
    operation: "GenerateDataKey",
    call: ({ KeyId }) => kms.generateDataKey({ KeyId, KeySpec: "AES_256" }),
    outcomes: USE,
  },
  {
    operation: "GenerateDataKeyPair",
    call: ({ KeyId }) => kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
    outcomes: USE,
  },
  {
    operation: "GenerateDataKeyPairWithoutPlaintext",
    call: ({ KeyId }) => kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
    outcomes: USE,
  },
  {
    operation: "GenerateDataKeyWithoutPlaintext",
    call: ({ KeyId }) => kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" }),
    outcomes: USE,
  },
  {
    operation: "GenerateMac",
    kind: MAC,
    call: ({ KeyId }) => kms.generateMac({ KeyId, ...authenticated }),
    outcomes: USE,
  },
  { operation: "GetKeyPolicy", call: ({ KeyId }) => kms.getKeyPolicy({ KeyId }), outcomes: ALL_OK },
  { operation: "GetKeyLastUsage", call: ({ KeyId }) => kms.getKeyLastUsage({ KeyId }), outcomes: ALL_OK },
  { operation: "GetKeyRotationStatus", call: ({ KeyId }) => kms.getKeyRotationStatus({ KeyId }), outcomes: ALL_OK },
  { operation: "GetPublicKey", kind: SIGNING, call: ({ KeyId }) => kms.getPublicKey({ KeyId }), outcomes: USE },
  { operation: "ListAliases", call: ({ KeyId }) => kms.listAliases({ KeyId }), outcomes: ALL_OK },
  { operation: "ListKeyRotations", call: ({ KeyId }) => kms.listKeyRotations({ KeyId }), outcomes: ALL_OK },
  { operation: "ListKeyPolicies", call: ({ KeyId }) => kms.listKeyPolicies({ KeyId }), outcomes: ALL_OK },
  { operation: "ListResourceTags", call: ({ KeyId }) => kms.listResourceTags({ KeyId }), outcomes: ALL_OK },
  {
    operation: "PutKeyPolicy",
    call: ({ KeyId }) => kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
    outcomes: ALL_OK,
  },
  {
    operation: "ReEncrypt",
    part: "as its source",
    call: ({ CiphertextBlob }) => kms.reEncrypt({ CiphertextBlob, DestinationKeyId: anotherKey.KeyId }),
    outcomes: USE,
  },
  {
    operation: "ReEncrypt",
    part: "as its destination",
    call: ({ KeyId }) => kms.reEncrypt({ CiphertextBlob: another.CiphertextBlob, DestinationKeyId: KeyId }),
    outcomes: USE,
  },
  {
    operation: "ReplicateKey",
    kind: { MultiRegion: true },
    call: ({ KeyId }) => kms.replicateKey({ KeyId, ReplicaRegion: "eu-west-1" }),
    outcomes: USE,
  },
  { operation: "RotateKeyOnDemand", call: ({ KeyId }) => kms.rotateKeyOnDemand({ KeyId }), outcomes: USE },
  {
    operation: "ScheduleKeyDeletion",
    call: ({ KeyId }) => kms.scheduleKeyDeletion({ KeyId }),
    outcomes: MANAGE,
  },
  { operation: "Sign", kind: SIGNING, call: ({ KeyId }) => kms.sign({ KeyId, ...signed }), outcomes: USE },
  {
    operation: "TagResource",
    call: ({ KeyId }) => kms.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }),
    outcomes: MANAGE,
  },
  {
    operation: "UntagResource",
    call: ({ KeyId }) => kms.untagResource({ KeyId, TagKeys: ["a"] }),
    outcomes: MANAGE,
  },
  {
    operation: "UpdateAlias",
    part: "as the current key",
    call: ({ AliasName }) => kms.updateAlias({ AliasName, TargetKeyId: anotherKey.KeyId }),
    outcomes: ALL_OK,
  },
  {
    operation: "UpdateAlias",
    part: "as the target",
    async call({ KeyId }) {
      const AliasName = newAliasName();
      const { KeyId: current } = await newKey(kms);
      await kms.createAlias({ AliasName, TargetKeyId: current });
      return kms.updateAlias({ AliasName, TargetKeyId: KeyId });
    },
    outcomes: MANAGE,
  },
  {
    operation: "UpdateKeyDescription",
    call: ({ KeyId }) => kms.updateKeyDescription({ KeyId, Description: "in any state" }),
    outcomes: MANAGE,
  },
  {
    operation: "Verify",
    kind: SIGNING,
    call: ({ KeyId, proof }) => kms.verify({ KeyId, ...signed, Signature: proof }),
    outcomes: USE,
  },
  {
    operation: "VerifyMac",
    kind: MAC,
    call: ({ KeyId, proof }) => kms.verifyMac({ KeyId, ...authenticated, Mac: proof }),
    outcomes: USE,
  },
];

/** Operations that are on no existing key, which the table leaves out. */
const ON_NO_KEY = ["CreateKey", "GenerateRandom", "ListKeys"];

/** Operations on two related keys: multi-region-rotation.test.ts has their rows. */
const ON_TWO_KEYS = ["UpdatePrimaryRegion"];

async function cellIn(state: State, kind: CreateKeyCommandInput = {}): Promise<Cell> {
  const { KeyId, Arn } = await newKey(kms, kind);
  const AliasName = newAliasName();
  await kms.createAlias({ AliasName, TargetKeyId: KeyId });
  const { KeyUsage } = kind;
  const encrypted = KeyUsage === undefined && (await kms.encrypt({ KeyId, Plaintext: bytes(16) })).CiphertextBlob;
  const signature = KeyUsage === "SIGN_VERIFY" && (await kms.sign({ KeyId, ...signed })).Signature;
  const mac = KeyUsage === "GENERATE_VERIFY_MAC" && (await kms.generateMac({ KeyId, ...authenticated })).Mac;
  if (state === "Disabled") await kms.disableKey({ KeyId });
  if (state === "PendingDeletion") await kms.scheduleKeyDeletion({ KeyId });
  return { KeyId, Arn, AliasName, CiphertextBlob: encrypted || bytes(1), proof: signature || mac || bytes(1) };
}

describe("the key-state table", () => {
  for (const { operation, part, kind, call, outcomes } of TABLE) {
    STATES.forEach((state, column) => {
      const outcome = present(outcomes[column]);
      const which = part === undefined ? "" : ` (${part})`;
      const what = outcome === "OK" ? "takes" : "refuses";
      it(`S02-046: ${operation} ${what} a key that is ${state}${which}`, async () => {
        const cell = await cellIn(state, kind);
        if (outcome === "OK") {
          await call(cell);
          return;
        }
        const { code, text } = NOTES[outcome];
        await assertRefused(call(cell), code, `${cell.Arn} ${text}`);
        assert.equal((await describedKey(kms, cell.KeyId)).KeyState, state);
      });
    });
  }

  it("has a row for every operation that is built and is on a key", () => {
    const rows = new Set(TABLE.map(({ operation }) => operation));
    const elsewhere = [...ON_NO_KEY, ...ON_TWO_KEYS];
    const missing = [...operations.keys()].filter((name) => !rows.has(name) && !elsewhere.includes(name));
    assert.deepEqual(missing, []);
    assert.equal(operations.size, rows.size + elsewhere.length);
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
