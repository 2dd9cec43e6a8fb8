/** Tokens by which blocks and pages are asked for: good for a week, for one account, and for nothing else. */

import { timingSafeEqual } from "node:crypto";
import type { Context } from "./operation.ts";

/** How long a token lasts (API reference, ListSnapshotBlocks: ExpiryTime). */
const LIFE_MS = 7 * 24 * 60 * 60 * 1000;
const TIME_BYTES = 8;
const MAC_BYTES = 32;
const LABEL = "keystead/ebs-token/1";

/** When tokens that are made now end. */
export function expiryOf({ call }: Pick<Context, "call">): Date {
  return new Date(call.now + LIFE_MS);
}

/**
 * A token for a text, such as the id of a block in a snapshot.
 *
 * @returns base64 of expiry(8, u64be) ‖ MAC(32)
 */
export async function newToken(text: string, context: Pick<Context, "call" | "custody">): Promise<string> {
  const token = new Uint8Array(TIME_BYTES + MAC_BYTES);
  new DataView(token.buffer).setBigUint64(0, BigInt(expiryOf(context).getTime()));
  token.set((await macOf(text, token, context)).subarray(0, MAC_BYTES), TIME_BYTES);
  return token.toBase64();
}

/** Whether a token was made for that text and that account, and is not over. */
export async function isToken(
  token: string,
  text: string,
  context: Pick<Context, "call" | "custody">,
): Promise<boolean> {
  const bytes = new Uint8Array(Buffer.from(token, "base64"));
  if (bytes.length !== TIME_BYTES + MAC_BYTES || bytes.toBase64() !== token) return false;
  const mac = (await macOf(text, bytes, context)).subarray(0, MAC_BYTES);
  if (!timingSafeEqual(mac, bytes.subarray(TIME_BYTES))) return false;
  return new DataView(bytes.buffer).getBigUint64(0) > BigInt(context.call.now);
}

async function macOf(
  text: string,
  token: Uint8Array,
  { call, custody }: Pick<Context, "call" | "custody">,
): Promise<Uint8Array> {
  const { principal, region } = call;
  const scope = [principal.account, region, text, token.subarray(0, TIME_BYTES).toHex()];
  return await custody.authenticate(LABEL, Buffer.from(JSON.stringify(scope), "utf8"));
}
