/** Rows of VPC endpoints. */

import type { Kysely, Updateable } from "kysely";
import type { VpcEndpointRow, VpcEndpointTable } from "./identity-schema.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

/** Adds an endpoint with its tags. */
export async function insertVpcEndpoint(tx: Tx, row: VpcEndpointRow, tags: readonly Tag[]): Promise<void> {
  await tx.db.insertInto("vpc_endpoint").values(row).execute();
  if (tags.length > 0) {
    const rows = tags.map(({ key, value }) => ({ owner: row.id, tag_key: key, tag_value: value }));
    await tx.db.insertInto("iam_tag").values(rows).execute();
  }
  await tx.changed("vpcEndpoint", row.id);
}

/** Changes columns of an endpoint that exists. */
export async function updateVpcEndpoint(
  tx: Tx,
  id: string,
  columns: Omit<Updateable<VpcEndpointTable>, "id" | "account" | "region">,
): Promise<void> {
  await tx.db.updateTable("vpc_endpoint").set(columns).where("id", "=", id).execute();
  await tx.changed("vpcEndpoint", id);
}

export async function deleteVpcEndpoint(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("vpc_endpoint").where("id", "=", id).execute();
  await tx.db.deleteFrom("iam_tag").where("owner", "=", id).execute();
  await tx.changed("vpcEndpoint", id);
}

/** Endpoints of an account in a Region, in the order of their ids. */
export function listVpcEndpoints(
  db: Kysely<Schema>,
  { account, region }: { readonly account: string; readonly region: string },
  { after = "", count }: Slice,
): Promise<VpcEndpointRow[]> {
  return db
    .selectFrom("vpc_endpoint")
    .selectAll()
    .where("account", "=", account)
    .where("region", "=", region)
    .where("id", ">", after)
    .orderBy("id")
    .limit(count)
    .execute();
}

/** Tags of endpoints, by endpoint. */
export async function tagsOfVpcEndpoints(
  db: Kysely<Schema>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Tag[]>> {
  const tags = new Map<string, Tag[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return tags;
  const rows = await db.selectFrom("iam_tag").selectAll().where("owner", "in", ids).orderBy("tag_key").execute();
  for (const { owner, tag_key, tag_value } of rows) tags.get(owner)?.push({ key: tag_key, value: tag_value });
  return tags;
}
