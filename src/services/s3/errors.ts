/** The errors of S3 (S3 API reference, Error responses), and what refusals by KMS become there. */

import { AccessDeniedException, coded, ServiceError, ThrottlingException } from "../../base/errors.ts";
import { KmsRefusal } from "../forwarding.ts";

export class BadDigest extends coded("BadDigest") {}
export class BucketAlreadyExists extends coded("BucketAlreadyExists", 409) {}
export class BucketAlreadyOwnedByYou extends coded("BucketAlreadyOwnedByYou", 409) {}
export class BucketNotEmpty extends coded("BucketNotEmpty", 409) {}
export class EntityTooLarge extends coded("EntityTooLarge") {}
export class EntityTooSmall extends coded("EntityTooSmall") {}
export class IllegalLocationConstraint extends coded("IllegalLocationConstraintException") {}
export class InternalError extends coded("InternalError", 500) {}
export class InvalidArgument extends coded("InvalidArgument") {}
export class InvalidBucketName extends coded("InvalidBucketName") {}
export class InvalidDigest extends coded("InvalidDigest") {}
export class InvalidPart extends coded("InvalidPart") {}
export class InvalidPartNumber extends coded("InvalidPartNumber", 416) {}
export class InvalidPartOrder extends coded("InvalidPartOrder") {}
export class InvalidRange extends coded("InvalidRange", 416) {}
export class InvalidRequest extends coded("InvalidRequest") {}
export class KeyTooLong extends coded("KeyTooLongError") {}
export class MalformedPolicy extends coded("MalformedPolicy") {}
export class MalformedXML extends coded("MalformedXML") {}
export class MetadataTooLarge extends coded("MetadataTooLarge") {}
export class NotImplemented extends coded("NotImplemented", 501) {}
/** Of an object that the caller has already; the answer has no body. */
export class NotModified extends coded("NotModified", 304) {}
export class NoSuchBucketPolicy extends coded("NoSuchBucketPolicy", 404) {}
export class NoSuchUpload extends coded("NoSuchUpload", 404) {}
export class PreconditionFailed extends coded("PreconditionFailed", 412) {}
export class TooManyBuckets extends coded("TooManyBuckets") {}
export class ConditionalRequestConflict extends coded("ConditionalRequestConflict", 409) {}

/** An error with further elements, and with headers where their names begin with `x-amz-`. */
abstract class Detailed extends ServiceError {
  override readonly details: Readonly<Record<string, string>>;

  constructor(message: string, details: Readonly<Record<string, string>>) {
    super(message);
    this.details = details;
  }
}

export class NoSuchBucket extends Detailed {
  readonly code = "NoSuchBucket";
  override readonly status = 404;

  constructor(BucketName: string) {
    super("The specified bucket does not exist", { BucketName });
  }
}

export class NoSuchKey extends Detailed {
  readonly code = "NoSuchKey";
  override readonly status = 404;

  constructor(Key: string) {
    super("The specified key does not exist.", { Key });
  }
}

/** A request for a bucket that is in another Region; SDKs send it there. */
export class WrongRegion extends Detailed {
  readonly code = "AuthorizationHeaderMalformed";

  constructor(given: string, Region: string) {
    super(`The authorization header is malformed; the region '${given}' is wrong; expecting '${Region}'`, {
      Region,
      "x-amz-bucket-region": Region,
    });
  }
}

/** Refusals by KMS have the message of KMS, and its code behind `KMS.`. */
class KmsError extends ServiceError {
  readonly code: string;
  override readonly status: number;

  constructor({ cause: { code, status, message } }: KmsRefusal) {
    super(message);
    this.code = `KMS.${code}`;
    this.status = status;
  }
}

/** What a refusal by KMS becomes (seen on AWS in public test suites: `KMS.NotFoundException`, `KMS.DisabledException`). */
export function errorOfKms(cause: unknown): unknown {
  if (!(cause instanceof KmsRefusal)) return cause;
  const { code, message, status } = cause.cause;
  if (code === "AccessDeniedException") return new AccessDeniedException(message);
  if (code === "ThrottlingException") return new ThrottlingException("Rate exceeded");
  return status >= 500 ? new InternalError("", { cause: cause.cause }) : new KmsError(cause);
}
