/** A call of every operation that is on a key, and what it needs of the key. */

import { randomUUID } from "node:crypto";
import type { CreateKeyCommandInput, KMS } from "@aws-sdk/client-kms";
import type { Wrapped } from "../key-material.ts";
import { ACCOUNT, allowing, bytes, newKey, policyOf, REGION } from "../kms-client.ts";

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
  /** A grant on it, which a key that is being created or lacks its material has only where the call is about grants. */
  readonly GrantId: string;
  /** The key's material, wrapped for it; what is refused for a key whose material does not come from outside. */
  readonly wrapped: Wrapped;
}

/** What a call needs of its keys. */
export interface Needs {
  /** Unless it is a symmetric encryption key. */
  readonly kind?: CreateKeyCommandInput;
  /** Which of two related keys the one in the state is; the other one is in another Region. */
  readonly role?: "primary" | "replica";
  /** A grant, in every state. */
  readonly grant?: true;
  /** Of imported keys, new material that waits for its rotation. */
  readonly waiting?: true;
}

/** An operation on a key. */
export interface StateCall {
  readonly operation: string;
  readonly needs: Needs;
  /** Which of the operation's keys is in the state, where it has several. */
  readonly part: string | undefined;
  readonly call: (subject: Subject) => Promise<unknown>;
}

const SIGNING = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
const MAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
const AGREEING = { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" } as const;
const MULTI_REGION = { MultiRegion: true } as const;
const KEM = { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" } as const;
export const signed = { Message: bytes(3), SigningAlgorithm: "ECDSA_SHA_256" } as const;
export const authenticated = { Message: bytes(3), MacAlgorithm: "HMAC_SHA_256" } as const;
export const EncapsulationAlgorithm = "ML_KEM";
export const GRANTEE = `arn:aws:iam::${ACCOUNT}:root`;
const OAEP = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" } as const;
export const FOR_EVER = { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" } as const;

/** The Region of keys that are related to one in a state. */
export const ELSEWHERE = "eu-west-1";

/** The calls, with the clients of REGION and of the Region of related keys. */
export async function callsOf(kms: KMS, elsewhere: KMS): Promise<readonly StateCall[]> {
  const { KeyId: anotherKey } = await newKey(kms);
  const another = await kms.encrypt({ KeyId: anotherKey, Plaintext: bytes(16) });
  const { PublicKey } = await kms.getPublicKey({ KeyId: (await newKey(kms, AGREEING)).KeyId });
  const newAliasName = (): string => `alias/state-${randomUUID()}`;
  const calls: StateCall[] = [];
  const on = (operation: string, call: StateCall["call"], { part, ...needs }: Needs & { part?: string } = {}) =>
    calls.push({ operation, call, needs, part });

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
  on("ImportKeyMaterial", ({ KeyId, wrapped }) => kms.importKeyMaterial({ KeyId, ...wrapped, ...FOR_EVER }));
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
  on("ReplicateKey", ({ KeyId }) => kms.replicateKey({ KeyId, ReplicaRegion: "ca-central-1" }), { kind: MULTI_REGION });
  on("RetireGrant", ({ Arn, GrantId }) => kms.retireGrant({ KeyId: Arn, GrantId }), { grant: true });
  on("RevokeGrant", ({ KeyId, GrantId }) => kms.revokeGrant({ KeyId, GrantId }), { grant: true });
  on("RotateKeyOnDemand", ({ KeyId }) => kms.rotateKeyOnDemand({ KeyId }), { waiting: true });
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
  on("UpdatePrimaryRegion", ({ KeyId }) => kms.updatePrimaryRegion({ KeyId, PrimaryRegion: ELSEWHERE }), {
    kind: MULTI_REGION,
    part: "as the primary",
    role: "primary",
  });
  on("UpdatePrimaryRegion", ({ KeyId }) => elsewhere.updatePrimaryRegion({ KeyId, PrimaryRegion: REGION }), {
    kind: MULTI_REGION,
    part: "as the replica",
    role: "replica",
  });
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
