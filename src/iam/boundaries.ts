/** Permissions boundaries: a managed policy that limits a user or role. */

import { NoSuchEntityException } from "../base/errors.ts";
import type { Tx } from "../storage/store.ts";
import { findPolicy, requirePolicyArn } from "./resources.ts";

/**
 * @throws ValidationException no ARN of a managed policy
 * @throws NoSuchEntityException the account has no such policy, as IAM words it of boundaries
 */
export async function requireBoundary(arn: string, account: string, tx: Tx): Promise<void> {
  requirePolicyArn(arn);
  if ((await tx.settle((reader) => findPolicy(arn, account, reader))) === undefined) {
    throw new NoSuchEntityException(`Scope ARN: ${arn} does not exist or is not attachable.`);
  }
}
