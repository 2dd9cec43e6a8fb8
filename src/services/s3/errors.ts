/** The errors of S3 (S3 API reference, Error responses), and what refusals by KMS become there. */

import { AccessDeniedException, coded, ServiceError, ThrottlingException } from "../../base/errors.ts";
import { KmsRefusal } from "../forwarding.ts";

type Details = Readonly<Record<string, string>>;

/** Makes the base of an error that has further elements in its body, and headers where their names begin with `x-amz-`. */
function detailed(code: string, status = 400) {
  return class extends ServiceError {
    readonly code = code;
    override readonly status = status;
    override readonly name = code;
    override readonly details: Details;

    constructor(message: string, details: Details = {}, options?: ErrorOptions) {
      super(message, options);
      this.details = details;
    }
  };
}

const NOT_WELL_FORMED = "The XML you provided was not well-formed or did not validate against our published schema";
const NOT_HELD = "At least one of the pre-conditions you specified did not hold";

export class BadDigest extends detailed("BadDigest") {}
export class BucketAlreadyExists extends detailed("BucketAlreadyExists", 409) {}
export class BucketAlreadyOwnedByYou extends detailed("BucketAlreadyOwnedByYou", 409) {}
export class BucketNotEmpty extends detailed("BucketNotEmpty", 409) {}
export class EntityTooLarge extends detailed("EntityTooLarge") {}
export class EntityTooSmall extends detailed("EntityTooSmall") {}
export class IllegalLocationConstraint extends coded("IllegalLocationConstraintException") {}
export class InternalError extends coded("InternalError", 500) {}
/** Names the parameter and mostly its value. */
export class InvalidArgument extends detailed("InvalidArgument") {
  static of(message: string, ArgumentName: string, ArgumentValue?: string): InvalidArgument {
    return new InvalidArgument(message, { ArgumentName, ...(ArgumentValue !== undefined && { ArgumentValue }) });
  }
}
export class InvalidBucketName extends detailed("InvalidBucketName") {}
export class InvalidDigest extends detailed("InvalidDigest") {}
export class InvalidLocationConstraint extends detailed("InvalidLocationConstraint") {}
export class InvalidPart extends detailed("InvalidPart") {}
export class InvalidPartNumber extends detailed("InvalidPartNumber", 416) {}
export class InvalidPartOrder extends detailed("InvalidPartOrder") {}
export class InvalidRange extends detailed("InvalidRange", 416) {}
export class InvalidRequest extends coded("InvalidRequest") {}
export class InvalidStorageClass extends detailed("InvalidStorageClass") {}
export class KeyTooLong extends detailed("KeyTooLongError") {}
export class MalformedPolicy extends coded("MalformedPolicy") {}
export class MetadataTooLarge extends detailed("MetadataTooLarge") {}
export class NotImplemented extends detailed("NotImplemented", 501) {}
/** Of an object that the caller has already; the answer has no body, and the headers by which caches know it. */
export class NotModified extends detailed("NotModified", 304) {
  constructor(headers: Readonly<Record<"ETag" | "Last-Modified", string>>) {
    super("", headers);
  }
}
export class NoSuchBucketPolicy extends detailed("NoSuchBucketPolicy", 404) {}
export class NoSuchUpload extends detailed("NoSuchUpload", 404) {}
export class TooManyBuckets extends coded("TooManyBuckets") {}

export class MalformedXML extends detailed("MalformedXML") {
  constructor(message = NOT_WELL_FORMED) {
    super(message);
  }
}

export class PreconditionFailed extends detailed("PreconditionFailed", 412) {
  /** @param Condition the header that did not hold */
  constructor(Condition: string) {
    super(NOT_HELD, { Condition });
  }
}

/** What was to be replaced was written while its replacement was on the way. */
export class ConditionalRequestConflict extends detailed("ConditionalRequestConflict", 409) {
  constructor(Condition: string, Key: string) {
    super("The conditional request cannot succeed due to a conflicting operation against this resource.", {
      Condition,
      Key,
    });
  }
}

export class NoSuchBucket extends detailed("NoSuchBucket", 404) {
  constructor(BucketName: string) {
    super("The specified bucket does not exist", { BucketName });
  }
}

export class NoSuchKey extends detailed("NoSuchKey", 404) {
  constructor(Key: string) {
    super("The specified key does not exist.", { Key });
  }
}

/** A request for a bucket that is in another Region; SDKs send it there. */
export class WrongRegion extends detailed("AuthorizationHeaderMalformed") {
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
