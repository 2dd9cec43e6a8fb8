/** The errors of SSM (models/ssm.json), and what refusals by KMS become there. */

import { AccessDeniedException, coded, type ServiceError, ThrottlingException } from "../../base/errors.ts";
import { KmsRefusal } from "../forwarding.ts";

export class HierarchyLevelLimitExceededException extends coded("HierarchyLevelLimitExceededException") {}
export class HierarchyTypeMismatchException extends coded("HierarchyTypeMismatchException") {}
export class IncompatiblePolicyException extends coded("IncompatiblePolicyException") {}
export class InternalServerError extends coded("InternalServerError", 500, "Message") {}
export class InvalidAllowedPatternException extends coded("InvalidAllowedPatternException") {}
export class InvalidFilterKey extends coded("InvalidFilterKey") {}
export class InvalidFilterOption extends coded("InvalidFilterOption") {}
export class InvalidFilterValue extends coded("InvalidFilterValue", 400, "Message") {}
export class InvalidKeyId extends coded("InvalidKeyId") {}
export class InvalidNextToken extends coded("InvalidNextToken", 400, "Message") {}
export class InvalidPolicyAttributeException extends coded("InvalidPolicyAttributeException") {}
export class InvalidPolicyTypeException extends coded("InvalidPolicyTypeException") {}
export class InvalidResourceId extends coded("InvalidResourceId") {}
export class InvalidResourceType extends coded("InvalidResourceType") {}
export class ParameterAlreadyExists extends coded("ParameterAlreadyExists") {}
export class ParameterLimitExceeded extends coded("ParameterLimitExceeded") {}
export class ParameterMaxVersionLimitExceeded extends coded("ParameterMaxVersionLimitExceeded") {}
export class ParameterNotFound extends coded("ParameterNotFound") {}
export class ParameterPatternMismatchException extends coded("ParameterPatternMismatchException") {}
export class ParameterVersionLabelLimitExceeded extends coded("ParameterVersionLabelLimitExceeded") {}
export class ParameterVersionNotFound extends coded("ParameterVersionNotFound") {}
export class PoliciesLimitExceededException extends coded("PoliciesLimitExceededException") {}
export class TooManyTagsError extends coded("TooManyTagsError") {}

/** The text was recorded by public test suites; what was asked for may be a label. */
export const noVersion = (version: number | string, name: string) =>
  new ParameterVersionNotFound(
    `Systems Manager could not find version ${version} of ${name}. Verify the version and try again.`,
  );

/**
 * What a refusal by KMS becomes (KMS guide, Parameter Store: troubleshooting): `InvalidKeyId` with the message of KMS where the
 * key can't be used, access denied where the caller may not.
 */
export function errorOfKms(cause: unknown): unknown {
  if (!(cause instanceof KmsRefusal)) return cause;
  return ofCode(cause) ?? new InvalidKeyId(cause.quoted);
}

function ofCode({ cause: error, quoted }: KmsRefusal): ServiceError | undefined {
  if (error.code === "AccessDeniedException") return new AccessDeniedException(quoted);
  if (error.code === "ThrottlingException") return new ThrottlingException("Rate exceeded");
  return error.status >= 500 ? new InternalServerError("", { cause: error }) : undefined;
}
