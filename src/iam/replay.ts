/** Changes of users, roles, groups and access keys that a restore makes again, from their records. */

import { randomUUID } from "node:crypto";
import type { Replay, TrailEvent } from "../audit/trail.ts";
import { deleteCredential, listCredentials, updateCredentialStatus } from "../storage/credentials.ts";
import { deleteIdentity, removeMember, renameIdentity } from "../storage/identities.ts";
import { deleteInlinePolicy, detachPolicy } from "../storage/identity-policies.ts";
import type { Identity } from "../storage/identity-rows.ts";
import type { IdentityKind } from "../storage/identity-schema.ts";
import type { Tx } from "../storage/store.ts";

const KINDS: readonly IdentityKind[] = ["user", "group", "role"];

/** By the names of events, as records have them. */
export const iamReplays: ReadonlyMap<string, Replay> = new Map<string, Replay>([
  ["DeleteAccessKey", onAccessKey((tx, id) => deleteCredential(tx, id))],
  ["UpdateAccessKey", onAccessKey(setStatus)],
  ["DeleteUser", onIdentity("user", removeWhole)],
  ["DeleteRole", onIdentity("role", removeWhole)],
  ["DeleteGroup", onIdentity("group", removeWhole)],
  ["RemoveUserFromGroup", leaveGroup],
  // Later records name it by its new name.
  ["UpdateUser", onIdentity("user", rename)],
  ...KINDS.flatMap((kind): [string, Replay][] => {
    const Kind = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
    return [
      [
        `Delete${Kind}Policy`,
        onIdentity(kind, (tx, row, event) => deleteInlinePolicy(tx, row.unique_id, text(event, "policyName"))),
      ],
      [
        `Detach${Kind}Policy`,
        onIdentity(kind, (tx, row, event) => detachPolicy(tx, row.unique_id, text(event, "policyArn"))),
      ],
    ];
  }),
]);

function text({ request }: TrailEvent, member: string): string {
  const value = request[member];
  return typeof value === "string" ? value : "";
}

function onAccessKey(body: (tx: Tx, id: string, event: TrailEvent) => Promise<void>): Replay {
  return async (tx, event) => {
    const id = text(event, "accessKeyId");
    const row = await tx.settle((reader) => reader.find("credential", id));
    if (row === undefined) return false;
    await body(tx, id, event);
    return true;
  };
}

async function setStatus(tx: Tx, id: string, event: TrailEvent): Promise<void> {
  const status = text(event, "status") === "Active" ? "Active" : "Inactive";
  await updateCredentialStatus(tx, id, { status, revision: randomUUID() });
}

/** A replay on the user, group or role that a record names; one that was made after what is recorded is another. */
function onIdentity(kind: IdentityKind, body: (tx: Tx, row: Identity, event: TrailEvent) => Promise<void>): Replay {
  return async (tx, event) => {
    const row = await findIdentity(tx, event, kind);
    if (row === undefined) return false;
    await body(tx, row, event);
    return true;
  };
}

async function findIdentity(tx: Tx, event: TrailEvent, kind: IdentityKind): Promise<Identity | undefined> {
  const nameKey = text(event, `${kind}Name`).toLowerCase();
  const row = await tx.settle((reader) => {
    const named = reader.find("identityName", event.account, kind, nameKey);
    return named && reader.find("identity", named.unique_id);
  });
  const isLater = row !== undefined && row.created_at >= event.time + 1000;
  return isLater ? undefined : row;
}

/** What hung on it was taken away by records of its own, of which a copy may lack some: nothing of it stays. */
async function removeWhole(tx: Tx, row: Identity): Promise<void> {
  if (row.kind === "user") {
    const keys = await listCredentials(tx.db, { account: row.account, userId: row.unique_id });
    for (const { access_key_id } of keys) await deleteCredential(tx, access_key_id);
  }
  await deleteIdentity(tx, row);
}

async function leaveGroup(tx: Tx, event: TrailEvent): Promise<boolean> {
  const user = await findIdentity(tx, event, "user");
  const group = await findIdentity(tx, event, "group");
  if (user === undefined || group === undefined) return false;
  await removeMember(tx, group.unique_id, user.unique_id);
  return true;
}

async function rename(tx: Tx, row: Identity, event: TrailEvent): Promise<void> {
  const name = text(event, "newUserName") || row.name;
  await renameIdentity(tx, row, { name, path: text(event, "newPath") || row.path });
}
