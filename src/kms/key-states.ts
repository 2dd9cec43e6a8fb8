/** The key-state table: what each operation answers in each state (KMS guide, Key states of KMS keys; spec 02). */

import { DisabledException, KMSInvalidStateException, type ServiceError } from "../base/errors.ts";
import type { KeyState } from "../storage/schema.ts";

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

/** UpdatePrimaryRegion, of both keys; a custom key store has no multi-Region keys. */
export const promotable: StateRule = {
  Disabled: disabled,
  ...pendingDeletion,
  PendingImport: invalid("pending import"),
  Creating: invalid("creating"),
};

/** ReplicateKey. */
export const replicable: StateRule = { ...promotable, Updating: invalid("updating") };

/** @throws ServiceError the error of the table for a key in `state` */
export function requireState(rule: StateRule, state: KeyState, keyArn: string): void {
  const error = rule[state];
  if (error !== undefined) throw error(keyArn);
}
