/** An example policy of the guide, and the words that examples are written in. */

/** Why a call is refused: which kind of policy doesn't allow it, or (`!`) denies it. */
export type Refusal = "identity" | "resource" | "identity!" | "resource!" | "another account's";

/** A call of a user, and what it comes to. */
export interface Case {
  readonly operation: string;
  /** Beside the key and what such calls usually have; `USERNAME` in an encryption context is the user's name. */
  readonly input?: object;
  /** Undefined: it is allowed. */
  readonly refusal?: Refusal;
}

/** An example: policies, and calls of a user under them. */
export interface Example {
  /** Build-checklist ids that it proves. */
  readonly ids?: string;
  readonly title: string;
  /** Statements of the key policy for the user with this ARN; the default key policy when not given. */
  readonly keyPolicy?: (user: string) => readonly object[];
  /** Statements of the user's inline policy; the key's ARN may stand in them. */
  readonly iam?: (key: string) => readonly object[];
  /** What the key is. */
  readonly key?: object;
  /** Aliases that it has. */
  readonly aliases?: readonly string[];
  /** The user is another account's. */
  readonly isForeign?: true;
  readonly cases: readonly Case[];
}

/** A call that is allowed. */
export const may = (operation: string, input: object = {}): Case => ({ operation, input });
/** A call that is refused. */
export const mayNot = (operation: string, refusal: Refusal, input: object = {}): Case => ({
  operation,
  input,
  refusal,
});
/** A statement of a key policy that allows a principal. */
export const to = (user: string, Action: string | readonly string[], Condition?: object): object => ({
  ...{ Effect: "Allow", Principal: { AWS: user }, Action, Resource: "*" },
  ...(Condition && { Condition }),
});
/** The same for an account. */
export const toAccount = (account: string, Action: string | readonly string[], Condition?: object): object =>
  to(`arn:aws:iam::${account}:root`, Action, Condition);
/** A statement of a key policy that denies everybody. */
export const never = (Action: string | readonly string[], Condition: object): object => ({
  ...{ Effect: "Deny", Principal: { AWS: "*" }, Action, Resource: "*", Condition },
});
/** The input of a call with an encryption context. */
export const pairs = (EncryptionContext: object): object => ({ EncryptionContext });

/** Keys of these kinds. */
export const SIGNING = { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" };
export const RSA = { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" };
export const MAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" };
