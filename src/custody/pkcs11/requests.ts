/** What is asked of the process that has a PKCS #11 library, and what it answers. */

import type { GcmInput, GcmOutput } from "./cryptoki.ts";

/** Requests by name: what each takes and gives. `id` is the key's CKA_ID. */
export interface TokenRequests {
  /** Loads the library, opens a session and logs in with the first password that the token takes; says which. */
  open: { args: { library: string; token: string; pins: readonly Uint8Array[] }; value: number };
  /** Gives the user another password. */
  changePin: { args: { current: Uint8Array; next: Uint8Array }; value: undefined };
  /** Makes a key; answers its handle. */
  generateKey: { args: { id: Uint8Array; label: string }; value: string };
  encrypt: { args: { id: Uint8Array } & GcmInput; value: GcmOutput };
  /** Opens; undefined where the key is well and the ciphertext does not open. */
  decrypt: { args: { id: Uint8Array } & GcmInput; value: Uint8Array | undefined };
  /** Destroys the keys of that id; answers how many there were. */
  destroy: { args: { id: Uint8Array }; value: number };
  random: { args: { lengthBytes: number }; value: Uint8Array };
}

export type TokenRequestName = keyof TokenRequests;

/** A request as the process gets it. */
export interface TokenRequest<N extends TokenRequestName = TokenRequestName> {
  readonly id: number;
  readonly name: N;
  readonly args: TokenRequests[N]["args"];
}

/**
 * Its answer: a value, or why there is none. `code` is what a PKCS #11 function returned; `missing` says that the token has no such
 * key; `error` alone is what went wrong around the library.
 */
export type TokenReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly code?: number; readonly missing?: true };

/** The passwords in what is asked: each side wipes its own. */
export function passwordsIn(args: TokenRequests[TokenRequestName]["args"]): readonly Uint8Array[] {
  if ("pins" in args) return args.pins;
  return "next" in args ? [args.current, args.next] : [];
}
