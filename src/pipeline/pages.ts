/** Pages of lists, and markers that only we can make. */

import { timingSafeEqual } from "node:crypto";
import type { ServiceError } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call } from "./operation.ts";

const MAC_BYTES = 16;

/** What is asked of a list, in the words of no service. */
export interface PageRequest<T> {
  readonly marker: string | undefined;
  readonly limit: number;
  /** What else identifies the list, such as the key whose aliases are listed. */
  readonly filter: string;
  /** Up to `count` items in order, those after `after`; it is asked for one more than the page has. */
  list(after: string | undefined, count: number): readonly T[] | Promise<readonly T[]>;
  /** What a marker remembers of the last item. */
  nameOf(item: T): string;
  /** How many of the items, from the first on, go on one page, where that is not the limit alone; one at least. */
  fit?(items: readonly T[]): number;
  /** The error for a marker that was not made for this list of this caller, or was altered. */
  invalidMarker(): ServiceError;
}

/** One page; `next` is the marker of the following one, absent on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Lists one page. */
export async function pageOf<T>(
  { marker, limit, filter, list, nameOf, fit, invalidMarker }: PageRequest<T>,
  { call, custody }: { readonly call: Call; readonly custody: Custody },
): Promise<Page<T>> {
  const scope = JSON.stringify([call.operation, call.principal.account, call.region, filter]);
  const after = marker === undefined ? undefined : await openMarker(marker, scope, custody);
  if (after === null) throw invalidMarker();
  const found = await list(after, limit + 1);
  const most = found.slice(0, limit);
  const items = fit === undefined ? most : most.slice(0, fit(most));
  const last = items.at(-1);
  if (found.length === items.length || last === undefined) return { items };
  return { items, next: await makeMarker(nameOf(last), scope, custody) };
}

/** base64url(MAC ‖ name): the MAC binds the name to the list, the caller's account and the Region. */
async function makeMarker(name: string, scope: string, custody: Custody): Promise<string> {
  const mac = await markerMac(name, scope, custody);
  return Buffer.concat([mac, Buffer.from(name, "utf8")]).toString("base64url");
}

/** The name in a marker, or null when it is not one of ours for this list. */
async function openMarker(marker: string, scope: string, custody: Custody): Promise<string | null> {
  const bytes = Buffer.from(marker, "base64url");
  const name = bytes.subarray(MAC_BYTES).toString("utf8");
  if (bytes.length <= MAC_BYTES || bytes.toString("base64url") !== marker) return null;
  return timingSafeEqual(bytes.subarray(0, MAC_BYTES), await markerMac(name, scope, custody)) ? name : null;
}

async function markerMac(name: string, scope: string, custody: Custody): Promise<Uint8Array> {
  const mac = await custody.authenticate("keystead/marker/1", Buffer.from(JSON.stringify([scope, name]), "utf8"));
  return mac.subarray(0, MAC_BYTES);
}
