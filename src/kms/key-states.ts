/** The key-state table: what each operation answers in each state (KMS guide, Key states of KMS keys; spec 02). */

import { DisabledException, KMSInvalidStateException, type ServiceError } from "../base/errors.ts";
import type { KeyState } from "../storage/schema.ts";
import { stateAt } from "./importing.ts";
import type { Key } from "./resources.ts";

/** The error of a state that refuses, made from the key's ARN; states that are not named succeed. */
export type StateRule = Partial<Record<KeyState, (keyArn: string) => ServiceError>>;

const disabled = (arn: string): ServiceError => new DisabledException(`${arn} is disabled.`);
const invalid =
  (what: string) =>
  (arn: string): ServiceError =>
    new KMSInvalidStateException(`${arn} is ${what}.`);

const pendingDeletion = {
  PendingDeletion: invalid("pending deletion"),
  PendingReplicaDeletion: invalid("pending replica deletion"),
} satisfies StateRule;

const notPendingDeletion = invalid("not pending deletion");

/** Succeeds in every state: DescribeKey, GetKeyPolicy, PutKeyPolicy, lists, DeleteAlias. */
export const anyState: StateRule = {};

/** Cryptographic use. */
export const usable: StateRule = {
  Disabled: disabled,
  ...pendingDeletion,
  PendingImport: invalid("pending import"),
  Unavailable: invalid("unavailable"),
  Creating: invalid("creating"),
};

/** CreateGrant: as cryptographic use, but a key whose store is disconnected can be granted. */
export const grantable: StateRule = {
  Disabled: disabled,
  ...pendingDeletion,
  PendingImport: invalid("pending import"),
  Creating: invalid("creating"),
};

/** CreateAlias, TagResource, UntagResource, UpdateKeyDescription, and UpdateAlias for its new target. */
export const manageable: StateRule = pendingDeletion;

/** EnableKey and DisableKey. */
export const switchable: StateRule = {
  ...pendingDeletion,
  PendingImport: invalid("pending import"),
  Creating: invalid("creating"),
  Updating: invalid("updating"),
};

/** ScheduleKeyDeletion. */
export const deletable: StateRule = { ...pendingDeletion, Updating: invalid("updating") };

/** CancelKeyDeletion: only what is pending deletion. */
export const cancellable: StateRule = {
  Enabled: notPendingDeletion,
  Disabled: notPendingDeletion,
  PendingImport: notPendingDeletion,
  Unavailable: notPendingDeletion,
  Creating: notPendingDeletion,
  Updating: notPendingDeletion,
};

/** EnableKeyRotation and DisableKeyRotation; keys that cannot rotate are refused by origin and spec. */
export const rotationSettable: StateRule = {
  Disabled: disabled,
  ...pendingDeletion,
  Creating: invalid("creating"),
};

/** RotateKeyOnDemand: as above, but keys with imported material rotate, too, while they have all of it. */
export const rotatableOnDemand: StateRule = { ...rotationSettable, PendingImport: invalid("pending import") };

/** GetParametersForImport; keys whose material does not come from outside are refused by origin. */
export const importPreparable: StateRule = {
  ...pendingDeletion,
  Creating: invalid("creating"),
  Updating: invalid("updating"),
};

/** ImportKeyMaterial. */
export const importable: StateRule = { ...pendingDeletion, Creating: invalid("creating") };

/** DeleteImportedKeyMaterial: also while the key is pending deletion. */
export const materialDeletable: StateRule = { Creating: invalid("creating"), Updating: invalid("updating") };

/** UpdatePrimaryRegion, of both keys; no multi-Region key is in a custom key store, but what is unavailable is not shared. */
export const promotable: StateRule = {
  Disabled: disabled,
  ...pendingDeletion,
  PendingImport: invalid("pending import"),
  Unavailable: invalid("unavailable"),
  Creating: invalid("creating"),
};

/** ReplicateKey. */
export const replicable: StateRule = { ...promotable, Updating: invalid("updating") };

/** States that a key comes back to when its custom key store is connected again. */
const LOSABLE: readonly KeyState[] = ["Enabled", "Disabled"];

/**
 * The state of a key at a moment. Its row has the state that it was brought into; while its custom key store is not connected it is
 * unavailable instead, unless it is pending deletion (KMS guide, Key states of KMS keys in custom key stores).
 */
export function stateOf({ row, keyStore }: Pick<Key, "row" | "keyStore">, now: number): KeyState {
  const state = stateAt(row, now);
  const isAway = row.key_store_id !== null && keyStore?.connection_state !== "CONNECTED";
  return isAway && LOSABLE.includes(state) ? "Unavailable" : state;
}

/** @throws ServiceError the error of the table for a key in `state` */
export function requireState(rule: StateRule, state: KeyState, keyArn: string): void {
  const error = rule[state];
  if (error !== undefined) throw error(keyArn);
}
