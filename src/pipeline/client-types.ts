/** What an official client says of its service's operations, as types alone: names on the wire, inputs and outputs. */

/** The operations of a client, by their names on the wire; some of them may not be served. */
export type OperationsOf<Client> = {
  [M in keyof Client & string]: M extends `paginate${string}` | `waitUntil${string}` | "send" | "destroy"
    ? never
    : Client[M] extends (...input: never) => unknown
      ? Capitalize<M>
      : never;
}[keyof Client & string];

type MethodOf<Client, N extends string> = Client[Uncapitalize<N> & keyof Client] extends (
  input: infer I,
  options: never,
  callback: (error: never, output?: infer O) => void,
) => void
  ? { input: I; output: O }
  : never;

/** What validation leaves of a shape: required members are there, optional ones are there or absent, never undefined. */
export type InputOf<Client, N extends string> = {
  readonly [M in keyof MethodOf<Client, N>["input"]]: Exclude<MethodOf<Client, N>["input"][M], undefined>;
};

/** An answer, without what the client adds; its members in `Always` are required. */
export type OutputOf<Client, N extends string, Always extends string = never> = Omit<
  MethodOf<Client, N>["output"],
  "$metadata" | Always
> & {
  [M in Always & keyof MethodOf<Client, N>["output"]]-?: Exclude<MethodOf<Client, N>["output"][M], undefined>;
};
