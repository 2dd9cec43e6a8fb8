/** All quotas of KMS, and the values of resource quotas as operations ask for them. */

import { LimitExceededException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { defaultValue, type Quota, type QuotaOwner } from "../../pipeline/quotas.ts";
import { countKeys } from "../../storage/quotas.ts";
import type { Reader, Tx } from "../../storage/store.ts";
import { requestQuotas } from "./request-quotas.ts";
import { keysQuota, resourceQuotas } from "./resource-quotas.ts";

export const kmsQuotas: readonly Quota[] = [...resourceQuotas, ...requestQuotas];

/** How many of something the account that owns it may have in a Region. */
export function limitOf(quota: Quota, owner: QuotaOwner, { quotas }: Call, reader: Reader): number {
  return quotas?.valueOf(quota, owner, reader) ?? defaultValue(quota, owner.region);
}

/**
 * Requires that a customer managed key that was just added is not one too many. Counted afterwards, when the count is this
 * transaction's, two nodes can't both take the last place. The text is one that users reported of KMS.
 *
 * @throws LimitExceededException the account has more keys in the Region than it may
 */
export async function requireKeyCount(tx: Tx, owner: QuotaOwner, call: Call): Promise<void> {
  const most = await tx.settle((reader) => limitOf(keysQuota, owner, call, reader));
  const count = await countKeys(tx, owner);
  if (count <= most) return;
  throw new LimitExceededException(
    `Key quota for this account in this region is ${most} but the current usage is ${count - 1}.`,
  );
}
