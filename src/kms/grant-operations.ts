/** Grant operations: what a grant can allow, for which keys, and where a request has its encryption context. */

import { ValidationException } from "../base/errors.ts";
import type { Key } from "./resources.ts";

/** Kinds of keys that grants tell apart: symmetric encryption keys, and all others by their usage. */
type Kind =
  | "SYMMETRIC"
  | "ENCRYPT_DECRYPT"
  | "SIGN_VERIFY"
  | "GENERATE_VERIFY_MAC"
  | "KEY_AGREEMENT"
  | "ENCAPSULATE_DECAPSULATE";

interface GrantOperation {
  /** The kinds of keys that support it; all when not given. */
  readonly kinds?: readonly Kind[];
  /** The member of the request that constraints on the encryption context are about; where there is none, they are not asked. */
  readonly context?: string;
}

const encrypting = { kinds: ["SYMMETRIC", "ENCRYPT_DECRYPT"], context: "EncryptionContext" } as const;
const generating = { kinds: ["SYMMETRIC"], context: "EncryptionContext" } as const;
const signing = { kinds: ["SIGN_VERIFY"] } as const;
const authenticating = { kinds: ["GENERATE_VERIFY_MAC"] } as const;
const encapsulating = { kinds: ["ENCAPSULATE_DECAPSULATE"] } as const;

/** The whole list (KMS guide, Grants: grant operations; spec 03, spec 08 for ML-KEM). */
const grantOperations: ReadonlyMap<string, GrantOperation> = new Map<string, GrantOperation>([
  ["Decrypt", encrypting],
  ["Encrypt", encrypting],
  ["ReEncryptFrom", { ...encrypting, context: "SourceEncryptionContext" }],
  ["ReEncryptTo", { ...encrypting, context: "DestinationEncryptionContext" }],
  ["GenerateDataKey", generating],
  ["GenerateDataKeyWithoutPlaintext", generating],
  ["GenerateDataKeyPair", generating],
  ["GenerateDataKeyPairWithoutPlaintext", generating],
  ["Sign", signing],
  ["Verify", signing],
  ["GenerateMac", authenticating],
  ["VerifyMac", authenticating],
  ["DeriveSharedSecret", { kinds: ["KEY_AGREEMENT"] }],
  ["Encapsulate", encapsulating],
  ["Decapsulate", encapsulating],
  ["GetPublicKey", { kinds: ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"] }],
  ["DescribeKey", {}],
  ["CreateGrant", {}],
  ["RetireGrant", {}],
]);

const PREFIX = "kms:";

/** The grant operation that allows an action (`kms:ReEncryptFrom` → `ReEncryptFrom`), or undefined when none does. */
export function findGrantOperation(action: string): string | undefined {
  const operation = action.startsWith(PREFIX) ? action.slice(PREFIX.length) : "";
  return grantOperations.has(operation) ? operation : undefined;
}

/** The encryption context that a request has for a grant operation; undefined for operations that take none. */
export function contextFor(operation: string, input: unknown): Readonly<Record<string, string>> | undefined {
  const member = grantOperations.get(operation)?.context;
  if (member === undefined) return undefined;
  return (input as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>)[member] ?? {};
}

/**
 * Requires operations that make a grant. That CreateGrant can't stand alone is told in the words of an answer that users of
 * Ansible report (ansible/ansible, pull request 31960).
 *
 * @throws ValidationException there is none, or nothing but CreateGrant
 */
export function requireGrantOperations(operations: readonly string[]): void {
  if (operations.length === 0) {
    throw new ValidationException(
      "1 validation error detected: Value '[]' at 'operations' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  }
  if (operations.every((operation) => operation === "CreateGrant")) {
    throw new ValidationException("Grants must not contain only the CreateGrant operation.");
  }
}

/** @throws ValidationException the key doesn't support one of the operations */
export function requireOperationsOfKey(operations: readonly string[], { row, isSymmetric, arn }: Key): void {
  const kind = isSymmetric ? "SYMMETRIC" : row.usage;
  for (const operation of operations) {
    const kinds: readonly string[] | undefined = grantOperations.get(operation)?.kinds;
    if (kinds === undefined || kinds.includes(kind)) continue;
    throw new ValidationException(
      `The operation ${operation} is not valid in a grant on ${arn}, whose key spec is ${row.spec} and whose key usage is ${row.usage}.`,
    );
  }
}
