/** GetAccountAuthorizationDetails: users, groups, roles and policies of the account with all that decides. */

import type { EntityType, GroupDetail, ManagedPolicyDetail, RoleDetail, UserDetail } from "@aws-sdk/client-iam";
import { awsManagedPolicies } from "../../identity/aws-managed-policies.ts";
import { listIdentities } from "../../storage/identities.ts";
import type { Identity } from "../../storage/identity-rows.ts";
import type { IdentityKind, ManagedPolicyRow } from "../../storage/identity-schema.ts";
import { countPolicyUses, listManagedPolicies, listPolicyVersions } from "../../storage/managed-policies.ts";
import type { Reader, Store } from "../../storage/store.ts";
import {
  describeAttached,
  describeExtras,
  describeGroup,
  describePolicy,
  describeRole,
  describeTags,
  describeUser,
  describeVersion,
} from "../descriptions.ts";
import { read } from "../operation.ts";
import { page } from "../pages.ts";
import { encodeDocument } from "../policy-documents.ts";
import { fixed, type PolicyResource } from "../resources.ts";

/** One entry of the whole list. */
type Entry =
  | { readonly section: IdentityKind; readonly key: string; readonly uniqueId: string }
  | { readonly section: "own" | "aws"; readonly key: string; readonly policy: PolicyOf };

type PolicyOf = Pick<PolicyResource, "arn" | "aws"> & { readonly own?: ManagedPolicyRow };

/** The sections in the order in which pages go through them, with the filter that leaves each in. */
const SECTIONS: readonly { readonly section: Entry["section"]; readonly filter: EntityType }[] = [
  { section: "user", filter: "User" },
  { section: "group", filter: "Group" },
  { section: "role", filter: "Role" },
  { section: "own", filter: "LocalManagedPolicy" },
  { section: "aws", filter: "AWSManagedPolicy" },
];

/** Of AWS's managed policies those that are in use (recorded on IAM). */
export const getAccountAuthorizationDetails = read("GetAccountAuthorizationDetails", {
  targets: [{ as: "account", action: "iam:GetAccountAuthorizationDetails", resource: fixed("*") }],
  async run(input, context) {
    const { call, store } = context;
    const { account } = call.principal;
    const { Filter = [] } = input;
    const sections = SECTIONS.filter(({ filter }) => Filter.length === 0 || Filter.includes(filter));
    const { items, end } = await page<Entry>(input, context, {
      filter: [...Filter].sort(),
      list: (after, count) => listEntries(store, { account, sections, partition: call.partition }, { after, count }),
      nameOf: nameOfEntry,
    });
    const identities = await store.settle((reader) =>
      items.flatMap((entry) => ("uniqueId" in entry ? (reader.find("identity", entry.uniqueId) ?? []) : [])),
    );
    const ofKind = (kind: IdentityKind): Identity[] => identities.filter((identity) => identity.kind === kind);
    const Policies: ManagedPolicyDetail[] = [];
    for (const entry of items)
      if ("policy" in entry) Policies.push(await describePolicyDetail(entry.policy, account, store));
    const described = await store.settle((reader) => ({
      UserDetailList: ofKind("user").map((user) => describeUserDetail(user, call.partition, reader)),
      GroupDetailList: ofKind("group").map((group) => describeGroupDetail(group, call.partition)),
      RoleDetailList: ofKind("role").map((role) => describeRoleDetail(role, call.partition, reader)),
    }));
    return { ...described, Policies, ...end };
  },
});

function nameOfEntry({ section, key }: Entry): string {
  return `${section}:${key}`;
}

/** Up to `count` entries after the one of that name, section by section. */
async function listEntries(
  { db }: Store,
  of: { readonly account: string; readonly sections: typeof SECTIONS; readonly partition: string },
  { after, count }: { readonly after: string | undefined; readonly count: number },
): Promise<Entry[]> {
  const { account, sections, partition } = of;
  const [startSection, startKey] = after === undefined ? [] : splitName(after);
  const start = sections.findIndex(({ section }) => section === startSection);
  const entries: Entry[] = [];
  for (const [index, { section }] of sections.entries()) {
    if (index < start || entries.length === count) continue;
    const slice = { after: index === start ? startKey : undefined, count: count - entries.length };
    if (section === "own") {
      const rows = await listManagedPolicies(db, { account }, slice);
      entries.push(...rows.map((own) => ({ section, key: own.name_key, policy: { arn: own.arn, own } })));
    } else if (section === "aws") {
      for (const aws of awsManagedPolicies) {
        const arn = aws.arn.replace("arn:aws:", `arn:${partition}:`);
        const { attachments, boundaries } = await countPolicyUses(db, account, arn);
        const key = aws.name.toLowerCase();
        const isNext = slice.after === undefined || key > slice.after;
        if (isNext && attachments + boundaries > 0 && entries.length < count) {
          entries.push({ section, key, policy: { arn, aws } });
        }
      }
    } else {
      const rows = await listIdentities(db, { account, kind: section }, slice);
      entries.push(...rows.map((row) => ({ section, key: row.name_key, uniqueId: row.unique_id })));
    }
  }
  return entries;
}

function splitName(name: string): readonly [section: string, key: string] {
  const colon = name.indexOf(":");
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function inlineOf({ inline }: Identity): { readonly PolicyName: string; readonly PolicyDocument: string }[] {
  return inline.map(({ name, document }) => ({ PolicyName: name, PolicyDocument: encodeDocument(document) }));
}

function describeUserDetail(user: Identity, partition: string, reader: Reader): UserDetail {
  const groups = user.groups.flatMap((id) => reader.find("identity", id)?.name ?? []).sort();
  return {
    ...describeUser(user, partition),
    ...(user.inline.length > 0 && { UserPolicyList: inlineOf(user) }),
    GroupList: groups,
    AttachedManagedPolicies: describeAttached(user.attached),
    ...describeExtras(user.boundary, []),
    Tags: describeTags(user.tags),
  };
}

function describeGroupDetail(group: Identity, partition: string): GroupDetail {
  return {
    ...describeGroup(group, partition),
    GroupPolicyList: inlineOf(group),
    AttachedManagedPolicies: describeAttached(group.attached),
  };
}

function describeRoleDetail(role: Identity, partition: string, reader: Reader): RoleDetail {
  return {
    ...describeRole(role, partition, reader),
    InstanceProfileList: [],
    RolePolicyList: inlineOf(role),
    AttachedManagedPolicies: describeAttached(role.attached),
    ...describeExtras(role.boundary, []),
    Tags: describeTags(role.tags),
    RoleLastUsed: {},
  };
}

async function describePolicyDetail(policy: PolicyOf, account: string, { db }: Store): Promise<ManagedPolicyDetail> {
  const { arn, aws, own } = policy;
  const versions =
    aws === undefined
      ? await listPolicyVersions(db, arn)
      : [{ version: aws.version, document: aws.document, created_at: aws.updatedAt }];
  const defaultVersion = own?.default_version ?? aws?.version ?? 0;
  return {
    ...describePolicy(policy, await countPolicyUses(db, account, arn)),
    PolicyVersionList: versions.map((row) => ({
      Document: encodeDocument(row.document),
      ...describeVersion(row, defaultVersion),
    })),
  };
}
