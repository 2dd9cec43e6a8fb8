/** Grant tokens: texts that stand for a grant, a new one with each CreateGrant. */

import { hash, randomBytes } from "node:crypto";
import { InvalidGrantTokenException } from "../base/errors.ts";
import type { GrantId } from "../base/ids.ts";
import type { Call } from "../pipeline/operation.ts";
import type { GrantRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";

const VERSION = 1;
const ID_BYTES = 32;
const NONCE_BYTES = 16;
const DIGEST_BYTES = 16;
const BODY_BYTES = 1 + ID_BYTES + NONCE_BYTES;

/**
 * A new token of a grant: base64 of version ‖ grant id ‖ nonce ‖ the first half of their SHA-256.
 *
 * A token is no secret and gives nobody a permission that the grant does not give: the digest keeps mistaken and altered
 * texts out, no more. Whoever knows the id can do all that a token can.
 */
export function newGrantToken(grantId: GrantId | string): string {
  const body = Buffer.concat([Buffer.of(VERSION), Buffer.from(grantId, "hex"), randomBytes(NONCE_BYTES)]);
  return Buffer.concat([body, digestOf(body)]).toString("base64");
}

/**
 * The grant that a token stands for.
 *
 * @throws InvalidGrantTokenException no token of ours, or one of a grant that has been retired, revoked or deleted with its key
 */
export function grantOfToken(token: string, { region }: Call, reader: Reader): GrantRow {
  const grantId = parseGrantToken(token);
  const row = grantId === undefined ? undefined : reader.find("grant", region, grantId);
  if (row === undefined) throw new InvalidGrantTokenException();
  return row;
}

/**
 * Requires that every token of a request stands for a grant, on whatever key. More they don't do: a grant decides from the
 * moment at which CreateGrant is answered, with its token and without.
 *
 * @throws InvalidGrantTokenException one does not
 */
export function requireGrantTokens(input: unknown, call: Call, reader: Reader): void {
  const { GrantTokens: tokens } = input as { readonly GrantTokens?: readonly string[] };
  if (tokens === undefined) return;
  for (const token of tokens) grantOfToken(token, call, reader);
}

/** The grant id in a token, or undefined when it is none. */
export function parseGrantToken(token: string): string | undefined {
  const bytes = Buffer.from(token, "base64");
  if (bytes.length !== BODY_BYTES + DIGEST_BYTES || bytes.toString("base64") !== token) return undefined;
  const body = bytes.subarray(0, BODY_BYTES);
  if (body[0] !== VERSION || !digestOf(body).equals(bytes.subarray(BODY_BYTES))) return undefined;
  return body.subarray(1, 1 + ID_BYTES).toString("hex");
}

function digestOf(body: Uint8Array): Buffer {
  return hash("sha256", body, "buffer").subarray(0, DIGEST_BYTES);
}
