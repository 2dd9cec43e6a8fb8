/** The errors that AWS services answer, one class each; the class name is the code on the wire. */

/**
 * An error that a caller may see: its code, status and message are safe to send.
 *
 * An empty message means that the answer has no message member at all (AWS sends none for many errors). A `cause` is for
 * the operator's log alone and is never sent.
 */
export abstract class ServiceError extends Error {
  abstract readonly code: string;
  readonly status: number = 400;
  /** The member that carries the message: AWS's shared front end writes `Message`, the services write `message`. */
  readonly messageMember: "message" | "Message" = "message";
  /** Further members of the error's shape, such as `Reason` of Organizations. */
  readonly details: Readonly<Record<string, string>> = {};

  constructor(message = "", options?: ErrorOptions) {
    super(message, options);
  }
}

/** A class that leaves nothing abstract. */
type ServiceErrorClass = new (message?: string, options?: ErrorOptions) => Pick<ServiceError, keyof ServiceError>;

/** Makes the base of one error class: `class NotFoundException extends coded("NotFoundException") {}`. */
export function coded(code: string, status = 400, messageMember: "message" | "Message" = "message"): ServiceErrorClass {
  return class extends ServiceError {
    readonly code = code;
    override readonly status = status;
    override readonly messageMember = messageMember;
    override readonly name = code;
  };
}

// Errors of every service: AWS common errors, and those of its authenticating front end.
export class AccessDeniedException extends coded("AccessDeniedException", 400, "Message") {}
/** Temporary credentials that were used after their time. */
export class ExpiredTokenException extends coded("ExpiredTokenException") {}
export class IncompleteSignatureException extends coded("IncompleteSignatureException", 400, "Message") {}
export class InvalidSignatureException extends coded("InvalidSignatureException") {}
export class MissingAuthenticationTokenException extends coded("MissingAuthenticationTokenException", 400, "Message") {}
export class RequestEntityTooLargeException extends coded("RequestEntityTooLargeException", 413, "Message") {}
export class SerializationException extends coded("SerializationException", 400, "Message") {}
export class ServiceUnavailableException extends coded("ServiceUnavailableException", 503) {}
export class ThrottlingException extends coded("ThrottlingException") {}
export class UnknownOperationException extends coded("UnknownOperationException", 400, "Message") {}
export class UnrecognizedClientException extends coded("UnrecognizedClientException") {}
export class ValidationException extends coded("ValidationException") {}
export class InternalFailure extends coded("InternalFailure", 500) {}

// Errors of the KMS API (models/kms.json); 500 and 503 where the model says fault.
export class AlreadyExistsException extends coded("AlreadyExistsException") {}
export class CloudHsmClusterInUseException extends coded("CloudHsmClusterInUseException") {}
export class CloudHsmClusterInvalidConfigurationException extends coded(
  "CloudHsmClusterInvalidConfigurationException",
) {}
export class CloudHsmClusterNotActiveException extends coded("CloudHsmClusterNotActiveException") {}
export class CloudHsmClusterNotFoundException extends coded("CloudHsmClusterNotFoundException") {}
export class CloudHsmClusterNotRelatedException extends coded("CloudHsmClusterNotRelatedException") {}
export class ConflictException extends coded("ConflictException") {}
export class CustomKeyStoreHasCMKsException extends coded("CustomKeyStoreHasCMKsException") {}
export class CustomKeyStoreInvalidStateException extends coded("CustomKeyStoreInvalidStateException") {}
export class CustomKeyStoreNameInUseException extends coded("CustomKeyStoreNameInUseException") {}
export class CustomKeyStoreNotFoundException extends coded("CustomKeyStoreNotFoundException") {}
export class DependencyTimeoutException extends coded("DependencyTimeoutException", 503) {}
export class DisabledException extends coded("DisabledException") {}
export class DryRunOperationException extends coded("DryRunOperationException") {}
export class ExpiredImportTokenException extends coded("ExpiredImportTokenException") {}
export class IncorrectKeyException extends coded("IncorrectKeyException") {}
export class IncorrectKeyMaterialException extends coded("IncorrectKeyMaterialException") {}
export class IncorrectTrustAnchorException extends coded("IncorrectTrustAnchorException") {}
export class InvalidAliasNameException extends coded("InvalidAliasNameException") {}
export class InvalidArnException extends coded("InvalidArnException") {}
/** The blob is not ours, was changed, or came with another encryption context; which, is never said. */
export class InvalidCiphertextException extends coded("InvalidCiphertextException") {}
export class InvalidGrantIdException extends coded("InvalidGrantIdException") {}
export class InvalidGrantTokenException extends coded("InvalidGrantTokenException") {}
export class InvalidImportTokenException extends coded("InvalidImportTokenException") {}
export class InvalidKeyUsageException extends coded("InvalidKeyUsageException") {}
export class InvalidMarkerException extends coded("InvalidMarkerException") {}
export class KeyUnavailableException extends coded("KeyUnavailableException", 500) {}
export class KMSInternalException extends coded("KMSInternalException", 500) {}
export class KMSInvalidMacException extends coded("KMSInvalidMacException") {}
export class KMSInvalidSignatureException extends coded("KMSInvalidSignatureException") {}
export class KMSInvalidStateException extends coded("KMSInvalidStateException") {}
export class LimitExceededException extends coded("LimitExceededException") {}
export class MalformedPolicyDocumentException extends coded("MalformedPolicyDocumentException") {}
export class NotAuthorizedException extends coded("NotAuthorizedException") {}
export class NotFoundException extends coded("NotFoundException") {}
export class TagException extends coded("TagException") {}
export class UnsupportedOperationException extends coded("UnsupportedOperationException") {}
export class XksKeyAlreadyInUseException extends coded("XksKeyAlreadyInUseException") {}
export class XksKeyInvalidConfigurationException extends coded("XksKeyInvalidConfigurationException") {}
export class XksKeyNotFoundException extends coded("XksKeyNotFoundException") {}
export class XksProxyIncorrectAuthenticationCredentialException extends coded(
  "XksProxyIncorrectAuthenticationCredentialException",
) {}
export class XksProxyInvalidConfigurationException extends coded("XksProxyInvalidConfigurationException") {}
export class XksProxyInvalidResponseException extends coded("XksProxyInvalidResponseException") {}
export class XksProxyUriEndpointInUseException extends coded("XksProxyUriEndpointInUseException") {}
export class XksProxyUriInUseException extends coded("XksProxyUriInUseException") {}
export class XksProxyUriUnreachableException extends coded("XksProxyUriUnreachableException") {}
export class XksProxyVpcEndpointServiceInUseException extends coded("XksProxyVpcEndpointServiceInUseException") {}
export class XksProxyVpcEndpointServiceInvalidConfigurationException extends coded(
  "XksProxyVpcEndpointServiceInvalidConfigurationException",
) {}
export class XksProxyVpcEndpointServiceNotFoundException extends coded("XksProxyVpcEndpointServiceNotFoundException") {}

// Errors of the STS API (models/sts.json).
/** A token of an identity provider that came too late; on the wire it has the code of expired credentials. */
export class ExpiredIdentityTokenException extends coded("ExpiredTokenException") {}
export class IDPCommunicationErrorException extends coded("IDPCommunicationErrorException") {}
export class IDPRejectedClaimException extends coded("IDPRejectedClaimException", 403) {}
export class InvalidAuthorizationMessageException extends coded("InvalidAuthorizationMessageException") {}
export class InvalidIdentityTokenException extends coded("InvalidIdentityTokenException") {}
/** Not in the model; recorded on AWS for tags of sessions. */
export class InvalidParameterValueException extends coded("InvalidParameterValue") {}
export class PackedPolicyTooLargeException extends coded("PackedPolicyTooLargeException") {}
// Errors of the IAM API (models/iam.json has their codes and statuses on the wire); those that KMS has too are above.
export class DeleteConflictException extends coded("DeleteConflictException", 409) {}
export class EntityAlreadyExistsException extends coded("EntityAlreadyExistsException", 409) {}
export class InvalidInputException extends coded("InvalidInputException") {}
export class NoSuchEntityException extends coded("NoSuchEntityException", 404) {}
export class ServiceFailureException extends coded("ServiceFailureException", 500) {}
export class UnmodifiableEntityException extends coded("UnmodifiableEntityException") {}

/** What the operator has to hear at a start, in one line and without a stack. */
export class OperatorError extends Error {
  override readonly name: string = "OperatorError";
}
