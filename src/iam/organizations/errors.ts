/**
 * The errors of Organizations, with its texts: those that public bug reports quote, else the sentence with which the API
 * reference describes the error or its reason.
 */

import { coded, type ValidationException } from "../../base/errors.ts";

/** What a member account is told where only the management account may ask. */
export const NO_PERMISSION = "You don't have permissions to access this resource.";

/** The base of an error that always says the same. */
function saying(code: string, text: string) {
  return class extends coded(code, 400, "Message") {
    constructor() {
      super(text);
    }
  };
}

/** The base of an error that has a reason. */
function reasoned(code: string) {
  return class extends coded(code, 400, "Message") {
    override readonly details: Readonly<Record<string, string>>;

    constructor(reason: string, text: string) {
      super(text);
      this.details = { Reason: reason };
    }
  };
}

const absent = (what: string): string => `You specified ${what} that doesn't exist.`;

export class AWSOrganizationsNotInUseException extends saying(
  "AWSOrganizationsNotInUseException",
  "Your account is not a member of an organization.",
) {}
export class AccountNotFoundException extends saying("AccountNotFoundException", absent("an account")) {}
export class AlreadyInOrganizationException extends saying(
  "AlreadyInOrganizationException",
  "The AWS account is already a member of an organization.",
) {}
export class ChildNotFoundException extends saying("ChildNotFoundException", absent("a child")) {}
export class ConstraintViolationException extends reasoned("ConstraintViolationException") {}
export class CreateAccountStatusNotFoundException extends saying(
  "CreateAccountStatusNotFoundException",
  absent("a create account request"),
) {}
export class DestinationParentNotFoundException extends saying(
  "DestinationParentNotFoundException",
  absent("a destination parent"),
) {}
export class DuplicateAccountException extends saying(
  "DuplicateAccountException",
  "That account is already present in the specified destination.",
) {}
export class DuplicateOrganizationalUnitException extends saying(
  "DuplicateOrganizationalUnitException",
  "An OU with the same name already exists.",
) {}
export class DuplicatePolicyAttachmentException extends saying(
  "DuplicatePolicyAttachmentException",
  "The selected policy is already attached to the specified target.",
) {}
export class DuplicatePolicyException extends saying(
  "DuplicatePolicyException",
  "A policy with the same name already exists.",
) {}
export class InvalidInputException extends reasoned("InvalidInputException") {}
export class MalformedControlPolicyException extends saying(
  "MalformedPolicyDocumentException",
  "The provided policy document does not meet the requirements of the specified policy type.",
) {}
export class OrganizationalUnitNotFoundException extends saying(
  "OrganizationalUnitNotFoundException",
  absent("an organizational unit"),
) {}
export class ParentNotFoundException extends saying("ParentNotFoundException", absent("a parent")) {}
export class PolicyInUseException extends saying(
  "PolicyInUseException",
  "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.",
) {}
export class PolicyNotAttachedException extends saying(
  "PolicyNotAttachedException",
  "The policy isn't attached to the specified target in the specified root.",
) {}
export class PolicyNotFoundException extends saying("PolicyNotFoundException", absent("a policy")) {}
export class PolicyTypeAlreadyEnabledException extends saying(
  "PolicyTypeAlreadyEnabledException",
  "The specified policy type is already enabled.",
) {}
export class PolicyTypeNotAvailableForOrganizationException extends saying(
  "PolicyTypeNotAvailableForOrganizationException",
  "You can't use the specified policy type with the feature set currently enabled for this organization.",
) {}
export class PolicyTypeNotEnabledException extends saying(
  "PolicyTypeNotEnabledException",
  "This operation can be performed only for enabled policy types.",
) {}
export class RootNotFoundException extends saying("RootNotFoundException", absent("a root")) {}
export class ServiceException extends coded("ServiceException", 500, "Message") {}
export class SourceParentNotFoundException extends saying("SourceParentNotFoundException", absent("a source parent")) {}
export class TargetNotFoundException extends saying("TargetNotFoundException", absent("a target")) {}

/** What a broken constraint of the model is called, by the words in which every service names it. */
const REASONS: readonly (readonly [constraint: string, reason: string, text: string])[] = [
  ["must not be null", "INPUT_REQUIRED", "You must include a value for all required parameters."],
  ["regular expression", "INVALID_PATTERN", "You provided a value that does not match the required pattern."],
  ["enum value set", "INVALID_ENUM", "You specified an invalid value."],
  ["length less", "MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed."],
  ["length greater", "MIN_LENGTH_EXCEEDED", "You provided a string parameter that is shorter than allowed."],
  ["value less", "MAX_VALUE_EXCEEDED", "You provided a numeric parameter that has a larger value than allowed."],
  ["value greater", "MIN_VALUE_EXCEEDED", "You provided a numeric parameter that has a smaller value than allowed."],
];

/** Input that breaks the model, as Organizations answers it: by its first broken constraint. */
export function invalidInput({ message }: ValidationException): InvalidInputException {
  const [, constraint = ""] = message.split("failed to satisfy constraint: ");
  const [, reason, text] = REASONS.find(([words]) => constraint.includes(words)) ?? ["", "INVALID_PATTERN", message];
  return new InvalidInputException(reason, text);
}
