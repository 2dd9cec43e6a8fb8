/** The HTTPS listener: versions, groups and suites that it takes. */

import type { RequestListener } from "node:http";
import { createServer as createHttpsServer, type Server } from "node:https";
import { OperatorError } from "../base/errors.ts";
import { LIMITS } from "./limits.ts";

export interface TlsOptions {
  /** PEM certificate chain. */
  readonly cert: string;
  /** PEM private key of the certificate. */
  readonly key: string;
  /** Whether only FIPS-approved groups and suites are taken, as at AWS's FIPS endpoints. */
  readonly fips?: boolean;
}

/** Curves of NIST SP 800-186 and AES-GCM (NIST SP 800-52r2 §3.3): no hybrid post-quantum group, no X25519, no ChaCha20. */
const FIPS_TLS = {
  ecdhCurve: "P-256:P-384:P-521",
  ciphers: [
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
  ].join(":"),
} as const;

/** @throws OperatorError as a listener with this certificate and key would */
export function requireUsableTls(tls: TlsOptions): void {
  createTlsServer(tls, () => {});
}

/** @throws OperatorError the certificate or its key can't be read, or they don't belong together */
export function createTlsServer({ cert, key, fips }: TlsOptions, listener: RequestListener): Server {
  try {
    const limits = { ...LIMITS.http, handshakeTimeout: LIMITS.handshakeTimeout };
    return createHttpsServer({ ...limits, cert, key, minVersion: "TLSv1.2", ...(fips && FIPS_TLS) }, listener);
  } catch (cause) {
    throw new OperatorError(
      "The TLS certificate and its key can't be used: are they PEM, and do they belong together?",
      { cause },
    );
  }
}
