/** The shapes of the KMS API, typed by AWS's own client. */

import type { KMS } from "@aws-sdk/client-kms";
import type { InputOf, OperationsOf, OutputOf } from "../pipeline/client-types.ts";

/** Operations of the KMS API, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<KMS>;
export type Input<N extends OperationName> = InputOf<KMS, N>;
export type Output<N extends OperationName, Always extends string = never> = OutputOf<KMS, N, Always>;
