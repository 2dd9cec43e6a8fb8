/** Values that a service keeps under data keys of KMS, as messages of the AWS Encryption SDK, made and opened in its caller's name. */

import { openMessage, parseMessage, sealMessage } from "../custody/encrypted-message.ts";
import { Secret } from "../custody/secret.ts";
import type { Call } from "../pipeline/operation.ts";
import type { ForwardingKms } from "./forwarding.ts";

/** Who calls KMS, and how. */
export interface Means {
  readonly call: Call;
  readonly kms: ForwardingKms;
}

/** What is sealed: the plaintext stays the caller's to wipe. */
export interface Sealing {
  /** What names the KMS key. */
  readonly key: string;
  readonly plaintext: Uint8Array;
  readonly context: Readonly<Record<string, string>>;
}

/**
 * Seals a value under a data key of its own (GenerateDataKey).
 *
 * @returns the message, which names the key by its ARN
 * @throws KmsRefusal as KMS refuses
 */
export async function sealEnvelope({ key, plaintext, context }: Sealing, { call, kms }: Means): Promise<Uint8Array> {
  const input = { KeyId: key, KeySpec: "AES_256" as const, EncryptionContext: { ...context } };
  const { Plaintext, CiphertextBlob, KeyId: keyArn = "" } = await kms.perform(call, "GenerateDataKey", input);
  using dataKey = new Secret(present(Plaintext));
  return sealMessage(dataKey.bytes, plaintext, { context, dataKey: { keyArn, ciphertext: present(CiphertextBlob) } });
}

/**
 * Opens what `sealEnvelope` made (Decrypt). Data key and encryption context are the message's own; the context must have the pairs
 * that the service expects.
 *
 * @returns the plaintext in memory of its own, which the caller wipes
 * @throws KmsRefusal as KMS refuses
 * @throws Error the message is another value's, or was changed in the store
 */
export async function openEnvelope(
  message: Uint8Array,
  expected: Readonly<Record<string, string>>,
  { call, kms }: Means,
): Promise<Uint8Array> {
  const header = parseMessage(message);
  if (header === undefined) throw new Error("A value is no message.");
  if (Object.entries(expected).some(([name, value]) => header.context[name] !== value)) {
    throw new Error("A value is another one's.");
  }
  const input = { CiphertextBlob: header.dataKey.ciphertext, EncryptionContext: { ...header.context } };
  using dataKey = new Secret(present((await kms.perform(call, "Decrypt", input)).Plaintext));
  const opened = openMessage(dataKey.bytes, message);
  if (opened === undefined) throw new Error("A value was changed in the store.");
  return opened;
}

/** @throws Error KMS left out what it always answers */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("KMS answered without what it always answers.");
  return value;
}
