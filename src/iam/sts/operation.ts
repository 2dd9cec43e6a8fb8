/** How an operation of STS is declared, and what its runs get. */

import type { STS } from "@aws-sdk/client-sts";
import type { Custody } from "../../custody/custody.ts";
import type { Operation, RunContext } from "../../pipeline/operation.ts";
import type { IdentityTokens } from "../identity-tokens.ts";

/** What every run of an STS operation gets beside its targets' resources. */
export interface Environment {
  readonly custody: Custody;
  /** Loaded with the first token that comes: its package takes a tenth of a second. */
  identityTokens(): Promise<IdentityTokens>;
}

export type Context = RunContext & Environment;

type Method = keyof { [M in keyof STS as STS[M] extends (...input: never) => unknown ? M : never]: never };

/** The operations of the STS API, by their names on the wire. */
export type OperationName = Capitalize<Exclude<Method, "send" | "destroy"> & string>;

type ClientMethod<N extends OperationName> = STS[Uncapitalize<N> & keyof STS] extends (
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

export type Output<N extends OperationName> = Omit<ClientMethod<N>["output"], "$metadata">;

/** An operation of STS. None writes a row: sessions are kept by whoever holds their tokens. */
export function declare<N extends OperationName, C extends Context = Context>(
  name: N,
  declared: Omit<Operation<Input<N>, Output<N>, C>, "name">,
): Operation {
  return { ...declared, name } as unknown as Operation;
}
