/** One request and one answer as bytes, between the gateway and the protocols. */

export interface WireRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/** A body that is too long to be in memory at once. */
export interface BodyStream {
  readonly lengthBytes: number;
  /** The bytes in their order; to be asked for once. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array | BodyStream;
  /** What the protocol demands beside, and the service. */
  readonly headers?: Readonly<Record<string, string>>;
}
