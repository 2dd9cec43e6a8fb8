/** `kms:TrailingDaysWithoutKeyUsage`: for how long a key has not been used, which DisableKey and ScheduleKeyDeletion can be asked. */

import { ServiceError } from "../base/errors.ts";
import type { Call, RunContext } from "../pipeline/operation.ts";
import type { ConditionKeys } from "./conditions.ts";
import { type KeyName, keyArn, keyIdOrArn, parseKeyName } from "./identifiers.ts";
import type { Environment } from "./operation.ts";
import { Key } from "./resources.ts";

const DAY_MS = 86_400_000;

/** What is known of a key's use before its row is. */
interface Idleness {
  /** Since when a key that was made then has not been used, in milliseconds since the epoch. */
  readonly idleSince: (createdAt: number) => number;
}

/**
 * Looks up the last use of the key that a request names: it is no row of the view, and read once, before the decision. It is as fresh as GetKeyLastUsage
 * tells it.
 */
export async function examineIdleness(
  { KeyId }: { readonly KeyId: string },
  { call, lastUsages }: RunContext & Environment,
): Promise<Idleness & Readonly<Record<string, unknown>>> {
  const name = findKeyName(KeyId, call);
  const { region, partition, principal } = call;
  const keyId = name?.kind === "id" ? name.id : undefined;
  const arn = keyArn({ partition, region, account: principal.account, keyId: keyId ?? "" });
  const use = keyId === undefined ? undefined : await lastUsages.find({ arn, region, keyId });
  return { idleSince: (createdAt) => use?.used_at ?? lastUsages.trackedSince(createdAt) };
}

/** What is wrong with the name is told when the key is looked for. */
function findKeyName(text: string, call: Call): KeyName | undefined {
  try {
    return parseKeyName(text, keyIdOrArn, call);
  } catch (cause) {
    if (cause instanceof ServiceError) return undefined;
    throw cause;
  }
}

/**
 * Whole days since the last use; of a key that was not used since its uses are tracked, since it was made or since that began
 * (KMS guide, kms:TrailingDaysWithoutKeyUsage; tried on AWS in 2026 by Zenn's cscloud_blog).
 */
export const idleCondition: ConditionKeys<unknown> = {
  "kms:trailingdayswithoutkeyusage": (_input, { call, resource, examined }) => {
    const { idleSince } = examined as Partial<Idleness>; // a simulation looks nothing up
    if (!(resource instanceof Key) || idleSince === undefined) return undefined;
    const since = idleSince(resource.row.created_at);
    return Math.max(0, Math.floor((call.now - since) / DAY_MS));
  },
};
