/** The errors of the EBS direct APIs (models/ebs.json), and what refusals by KMS and by EC2's part become there. */

import { coded, type ServiceError } from "../../base/errors.ts";
import { KmsRefusal } from "../forwarding.ts";

/** The base of an error that says why in `Reason`. */
function reasoned(code: string, status: number) {
  return class extends coded(code, status, "Message") {
    override readonly details: Readonly<Record<string, string>>;

    constructor(reason: string, message: string, options?: ErrorOptions) {
      super(message, options);
      this.details = { Reason: reason };
    }
  };
}

export class AccessDeniedException extends reasoned("AccessDeniedException", 403) {}
export class ConflictException extends coded("ConflictException", 409, "Message") {}
export class InternalServerException extends coded("InternalServerException", 500, "Message") {}
export class ResourceNotFoundException extends reasoned("ResourceNotFoundException", 404) {}
export class ServiceQuotaExceededException extends reasoned("ServiceQuotaExceededException", 402) {}
export class ValidationException extends reasoned("ValidationException", 400) {}

/** What a refusal by KMS becomes; the texts are ours. */
export function errorOfKms(cause: unknown): unknown {
  const error: ServiceError | undefined = cause instanceof KmsRefusal ? cause.cause : codedOf(cause);
  if (error === undefined) return cause;
  if (error.code === "AccessDeniedException") {
    return new AccessDeniedException("DEPENDENCY_ACCESS_DENIED", "Access to the KMS key is denied.", { cause: error });
  }
  if (error.status >= 500) return new InternalServerException("", { cause: error });
  return new ValidationException("INVALID_CUSTOMER_KEY", "The KMS key can't be used.", { cause: error });
}

/** Refusals that EC2's functions have put into EC2's words. */
function codedOf(cause: unknown): ServiceError | undefined {
  const isCoded = cause instanceof Error && "code" in cause && "status" in cause;
  return isCoded ? (cause as ServiceError) : undefined;
}
