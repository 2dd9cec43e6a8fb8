/** Put and delete the permissions boundaries of users and roles. */

import { NoSuchEntityException } from "../../base/errors.ts";
import type { Operation } from "../../pipeline/operation.ts";
import { updateIdentity } from "../../storage/identities.ts";
import { requireBoundary } from "../boundaries.ts";
import { boundaryCondition } from "../conditions.ts";
import { change } from "../operation.ts";
import { modifiable } from "../resources.ts";

const NOUNS = { user: "User", role: "Role" } as const;

function boundaries(kind: "user" | "role"): readonly Operation[] {
  const noun = NOUNS[kind];

  const put = change(`Put${noun}PermissionsBoundary` as "PutUserPermissionsBoundary", {
    targets: [{ as: "owner", action: `iam:Put${noun}PermissionsBoundary`, resource: modifiable(kind) }],
    conditions: boundaryCondition,
    async run({ PermissionsBoundary }, { owner: { identity: owner }, call, tx }) {
      await requireBoundary(PermissionsBoundary, call, tx);
      await updateIdentity(tx, owner.unique_id, { boundary: PermissionsBoundary });
      return {};
    },
  });

  const remove = change(`Delete${noun}PermissionsBoundary` as "DeleteUserPermissionsBoundary", {
    targets: [{ as: "owner", action: `iam:Delete${noun}PermissionsBoundary`, resource: modifiable(kind) }],
    conditions: boundaryCondition,
    async run(_input, { owner: { identity: owner }, tx }) {
      if (owner.boundary === null) {
        throw new NoSuchEntityException(`The ${kind} with name ${owner.name} has no permissions boundary.`);
      }
      await updateIdentity(tx, owner.unique_id, { boundary: null });
      return {};
    },
  });

  return [put, remove];
}

/** PutUserPermissionsBoundary, DeleteRolePermissionsBoundary, … */
export const boundaryOperations: readonly Operation[] = [...boundaries("user"), ...boundaries("role")];
