/** The condition keys of KMS: what each says of a request (KMS guide, Condition keys; spec 03 and 04). */

import { viaService } from "../pipeline/forwarding.ts";
import type { Call, Examined, Resource } from "../pipeline/operation.ts";
import { requestContext } from "../pipeline/request-context.ts";
import type { ConditionContext } from "../policy/context.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import { ROTATION_PERIOD_DAYS } from "./keys.ts";
import { labelsOf } from "./propagation.ts";
import { limitOf } from "./quotas/limits.ts";
import { aliasesQuota } from "./quotas/resource-quotas.ts";
import { multiRegionKeyType } from "./related-keys.ts";
import { Key } from "./resources.ts";

/** A condition key's values; one that is undefined or an empty list is not in the request. */
export type ConditionValue = string | number | boolean | readonly string[] | undefined;

/** What a condition key may look at beside the input. */
export interface ConditionFacts {
  readonly call: Call;
  /** The resource of the target that is decided. */
  readonly resource: Resource;
  /** The resources of the operation that were found, under the names of their targets. */
  readonly found: Readonly<Record<string, Resource>>;
  /** Rows of the moment in which it is decided. */
  readonly reader: Reader;
  /** What the operation learned of its input before it was decided. */
  readonly examined: Examined;
}

/** One condition key of an input. `name` is what follows the colon at the end of a family's name, in lower case. */
type ConditionKey<I> = (input: I, facts: ConditionFacts, name: string) => ConditionValue;

/**
 * The condition keys that an operation or a target has beside those of its key, by name in lower case. A name that ends
 * with a colon or a slash stands for a family, such as `kms:encryptioncontext:`.
 */
export type ConditionKeys<I> = Readonly<Record<string, ConditionKey<I>>>;

/**
 * `kms:ResourceAliases` and `aws:ResourceTag/…`: the aliases and tags of a key.
 *
 * @param keyOf where it is known which key it is
 */
export function labelConditions<I>(keyOf: (input: I, facts: ConditionFacts) => NamedKey | undefined): ConditionKeys<I> {
  return {
    "kms:resourcealiases": (input, facts) => {
      const { call, reader } = facts;
      const key = keyOf(input, facts);
      if (key === undefined) return undefined;
      const { aliases } = labelsOf(key, call, reader);
      // A key with more than its quota is not to be reached by its aliases (spec 04, ABAC failure modes).
      return aliases.length > limitOf(aliasesQuota, key, call, reader) ? undefined : aliases;
    },
    "aws:resourcetag/": (input, facts, name) => {
      const key = keyOf(input, facts);
      if (key === undefined) return undefined;
      const { tags } = labelsOf(key, facts.call, facts.reader);
      return tags.find(({ key }) => key.toLowerCase() === name)?.value;
    },
  };
}

/** What finds the aliases and tags of a key, and the quotas that they are under. */
type NamedKey = Pick<KeyRow, "region" | "key_id" | "account">;

/** What every operation on a key can be asked (spec 04, group K). */
const keyProperties: ConditionKeys<Key> = {
  "kms:calleraccount": (_key, { call }) => call.principal.account,
  "kms:viaservice": (_key, { call }) => viaService(call),
  "kms:keyspec": ({ row }) => row.spec,
  "kms:customermasterkeyspec": ({ row }) => row.spec,
  "kms:keyusage": ({ row }) => row.usage,
  "kms:customermasterkeyusage": ({ row }) => row.usage,
  "kms:keyorigin": ({ row }) => row.origin,
  "kms:multiregion": ({ row }) => row.multi_region === 1,
  "kms:multiregionkeytype": ({ row }) => multiRegionKeyType(row),
  ...labelConditions<Key>(({ row }) => row),
};

/** Where an input holds what encrypting operations are asked about; ReEncrypt has two of each. */
export interface EncryptionMembers<K extends string, C extends string, A extends string> {
  readonly key: K;
  readonly context: C;
  readonly algorithm?: A;
}

type Encrypting<K extends string, C extends string, A extends string> = { readonly [M in K]?: string } & {
  readonly [M in C]?: Readonly<Record<string, string>>;
} & { readonly [M in A]?: string };

/** Algorithm, encryption context and alias of an operation with a symmetric key (spec 04, groups C and E). */
export function encryptionConditions<K extends string, C extends string, A extends string = never>({
  key,
  context,
  algorithm,
}: EncryptionMembers<K, C, A>): ConditionKeys<Encrypting<K, C, A>> {
  const pairsOf = (input: Encrypting<K, C, A>, { resource }: ConditionFacts): [string, string][] => {
    const isSymmetric = !(resource instanceof Key) || resource.row.spec === "SYMMETRIC_DEFAULT";
    const pairs: Readonly<Record<string, string>> | undefined = input[context];
    return pairs === undefined || !isSymmetric ? [] : Object.entries(pairs);
  };
  return {
    ...aliasCondition(key),
    "kms:encryptionalgorithm": (input) => (algorithm && input[algorithm]) ?? "SYMMETRIC_DEFAULT",
    "kms:encryptioncontext:": (input, facts, wanted) =>
      pairsOf(input, facts).flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : [])),
    "kms:encryptioncontextkeys": (input, facts) => pairsOf(input, facts).map(([name]) => name),
  };
}

/** `kms:ReEncryptOnSameKey`, of both keys of ReEncrypt. */
export const sameKeyCondition: ConditionKeys<unknown> = {
  "kms:reencryptonsamekey": (_input, { found: { source, destination } }) =>
    source === undefined || destination === undefined ? undefined : source.arn === destination.arn,
};

/** `kms:RequestAlias`: the alias by which the request names the key, without the rest of its ARN. */
export function aliasCondition<M extends string>(member: M): ConditionKeys<{ readonly [K in M]?: string }> {
  return {
    "kms:requestalias": (input) => {
      const text: string | undefined = input[member];
      if (text?.startsWith("alias/")) return text;
      const start = text?.startsWith("arn:") ? text.indexOf(":alias/") : -1;
      return start < 0 ? undefined : text?.slice(start + 1);
    },
  };
}

/** Sign and Verify; a message is raw unless the request says otherwise (spec 04, group S). */
export const signingConditions: ConditionKeys<{
  readonly KeyId?: string;
  readonly SigningAlgorithm?: string;
  readonly MessageType?: string;
}> = {
  ...aliasCondition("KeyId"),
  "kms:signingalgorithm": ({ SigningAlgorithm }) => SigningAlgorithm,
  "kms:messagetype": ({ MessageType = "RAW" }) => MessageType,
};

/** GenerateMac and VerifyMac. */
export const macConditions: ConditionKeys<{ readonly KeyId?: string; readonly MacAlgorithm?: string }> = {
  ...aliasCondition("KeyId"),
  "kms:macalgorithm": ({ MacAlgorithm }) => MacAlgorithm,
};

/** DeriveSharedSecret. */
export const keyAgreementConditions: ConditionKeys<{
  readonly KeyId?: string;
  readonly KeyAgreementAlgorithm?: string;
}> = {
  ...aliasCondition("KeyId"),
  "kms:keyagreementalgorithm": ({ KeyAgreementAlgorithm }) => KeyAgreementAlgorithm,
};

/** GenerateDataKeyPair and its twin without plaintext. */
export const pairSpecCondition: ConditionKeys<{ readonly KeyPairSpec?: string }> = {
  "kms:datakeypairspec": ({ KeyPairSpec }) => KeyPairSpec,
};

/** GetParametersForImport. */
export const wrappingConditions: ConditionKeys<{
  readonly WrappingAlgorithm?: string;
  readonly WrappingKeySpec?: string;
}> = {
  "kms:wrappingalgorithm": ({ WrappingAlgorithm }) => WrappingAlgorithm,
  "kms:wrappingkeyspec": ({ WrappingKeySpec }) => WrappingKeySpec,
};

/** ImportKeyMaterial: both are absent where the request lacks them, and the date is in seconds since the epoch (spec 04). */
export const importConditions: ConditionKeys<{ readonly ExpirationModel?: string; readonly ValidTo?: Date }> = {
  "kms:expirationmodel": ({ ExpirationModel }) => ExpirationModel,
  "kms:validto": ({ ValidTo }) => ValidTo && ValidTo.getTime() / 1000,
};

interface CreateKeyInput {
  readonly KeySpec?: string;
  readonly CustomerMasterKeySpec?: string;
  readonly KeyUsage?: string;
  readonly Origin?: string;
  readonly MultiRegion?: boolean;
}

const requestedSpec = ({ KeySpec, CustomerMasterKeySpec }: CreateKeyInput): string =>
  KeySpec ?? CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT";
const requestedUsage = ({ KeyUsage }: CreateKeyInput): string => KeyUsage ?? "ENCRYPT_DECRYPT";

/** `kms:BypassPolicyLockoutSafetyCheck`, absent where the request lacks it. */
export const bypassCondition: ConditionKeys<{ readonly BypassPolicyLockoutSafetyCheck?: boolean }> = {
  "kms:bypasspolicylockoutsafetycheck": ({ BypassPolicyLockoutSafetyCheck }) => BypassPolicyLockoutSafetyCheck,
};

interface Tagging {
  readonly Tags?: readonly { readonly TagKey?: string | undefined; readonly TagValue?: string | undefined }[];
  readonly TagKeys?: readonly string[];
}

/** `aws:TagKeys` and `aws:RequestTag/…` of operations with tags (spec 04, group T). */
export const tagConditions: ConditionKeys<Tagging> = {
  "aws:tagkeys": ({ Tags, TagKeys }) => TagKeys ?? Tags?.map(({ TagKey = "" }) => TagKey),
  "aws:requesttag/": ({ Tags = [] }, _facts, wanted) =>
    Tags.flatMap(({ TagKey = "", TagValue = "" }) => (TagKey.toLowerCase() === wanted ? [TagValue] : [])),
};

/** `kms:CallerAccount` of operations on custom key stores; those on keys have it anyway. */
export const callerCondition: ConditionKeys<unknown> = {
  "kms:calleraccount": (_input, { call }) => call.principal.account,
};

/** CreateKey is asked about the key that is requested, defaults filled in (spec 03, Condition keys: general). */
export const createKeyConditions: ConditionKeys<
  CreateKeyInput & Tagging & { readonly BypassPolicyLockoutSafetyCheck?: boolean }
> = {
  "kms:calleraccount": (_input, { call }) => call.principal.account,
  "kms:viaservice": (_input, { call }) => viaService(call),
  "kms:keyspec": requestedSpec,
  "kms:customermasterkeyspec": requestedSpec,
  "kms:keyusage": requestedUsage,
  "kms:customermasterkeyusage": requestedUsage,
  "kms:keyorigin": ({ Origin }) => Origin ?? "AWS_KMS",
  "kms:multiregion": ({ MultiRegion }) => MultiRegion === true,
  "kms:multiregionkeytype": ({ MultiRegion }) => (MultiRegion === true ? "PRIMARY" : undefined),
  ...bypassCondition,
  ...tagConditions,
};

/** ReplicateKey, of the primary key. */
export const replicaRegionCondition: ConditionKeys<{ readonly ReplicaRegion?: string }> = {
  "kms:replicaregion": ({ ReplicaRegion }) => ReplicaRegion,
};

/** UpdatePrimaryRegion, of both keys. */
export const primaryRegionCondition: ConditionKeys<{ readonly PrimaryRegion?: string }> = {
  "kms:primaryregion": ({ PrimaryRegion }) => PrimaryRegion,
};

const ofPrimary =
  (property: keyof typeof keyProperties): ConditionKeys<unknown>[string] =>
  (_input, facts) =>
    facts.found["key"] instanceof Key ? keyProperties[property]?.(facts.found["key"], facts, "") : undefined;

/** What `kms:CreateKey` is asked about a replica that is to be made: it has the properties of its primary. */
export const createReplicaConditions: ConditionKeys<Tagging & { readonly BypassPolicyLockoutSafetyCheck?: boolean }> = {
  "kms:calleraccount": (_input, { call }) => call.principal.account,
  "kms:viaservice": (_input, { call }) => viaService(call),
  "kms:keyspec": ofPrimary("kms:keyspec"),
  "kms:customermasterkeyspec": ofPrimary("kms:keyspec"),
  "kms:keyusage": ofPrimary("kms:keyusage"),
  "kms:customermasterkeyusage": ofPrimary("kms:keyusage"),
  "kms:keyorigin": ofPrimary("kms:keyorigin"),
  "kms:multiregion": () => true,
  "kms:multiregionkeytype": () => "REPLICA",
  ...bypassCondition,
  ...tagConditions,
};

/** Longest waiting period, and what ScheduleKeyDeletion takes when it is not told (spec 02, Waiting period). */
const WINDOW_DAYS = 30;

export const windowCondition: ConditionKeys<{ readonly PendingWindowInDays?: number }> = {
  "kms:schedulekeydeletionpendingwindowindays": ({ PendingWindowInDays = WINDOW_DAYS }) => PendingWindowInDays,
};

export const rotationPeriodCondition: ConditionKeys<{ readonly RotationPeriodInDays?: number }> = {
  "kms:rotationperiodindays": ({ RotationPeriodInDays = ROTATION_PERIOD_DAYS }) => RotationPeriodInDays,
};

/**
 * What KMS answers to the conditions on one target: the properties of its key, then what the operation declares.
 *
 * @param key in lower case
 */
export function kmsConditionValues<I>(
  key: string,
  declared: ConditionKeys<I> | undefined,
  input: I,
  facts: ConditionFacts,
): readonly string[] | undefined {
  const { resource } = facts;
  const ofKey = resource instanceof Key ? valueIn(keyProperties, key, resource, facts) : undefined;
  const value = ofKey ?? (declared && valueIn(declared, key, input, facts));
  if (value === undefined) return undefined;
  return typeof value === "object" ? value : [String(value)];
}

function valueIn<I>(keys: ConditionKeys<I>, key: string, input: I, facts: ConditionFacts): ConditionValue {
  if (Object.hasOwn(keys, key)) return keys[key]?.(input, facts, "");
  const separator = /[:/]/g;
  separator.lastIndex = key.indexOf(":") + 1;
  const end = separator.exec(key)?.index;
  if (end === undefined) return undefined;
  const family = key.slice(0, end + 1);
  return Object.hasOwn(keys, family) ? keys[family]?.(input, facts, key.slice(end + 1)) : undefined;
}

/** The context in which a later call on `key` would be decided, as far as it is known now: the lockout check asks it. */
export function contextOfKey(call: Call, key: Key, reader: Reader): ConditionContext {
  const facts = { call, resource: key, found: {}, reader, examined: {} };
  return requestContext(facts, (name) => kmsConditionValues(name, undefined, undefined, facts));
}
