/** Pages of lists: limits, and markers that only we can make. */

import { timingSafeEqual } from "node:crypto";
import { InvalidMarkerException, ValidationException } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call } from "../pipeline/operation.ts";

/** The page sizes of one operation; the shape `Limit` allows 1,000 for all (spec 08, Pagination). */
export interface PageSizes {
  readonly initial: number;
  readonly max: number;
}

interface PageInput {
  readonly Limit?: number;
  readonly Marker?: string;
}

const MAC_BYTES = 16;

/** @throws ValidationException the limit is above the operation's own */
export function requireLimit({ Limit }: PageInput, { max }: PageSizes): void {
  if (Limit === undefined || Limit <= max) return;
  throw new ValidationException(
    `1 validation error detected: Value '${Limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to ${max}`,
  );
}

/**
 * Lists one page.
 *
 * @param list up to `count` items in order, those after `after`; it is asked for one more than the page has
 * @param nameOf what a marker remembers of the last item
 * @throws InvalidMarkerException the marker was not made for this list of this caller, or was altered
 */
export async function page<T>(
  input: PageInput,
  context: { readonly call: Call; readonly custody: Custody },
  {
    sizes,
    filter = "",
    list,
    nameOf,
  }: {
    readonly sizes: PageSizes;
    /** What else identifies the list, such as the key whose aliases are listed. */
    readonly filter?: string;
    list(after: string | undefined, count: number): Promise<readonly T[]>;
    nameOf(item: T): string;
  },
): Promise<{ items: readonly T[]; NextMarker?: string; Truncated: boolean }> {
  const limit = input.Limit ?? sizes.initial;
  const scope = JSON.stringify([context.call.operation, context.call.principal.account, context.call.region, filter]);
  const after = input.Marker === undefined ? undefined : await openMarker(input.Marker, scope, context.custody);
  const found = await list(after, limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length <= limit || last === undefined) return { items, Truncated: false };
  return { items, NextMarker: await makeMarker(nameOf(last), scope, context.custody), Truncated: true };
}

/** base64url(MAC ‖ name): the MAC binds the name to the list, the caller's account and the Region. */
async function makeMarker(name: string, scope: string, custody: Custody): Promise<string> {
  const mac = await markerMac(name, scope, custody);
  return Buffer.concat([mac, Buffer.from(name, "utf8")]).toString("base64url");
}

async function openMarker(marker: string, scope: string, custody: Custody): Promise<string> {
  const bytes = Buffer.from(marker, "base64url");
  const name = bytes.subarray(MAC_BYTES).toString("utf8");
  if (bytes.length <= MAC_BYTES || bytes.toString("base64url") !== marker) throw new InvalidMarkerException();
  if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), await markerMac(name, scope, custody))) {
    throw new InvalidMarkerException();
  }
  return name;
}

async function markerMac(name: string, scope: string, custody: Custody): Promise<Uint8Array> {
  const mac = await custody.authenticate("keystead/marker/1", Buffer.from(JSON.stringify([scope, name]), "utf8"));
  return mac.subarray(0, MAC_BYTES);
}
