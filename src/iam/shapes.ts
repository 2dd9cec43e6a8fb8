/** The shapes of the IAM API, typed by AWS's own client. */

import type { IAM } from "@aws-sdk/client-iam";
import type { InputOf, OperationsOf, OutputOf } from "../pipeline/client-types.ts";

/** Operations of the IAM API, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<IAM>;
export type Input<N extends OperationName> = InputOf<IAM, N>;
export type Output<N extends OperationName> = OutputOf<IAM, N>;
