/** The row of `keystead shred`: what it has begun and how far it has come (DESIGN §6, Destruction). */

import type { Kysely } from "kysely";
import { StoreRefusedError } from "./open.ts";
import type { CredentialRow, DomainKeyPurpose, MaterialRow, RecipientTable, Schema, ShredTable } from "./schema.ts";
import type { Tx } from "./store.ts";

/** The first version of a domain key that a shred leaves. */
export interface KeptVersion {
  readonly region: string;
  readonly purpose: DomainKeyPurpose;
  readonly version: number;
}

/** A root key that a shred takes off the store. */
export type OldRecipient = Pick<RecipientTable, "id" | "kind">;

/** A shred, as far as it has come. */
export interface Shred {
  readonly state: ShredTable["state"];
  readonly newRecipients: readonly string[];
  readonly oldRecipients: readonly OldRecipient[];
  readonly versions: readonly KeptVersion[];
}

/** The last shred of a store, or undefined when there was none. */
export async function findShred(db: Kysely<Schema>): Promise<Shred | undefined> {
  const row = await db.selectFrom("shred").selectAll().executeTakeFirst();
  return (
    row && {
      state: row.state,
      newRecipients: JSON.parse(row.new_recipients) as string[],
      oldRecipients: JSON.parse(row.old_recipients) as OldRecipient[],
      versions: JSON.parse(row.versions) as KeptVersion[],
    }
  );
}

/** @throws StoreRefusedError domain keys are being replaced: what is sealed now could be sealed under an old one */
export async function requireNoShred(db: Kysely<Schema>): Promise<void> {
  if ((await findShred(db))?.state !== "sealing") return;
  throw new StoreRefusedError("A shred of this store was begun and is not finished: run `keystead shred` again.");
}

/** Begins a shred in place of the last one. */
export async function insertShred({ db }: Tx, shred: Omit<Shred, "state">, now: number): Promise<void> {
  await db.deleteFrom("shred").execute();
  await db
    .insertInto("shred")
    .values({
      only_row: 1,
      state: "sealing",
      new_recipients: JSON.stringify(shred.newRecipients),
      old_recipients: JSON.stringify(shred.oldRecipients),
      versions: JSON.stringify(shred.versions),
      begun_at: now,
      finished_at: null,
    })
    .execute();
}

/** Notes how far a shred has come. */
export async function updateShred({ db }: Tx, state: "sealed" | "done", now: number): Promise<void> {
  await db
    .updateTable("shred")
    .set({ state, finished_at: state === "done" ? now : null })
    .execute();
}

/** Sealed materials of one Region that are sealed under domain keys before `version`, in the order of their names. */
export async function listMaterialsToSeal(
  db: Kysely<Schema>,
  { region, version }: Pick<KeptVersion, "region" | "version">,
  { after, count }: { readonly after: MaterialRow | undefined; readonly count: number },
): Promise<MaterialRow[]> {
  let query = db.selectFrom("material").selectAll().where("region", "=", region).where("domain_version", "<", version);
  query = query.where(({ eb, fn }) => eb(fn<number>("length", ["sealed"]), ">", 0));
  if (after !== undefined) {
    query = query.where(({ and, eb, or }) =>
      or([
        eb("key_id", ">", after.key_id),
        and([eb("key_id", "=", after.key_id), eb("material_id", ">", after.material_id)]),
      ]),
    );
  }
  return await query.orderBy("key_id").orderBy("material_id").limit(count).execute();
}

/** Puts newly sealed material in the place of the old; what it is stays, so nobody needs to be told. */
export async function replaceSealedMaterials(
  { db }: Tx,
  rows: readonly Pick<MaterialRow, "region" | "key_id" | "material_id" | "domain_version" | "sealed">[],
): Promise<void> {
  for (const { region, key_id, material_id, domain_version, sealed } of rows) {
    const update = db.updateTable("material").set({ domain_version, sealed }).where("region", "=", region);
    await update.where("key_id", "=", key_id).where("material_id", "=", material_id).execute();
  }
}

/** Access keys in the order of their ids. */
export async function listCredentialRows(
  db: Kysely<Schema>,
  { after, count }: { readonly after: string; readonly count: number },
): Promise<CredentialRow[]> {
  const query = db.selectFrom("credential").selectAll().where("access_key_id", ">", after);
  return await query.orderBy("access_key_id").limit(count).execute();
}

/** Puts newly sealed secrets in the place of the old. */
export async function replaceSealedCredentials(
  { db }: Tx,
  rows: readonly Pick<CredentialRow, "access_key_id" | "secret">[],
): Promise<void> {
  for (const { access_key_id, secret } of rows) {
    await db.updateTable("credential").set({ secret }).where("access_key_id", "=", access_key_id).execute();
  }
}
