/** What can go wrong between KMS and the proxy of an external key store, and what callers are told of each. */

import {
  CustomKeyStoreInvalidStateException,
  KMSInvalidStateException,
  type ServiceError,
  UnsupportedOperationException,
  XksKeyInvalidConfigurationException,
  XksKeyNotFoundException,
  XksProxyIncorrectAuthenticationCredentialException,
  XksProxyInvalidConfigurationException,
  XksProxyInvalidResponseException,
  XksProxyUriUnreachableException,
} from "../../base/errors.ts";

type ErrorClass = new (message?: string, options?: ErrorOptions) => ServiceError;

interface Failure {
  readonly message: string;
  /** As the metric `XksProxyErrors` names it. */
  readonly exception: string;
  /** Whether a later try may succeed: such failures lower the reliability. */
  readonly retryable: boolean;
  /** Of CreateCustomKeyStore and UpdateCustomKeyStore. */
  readonly managing: ErrorClass;
  /** Of CreateKey. */
  readonly creating: ErrorClass;
  /** `ConnectionErrorCode` of a connection that it ends. */
  readonly connecting: string;
}

const failure = (declared: Pick<Failure, "message" | "exception"> & Partial<Failure>): Failure => ({
  retryable: false,
  managing: XksProxyInvalidResponseException,
  creating: CustomKeyStoreInvalidStateException,
  connecting: "XKS_PROXY_INVALID_RESPONSE",
  ...declared,
});

const UNREACHABLE = "XksProxyUnreachableException";

/**
 * By the names of the specification where the proxy tells, and by what was seen where it does not (KMS guide, Troubleshooting external
 * key stores, and Monitoring; XKS proxy API specification, Errors). One cause has one text, under another error for each kind of
 * operation.
 */
export const xksFailures = {
  AccessDeniedException: failure({
    message:
      "The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.",
    exception: "AccessDeniedException",
    connecting: "XKS_PROXY_ACCESS_DENIED",
  }),
  AuthenticationFailedException: failure({
    message:
      "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the credentials for your external key store and update if necessary.",
    exception: "AuthenticationFailedException",
    managing: XksProxyIncorrectAuthenticationCredentialException,
    connecting: "INVALID_CREDENTIALS",
  }),
  DependencyTimeoutException: failure({
    message:
      "The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.",
    exception: "DependencyTimeoutException",
    retryable: true,
    managing: XksProxyUriUnreachableException,
    connecting: "XKS_PROXY_TIMED_OUT",
  }),
  InternalException: failure({
    message:
      "The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available.",
    exception: "InternalException",
    retryable: true,
    connecting: "XKS_PROXY_NOT_REACHABLE",
  }),
  InvalidCiphertextException: failure({
    message:
      "The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.",
    exception: "InvalidCiphertextException",
  }),
  InvalidKeyUsageException: failure({
    message:
      "The external key store proxy rejected the request because the external key does not support the requested operation.",
    exception: "InvalidKeyUsageException",
    creating: XksKeyInvalidConfigurationException,
  }),
  InvalidStateException: failure({
    message:
      "The external key store proxy rejected the request because the external key is not enabled in the external key manager.",
    exception: "InvalidStateException",
    creating: XksKeyInvalidConfigurationException,
  }),
  InvalidUriPathException: failure({
    message:
      "The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary.",
    exception: "InvalidUriPathException",
    managing: XksProxyInvalidConfigurationException,
    connecting: "XKS_PROXY_INVALID_CONFIGURATION",
  }),
  KeyNotFoundException: failure({
    message: "The external key store proxy rejected the request because it could not find the external key.",
    exception: "KeyNotFoundException",
    creating: XksKeyNotFoundException,
  }),
  ThrottlingException: failure({
    message:
      "The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store.",
    exception: "ThrottlingException",
    retryable: true,
    managing: XksProxyUriUnreachableException,
    connecting: "XKS_PROXY_NOT_REACHABLE",
  }),
  UnsupportedOperationException: failure({
    message:
      "The external key store proxy rejected the request because it does not support the requested cryptographic operation.",
    exception: "UnsupportedOperationException",
    creating: UnsupportedOperationException,
  }),
  ValidationException: failure({
    message:
      "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, consult your external key store proxy administrator.",
    exception: "ValidationException",
  }),
  /** An answer that is none of the specification's. */
  uninterpretable: failure({
    message:
      "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, consult your external key store proxy administrator.",
    exception: "XksProxyInvalidResponseException",
  }),
  /** Every instance of the external key manager is unavailable, says the proxy. */
  unhealthy: failure({
    message:
      "The external key store proxy is in an unhealthy state. If you see this message repeatedly, notify your external key store proxy administrator.",
    exception: UNREACHABLE,
    retryable: true,
    managing: XksProxyUriUnreachableException,
    connecting: "XKS_PROXY_NOT_REACHABLE",
  }),
  unreachable: failure({
    message:
      "AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external key store.",
    exception: UNREACHABLE,
    retryable: true,
    managing: XksProxyUriUnreachableException,
    connecting: "XKS_PROXY_NOT_REACHABLE",
  }),
  late: failure({
    message:
      "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.",
    exception: UNREACHABLE,
    retryable: true,
    managing: XksProxyUriUnreachableException,
    connecting: "XKS_PROXY_TIMED_OUT",
  }),
  /** The guide's section on the configuration has this error, the specification's table that of an unreachable proxy. */
  tls: failure({
    message:
      "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate.",
    exception: UNREACHABLE,
    retryable: true,
    managing: XksProxyInvalidConfigurationException,
    connecting: "XKS_PROXY_INVALID_TLS_CONFIGURATION",
  }),
} as const satisfies Record<string, Failure>;

export type XksCause = keyof typeof xksFailures;

/** A request to a proxy that came to nothing. What the proxy says in its own words is not kept: no caller may see it. */
export class XksError extends Error {
  override readonly name = "XksError";
  readonly failure: Failure;

  constructor(cause: XksCause, options?: ErrorOptions) {
    super(xksFailures[cause].message, options);
    this.failure = xksFailures[cause];
  }

  /** For CreateCustomKeyStore and UpdateCustomKeyStore. */
  asManaging(): ServiceError {
    return new this.failure.managing(this.message, { cause: this });
  }

  /** For CreateKey. */
  asCreating(): ServiceError {
    return new this.failure.creating(this.message, { cause: this });
  }

  /** For cryptographic operations: one error for all causes. */
  asUsing(): ServiceError {
    return new KMSInvalidStateException(this.message, { cause: this });
  }
}

/** What inner ciphertext that the proxy gave, and that does not open, is told as. */
export function corruptedInner(): ServiceError {
  return new KMSInvalidStateException(
    "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.",
  );
}

/** The causes by which a proxy refuses, by their HTTP status (XKS proxy API specification, Errors). */
const statuses: Readonly<Partial<Record<XksCause, number>>> = {
  ValidationException: 400,
  InvalidStateException: 400,
  InvalidCiphertextException: 400,
  InvalidKeyUsageException: 400,
  AuthenticationFailedException: 401,
  AccessDeniedException: 403,
  KeyNotFoundException: 404,
  InvalidUriPathException: 404,
  ThrottlingException: 429,
  InternalException: 500,
  UnsupportedOperationException: 501,
  DependencyTimeoutException: 503,
};

/** The cause that a proxy names with a status, or undefined where the specification has no such answer. */
export function causeOf(status: number, errorName: unknown): XksCause | undefined {
  if (typeof errorName !== "string" || !Object.hasOwn(statuses, errorName)) return undefined;
  const cause = errorName as XksCause;
  return statuses[cause] === status ? cause : undefined;
}
