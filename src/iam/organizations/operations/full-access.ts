/** What a new root, unit or account begins with: AWS's own policy of each type that is turned on. */

import { enabledTypes, FULL_ACCESS } from "../../../identity/control-policies.ts";
import type { OrganizationRow } from "../../../storage/identity-schema.ts";
import { attachControlPolicy } from "../../../storage/organizations.ts";
import type { Tx } from "../../../storage/store.ts";

export async function attachFullAccess(tx: Tx, organization: OrganizationRow, nodeId: string): Promise<void> {
  for (const type of enabledTypes(organization)) await attachControlPolicy(tx, FULL_ACCESS[type].id, nodeId);
}
