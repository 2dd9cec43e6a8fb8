/** Changes of secrets, parameters, volumes and snapshots that a restore makes again, from their records: what was deleted must not come back. */

import type { Replay, TrailEvent } from "../audit/trail.ts";
import { asArn } from "../base/arn.ts";
import { clearDue, setDue } from "../storage/due.ts";
import { deleteSnapshot, deleteVolume, findSnapshot, findVolume } from "../storage/ebs.ts";
import { deleteSecret, updateSecret } from "../storage/secrets.ts";
import type { SecretRow } from "../storage/service-schema.ts";
import { deleteParameter, listVersions } from "../storage/ssm-parameters.ts";
import type { Tx } from "../storage/store.ts";
import { dueOf } from "./secretsmanager/deletion.ts";
import { forgetPolicies } from "./ssm/policies.ts";

const DAY_MS = 86_400_000;
/** The recovery window where a record names none. */
const WINDOW_DAYS = 30;
/** A record tells whole seconds. */
const SECOND_MS = 1_000;

/** By the names of events, as records have them. */
export const secretReplays: ReadonlyMap<string, Replay> = new Map<string, Replay>([
  ["DeleteSecret", onSecret(endSecret)],
  ["EndSecretVersionDelete", onSecret(removeSecret)],
  // Without it, a secret whose deletion was called off would be deleted after all.
  ["RestoreSecret", onSecret(keepSecret)],
]);

/** As `secretReplays`; what an expiration policy deleted is recorded as DeleteParameter, too. */
export const parameterReplays: ReadonlyMap<string, Replay> = new Map<string, Replay>([
  ["DeleteParameter", (tx, event) => removeParameters(tx, event, [event.request["name"] ?? event.details["name"]])],
  ["DeleteParameters", (tx, event) => removeParameters(tx, event, listOf(event.response["deletedParameters"]))],
]);

/** As `secretReplays`. */
export const volumeReplays: ReadonlyMap<string, Replay> = new Map<string, Replay>([
  ["DeleteVolume", onBlocks("volumeId", { find: findVolume, remove: deleteVolume })],
  ["DeleteSnapshot", onBlocks("snapshotId", { find: findSnapshot, remove: deleteSnapshot })],
]);

/** A replay on the secret that a record names by its ARN, which no later secret of that name has. */
function onSecret(body: (tx: Tx, row: SecretRow, event: TrailEvent) => Promise<boolean>): Replay {
  return async (tx, event) => {
    const arn = String(event.response["arn"] ?? event.details["secretId"]);
    const name = /^secret:(.+)-.{6}$/s.exec(asArn(arn)?.resource ?? "")?.[1];
    if (name === undefined) return false;
    const row = await tx.settle((reader) => reader.find("secret", event.region, event.account, name));
    return row?.arn === arn && (await body(tx, row, event));
  };
}

async function endSecret(tx: Tx, row: SecretRow, { request, time }: TrailEvent): Promise<boolean> {
  if (request["forceDeleteWithoutRecovery"] === true) return await removeSecret(tx, row);
  const deletionAt = time + Number(request["recoveryWindowInDays"] ?? WINDOW_DAYS) * DAY_MS;
  await setDue(tx, { ...dueOf(row), due_at: deletionAt });
  await updateSecret(tx, row, { deletion_at: deletionAt });
  return true;
}

async function removeSecret(tx: Tx, row: SecretRow): Promise<boolean> {
  await clearDue(tx, dueOf(row));
  await deleteSecret(tx, row);
  return true;
}

async function keepSecret(tx: Tx, row: SecretRow): Promise<boolean> {
  if (row.deletion_at === null) return false;
  await clearDue(tx, dueOf(row));
  await updateSecret(tx, row, { deletion_at: null });
  return true;
}

/** One that was made after what is recorded is another. */
async function removeParameters(
  tx: Tx,
  { account, region, time }: TrailEvent,
  names: readonly unknown[],
): Promise<boolean> {
  let removed = false;
  for (const name of names.map((each) => ({ account, region, name: String(each) }))) {
    const [oldest] = await listVersions(tx.db, name, { after: 0, count: 1 });
    if (oldest === undefined || oldest.modified_at >= time + SECOND_MS) continue;
    await deleteParameter(tx, name);
    await forgetPolicies(tx, name);
    removed = true;
  }
  return removed;
}

/** A replay on the volume or snapshot of the account whose id, which is never given again, a record has in a member. */
function onBlocks<Row extends { readonly account: string }>(
  member: string,
  {
    find,
    remove,
  }: {
    readonly find: (db: Tx["db"], id: string) => Promise<Row | undefined>;
    readonly remove: (tx: Tx, id: string) => Promise<void>;
  },
): Replay {
  return async (tx, { account, request }) => {
    const id = String(request[member]);
    if ((await find(tx.db, id))?.account !== account) return false;
    await remove(tx, id);
    return true;
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
