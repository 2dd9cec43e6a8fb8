/** A call of every operation, and what it comes to for callers who may: dry runs, and calls that change nothing that matters. */

import type { KMS } from "@aws-sdk/client-kms";
import { bytes } from "../kms-client.ts";

/** Where replicas are. */
export const REPLICA_REGION = "eu-west-1";

/** Keys of one account with one key policy, and what was made with them; all keys are named by their ARNs. */
export interface Subject {
  readonly policy: string;
  /** Symmetric encryption keys. */
  readonly key: string;
  readonly destination: string;
  /** A symmetric encryption key pending deletion. */
  readonly pending: string;
  /** The primary key of a multi-Region key with a replica in `REPLICA_REGION`, disabled. */
  readonly multiRegion: string;
  /** ECDSA on P-256. */
  readonly signing: string;
  readonly mac: string;
  readonly agreement: string;
  readonly kem: string;
  readonly ciphertext: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly encapsulated: Uint8Array;
  /** A grant on `key` that isn't the caller's. */
  readonly grantId: string;
}

/** What one call is about. */
export interface Facts extends Subject {
  /** A grant on `key` that the caller retires: its own where it has one. */
  readonly retired: string;
  /** The caller's account, as a principal. */
  readonly accountArn: string;
  /** An alias of `key` for this call alone. */
  readonly alias: string;
}

interface Call {
  /** `done`, or the error that follows authorization. */
  readonly outcome: string;
  readonly call: (kms: KMS, facts: Facts) => Promise<unknown>;
}

const DryRun = true;
const DRY = "DryRunOperationException";
const OTHER_ORIGIN = "UnsupportedOperationException";
const STATE = "KMSInvalidStateException";
const signed = { Message: bytes(3), SigningAlgorithm: "ECDSA_SHA_256", DryRun } as const;
const authenticated = { Message: bytes(3), MacAlgorithm: "HMAC_SHA_256", DryRun } as const;
const encapsulation = { EncapsulationAlgorithm: "ML_KEM", DryRun } as const;
const wrapping = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" } as const;
const imported = {
  ImportToken: bytes(9),
  EncryptedKeyMaterial: bytes(9),
  ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
} as const;

/** A key store that is nobody's. */
const CustomKeyStoreId = "cks-1234567890abcdef0";
const NO_STORE = "CustomKeyStoreNotFoundException";
/** One of a cluster takes further permissions (cloudhsm-key-stores.test.ts). */
const unknownService = {
  CustomKeyStoreName: "unknown",
  CustomKeyStoreType: "EXTERNAL_KEY_STORE",
  XksProxyConnectivity: "VPC_ENDPOINT_SERVICE",
  XksProxyUriEndpoint: "https://proxy.example.com",
  XksProxyUriPath: "/kms/xks/v1",
  XksProxyVpcEndpointServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-unknown",
  XksProxyAuthenticationCredential: { AccessKeyId: "A".repeat(20), RawSecretAccessKey: "y".repeat(43) },
} as const;

const on = (operation: string, outcome: string, call: Call["call"]): [string, Call] => [operation, { outcome, call }];

export const CALLS: ReadonlyMap<string, Call> = new Map([
  on("CancelKeyDeletion", STATE, (kms, { key }) => kms.cancelKeyDeletion({ KeyId: key })),
  on("ConnectCustomKeyStore", NO_STORE, (kms) => kms.connectCustomKeyStore({ CustomKeyStoreId })),
  on("CreateAlias", "AlreadyExistsException", (kms, { alias, key }) =>
    kms.createAlias({ AliasName: alias, TargetKeyId: key }),
  ),
  on("CreateCustomKeyStore", "XksProxyVpcEndpointServiceNotFoundException", (kms) =>
    kms.createCustomKeyStore(unknownService),
  ),
  on("CreateGrant", DRY, (kms, { key, accountArn }) =>
    kms.createGrant({ KeyId: key, GranteePrincipal: accountArn, Operations: ["DescribeKey"], DryRun }),
  ),
  on("CreateKey", "done", (kms) => kms.createKey({})),
  on("Decapsulate", DRY, (kms, { kem, encapsulated }) =>
    kms.decapsulate({ KeyId: kem, SharedSecretCiphertextBlob: encapsulated, ...encapsulation }),
  ),
  on("Decrypt", DRY, (kms, { ciphertext }) => kms.decrypt({ CiphertextBlob: ciphertext, DryRun })),
  on("DeleteAlias", "done", (kms, { alias }) => kms.deleteAlias({ AliasName: alias })),
  on("DeleteCustomKeyStore", NO_STORE, (kms) => kms.deleteCustomKeyStore({ CustomKeyStoreId })),
  on("DeleteImportedKeyMaterial", OTHER_ORIGIN, (kms, { key }) => kms.deleteImportedKeyMaterial({ KeyId: key })),
  on("DeriveSharedSecret", DRY, (kms, { agreement, publicKey }) =>
    kms.deriveSharedSecret({ KeyId: agreement, KeyAgreementAlgorithm: "ECDH", PublicKey: publicKey, DryRun }),
  ),
  on("DescribeCustomKeyStores", "done", (kms) => kms.describeCustomKeyStores({})),
  on("DescribeKey", "done", (kms, { key }) => kms.describeKey({ KeyId: key })),
  on("DisableKey", STATE, (kms, { pending }) => kms.disableKey({ KeyId: pending })),
  on("DisableKeyRotation", STATE, (kms, { pending }) => kms.disableKeyRotation({ KeyId: pending })),
  on("DisconnectCustomKeyStore", NO_STORE, (kms) => kms.disconnectCustomKeyStore({ CustomKeyStoreId })),
  on("EnableKey", STATE, (kms, { pending }) => kms.enableKey({ KeyId: pending })),
  on("EnableKeyRotation", STATE, (kms, { pending }) => kms.enableKeyRotation({ KeyId: pending })),
  on("Encapsulate", DRY, (kms, { kem }) => kms.encapsulate({ KeyId: kem, ...encapsulation })),
  on("Encrypt", DRY, (kms, { key }) => kms.encrypt({ KeyId: key, Plaintext: bytes(1), DryRun })),
  on("GenerateDataKey", DRY, (kms, { key }) => kms.generateDataKey({ KeyId: key, KeySpec: "AES_256", DryRun })),
  on("GenerateDataKeyPair", DRY, (kms, { key }) =>
    kms.generateDataKeyPair({ KeyId: key, KeyPairSpec: "ECC_NIST_P256", DryRun }),
  ),
  on("GenerateDataKeyPairWithoutPlaintext", DRY, (kms, { key }) =>
    kms.generateDataKeyPairWithoutPlaintext({ KeyId: key, KeyPairSpec: "ECC_NIST_P256", DryRun }),
  ),
  on("GenerateDataKeyWithoutPlaintext", DRY, (kms, { key }) =>
    kms.generateDataKeyWithoutPlaintext({ KeyId: key, KeySpec: "AES_256", DryRun }),
  ),
  on("GenerateMac", DRY, (kms, { mac }) => kms.generateMac({ KeyId: mac, ...authenticated })),
  on("GenerateRandom", "done", (kms) => kms.generateRandom({ NumberOfBytes: 1 })),
  on("GetKeyLastUsage", "done", (kms, { key }) => kms.getKeyLastUsage({ KeyId: key })),
  on("GetKeyPolicy", "done", (kms, { key }) => kms.getKeyPolicy({ KeyId: key })),
  on("GetKeyRotationStatus", "done", (kms, { key }) => kms.getKeyRotationStatus({ KeyId: key })),
  on("GetParametersForImport", OTHER_ORIGIN, (kms, { key }) => kms.getParametersForImport({ KeyId: key, ...wrapping })),
  on("GetPublicKey", "done", (kms, { signing }) => kms.getPublicKey({ KeyId: signing })),
  on("ImportKeyMaterial", OTHER_ORIGIN, (kms, { key }) => kms.importKeyMaterial({ KeyId: key, ...imported })),
  on("ListAliases", "done", (kms) => kms.listAliases({})),
  on("ListGrants", "done", (kms, { key }) => kms.listGrants({ KeyId: key })),
  on("ListKeyPolicies", "done", (kms, { key }) => kms.listKeyPolicies({ KeyId: key })),
  on("ListKeyRotations", "done", (kms, { key }) => kms.listKeyRotations({ KeyId: key })),
  on("ListKeys", "done", (kms) => kms.listKeys({})),
  on("ListResourceTags", "done", (kms, { key }) => kms.listResourceTags({ KeyId: key })),
  on("ListRetirableGrants", "done", (kms, { accountArn }) =>
    kms.listRetirableGrants({ RetiringPrincipal: accountArn }),
  ),
  on("PutKeyPolicy", "done", (kms, { key, policy }) =>
    kms.putKeyPolicy({ KeyId: key, Policy: policy, BypassPolicyLockoutSafetyCheck: true }),
  ),
  on("ReEncrypt", DRY, (kms, { ciphertext, destination }) =>
    kms.reEncrypt({ CiphertextBlob: ciphertext, DestinationKeyId: destination, DryRun }),
  ),
  on("ReplicateKey", "DisabledException", (kms, { multiRegion }) =>
    kms.replicateKey({ KeyId: multiRegion, ReplicaRegion: REPLICA_REGION }),
  ),
  on("RetireGrant", DRY, (kms, { key, retired }) => kms.retireGrant({ KeyId: key, GrantId: retired, DryRun })),
  on("RevokeGrant", DRY, (kms, { key, grantId }) => kms.revokeGrant({ KeyId: key, GrantId: grantId, DryRun })),
  on("RotateKeyOnDemand", STATE, (kms, { pending }) => kms.rotateKeyOnDemand({ KeyId: pending })),
  on("ScheduleKeyDeletion", STATE, (kms, { pending }) => kms.scheduleKeyDeletion({ KeyId: pending })),
  on("Sign", DRY, (kms, { signing }) => kms.sign({ KeyId: signing, ...signed })),
  on("TagResource", "done", (kms, { key }) => kms.tagResource({ KeyId: key, Tags: [{ TagKey: "a", TagValue: "b" }] })),
  on("UntagResource", "done", (kms, { key }) => kms.untagResource({ KeyId: key, TagKeys: ["c"] })),
  on("UpdateAlias", "done", (kms, { alias, destination }) =>
    kms.updateAlias({ AliasName: alias, TargetKeyId: destination }),
  ),
  on("UpdateCustomKeyStore", NO_STORE, (kms) => kms.updateCustomKeyStore({ CustomKeyStoreId })),
  on("UpdateKeyDescription", "done", (kms, { key }) => kms.updateKeyDescription({ KeyId: key, Description: "any" })),
  on("UpdatePrimaryRegion", "DisabledException", (kms, { multiRegion }) =>
    kms.updatePrimaryRegion({ KeyId: multiRegion, PrimaryRegion: REPLICA_REGION }),
  ),
  on("Verify", DRY, (kms, { signing }) => kms.verify({ KeyId: signing, ...signed, Signature: bytes(70) })),
  on("VerifyMac", DRY, (kms, { mac }) => kms.verifyMac({ KeyId: mac, ...authenticated, Mac: bytes(32) })),
]);
