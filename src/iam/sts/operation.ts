/** How an operation of STS is declared, and what its runs get. */

import type { STS } from "@aws-sdk/client-sts";
import type { Custody } from "../../custody/custody.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Call, Operation, RunContext } from "../../pipeline/operation.ts";
import { verbatimMembers } from "../../pipeline/verbatim.ts";
import type { IdentityTokens } from "../identity-tokens.ts";

/** What every run of an STS operation gets beside its targets' resources. */
export interface Environment {
  readonly custody: Custody;
  /** Loaded with the first token that comes: its package takes a tenth of a second. */
  identityTokens(): Promise<IdentityTokens>;
}

export type Context = RunContext & Environment;

/** Operations of the STS API, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<STS>;
export type Input<N extends OperationName> = InputOf<STS, N>;
export type Output<N extends OperationName> = OutputOf<STS, N>;

/** An operation of STS. None writes a row: sessions are kept by whoever holds their tokens. */
export function declare<N extends OperationName, C extends Context = Context>(
  name: N,
  declared: Omit<Operation<Input<N>, Output<N>, C>, "name">,
): Operation {
  const { record } = declared;
  return { ...declared, name, record: { received: servedBy, ...record } } as unknown as Operation;
}

const GLOBAL_HOST = "sts.amazonaws.com";

/** Which endpoint a request came to (IAM guide, Example AWS STS API event using the global endpoint; `RequestDetails` of real records). */
export function servedBy({ client: { host }, region }: Call): Readonly<Record<string, unknown>> {
  const endpointType = host.toLowerCase() === GLOBAL_HOST ? "global" : "regional";
  return verbatimMembers({ RequestDetails: { awsServingRegion: region, endpointType } });
}
