/** What trails ask of KMS: an interface that the services above supply. */

import type { Call } from "../../pipeline/operation.ts";
import type { TrailRow } from "../../storage/trail-schema.ts";
import { arnOf } from "./names.ts";

/** Who asks: a trail. */
export interface TrailIdentity {
  readonly arn: string;
  readonly account: string;
  readonly partition: string;
  readonly now: number;
}

/** A trail as it asks at a moment. */
export function identityOf(trail: TrailRow, now: number): TrailIdentity {
  const { account, partition } = trail;
  return { arn: arnOf(trail), account, partition, now };
}

/** KMS as CloudTrail uses it: in CloudTrail's own name, with `aws:SourceArn` of the trail. */
export interface TrailKms {
  /**
   * Finds out whether CloudTrail may encrypt under a key: asks for a data key and throws it away.
   *
   * @param call of whoever sets the trail up
   * @param keyId any identifier of a key; a bare one is of the caller's account and Region
   * @returns the ARN of the key
   * @throws KmsKeyNotFoundException, InsufficientEncryptionPolicyException, KmsException
   */
  requireKey(
    call: Call,
    use: {
      readonly keyId: string;
      readonly trailArn: string;
      readonly bucket: string;
      readonly context: Readonly<Record<string, string>>;
    },
  ): Promise<string>;
  /**
   * Encrypts under a data key of a key, as a message of the AWS Encryption SDK.
   *
   * @throws Error KMS refuses; the message is for the trail's owner
   */
  seal(
    trail: TrailIdentity,
    keyArn: string,
    what: { readonly bytes: Uint8Array; readonly context: Readonly<Record<string, string>> },
  ): Promise<Uint8Array>;
}

/** The encryption context of what a trail has at a place of its bucket (KMS guide, CloudTrail). */
export function contextOf(trailArn: string, placeArn: string): Readonly<Record<string, string>> {
  return { "aws:cloudtrail:arn": trailArn, "aws:s3:arn": placeArn };
}
