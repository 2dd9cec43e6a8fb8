/** The errors of Secrets Manager (models/secretsmanager.json), and what refusals by KMS become there. */

import { AccessDeniedException, coded, type ServiceError, ThrottlingException } from "../../base/errors.ts";
import { KmsRefusal } from "../forwarding.ts";

export class DecryptionFailure extends coded("DecryptionFailure", 400, "Message") {}
export class EncryptionFailure extends coded("EncryptionFailure", 400, "Message") {}
export class InternalServiceError extends coded("InternalServiceError", 500, "Message") {}
export class InvalidNextTokenException extends coded("InvalidNextTokenException", 400, "Message") {}
export class InvalidParameterException extends coded("InvalidParameterException", 400, "Message") {}
export class InvalidRequestException extends coded("InvalidRequestException", 400, "Message") {}
export class LimitExceededException extends coded("LimitExceededException", 400, "Message") {}
export class MalformedPolicyDocumentException extends coded("MalformedPolicyDocumentException", 400, "Message") {}
export class PublicPolicyException extends coded("PublicPolicyException", 400, "Message") {}
export class ResourceExistsException extends coded("ResourceExistsException", 400, "Message") {}
export class ResourceNotFoundException extends coded("ResourceNotFoundException", 400, "Message") {}

/** The secret is not there (recorded by public test suites). */
export const noSecret = () => new ResourceNotFoundException("Secrets Manager can't find the specified secret.");

/**
 * What a refusal by KMS becomes: who may not use the key is told no more than that (quoted by users), and where the key can't be
 * used, the error is of the direction (API reference, CreateSecret and GetSecretValue).
 */
export function errorOfKms(cause: unknown, direction: "encrypt" | "decrypt"): unknown {
  if (!(cause instanceof KmsRefusal)) return cause;
  const { cause: error } = cause;
  return ofCode(error) ?? (direction === "encrypt" ? cannotEncrypt(error) : cannotDecrypt(error));
}

function ofCode(error: ServiceError): ServiceError | undefined {
  if (error.code === "AccessDeniedException") {
    return new AccessDeniedException("Access to KMS is not allowed", { cause: error });
  }
  if (error.code === "ThrottlingException") return new ThrottlingException("Rate exceeded");
  return error.status >= 500 ? new InternalServiceError("", { cause: error }) : undefined;
}

const cannotEncrypt = (cause: Error) =>
  new EncryptionFailure(
    "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.",
    { cause },
  );

const cannotDecrypt = (cause: Error) =>
  new DecryptionFailure("Secrets Manager can't decrypt the protected secret text using the provided KMS key.", {
    cause,
  });
