/** The account's alias, and GetAccountSummary. */

import { EntityAlreadyExistsException, NoSuchEntityException } from "../../base/errors.ts";
import { deleteAccountAlias as deleteAlias, findAccountAlias, putAccountAlias } from "../../storage/account-aliases.ts";
import { listCredentials } from "../../storage/credentials.ts";
import { countIdentities } from "../../storage/identities.ts";
import { countManagedPolicies } from "../../storage/managed-policies.ts";
import { listOidcProviders } from "../../storage/oidc-providers.ts";
import { change, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { inlinePolicyCharactersMax, quotas, VERSIONS_MAX } from "../quotas.ts";
import { fixed } from "../resources.ts";

/**
 * Gives the account an alias in place of the one that it has.
 *
 * @throws EntityAlreadyExistsException an account has it already
 */
export const createAccountAlias = change("CreateAccountAlias", {
  targets: [{ as: "account", action: "iam:CreateAccountAlias", resource: fixed("*") }],
  async run({ AccountAlias }, { call, tx }) {
    if (!(await putAccountAlias(tx, call.principal.account, AccountAlias))) {
      throw new EntityAlreadyExistsException(`The account alias ${AccountAlias} already exists.`);
    }
    return {};
  },
});

/** @throws NoSuchEntityException the account has no such alias */
export const deleteAccountAlias = change("DeleteAccountAlias", {
  targets: [{ as: "account", action: "iam:DeleteAccountAlias", resource: fixed("*") }],
  async run({ AccountAlias }, { call, tx }) {
    if (!(await deleteAlias(tx, call.principal.account, AccountAlias))) {
      throw new NoSuchEntityException(`The account alias ${AccountAlias} cannot be found.`);
    }
    return {};
  },
});

/** The account's alias: none or one. */
export const listAccountAliases = read("ListAccountAliases", {
  targets: [{ as: "account", action: "iam:ListAccountAliases", resource: fixed("*") }],
  async run(input, context) {
    const alias = await findAccountAlias(context.store.db, context.call.principal.account);
    const { items, end } = await pageOfAll(input, context, { filter: [], all: alias === undefined ? [] : [alias] });
    return { AccountAliases: [...items], ...end };
  },
});

/** What the account has and may have (API reference, GetAccountSummary); what is not served here is counted as none. */
export const getAccountSummary = read("GetAccountSummary", {
  targets: [{ as: "account", action: "iam:GetAccountSummary", resource: fixed("*") }],
  async run(_input, { call, store: { db } }) {
    const { account } = call.principal;
    const { policies, versions } = await countManagedPolicies(db, account);
    const rootKeys = await listCredentials(db, { account, userId: null });
    return {
      SummaryMap: {
        AccessKeysPerUserQuota: quotas.AccessKeysPerUser,
        AccountAccessKeysPresent: rootKeys.length > 0 ? 1 : 0,
        AccountMFAEnabled: 0,
        AccountPasswordPresent: 0,
        AccountSigningCertificatesPresent: 0,
        AssumeRolePolicySizeQuota: quotas.ACLSizePerRole,
        AttachedPoliciesPerGroupQuota: quotas.PoliciesPerGroup,
        AttachedPoliciesPerRoleQuota: quotas.PoliciesPerRole,
        AttachedPoliciesPerUserQuota: quotas.PoliciesPerUser,
        GlobalEndpointTokenVersion: 1,
        GroupPolicySizeQuota: inlinePolicyCharactersMax.group,
        Groups: await countIdentities(db, account, "group"),
        GroupsPerUserQuota: quotas.GroupsPerUser,
        GroupsQuota: quotas.GroupsPerAccount,
        InstanceProfiles: 0,
        InstanceProfilesQuota: 1000,
        MFADevices: 0,
        MFADevicesInUse: 0,
        Policies: policies,
        PoliciesQuota: quotas.PoliciesPerAccount,
        PolicySizeQuota: quotas.PolicySize,
        PolicyVersionsInUse: versions,
        PolicyVersionsInUseQuota: 10_000,
        Providers: (await listOidcProviders(db, account)).length,
        RolePolicySizeQuota: inlinePolicyCharactersMax.role,
        Roles: await countIdentities(db, account, "role"),
        RolesQuota: quotas.RolesPerAccount,
        ServerCertificates: 0,
        ServerCertificatesQuota: 20,
        SigningCertificatesPerUserQuota: 2,
        UserPolicySizeQuota: inlinePolicyCharactersMax.user,
        Users: await countIdentities(db, account, "user"),
        UsersQuota: quotas.UsersPerAccount,
        VersionsPerPolicyQuota: VERSIONS_MAX,
      },
    };
  },
});
