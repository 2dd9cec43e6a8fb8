/** Every operation of the KMS API on one key, in ways that succeed and in ways that fail. */

import { constants, createPublicKey, publicEncrypt } from "node:crypto";
import { kmsModel } from "../../src/wire/models.ts";
import { IDLE_STORE } from "../xks-proxy.ts";
import { callKms, type KmsAnswer, keyArnOf, type ServerAddress, textOf } from "./signed-requests.ts";

/** An answer and what was asked. */
export interface Asked {
  readonly operation: string;
  readonly answer: KmsAnswer;
}

/** What is encrypted. */
export const PLAINTEXT = "a plaintext that nobody may keep";

/** Members of wrong values that make an operation of any input fail in one way or another. */
const FAILURES: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { KeyId: "no-such-key" },
  { KeyId: 7 },
  { KeyId: "arn:aws:kms:us-east-1:999988887777:key/11111111-2222-3333-4444-555555555555" },
];

/**
 * Runs the API on a key that is enabled, and leaves it pending deletion; and on a multi-Region key with a replica in us-west-2.
 *
 * @param imported 32 bytes that are imported into another key, used and deleted
 * @returns every answer
 */
export async function useEveryOperation(
  server: ServerAddress,
  { keyId, multiRegionKeyId, imported }: { keyId: string; multiRegionKeyId: string; imported: Uint8Array },
): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  const ask = async (operation: string, input: unknown): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await callKms(server, operation, input);
    asked.push({ operation, answer });
    return answer.output;
  };
  for (const operation of kmsModel().operations.keys()) {
    for (const input of FAILURES) await ask(operation, operation === "CreateKey" ? { KeySpec: 7, ...input } : input);
  }
  const { blob, other } = await useKey(ask, keyId);
  await changeKey(ask, keyId);
  await importAndDelete(ask, imported);
  await useKeyStores(ask);
  await useRegions(ask, multiRegionKeyId);
  await failWithKey(ask, { keyId, blob, other });
  await endKey(ask, keyId);
  return asked;
}

type Ask = (operation: string, input: unknown) => Promise<Readonly<Record<string, unknown>>>;

const EncryptionContext = { purpose: "marked" };
const Plaintext = Buffer.from(PLAINTEXT).toString("base64");

async function useKey(ask: Ask, KeyId: string): Promise<{ readonly blob: string; readonly other: string }> {
  const other = keyArnOf(await ask("CreateKey", { Description: "another", Tags: [{ TagKey: "a", TagValue: "b" }] }));
  await ask("DescribeKey", { KeyId });
  await ask("DescribeKey", { KeyId: "alias/aws/ebs" });
  await ask("ListKeys", {});
  const blob = textOf(await ask("Encrypt", { KeyId, Plaintext, EncryptionContext }), "CiphertextBlob");
  await ask("Decrypt", { CiphertextBlob: blob, EncryptionContext });
  const moved = await ask("ReEncrypt", {
    CiphertextBlob: blob,
    SourceEncryptionContext: EncryptionContext,
    DestinationKeyId: other,
  });
  await ask("ReEncrypt", { CiphertextBlob: moved["CiphertextBlob"], DestinationKeyId: KeyId });
  await ask("GenerateDataKey", { KeyId, KeySpec: "AES_256", EncryptionContext });
  await ask("GenerateDataKey", { KeyId, NumberOfBytes: 1_024 });
  await ask("GenerateDataKeyWithoutPlaintext", { KeyId, KeySpec: "AES_128" });
  await ask("GenerateRandom", { NumberOfBytes: 64 });
  await ask("GenerateDataKeyPair", { KeyId, KeyPairSpec: "ECC_NIST_P256", EncryptionContext });
  await ask("GenerateDataKeyPairWithoutPlaintext", { KeyId, KeyPairSpec: "RSA_2048" });
  await ask("Encrypt", { KeyId, Plaintext, DryRun: true });
  await useOtherKinds(ask);
  return { blob, other };
}

/** Imports material into a key, twice, and deletes it: its bytes may be nowhere afterwards. */
async function importAndDelete(ask: Ask, material: Uint8Array): Promise<void> {
  const KeyId = keyArnOf(await ask("CreateKey", { Origin: "EXTERNAL" }));
  const wrapping = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" };
  const parameters = await ask("GetParametersForImport", { KeyId, ...wrapping });
  const key = createPublicKey({
    key: textOf(parameters, "PublicKey"),
    format: "der",
    type: "spki",
    encoding: "base64",
  });
  const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  const input = {
    KeyId,
    ImportToken: parameters["ImportToken"],
    EncryptedKeyMaterial: publicEncrypt(options, material).toString("base64"),
    ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
  };
  await ask("ImportKeyMaterial", input);
  await ask("Encrypt", { KeyId, Plaintext });
  await ask("DeleteImportedKeyMaterial", { KeyId });
  await ask("ImportKeyMaterial", { ...input, ImportType: "NEW_KEY_MATERIAL" });
  await ask("ImportKeyMaterial", input);
  await ask("DeleteImportedKeyMaterial", { KeyId });
  await ask("DeleteImportedKeyMaterial", { KeyId, KeyMaterialId: "0".repeat(64) });
}

/** An external key store behind which nobody is, for a server that was started with `IDLE_KEY_STORES`. */
async function useKeyStores(ask: Ask): Promise<void> {
  const CustomKeyStoreId = textOf(await ask("CreateCustomKeyStore", IDLE_STORE), "CustomKeyStoreId");
  await ask("CreateCustomKeyStore", IDLE_STORE);
  await ask("DescribeCustomKeyStores", {});
  await ask("DescribeCustomKeyStores", { CustomKeyStoreId: "cks-absent" });
  await ask("UpdateCustomKeyStore", { CustomKeyStoreId, NewCustomKeyStoreName: "marked" });
  await ask("UpdateCustomKeyStore", {
    CustomKeyStoreId,
    XksProxyAuthenticationCredential: IDLE_STORE.XksProxyAuthenticationCredential,
  });
  const deleted = textOf(
    await ask("CreateCustomKeyStore", {
      ...IDLE_STORE,
      XksProxyUriEndpoint: "https://other.example.net",
      XksProxyVpcEndpointServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3e",
    }),
    "CustomKeyStoreId",
  );
  await ask("DeleteCustomKeyStore", { CustomKeyStoreId: deleted });
  await ask("ConnectCustomKeyStore", { CustomKeyStoreId });
  await ask("CreateKey", { Origin: "EXTERNAL_KEY_STORE", CustomKeyStoreId, XksKeyId: "k" });
  await ask("DisconnectCustomKeyStore", { CustomKeyStoreId });
  await ask("DisconnectCustomKeyStore", { CustomKeyStoreId });
}

/** Keys of the other kinds, each with the operations of its usage. */
async function useOtherKinds(ask: Ask): Promise<void> {
  const make = async (KeySpec: string, KeyUsage: string): Promise<string> =>
    keyArnOf(await ask("CreateKey", { KeySpec, KeyUsage }));
  const Message = Plaintext;
  const mac = { KeyId: await make("HMAC_256", "GENERATE_VERIFY_MAC"), Message, MacAlgorithm: "HMAC_SHA_256" };
  const Mac = textOf(await ask("GenerateMac", mac), "Mac");
  await ask("VerifyMac", { ...mac, Mac });
  await ask("VerifyMac", { ...mac, Mac: Message });
  for (const [spec, SigningAlgorithm] of [
    ["ECC_NIST_P256", "ECDSA_SHA_256"],
    ["RSA_2048", "RSASSA_PSS_SHA_256"],
    ["ECC_NIST_EDWARDS25519", "ED25519_SHA_512"],
    ["ML_DSA_44", "ML_DSA_SHAKE_256"],
  ] as const) {
    const signing = { KeyId: await make(spec, "SIGN_VERIFY"), Message, SigningAlgorithm };
    const Signature = textOf(await ask("Sign", signing), "Signature");
    await ask("Verify", { ...signing, Signature });
    await ask("Verify", { ...signing, Signature, Message: Mac });
  }
  const kem = { KeyId: await make("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"), EncapsulationAlgorithm: "ML_KEM" };
  const SharedSecretCiphertextBlob = textOf(await ask("Encapsulate", kem), "SharedSecretCiphertextBlob");
  await ask("Decapsulate", { ...kem, SharedSecretCiphertextBlob });
  await ask("Decapsulate", { ...kem, SharedSecretCiphertextBlob: Mac });
  const rsa = { KeyId: await make("RSA_2048", "ENCRYPT_DECRYPT"), EncryptionAlgorithm: "RSAES_OAEP_SHA_256" };
  const CiphertextBlob = textOf(await ask("Encrypt", { ...rsa, Plaintext }), "CiphertextBlob");
  await ask("Decrypt", { ...rsa, CiphertextBlob });
  const [left, right] = [await make("ECC_NIST_P256", "KEY_AGREEMENT"), await make("ECC_NIST_P256", "KEY_AGREEMENT")];
  const PublicKey = textOf(await ask("GetPublicKey", { KeyId: right }), "PublicKey");
  await ask("DeriveSharedSecret", { KeyId: left, KeyAgreementAlgorithm: "ECDH", PublicKey });
  await ask("DeriveSharedSecret", { KeyId: left, KeyAgreementAlgorithm: "ECDH", PublicKey: Mac });
}

async function changeKey(ask: Ask, KeyId: string): Promise<void> {
  await ask("UpdateKeyDescription", { KeyId, Description: "marked" });
  await ask("CreateAlias", { AliasName: "alias/marked", TargetKeyId: KeyId });
  await ask("UpdateAlias", { AliasName: "alias/marked", TargetKeyId: KeyId });
  await ask("ListAliases", { KeyId });
  await ask("ListAliases", {});
  await ask("DeleteAlias", { AliasName: "alias/marked" });
  await ask("TagResource", { KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] });
  await ask("ListResourceTags", { KeyId });
  await ask("UntagResource", { KeyId, TagKeys: ["a"] });
  const policy = await ask("GetKeyPolicy", { KeyId });
  await ask("PutKeyPolicy", { KeyId, Policy: policy["Policy"] });
  await ask("ListKeyPolicies", { KeyId });
  await ask("EnableKeyRotation", { KeyId, RotationPeriodInDays: 90 });
  await ask("GetKeyRotationStatus", { KeyId });
  await ask("RotateKeyOnDemand", { KeyId });
  await ask("ListKeyRotations", { KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" });
  await ask("GetKeyLastUsage", { KeyId });
  await ask("DisableKeyRotation", { KeyId });
  await useGrants(ask, KeyId);
}

async function useGrants(ask: Ask, KeyId: string): Promise<void> {
  const GranteePrincipal = "arn:aws:iam::111122223333:root";
  const Operations = ["Encrypt", "Decrypt"];
  const input = { KeyId, GranteePrincipal, RetiringPrincipal: GranteePrincipal, Operations };
  const { GrantToken } = await ask("CreateGrant", { ...input, Constraints: { EncryptionContextSubset: { a: "b" } } });
  const { GrantId } = await ask("CreateGrant", input);
  await ask("Encrypt", { KeyId, Plaintext, EncryptionContext, GrantTokens: [GrantToken] });
  await ask("ListGrants", { KeyId });
  await ask("ListRetirableGrants", { RetiringPrincipal: GranteePrincipal });
  await ask("RetireGrant", { GrantToken });
  await ask("RevokeGrant", { KeyId, GrantId });
}

async function useRegions(ask: Ask, KeyId: string): Promise<void> {
  await ask("CreateKey", { MultiRegion: true });
  await ask("RotateKeyOnDemand", { KeyId });
  await ask("ReplicateKey", { KeyId, ReplicaRegion: "eu-west-1" });
  await ask("ReplicateKey", { KeyId, ReplicaRegion: "eu-west-1" });
  await ask("UpdatePrimaryRegion", { KeyId, PrimaryRegion: "ca-central-1" });
  await ask("UpdatePrimaryRegion", { KeyId, PrimaryRegion: "us-west-2" });
}

async function failWithKey(
  ask: Ask,
  { keyId: KeyId, blob, other }: { readonly keyId: string; readonly blob: string; readonly other: string },
): Promise<void> {
  const changed = Buffer.from(blob, "base64");
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  await ask("Decrypt", { CiphertextBlob: changed.toString("base64"), EncryptionContext });
  await ask("Decrypt", { CiphertextBlob: blob, EncryptionContext: { purpose: "other" } });
  await ask("Decrypt", { CiphertextBlob: blob, EncryptionContext, KeyId: other });
  await ask("Decrypt", { CiphertextBlob: "****" });
  await ask("Encrypt", { KeyId, Plaintext: Buffer.alloc(5_000).toString("base64") });
  await ask("Encrypt", { KeyId, Plaintext, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" });
  await ask("GenerateDataKey", { KeyId, KeySpec: "AES_256", NumberOfBytes: 7 });
  await ask("PutKeyPolicy", { KeyId, Policy: "{" });
  for (const operation of kmsModel().operations.keys()) {
    if (
      /^(?:Sign|Verify|GenerateMac|VerifyMac|GetPublicKey|DeriveSharedSecret|.*capsulate|.*Grants?)$/.test(operation)
    ) {
      await ask(operation, { KeyId, Message: Plaintext, SigningAlgorithm: "ECDSA_SHA_256", Signature: Plaintext });
    }
  }
}

async function endKey(ask: Ask, KeyId: string): Promise<void> {
  await ask("DisableKey", { KeyId });
  await ask("Encrypt", { KeyId, Plaintext });
  await ask("EnableKey", { KeyId });
  await ask("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
  await ask("CancelKeyDeletion", { KeyId });
  await ask("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
}
