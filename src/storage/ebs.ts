/** Rows of EBS volumes, snapshots and settings. */

import type { Kysely, Updateable } from "kysely";
import { deleteBlocks } from "./ebs-blocks.ts";
import { insertIamTags } from "./identity-policies.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type {
  EbsSettingRow,
  EbsSnapshotRow,
  EbsSnapshotTable,
  EbsVolumeRow,
  EbsVolumeTable,
} from "./service-schema.ts";
import type { Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

type Db = Kysely<Schema>;

/** Whose, and where. */
export interface EbsOwner {
  readonly account: string;
  readonly region: string;
}

export async function findVolume(db: Db, id: string): Promise<EbsVolumeRow | undefined> {
  return await db.selectFrom("ebs_volume").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function insertVolume(tx: Tx, row: EbsVolumeRow, tags: readonly Tag[]): Promise<void> {
  await tx.db.insertInto("ebs_volume").values(row).execute();
  await insertIamTags(tx, row.id, tags);
}

export async function updateVolume(tx: Tx, id: string, columns: Omit<Updateable<EbsVolumeTable>, "id">): Promise<void> {
  await tx.db.updateTable("ebs_volume").set(columns).where("id", "=", id).execute();
}

export async function deleteVolume(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("ebs_volume").where("id", "=", id).execute();
  await deleteBlocks(tx, id);
  await tx.db.deleteFrom("iam_tag").where("owner", "=", id).execute();
}

/** Volumes of an account in a Region, in the order of their ids. */
export async function listVolumes(
  db: Db,
  { account, region }: EbsOwner,
  { after = "", count }: Slice,
): Promise<EbsVolumeRow[]> {
  return await db
    .selectFrom("ebs_volume")
    .selectAll()
    .where("account", "=", account)
    .where("region", "=", region)
    .where("id", ">", after)
    .orderBy("id")
    .limit(count)
    .execute();
}

export async function findSnapshot(db: Db, id: string): Promise<EbsSnapshotRow | undefined> {
  return await db.selectFrom("ebs_snapshot").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function insertSnapshot(tx: Tx, row: EbsSnapshotRow, tags: readonly Tag[]): Promise<void> {
  await tx.db.insertInto("ebs_snapshot").values(row).execute();
  await insertIamTags(tx, row.id, tags);
}

export async function updateSnapshot(
  tx: Tx,
  id: string,
  columns: Omit<Updateable<EbsSnapshotTable>, "id">,
): Promise<void> {
  await tx.db.updateTable("ebs_snapshot").set(columns).where("id", "=", id).execute();
}

export async function deleteSnapshot(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("ebs_snapshot").where("id", "=", id).execute();
  await deleteBlocks(tx, id);
  await tx.db.deleteFrom("iam_tag").where("owner", "=", id).execute();
}

/** Snapshots of an account in a Region, in the order of their ids. */
export async function listSnapshots(
  db: Db,
  { account, region }: EbsOwner,
  { after = "", count }: Slice,
): Promise<EbsSnapshotRow[]> {
  return await db
    .selectFrom("ebs_snapshot")
    .selectAll()
    .where("account", "=", account)
    .where("region", "=", region)
    .where("id", ">", after)
    .orderBy("id")
    .limit(count)
    .execute();
}

/** What an account has set; what nobody has set is not encrypted, under the key of `aws/ebs`. */
export async function findEbsSetting(db: Db, { account, region }: EbsOwner): Promise<EbsSettingRow> {
  const found = await db
    .selectFrom("ebs_setting")
    .selectAll()
    .where("account", "=", account)
    .where("region", "=", region)
    .executeTakeFirst();
  return found ?? { account, region, encrypted: 0, key_arn: null };
}

export async function putEbsSetting(tx: Tx, row: EbsSettingRow): Promise<void> {
  const { encrypted, key_arn } = row;
  const insert = tx.db.insertInto("ebs_setting").values(row);
  await insert
    .onConflict((conflict) => conflict.columns(["account", "region"]).doUpdateSet({ encrypted, key_arn }))
    .execute();
}
