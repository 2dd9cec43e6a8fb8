/**
 * What users, roles and accounts can't have here: login profiles, devices, certificates, SSH keys, credentials of services,
 * instance profiles. Lists of it are empty, which is what clients look for before they delete a user or role.
 */

import { NoSuchEntityException } from "../../base/errors.ts";
import type { Operation } from "../../pipeline/operation.ts";
import { change, type Locator, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { fixed, type IamResource, identity, under, userOrCaller } from "../resources.ts";

/** A list without anything; all of them have the form of one. */
function emptyList(name: string, member: string, resource: Locator<IamResource>): Operation {
  return read(name as "ListMFADevices", {
    targets: [{ as: "owner", action: `iam:${name}`, resource }],
    async run(input, context) {
      const { end } = await pageOfAll(input, context, { filter: [name, context.owner.arn], all: [] });
      return { [member]: [], ...end } as { MFADevices: never[]; IsTruncated: boolean };
    },
  });
}

/** @throws NoSuchEntityException as recorded on IAM */
function refuse({ arn, identity }: IamResource): never {
  throw new NoSuchEntityException(`Login Profile for User ${identity?.name ?? arn} cannot be found.`);
}

const getLoginProfile = read("GetLoginProfile", {
  targets: [{ as: "user", action: "iam:GetLoginProfile", resource: userOrCaller }],
  run: (_input, { user }) => refuse(user),
});

const deleteLoginProfile = change("DeleteLoginProfile", {
  targets: [{ as: "user", action: "iam:DeleteLoginProfile", resource: userOrCaller }],
  run: (_input, { user }) => refuse(user),
});

/** ListMFADevices, ListInstanceProfilesForRole, GetLoginProfile, … */
export const absentOperations: readonly Operation[] = [
  emptyList("ListMFADevices", "MFADevices", userOrCaller),
  emptyList("ListVirtualMFADevices", "VirtualMFADevices", fixed("*")),
  emptyList("ListSSHPublicKeys", "SSHPublicKeys", userOrCaller),
  emptyList("ListSigningCertificates", "Certificates", userOrCaller),
  emptyList("ListServiceSpecificCredentials", "ServiceSpecificCredentials", userOrCaller),
  emptyList("ListInstanceProfiles", "InstanceProfiles", under("instance-profile")),
  emptyList("ListInstanceProfilesForRole", "InstanceProfiles", identity("role")),
  getLoginProfile,
  deleteLoginProfile,
];
