/** One request and one answer as bytes, between the gateway and the protocols. */

export interface WireRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** What the protocol demands beside. */
  readonly headers?: Readonly<Record<string, string>>;
}
