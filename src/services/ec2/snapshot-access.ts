/** Who may make volumes and copies of a snapshot: its owner, and whom the owner has let. */

import type { Call } from "../../pipeline/operation.ts";
import { findSnapshot } from "../../storage/ebs.ts";
import type { EbsSnapshotRow } from "../../storage/service-schema.ts";
import { IncorrectState, InvalidSnapshotNotFound, isOwn } from "./operation.ts";

type Db = Parameters<typeof findSnapshot>[0];

/** What a snapshot is that nobody writes block by block. */
export const COMPLETED = { state: "completed", parent: null, request: null, write_until: null } as const;

/** @throws IncorrectState its blocks are still being written */
export function requireCompleted({ id, state }: EbsSnapshotRow): void {
  if (state === "completed") return;
  throw new IncorrectState(`The snapshot '${id}' is in the '${state}' state.`);
}

/** Accounts, and `all`, with which a snapshot is shared. */
export function sharedWith({ shared_with }: EbsSnapshotRow): readonly string[] {
  return JSON.parse(shared_with) as string[];
}

/** Whether a caller may make volumes of a snapshot that is in a Region. */
export function isUsable(row: EbsSnapshotRow, { principal }: Call): boolean {
  if (row.account === principal.account) return true;
  return sharedWith(row).some((who) => who === "all" || who === principal.account);
}

/**
 * A snapshot that the caller may use, in the Region of the call or another one.
 *
 * @throws InvalidSnapshotNotFound there is none, or the caller may not know of it
 */
export async function findUsableSnapshot(
  db: Db,
  id: string,
  call: Call,
  region: string = call.region,
): Promise<EbsSnapshotRow> {
  const row = await findSnapshot(db, id);
  if (row !== undefined && row.region === region && isUsable(row, call)) return row;
  throw notFound(id);
}

/** The caller's own snapshot. @throws InvalidSnapshotNotFound there is none */
export async function requireSnapshot(db: Db, id: string | undefined, call: Call): Promise<EbsSnapshotRow> {
  const row = await findSnapshot(db, id ?? "");
  if (row !== undefined && isOwn(row, call)) return row;
  throw notFound(id);
}

function notFound(id: string | undefined): InvalidSnapshotNotFound {
  return new InvalidSnapshotNotFound(`The snapshot '${id}' does not exist.`);
}
