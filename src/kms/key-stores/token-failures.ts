/** What can go wrong between KMS and the HSMs of a cluster, and what callers are told of each. */

import {
  CustomKeyStoreInvalidStateException,
  KMSInternalException,
  KMSInvalidStateException,
  type ServiceError,
} from "../../base/errors.ts";
import { TokenError, type TokenFault } from "../../custody/pkcs11/token-errors.ts";

interface Failure {
  readonly message: string;
  /** `ConnectionErrorCode` of a connection that it ends. */
  readonly connecting: string;
}

/**
 * By what was seen (KMS guide, Troubleshooting a custom key store: the causes and, for a lost cluster and a locked user, what the
 * messages say; the words are ours).
 */
const failures: Readonly<Record<TokenFault, Failure>> = {
  credentials: {
    message:
      "KMS cannot log in to the CloudHSM cluster because the password of kmsuser is not the one that KMS knows. Disconnect the custom key store, update its password, and connect it.",
    connecting: "INVALID_CREDENTIALS",
  },
  locked: {
    message:
      "KMS cannot communicate with the CloudHSM cluster because kmsuser is locked out. Disconnect the custom key store, reset the password of kmsuser, update the password of the custom key store, and try the request again.",
    connecting: "USER_LOCKED_OUT",
  },
  loggedIn: {
    message:
      "KMS cannot log in to the CloudHSM cluster because kmsuser is logged in elsewhere. Log kmsuser out, and disconnect and connect the custom key store.",
    connecting: "USER_LOGGED_IN",
  },
  missing: {
    message:
      "The key material of the KMS key is not in the CloudHSM cluster: it was deleted, or the cluster was restored from a backup that lacks it.",
    connecting: "INTERNAL_ERROR",
  },
  noUser: {
    message: "KMS cannot log in to the CloudHSM cluster because it has no crypto user kmsuser.",
    connecting: "USER_NOT_FOUND",
  },
  sessions: {
    message: "The CloudHSM cluster has no PKCS #11 session left for the request. Wait, and try the request again.",
    connecting: "INTERNAL_ERROR",
  },
  unreachable: {
    message:
      "KMS cannot communicate with the CloudHSM cluster. This might be a transient network issue. If the error is repeated, verify that the cluster is active and can be reached.",
    connecting: "NETWORK_ERRORS",
  },
};

/** The text where a cluster is not there any more, or none of its HSMs is active. */
export const NO_HSM = "The CloudHSM cluster has no active HSM: it needs at least one.";

/** `ConnectionErrorCode` of what ended a connection. */
export function connectionErrorOf(cause: unknown): string {
  return cause instanceof TokenError ? failures[cause.fault].connecting : "INTERNAL_ERROR";
}

/** For cryptographic operations: one error for all causes but sessions that are used up (KMS guide, How to fix a failing KMS key). */
export function asUsing(cause: unknown): unknown {
  return told(cause, KMSInvalidStateException);
}

/** For CreateKey. */
export function asCreating(cause: unknown): unknown {
  return told(cause, CustomKeyStoreInvalidStateException);
}

function told(cause: unknown, kind: new (message: string, options: ErrorOptions) => ServiceError): unknown {
  if (!(cause instanceof TokenError)) return cause;
  const { message } = failures[cause.fault];
  return new (cause.fault === "sessions" ? KMSInternalException : kind)(message, { cause });
}
