/** What decisions know of recent changes: all of them, but where a development server lets them lag. */

import type { Call } from "../pipeline/operation.ts";
import type { KeyLabels } from "../storage/identity-rows.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Reader, Tx } from "../storage/store.ts";

type KeyName = Pick<KeyRow, "region" | "key_id">;

const NO_LABELS: KeyLabels = { aliases: [], tags: [] };

/** Whether what was made or changed at `since` is known to the call. */
export function isPropagated(since: number, { now, propagation }: Call): boolean {
  return propagation === undefined || propagation.reaches(since, now);
}

/** The aliases and tags by which an action on a key is decided; reads show what is there (KMS guide, ABAC for AWS KMS). */
export function labelsOf(row: KeyName, { now, propagation }: Call, reader: Reader): KeyLabels {
  const earlier = propagation?.earlier(nameOf(row), now);
  return earlier === undefined ? readLabels(row, reader) : (earlier.value as KeyLabels);
}

/** Comes before a change of a key's aliases or tags, in its transaction. */
export async function holdLabels(tx: Tx, row: KeyRow, { now, propagation }: Call): Promise<void> {
  propagation?.hold(nameOf(row), await tx.settle((reader) => readLabels(row, reader)), now);
}

function readLabels({ region, key_id }: KeyName, reader: Reader): KeyLabels {
  return reader.find("keyLabels", region, key_id) ?? NO_LABELS;
}

function nameOf({ region, key_id }: KeyName): string {
  return `labels ${region} ${key_id}`;
}
