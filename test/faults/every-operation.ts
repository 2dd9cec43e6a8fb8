/** Every operation of the KMS API on one key, in ways that succeed and in ways that fail. */

import { kmsModel } from "../../src/wire/models.ts";
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

/** Runs the API on a key that is enabled, and leaves it pending deletion. @returns every answer */
export async function useEveryOperation(server: ServerAddress, keyId: string): Promise<readonly Asked[]> {
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
  await ask("Encrypt", { KeyId, Plaintext, DryRun: true });
  return { blob, other };
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
  await ask("DisableKeyRotation", { KeyId });
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
      /^(?:Sign|Verify|GenerateMac|VerifyMac|GetPublicKey|DeriveSharedSecret|RotateKeyOnDemand|.*Grants?)$/.test(
        operation,
      )
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
