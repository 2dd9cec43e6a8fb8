/** The role by which users of the management account get into an account that it made. */

import { newUniqueId } from "../../identity/credentials.ts";
import { insertIdentity, nameKeyOf } from "../../storage/identities.ts";
import { attachPolicy } from "../../storage/identity-policies.ts";
import type { Tx } from "../../storage/store.ts";

/** Its name unless CreateAccount gives another. */
const NAME = "OrganizationAccountAccessRole";
const SESSION_SECONDS = 3_600;

/** Adds the role: trusted is the management account, allowed is everything (Organizations user guide, Accessing member accounts). */
export async function insertAccessRole(
  tx: Tx,
  {
    account,
    trusted,
    partition,
    RoleName = NAME,
    now,
  }: {
    readonly account: string;
    /** The management account. */
    readonly trusted: string;
    readonly partition: string;
    readonly RoleName?: string;
    readonly now: number;
  },
): Promise<void> {
  const trust = {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { AWS: `arn:${partition}:iam::${trusted}:root` }, Action: "sts:AssumeRole" },
    ],
  };
  const role = {
    unique_id: newUniqueId("AROA"),
    account,
    kind: "role",
    name: RoleName,
    name_key: nameKeyOf(RoleName),
    path: "/",
    created_at: now,
    boundary: null,
    trust_policy: JSON.stringify(trust),
    trust_principals: "{}",
    description: null,
    max_session_seconds: SESSION_SECONDS,
    linked_service: null,
  } as const;
  await insertIdentity(tx, role);
  await attachPolicy(tx, role.unique_id, `arn:${partition}:iam::aws:policy/AdministratorAccess`);
}
