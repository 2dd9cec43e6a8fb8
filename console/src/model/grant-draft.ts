/** Grants: what they can allow for a key, how the form fills one in, and how the table writes them (API reference, CreateGrant). */

import type { CreateGrantCommandInput, GrantConstraints, GrantListEntry, GrantOperation } from "@aws-sdk/client-kms";
import type { TagDraft } from "./key-draft.ts";
import { type KeyKind, keyTypeOf } from "./key-kinds.ts";
import { NONE } from "./key-rows.ts";

export interface GrantDraft {
  readonly grantee: string;
  readonly retiring: string;
  readonly operations: readonly GrantOperation[];
  readonly constraint: "none" | keyof GrantConstraints;
  readonly pairs: readonly TagDraft[];
  readonly name: string;
}

export const NEW_GRANT: GrantDraft = {
  grantee: "",
  retiring: "",
  operations: [],
  constraint: "none",
  pairs: [],
  name: "",
};

/** Pairs of a constraint (API reference, GrantConstraints). */
export const PAIRS_MAX = 8;

const EVERY: readonly GrantOperation[] = ["DescribeKey", "CreateGrant", "RetireGrant"];
const ENCRYPTION: readonly GrantOperation[] = ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"];
const DATA_KEYS: readonly GrantOperation[] = ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"];
const DATA_KEY_PAIRS: readonly GrantOperation[] = ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"];

/** The operations that a grant can allow for a key of this kind (KMS guide, Grant operations). */
export function grantOperations(kind: KeyKind): readonly GrantOperation[] {
  return [
    ...operationsOfUse(kind),
    ...(keyTypeOf(kind.spec) === "Asymmetric" ? (["GetPublicKey"] as const) : []),
    ...EVERY,
  ];
}

function operationsOfUse({ usage, spec }: KeyKind): readonly GrantOperation[] {
  switch (usage) {
    case "ENCRYPT_DECRYPT":
      return spec === "SYMMETRIC_DEFAULT" ? [...ENCRYPTION, ...DATA_KEYS, ...DATA_KEY_PAIRS] : ENCRYPTION;
    case "SIGN_VERIFY":
      return ["Sign", "Verify"];
    case "GENERATE_VERIFY_MAC":
      return ["GenerateMac", "VerifyMac"];
    case "KEY_AGREEMENT":
      return ["DeriveSharedSecret"];
    case "ENCAPSULATE_DECAPSULATE":
      return ["Encapsulate", "Decapsulate"];
  }
}

/** Constraints are on the encryption context, which symmetric encryption keys alone take. */
export function canConstrain({ spec }: KeyKind): boolean {
  return spec === "SYMMETRIC_DEFAULT";
}

/** What is wrong with the ARN or the name of a principal, or undefined. */
export function principalProblem(principal: string): string | undefined {
  return /^[\w+=,.@:/-]{1,256}$/.test(principal) ? undefined : "Enter the ARN of a user, role, session or account.";
}

/** What is wrong with the name of a pair among the names of the others, or undefined. */
export function pairProblem(key: string, others: readonly string[]): string | undefined {
  if (key === "") return "A name is required.";
  return others.includes(key) ? "This name is already in the list." : undefined;
}

/** Whether CreateGrant can be asked. */
export function isGrantDone({ grantee, retiring, operations, constraint, pairs, name }: GrantDraft): boolean {
  const arePairsSound =
    constraint === "none" ||
    (pairs.length > 0 &&
      pairs.every(({ key }, index) => {
        const others = pairs.toSpliced(index, 1).map((pair) => pair.key);
        return pairProblem(key, others) === undefined;
      }));
  return (
    principalProblem(grantee) === undefined &&
    (retiring === "" || principalProblem(retiring) === undefined) &&
    operations.length > 0 &&
    arePairsSound &&
    /^[a-zA-Z0-9:/_-]{0,256}$/.test(name)
  );
}

/** What CreateGrant is asked. */
export function createGrantInput(KeyId: string, draft: GrantDraft): CreateGrantCommandInput {
  const { grantee, retiring, operations, constraint, pairs, name } = draft;
  return {
    KeyId,
    GranteePrincipal: grantee,
    Operations: [...operations],
    ...(retiring !== "" && { RetiringPrincipal: retiring }),
    ...(constraint !== "none" && {
      Constraints: { [constraint]: Object.fromEntries(pairs.map(({ key, value }) => [key, value])) },
    }),
    ...(name !== "" && { Name: name }),
  };
}

/** Constraints as the table writes them. */
export function constraintsText({ Constraints = {} }: GrantListEntry): string {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = Constraints;
  const pairs = Object.entries(equals ?? subset ?? {}).map(([key, value]) => `${key}=${value}`);
  if (pairs.length === 0) return NONE;
  return `${equals === undefined ? "Encryption context with" : "Encryption context"} ${pairs.join(", ")}`;
}
