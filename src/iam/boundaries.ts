/** Permissions boundaries: a managed policy that limits a user or role. */

import { InvalidInputException, NoSuchEntityException } from "../base/errors.ts";
import type { Call } from "../pipeline/operation.ts";
import type { Tx } from "../storage/store.ts";
import { findPolicy, isPolicyArn, requirePartition } from "./resources.ts";

/**
 * The latter two are recorded on IAM, which has other ones for policies that are attached.
 *
 * @throws ValidationException an ARN of another partition
 * @throws InvalidInputException no ARN of a managed policy
 * @throws NoSuchEntityException the account has no such policy
 */
export async function requireBoundary(arn: string, call: Call, tx: Tx): Promise<void> {
  const { account } = call.principal;
  requirePartition(arn, call.partition);
  if (!isPolicyArn(arn)) throw new InvalidInputException(`ARN ${arn} is not valid.`);
  if ((await tx.settle((reader) => findPolicy(arn, account, reader))) === undefined) {
    throw new NoSuchEntityException(`Scope ARN: ${arn} does not exist or is not attachable.`);
  }
}
