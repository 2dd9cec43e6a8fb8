/** What custody is opened with. */

import type { Clock } from "../base/clock.ts";
import type { CacheLimits } from "./aged-cache.ts";
import type { DomainKeyStore } from "./custody.ts";
import type { KeyWorkers } from "./key-workers.ts";
import type { RootKey } from "./root-key.ts";

/** What `openCustody` needs. */
export interface CustodyOptions {
  readonly store: DomainKeyStore;
  /** For a new store its recipients, at least two; for one that exists, any of its recipients. */
  readonly rootKeys: readonly RootKey[];
  readonly clock: Clock;
  /** A new store may have a single recipient, the loss of which is the loss of everything. */
  readonly singleRootKey?: boolean;
  /**
   * Material ids under a fingerprint key that everybody knows, so that the same seeded material has the same id in every
   * development server and their ciphertexts open each other's. For development only, which the caller enforces.
   */
  readonly publicFingerprints?: boolean;
  readonly handleLimits?: CacheLimits;
  readonly signingKeyLimits?: CacheLimits;
  /** Of session tokens that were opened, and of their signing keys. */
  readonly sessionLimits?: CacheLimits;
  /** What is random and new after each restore of the store: a session token opens in its own incarnation alone. */
  readonly incarnation?: string;
  /** The threads of dear jobs; custody's own where none are given, and closed with it. */
  readonly workers?: KeyWorkers;
  /** How many processes of this server share the machine: threads and ready pairs are shared out among them. */
  readonly processes?: number;
  /** Whether RSA pairs are made ahead of time. */
  readonly readyPairs?: boolean;
  /** Is told what the operator should know: which primitives OpenSSL does not give. */
  warn?(text: string): void;
}
