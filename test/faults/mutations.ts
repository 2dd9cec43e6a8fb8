/** Mutated requests: good ones spoiled in one way each, with what a server may make of them. */

import type { RandomChoices } from "./random-choices.ts";
import type { Ending } from "./raw-exchange.ts";
import type { ServerAddress } from "./signed-requests.ts";

/** What may become of a mutated request; anything else is a fault. */
export interface Allowed {
  /** Codes of AWS errors, each with status 4xx. */
  readonly codes?: readonly string[];
  /** Statuses of refusals below the API, whose connection is closed. */
  readonly statuses?: readonly number[];
  /** Whether the connection may end without an answer. */
  readonly closed?: boolean;
}

export interface Mutation {
  /** The bytes, in one write each. */
  readonly parts: readonly Uint8Array[];
  readonly ending?: Ending;
  readonly allowed: Allowed;
}

/** What mutated requests are about: a key, an alias and a ciphertext that exist, and would change if one got through. */
export interface MutationSubject {
  readonly server: ServerAddress;
  readonly keyArn: string;
  readonly aliasName: string;
  /** base64 */
  readonly ciphertext: string;
}

/** One way of spoiling requests. */
export interface MutationKind {
  readonly name: string;
  make(subject: MutationSubject, random: RandomChoices): Promise<Mutation>;
}

/** A call of the KMS API that would change something, or use the key. */
export interface GoodCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const DATA_KEY_BYTES = 32;

/** Calls that would succeed as they are. */
export function goodCalls({ keyArn, aliasName, ciphertext }: MutationSubject): readonly GoodCall[] {
  const KeyId = keyArn;
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:*", Resource: "*" }],
  });
  return [
    { operation: "CreateKey", input: { Description: "mutated", Tags: [{ TagKey: "mutated", TagValue: "yes" }] } },
    { operation: "ScheduleKeyDeletion", input: { KeyId, PendingWindowInDays: 7 } },
    { operation: "DisableKey", input: { KeyId } },
    { operation: "CreateAlias", input: { AliasName: "alias/mutated", TargetKeyId: KeyId } },
    { operation: "DeleteAlias", input: { AliasName: aliasName } },
    { operation: "TagResource", input: { KeyId, Tags: [{ TagKey: "mutated", TagValue: "yes" }] } },
    { operation: "UntagResource", input: { KeyId, TagKeys: ["kept"] } },
    { operation: "UpdateKeyDescription", input: { KeyId, Description: "mutated" } },
    { operation: "PutKeyPolicy", input: { KeyId, Policy: policy } },
    { operation: "EnableKeyRotation", input: { KeyId } },
    { operation: "Encrypt", input: { KeyId, Plaintext: Buffer.alloc(DATA_KEY_BYTES).toString("base64") } },
    { operation: "Decrypt", input: { CiphertextBlob: ciphertext } },
    { operation: "GenerateDataKey", input: { KeyId, KeySpec: "AES_256" } },
  ];
}
