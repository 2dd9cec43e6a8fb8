/** CreateServiceLinkedRole, DeleteServiceLinkedRole and GetServiceLinkedRoleDeletionStatus. */

import { randomUUID } from "node:crypto";
import { formatArn } from "../../base/arn.ts";
import { AccessDeniedException, InvalidInputException, NoSuchEntityException } from "../../base/errors.ts";
import { deleteIdentity, insertIdentity } from "../../storage/identities.ts";
import { findRoleDeletion, insertRoleDeletion } from "../../storage/role-deletions.ts";
import { serviceCondition } from "../conditions.ts";
import { describeRole } from "../descriptions.ts";
import { change, type Locator, read } from "../operation.ts";
import { fixed, type IamResource, identity } from "../resources.ts";
import {
  findDirectTemplate,
  LINKED_PATH,
  linkedRole,
  linkedRoleName,
  type RoleUsage,
  usesOfLinkedRole,
} from "../service-linked-roles.ts";

/** What the role of a service will be called; a service without one that users may make is refused as recorded on IAM. */
const newLinkedRole: Locator<IamResource> = {
  resolve({ AWSServiceName, CustomSuffix }, { principal: { account }, partition }) {
    const service = String(AWSServiceName);
    const template = findDirectTemplate(service);
    const suffix = typeof CustomSuffix === "string" ? CustomSuffix : undefined;
    const name = template === undefined ? "" : linkedRoleName(template, suffix);
    const resource = `role${LINKED_PATH}${service}/${name}`;
    const role = { arn: formatArn({ partition, service: "iam", region: "", account, resource }), account, tags: [] };
    if (template !== undefined) return { kind: "found", resource: role };
    const error = () => new AccessDeniedException(`Cannot find Service Linked Role template for ${service}`);
    return { kind: "absent", resource: role, error };
  },
};

/**
 * Makes the role of a service (API reference, CreateServiceLinkedRole). KMS's own come with the first custom key store and the
 * first multi-Region key alone (KMS guide, Service-linked roles).
 *
 * @throws AccessDeniedException the service has no role, or none that users may make
 * @throws InvalidInputException the role is there, or may not have a suffix
 */
export const createServiceLinkedRole = change("CreateServiceLinkedRole", {
  targets: [{ as: "role", action: "iam:CreateServiceLinkedRole", resource: newLinkedRole }],
  conditions: serviceCondition,
  async run({ AWSServiceName: service, CustomSuffix, Description }, { call, tx }) {
    const template = findDirectTemplate(service);
    if (template === undefined) throw new Error("The target has let an unknown service pass.");
    if (CustomSuffix !== undefined && !template.suffix) {
      throw new InvalidInputException(`Custom suffix is not allowed for ${service}`);
    }
    const name = linkedRoleName(template, CustomSuffix);
    const { account } = call.principal;
    const row = linkedRole({ account, service, name, description: Description ?? template.description, now: call.now });
    if (!(await insertIdentity(tx, row))) {
      throw new InvalidInputException(
        `Service role name ${name} has been taken in this account, please try a different suffix.`,
      );
    }
    return { Role: await tx.settle((reader) => describeRole(row, call.partition, reader)) };
  },
});

/**
 * Deletes the role of a service unless something uses it; the answer names the task that tells which (API reference,
 * DeleteServiceLinkedRole). Here the task is done when it is answered.
 *
 * @throws InvalidInputException the role is no service-linked one
 */
export const deleteServiceLinkedRole = change("DeleteServiceLinkedRole", {
  targets: [{ as: "role", action: "iam:DeleteServiceLinkedRole", resource: identity("role") }],
  conditions: serviceCondition,
  async run(_input, { role, call, tx }) {
    const { name, linked_service: service, account } = role.identity;
    if (service === null) throw new InvalidInputException(`The role ${name} is not a service-linked role.`);
    const task_id = `task${LINKED_PATH}${service}/${name}/${randomUUID()}`;
    const usage = await usesOfLinkedRole(tx, account, service);
    const isUsed = usage.length > 0;
    if (!isUsed) await deleteIdentity(tx, role.identity);
    await insertRoleDeletion(tx, {
      task_id,
      account,
      state: isUsed ? "FAILED" : "SUCCEEDED",
      reason: isUsed ? "Resources of the service use the role." : null,
      usage: JSON.stringify(usage),
      created_at: call.now,
    });
    return { DeletionTaskId: task_id };
  },
});

/** How a deletion went, and what kept the role (API reference, GetServiceLinkedRoleDeletionStatus). */
export const getServiceLinkedRoleDeletionStatus = read("GetServiceLinkedRoleDeletionStatus", {
  targets: [{ as: "account", action: "iam:GetServiceLinkedRoleDeletionStatus", resource: fixed("*") }],
  async run({ DeletionTaskId }, { call, store }) {
    const task = await findRoleDeletion(store.db, DeletionTaskId);
    if (task?.account !== call.principal.account) {
      throw new NoSuchEntityException(`Deletion Task ID ${DeletionTaskId} cannot be found.`);
    }
    const { state, reason, usage } = task;
    if (reason === null) return { Status: state };
    return { Status: state, Reason: { Reason: reason, RoleUsageList: JSON.parse(usage) as RoleUsage[] } };
  },
});
