/** Keys in every state, and a call of every operation on one: what the tests of the key-state table work with. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreateKeyCommandInput, KMS } from "@aws-sdk/client-kms";
import { updateKey } from "../../src/storage/keys.ts";
import { openFileStore } from "../../src/storage/open.ts";
import type { KeyState } from "../../src/storage/schema.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import { ACCOUNT, allowing, bytes, newKey, policyOf, present, REGION, startWorld, type World } from "../kms-client.ts";

export type { KeyState };

/** A key in a state, with all that the calls need. */
export interface Subject {
  readonly KeyId: string;
  readonly Arn: string;
  /** An alias of the key. */
  readonly AliasName: string;
  /** Bytes that were encrypted under the key, or a secret that was encapsulated. */
  readonly CiphertextBlob: Uint8Array;
  /** What a key of another kind made of the message: its signature or its MAC. */
  readonly proof: Uint8Array;
  /** A grant on it. */
  readonly GrantId: string;
}

/** A key to be had. */
export interface Wanted {
  /** Unless it is a symmetric encryption key. */
  readonly kind: CreateKeyCommandInput | undefined;
  readonly state: KeyState;
  readonly origin: string;
}

/** An operation on a key. */
export interface StateCall {
  readonly operation: string;
  readonly kind: CreateKeyCommandInput | undefined;
  /** Which of the operation's keys is in the state, where it has several. */
  readonly part: string | undefined;
  readonly call: (subject: Subject) => Promise<unknown>;
}

const SIGNING = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
const MAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
const AGREEING = { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" } as const;
const KEM = { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" } as const;
const signed = { Message: bytes(3), SigningAlgorithm: "ECDSA_SHA_256" } as const;
const authenticated = { Message: bytes(3), MacAlgorithm: "HMAC_SHA_256" } as const;
const EncapsulationAlgorithm = "ML_KEM";
const GRANTEE = `arn:aws:iam::${ACCOUNT}:root`;
const OAEP = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" } as const;

/**
 * A server on a data directory, and the same store opened beside it: a state that no operation leads to yet is put into the
 * row, as the operations of import, multi-Region keys and key stores will leave it.
 */
export class StateLab {
  readonly kms: KMS;
  readonly calls: readonly StateCall[];
  readonly #world: World;
  readonly #store: SqliteStore;
  readonly #directory: string;
  readonly #subjects = new Map<string, Promise<Subject>>();

  private constructor(parts: { world: World; store: SqliteStore; directory: string; calls: readonly StateCall[] }) {
    this.kms = parts.world.kms;
    this.calls = parts.calls;
    this.#world = parts.world;
    this.#store = parts.store;
    this.#directory = parts.directory;
  }

  static async start(): Promise<StateLab> {
    const directory = mkdtempSync(join(tmpdir(), "keystead-key-states-"));
    const world = await startWorld(["--data", directory, "--unknown-principals", "allow"]);
    const clock = { now: () => Date.now() };
    const store = await openFileStore({ directory, kind: "dev", create: false, lock: "tool", clock });
    return new StateLab({ world, store, directory, calls: await callsOf(world.kms) });
  }

  async stop(): Promise<void> {
    await this.#store.close();
    await this.#world.stop();
    rmSync(this.#directory, { recursive: true });
  }

  /** A key of that kind, for calls that are refused and change nothing: one for all of them. */
  subject(wanted: Wanted): Promise<Subject> {
    const name = `${wanted.kind?.KeySpec} ${wanted.kind?.KeyUsage} ${wanted.state} ${wanted.origin}`;
    const subject = this.#subjects.get(name) ?? this.newSubject(wanted);
    this.#subjects.set(name, subject);
    return subject;
  }

  /** A key of its own. */
  async newSubject({ kind = {}, state, origin }: Wanted): Promise<Subject> {
    const { kms } = this;
    const { KeyId, Arn } = await newKey(kms, kind);
    const AliasName = `alias/state-${randomUUID()}`;
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const made = await this.#use(KeyId, kind.KeyUsage);
    const granted = await kms.createGrant({ KeyId, GranteePrincipal: GRANTEE, Operations: ["DescribeKey"] });
    await this.#bring(KeyId, state, origin);
    return {
      KeyId,
      Arn,
      AliasName,
      GrantId: present(granted.GrantId),
      CiphertextBlob: bytes(1),
      proof: bytes(1),
      ...made,
    };
  }

  async #use(KeyId: string, usage: string | undefined): Promise<Partial<Subject>> {
    const { kms } = this;
    switch (usage) {
      case "SIGN_VERIFY":
        return { proof: present((await kms.sign({ KeyId, ...signed })).Signature) };
      case "GENERATE_VERIFY_MAC":
        return { proof: present((await kms.generateMac({ KeyId, ...authenticated })).Mac) };
      case "ENCAPSULATE_DECAPSULATE": {
        const { SharedSecretCiphertextBlob } = await kms.encapsulate({ KeyId, EncapsulationAlgorithm });
        return { CiphertextBlob: present(SharedSecretCiphertextBlob) };
      }
      case "KEY_AGREEMENT":
        return {};
      default: {
        const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(16) });
        return { CiphertextBlob: present(CiphertextBlob) };
      }
    }
  }

  /** By its operation where there is one. */
  async #bring(KeyId: string, state: KeyState, origin: string): Promise<void> {
    if (state === "Disabled") await this.kms.disableKey({ KeyId });
    else if (state === "PendingDeletion") await this.kms.scheduleKeyDeletion({ KeyId });
    const isPlaced = !["Enabled", "Disabled", "PendingDeletion"].includes(state);
    if (!isPlaced && origin === "AWS_KMS") return;
    const columns = { ...(isPlaced && { state }), ...(origin !== "AWS_KMS" && { origin }) };
    await this.#store.transaction((tx) => updateKey(tx, { region: REGION, key_id: KeyId }, columns));
  }
}

/** A call of every operation that is on a key. */
async function callsOf(kms: KMS): Promise<readonly StateCall[]> {
  const { KeyId: anotherKey } = await newKey(kms);
  const another = await kms.encrypt({ KeyId: anotherKey, Plaintext: bytes(16) });
  const { PublicKey } = await kms.getPublicKey({ KeyId: (await newKey(kms, AGREEING)).KeyId });
  const newAliasName = (): string => `alias/state-${randomUUID()}`;
  const calls: StateCall[] = [];
  const on = (operation: string, call: StateCall["call"], more: { kind?: CreateKeyCommandInput; part?: string } = {}) =>
    calls.push({ operation, call, kind: more.kind, part: more.part });

  on("CancelKeyDeletion", ({ KeyId }) => kms.cancelKeyDeletion({ KeyId }));
  on("CreateAlias", ({ KeyId }) => kms.createAlias({ AliasName: newAliasName(), TargetKeyId: KeyId }));
  on("CreateGrant", ({ KeyId }) => kms.createGrant({ KeyId, GranteePrincipal: GRANTEE, Operations: ["DescribeKey"] }));
  on("Decrypt", ({ CiphertextBlob }) => kms.decrypt({ CiphertextBlob }));
  on("Decrypt", ({ CiphertextBlob, KeyId }) => kms.decrypt({ CiphertextBlob, KeyId }), { part: "named by KeyId" });
  on("DeleteAlias", ({ AliasName }) => kms.deleteAlias({ AliasName }));
  on("DeleteImportedKeyMaterial", ({ KeyId }) => kms.deleteImportedKeyMaterial({ KeyId }));
  on("DescribeKey", ({ KeyId }) => kms.describeKey({ KeyId }));
  on("DisableKey", ({ KeyId }) => kms.disableKey({ KeyId }));
  on("DisableKeyRotation", ({ KeyId }) => kms.disableKeyRotation({ KeyId }));
  on("EnableKey", ({ KeyId }) => kms.enableKey({ KeyId }));
  on("EnableKeyRotation", ({ KeyId }) => kms.enableKeyRotation({ KeyId }));
  on("Encrypt", ({ KeyId }) => kms.encrypt({ KeyId, Plaintext: bytes(16) }));
  on("GenerateDataKey", ({ KeyId }) => kms.generateDataKey({ KeyId, KeySpec: "AES_256" }));
  on("GenerateDataKeyWithoutPlaintext", ({ KeyId }) =>
    kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" }),
  );
  on("GenerateDataKeyPair", ({ KeyId }) => kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }));
  on("GenerateDataKeyPairWithoutPlaintext", ({ KeyId }) =>
    kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
  );
  on("GenerateMac", ({ KeyId }) => kms.generateMac({ KeyId, ...authenticated }), { kind: MAC });
  on("GetKeyPolicy", ({ KeyId }) => kms.getKeyPolicy({ KeyId }));
  on("GetKeyLastUsage", ({ KeyId }) => kms.getKeyLastUsage({ KeyId }));
  on("GetKeyRotationStatus", ({ KeyId }) => kms.getKeyRotationStatus({ KeyId }));
  on("GetParametersForImport", ({ KeyId }) => kms.getParametersForImport({ KeyId, ...OAEP }));
  on("GetPublicKey", ({ KeyId }) => kms.getPublicKey({ KeyId }), { kind: SIGNING });
  on("ImportKeyMaterial", ({ KeyId }) =>
    kms.importKeyMaterial({
      KeyId,
      ImportToken: bytes(9),
      EncryptedKeyMaterial: bytes(9),
      ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }),
  );
  on("ListAliases", ({ KeyId }) => kms.listAliases({ KeyId }));
  on("ListGrants", ({ KeyId }) => kms.listGrants({ KeyId }));
  on("ListKeyRotations", ({ KeyId }) => kms.listKeyRotations({ KeyId }));
  on("ListKeyPolicies", ({ KeyId }) => kms.listKeyPolicies({ KeyId }));
  on("ListResourceTags", ({ KeyId }) => kms.listResourceTags({ KeyId }));
  on("PutKeyPolicy", ({ KeyId }) => kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }));
  on("ReEncrypt", ({ CiphertextBlob }) => kms.reEncrypt({ CiphertextBlob, DestinationKeyId: anotherKey }), {
    part: "as its source",
  });
  on("ReEncrypt", ({ KeyId }) => kms.reEncrypt({ CiphertextBlob: another.CiphertextBlob, DestinationKeyId: KeyId }), {
    part: "as its destination",
  });
  on("RetireGrant", ({ Arn, GrantId }) => kms.retireGrant({ KeyId: Arn, GrantId }));
  on("RevokeGrant", ({ KeyId, GrantId }) => kms.revokeGrant({ KeyId, GrantId }));
  on("RotateKeyOnDemand", ({ KeyId }) => kms.rotateKeyOnDemand({ KeyId }));
  on("ScheduleKeyDeletion", ({ KeyId }) => kms.scheduleKeyDeletion({ KeyId }));
  on("Sign", ({ KeyId }) => kms.sign({ KeyId, ...signed }), { kind: SIGNING });
  on("TagResource", ({ KeyId }) => kms.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }));
  on("UntagResource", ({ KeyId }) => kms.untagResource({ KeyId, TagKeys: ["a"] }));
  on("UpdateAlias", ({ AliasName }) => kms.updateAlias({ AliasName, TargetKeyId: anotherKey }), {
    part: "as the current key",
  });
  on(
    "UpdateAlias",
    async ({ KeyId }) => {
      const AliasName = newAliasName();
      await kms.createAlias({ AliasName, TargetKeyId: (await newKey(kms)).KeyId });
      return kms.updateAlias({ AliasName, TargetKeyId: KeyId });
    },
    { part: "as the target" },
  );
  on("UpdateKeyDescription", ({ KeyId }) => kms.updateKeyDescription({ KeyId, Description: "in any state" }));
  on("Verify", ({ KeyId, proof }) => kms.verify({ KeyId, ...signed, Signature: proof }), { kind: SIGNING });
  on("VerifyMac", ({ KeyId, proof }) => kms.verifyMac({ KeyId, ...authenticated, Mac: proof }), { kind: MAC });
  on("DeriveSharedSecret", ({ KeyId }) => kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey }), {
    kind: AGREEING,
  });
  on("Encapsulate", ({ KeyId }) => kms.encapsulate({ KeyId, EncapsulationAlgorithm }), { kind: KEM });
  on(
    "Decapsulate",
    ({ KeyId, CiphertextBlob }) =>
      kms.decapsulate({ KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob: CiphertextBlob }),
    { kind: KEM },
  );
  return calls;
}
