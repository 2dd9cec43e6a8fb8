/** Reads the users and roles that can be chosen as administrators and users of a key. */

import { type IAMClient, ListRolesCommand, ListUsersCommand } from "@aws-sdk/client-iam";
import { type Failure, failureOf } from "../model/failures.ts";

export interface Principal {
  readonly name: string;
  readonly arn: string;
  readonly path: string;
  readonly type: "User" | "Role";
}

export interface PrincipalList {
  readonly principals: readonly Principal[];
  /** One for each list that the caller may not see. */
  readonly failures: readonly Failure[];
}

/** All users and roles of the account. */
export async function listPrincipals(iam: IAMClient): Promise<PrincipalList> {
  const [users, roles] = await Promise.allSettled([allUsers(iam), allRoles(iam)]);
  return {
    principals: [users, roles].flatMap((list) => (list.status === "fulfilled" ? list.value : [])),
    failures: [
      ...(users.status === "rejected" ? [failureOf(users.reason, "iam:ListUsers")] : []),
      ...(roles.status === "rejected" ? [failureOf(roles.reason, "iam:ListRoles")] : []),
    ],
  };
}

const PAGE = 1000;

async function allUsers(iam: IAMClient): Promise<readonly Principal[]> {
  const users: Principal[] = [];
  let marker: string | undefined;
  do {
    const page = await iam.send(new ListUsersCommand({ MaxItems: PAGE, Marker: marker }));
    for (const { UserName = "", Arn = "", Path = "/" } of page.Users ?? []) {
      users.push({ name: UserName, arn: Arn, path: Path, type: "User" });
    }
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  return users;
}

async function allRoles(iam: IAMClient): Promise<readonly Principal[]> {
  const roles: Principal[] = [];
  let marker: string | undefined;
  do {
    const page = await iam.send(new ListRolesCommand({ MaxItems: PAGE, Marker: marker }));
    for (const { RoleName = "", Arn = "", Path = "/" } of page.Roles ?? []) {
      roles.push({ name: RoleName, arn: Arn, path: Path, type: "Role" });
    }
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  return roles;
}
