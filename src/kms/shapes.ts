/** The shapes of the KMS API, typed by AWS's own client. */

import type { KMS } from "@aws-sdk/client-kms";

/** The operations of the KMS API, by their names on the wire. */
export type OperationName = {
  [M in keyof KMS & string]: M extends `paginate${string}` | "send" | "destroy"
    ? never
    : KMS[M] extends (...input: never) => unknown
      ? Capitalize<M>
      : never;
}[keyof KMS & string];

type ClientMethod<N extends OperationName> = KMS[Uncapitalize<N> & keyof KMS] extends (
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

/** An output whose members in `Always` are required. */
export type Output<N extends OperationName, Always extends string = never> = Omit<
  ClientMethod<N>["output"],
  "$metadata" | Always
> & {
  [M in Always & keyof ClientMethod<N>["output"]]-?: Exclude<ClientMethod<N>["output"][M], undefined>;
};
