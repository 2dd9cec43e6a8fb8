/** What EBS tells EventBridge: volumes that could not be made or attached for their key (EBS user guide, EventBridge events). */

import { asArn } from "../../base/arn.ts";
import type { ServiceError } from "../../base/errors.ts";
import { type Context, ec2Arn, InvalidKmsKeyInvalidState, InvalidKmsKeyNotFound } from "./operation.ts";

/** What a piece of work is about. */
interface Subject {
  readonly event: "createVolume" | "attachVolume";
  readonly volume: string;
  /** What names the key; where it is an ARN, the event names it, too. */
  readonly key: string | null | undefined;
}

/**
 * Does what takes a key; where the key can't be used, tells EventBridge of it, in the words of KMS, before the caller is told.
 *
 * @throws Error whatever the work throws
 */
export async function tellingOfKey<T>(
  { event, volume, key }: Subject,
  { call, store, bus }: Context,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof InvalidKmsKeyInvalidState || cause instanceof InvalidKmsKeyNotFound)) throw cause;
    const { account } = call.principal;
    const arns = event === "attachVolume" && asArn(key ?? "") !== undefined ? [key ?? ""] : [];
    const told = {
      account,
      region: call.region,
      source: "aws.ec2",
      detailType: "EBS Volume Notification",
      time: call.now,
      resources: [ec2Arn(call, "volume", volume), ...arns],
      detail: JSON.stringify({ event, result: "failed", cause: wordsOf(cause), "request-id": call.requestId }),
    };
    await store.transaction((tx) => bus.send(tx, { account, region: call.region }, [told]));
    throw cause;
  }
}

/** The message of KMS without what is quoted around it. */
function wordsOf({ message, cause }: Pick<ServiceError, "message" | "cause">): string {
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}
