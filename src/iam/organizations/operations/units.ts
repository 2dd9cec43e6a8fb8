/** CreateOrganizationalUnit, DescribeOrganizationalUnit, ListOrganizationalUnitsForParent, ListChildren and ListParents. */

import { organizationPath } from "../../../access/sources.ts";
import type { OrganizationNodeRow } from "../../../storage/identity-schema.ts";
import { countNodes, hasUnit, insertNode, listNodes } from "../../../storage/organizations.ts";
import {
  ChildNotFoundException,
  ConstraintViolationException,
  DuplicateOrganizationalUnitException,
  OrganizationalUnitNotFoundException,
  ParentNotFoundException,
} from "../errors.ts";
import { newUnitId } from "../ids.ts";
import { change, page, read, tagsOf } from "../operation.ts";
import { UNIT_LEVELS_MAX, UNITS_MAX } from "../quotas.ts";
import { node } from "../resources.ts";
import { describeParent, describeUnit } from "../shapes.ts";
import { freeId } from "./free-id.ts";
import { attachFullAccess } from "./full-access.ts";

const parent = node("ParentId", ["root", "unit"], () => new ParentNotFoundException());

/** Makes a unit under the root or another unit, up to five levels deep. */
export const createOrganizationalUnit = change("CreateOrganizationalUnit", {
  on: { parent },
  async run({ Name = "", Tags }, { call, tx, parent: { organization, node: above } }) {
    const levels = await tx.settle((reader) => organizationPath(above.id, reader).length);
    if (levels > UNIT_LEVELS_MAX) {
      throw new ConstraintViolationException(
        "OU_DEPTH_LIMIT_EXCEEDED",
        "You attempted to create an OU tree that is too many levels deep.",
      );
    }
    if ((await countNodes(tx.db, { organization: organization.id, kind: "unit" })) >= UNITS_MAX) {
      throw new ConstraintViolationException(
        "OU_NUMBER_LIMIT_EXCEEDED",
        "You attempted to exceed the number of OUs that you can have in an organization.",
      );
    }
    if (await hasUnit(tx.db, { organization: organization.id, parent: above.id, name: Name })) {
      throw new DuplicateOrganizationalUnitException();
    }
    const row: OrganizationNodeRow = {
      id: await freeId(
        tx,
        () => newUnitId(organization.root_id),
        (reader, id) => reader.find("organizationNode", id),
      ),
      organization: organization.id,
      kind: "unit",
      parent: above.id,
      name: Name,
      email: null,
      joined_at: call.now,
      joined_method: null,
    };
    await insertNode(tx, row, tagsOf(Tags));
    await attachFullAccess(tx, organization, row.id);
    const OrganizationalUnit = await tx.settle((reader) => describeUnit(call.partition, organization, row, reader));
    return { OrganizationalUnit };
  },
});

/** Describes one unit. */
export const describeOrganizationalUnit = read("DescribeOrganizationalUnit", {
  on: { unit: node("OrganizationalUnitId", ["unit"], () => new OrganizationalUnitNotFoundException()) },
  async run(_input, { call, store, unit: { organization, node: found } }) {
    const OrganizationalUnit = await store.settle((reader) =>
      describeUnit(call.partition, organization, found, reader),
    );
    return { OrganizationalUnit };
  },
});

/** Lists the units right under a root or unit. */
export const listOrganizationalUnitsForParent = read("ListOrganizationalUnitsForParent", {
  on: { parent },
  async run(input, context) {
    const { call, store, parent: above } = context;
    const { organization } = above;
    const { items, next } = await page(input, context, {
      of: above.node.id,
      list: (after, count) =>
        listNodes(store.db, { organization: organization.id, kind: "unit", parent: above.node.id }, { after, count }),
      nameOf: ({ id }) => id,
    });
    const OrganizationalUnits = await store.settle((reader) =>
      items.map((each) => describeUnit(call.partition, organization, each, reader)),
    );
    return { OrganizationalUnits, NextToken: next };
  },
});

/** Lists the ids of the accounts, or of the units, right under a root or unit. */
export const listChildren = read("ListChildren", {
  on: { parent },
  async run(input, context) {
    const { store, parent: above } = context;
    const { ChildType } = input;
    const kind = ChildType === "ACCOUNT" ? "account" : "unit";
    const { items, next } = await page(input, context, {
      of: `${kind} of ${above.node.id}`,
      list: (after, count) =>
        listNodes(store.db, { organization: above.organization.id, kind, parent: above.node.id }, { after, count }),
      nameOf: ({ id }) => id,
    });
    return { Children: items.map(({ id }) => ({ Id: id, Type: ChildType })), NextToken: next };
  },
});

/** Lists the one parent of an account or unit. */
export const listParents = read("ListParents", {
  on: { child: node("ChildId", ["account", "unit"], () => new ChildNotFoundException()) },
  run: (_input, { child }) => ({ Parents: child.node.parent === null ? [] : [describeParent(child.node.parent)] }),
});
