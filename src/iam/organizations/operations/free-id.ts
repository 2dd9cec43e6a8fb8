/** Ids that are short enough to be drawn twice. */

import type { Reader, Tx } from "../../../storage/store.ts";

/** After so many ids in a row that are taken, the draw is broken. */
const TRIES_MAX = 16;

/**
 * Draws ids until one is free.
 *
 * @throws Error none was
 */
export async function freeId(
  tx: Tx,
  draw: () => string,
  find: (reader: Reader, id: string) => object | undefined,
): Promise<string> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const id = draw();
    if ((await tx.settle((reader) => find(reader, id))) === undefined) return id;
  }
  throw new Error("No free id was drawn.");
}
