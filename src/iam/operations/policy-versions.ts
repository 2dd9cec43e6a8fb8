/** CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion and DeletePolicyVersion. */

import { DeleteConflictException, LimitExceededException, NoSuchEntityException } from "../../base/errors.ts";
import type { PolicyVersionRow } from "../../storage/identity-schema.ts";
import {
  deletePolicyVersion as deletePolicyVersionRow,
  findPolicyVersion,
  insertPolicyVersion,
  listPolicyVersions as listPolicyVersionRows,
  setDefaultVersion,
} from "../../storage/managed-policies.ts";
import type { Store, Tx } from "../../storage/store.ts";
import { describeVersion } from "../descriptions.ts";
import { change, type Members, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { encodeDocument, requireManagedPolicy } from "../policy-documents.ts";
import { VERSIONS_MAX } from "../quotas.ts";
import { managedPolicy, type PolicyResource, requireOwn } from "../resources.ts";

/** As recorded on IAM, whether the policy or the version is not there. */
function noSuchVersion(arn: string, { VersionId }: Members): string {
  return `Policy ${arn} version ${VersionId} does not exist or is not attachable.`;
}

/** The number of `v1`; what may follow a dot names nothing that we have. */
function versionOf(id: string): number {
  return /^v\d{1,9}$/.test(id) ? Number(id.slice(1)) : 0;
}

/**
 * Adds a version, which decides from the next request on when it is made the default one (API reference,
 * CreatePolicyVersion).
 *
 * @throws LimitExceededException the policy has five
 */
export const createPolicyVersion = change("CreatePolicyVersion", {
  targets: [{ as: "policy", action: "iam:CreatePolicyVersion", resource: managedPolicy() }],
  async run({ PolicyDocument, SetAsDefault = false }, { policy, call, tx }) {
    const own = requireOwn(policy);
    requireManagedPolicy(PolicyDocument);
    if ((await listPolicyVersionRows(tx.db, own.arn)).length >= VERSIONS_MAX) {
      throw new LimitExceededException(
        `A managed policy can have up to ${VERSIONS_MAX} versions. Before you create a new version, you must delete an existing version.`,
      );
    }
    const made = { document: PolicyDocument, isDefault: SetAsDefault, now: call.now };
    const version = await insertPolicyVersion(tx, own, made);
    const defaultVersion = SetAsDefault ? version : own.default_version;
    return { PolicyVersion: describeVersion({ version, created_at: call.now }, defaultVersion) };
  },
});

/** All versions of a policy, newest first; of AWS's only the default one is here. */
async function versionsOf(
  { aws, arn }: PolicyResource,
  { db }: Pick<Store, "db">,
): Promise<readonly Omit<PolicyVersionRow, "arn">[]> {
  if (aws === undefined) return listPolicyVersionRows(db, arn);
  return [{ version: aws.version, document: aws.document, created_at: aws.updatedAt }];
}

function defaultOf({ aws, own }: PolicyResource): number {
  return own?.default_version ?? aws?.version ?? 0;
}

/** One version with its text. */
export const getPolicyVersion = read("GetPolicyVersion", {
  targets: [{ as: "policy", action: "iam:GetPolicyVersion", resource: managedPolicy(noSuchVersion) }],
  async run(input, { policy, store }) {
    const wanted = versionOf(input.VersionId);
    const row = (await versionsOf(policy, store)).find(({ version }) => version === wanted);
    if (row === undefined) throw new NoSuchEntityException(noSuchVersion(policy.arn, input));
    return { PolicyVersion: { Document: encodeDocument(row.document), ...describeVersion(row, defaultOf(policy)) } };
  },
});

/** The versions of a policy, newest first, without their texts. */
export const listPolicyVersions = read("ListPolicyVersions", {
  targets: [{ as: "policy", action: "iam:ListPolicyVersions", resource: managedPolicy() }],
  async run(input, context) {
    const { policy, store } = context;
    const all = await versionsOf(policy, store);
    const { items, end } = await pageOfAll(input, context, { filter: [policy.arn], all });
    return { Versions: items.map((row) => describeVersion(row, defaultOf(policy))), ...end };
  },
});

/** Makes a version decide from the next request on. */
export const setDefaultPolicyVersion = change("SetDefaultPolicyVersion", {
  targets: [{ as: "policy", action: "iam:SetDefaultPolicyVersion", resource: managedPolicy(noSuchVersion) }],
  async run(input, { policy, call, tx }) {
    const { arn } = requireOwn(policy);
    const version = await requireVersion(tx, arn, input);
    await setDefaultVersion(tx, arn, version, call.now);
    return {};
  },
});

/** @throws DeleteConflictException the default version goes with its policy alone */
export const deletePolicyVersion = change("DeletePolicyVersion", {
  targets: [{ as: "policy", action: "iam:DeletePolicyVersion", resource: managedPolicy(noSuchVersion) }],
  async run(input, { policy, call, tx }) {
    const { arn, default_version } = requireOwn(policy);
    const version = await requireVersion(tx, arn, input);
    if (version === default_version) {
      throw new DeleteConflictException("Cannot delete the default version of a policy.");
    }
    await deletePolicyVersionRow(tx, arn, version, call.now);
    return {};
  },
});

/** @throws NoSuchEntityException the policy has no such version */
async function requireVersion(tx: Tx, arn: string, input: { readonly VersionId: string }): Promise<number> {
  const version = versionOf(input.VersionId);
  if ((await findPolicyVersion(tx.db, arn, version)) === undefined) {
    throw new NoSuchEntityException(noSuchVersion(arn, input));
  }
  return version;
}
