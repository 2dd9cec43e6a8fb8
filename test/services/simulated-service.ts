/** A service of AWS that Keystead doesn't have, as far as KMS sees it: calls in its callers' names, and calls of its own. */

import { randomUUID } from "node:crypto";
import { AttestationVerifier } from "../../src/identity/attestation-verifier.ts";
import { type Principal, servicePrincipal } from "../../src/identity/principal.ts";
import { kmsService } from "../../src/kms/service.ts";
import type { Input, OperationName, Output } from "../../src/kms/shapes.ts";
import type { Call } from "../../src/pipeline/operation.ts";
import { Pipeline } from "../../src/pipeline/pipeline.ts";
import { ForwardingKms } from "../../src/services/forwarding.ts";
import type { HeldServer } from "../held-server.ts";
import { ACCOUNT } from "../kms-client.ts";

const ACCOUNT_ARN = `arn:aws:iam::${ACCOUNT}:root`;

/** Whom services call for: the account's root user, who may do what key policies leave to the account. */
const ROOT: Principal = {
  kind: "root",
  account: ACCOUNT,
  partition: "aws",
  accountArn: ACCOUNT_ARN,
  arn: ACCOUNT_ARN,
  uniqueId: ACCOUNT,
  accessKeyId: "",
};

/** A simulated service in one Region. */
export interface SimulatedService {
  /** Calls KMS for the root user of the account. */
  perform<N extends OperationName>(name: N, input: Input<N>): Promise<Output<N>>;
  /** Calls KMS by itself, for the account or a resource of it. */
  performAlone<N extends OperationName>(name: N, input: Input<N>, options?: Alone): Promise<Output<N>>;
  /** The alias of the service's AWS managed key, which is there afterwards. */
  managedKey(): Promise<string>;
}

interface Alone {
  readonly account?: string;
  readonly sourceArn?: string;
  /** The name of its principal, where that is not the one without a Region. */
  readonly as?: string;
}

/** Puts a service in front of a server's KMS, with the pipeline that the server's own services have. */
export function simulatedService({ parts, now }: HeldServer, service: string, region: string): SimulatedService {
  const { store, custody, recorder, lastUsages, xks, clusters, signals } = parts;
  const attestations = new AttestationVerifier({ roots: [], clock: { now } });
  const kms = kmsService({
    custody,
    recorder,
    lastUsages,
    attestations,
    unknownPrincipals: { allow: false },
    xks,
    clusters,
    meter: signals.keyStoreMeter,
  });
  const forwarding = new ForwardingKms({ pipeline: new Pipeline({ store, recorder }), kms, store });
  const anyArn = `arn:aws:${service}:${region}:${ACCOUNT}:something`;
  const call = (): Call => ({
    requestId: randomUUID(),
    service,
    operation: "Simulated",
    principal: ROOT,
    partition: "aws",
    region,
    now: now(),
    client: { address: "192.0.2.1", userAgent: "a browser", host: `${service}.${region}.amazonaws.com` },
  });
  return {
    perform: (name, input) => forwarding.perform(call(), name, input),
    performAlone(name, input, options = {}) {
      const { account = ACCOUNT, sourceArn = anyArn, as = `${service}.amazonaws.com` } = options;
      const principal = servicePrincipal(as, { account, partition: "aws", sourceArn });
      return forwarding.performAs(principal, call(), name, input);
    },
    managedKey: () => forwarding.keyName(call(), service, undefined),
  };
}
