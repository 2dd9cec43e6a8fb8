/** The shapes of the IAM API, typed by AWS's own client. */

import type { IAM } from "@aws-sdk/client-iam";

/** The operations of the IAM API, by their names on the wire. */
export type OperationName = {
  [M in keyof IAM & string]: M extends `paginate${string}` | `waitUntil${string}` | "send" | "destroy"
    ? never
    : IAM[M] extends (...input: never) => unknown
      ? Capitalize<M>
      : never;
}[keyof IAM & string];

type ClientMethod<N extends OperationName> = IAM[Uncapitalize<N> & keyof IAM] extends (
  input: infer I,
  options: never,
  callback: (error: never, output?: infer O) => void,
) => void
  ? { input: I; output: O }
  : never;

/** What validation leaves of a shape: required members are there, optional ones are there or absent, never undefined. */
export type Input<N extends OperationName> = {
  readonly [M in keyof ClientMethod<N>["input"]]: Exclude<ClientMethod<N>["input"][M], undefined>;
};

/** An answer, without what the client adds. */
export type Output<N extends OperationName> = Omit<ClientMethod<N>["output"], "$metadata">;
