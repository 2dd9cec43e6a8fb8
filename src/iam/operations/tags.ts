/** Tag, untag and list the tags of users, roles, managed policies and OpenID Connect providers. */

import type { Kysely } from "kysely";
import type { Operation } from "../../pipeline/operation.ts";
import { listIamTags, putIamTags, removeIamTags, type TagOwner } from "../../storage/identity-policies.ts";
import type { Schema } from "../../storage/schema.ts";
import { tagConditions } from "../conditions.ts";
import { describeTags, shortestFirst } from "../descriptions.ts";
import { change, type Locator, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { requireTagCount } from "../quotas.ts";
import {
  type IamResource,
  type IdentityResource,
  identity,
  managedPolicy,
  oidcProvider,
  type PolicyResource,
  requireOwn,
} from "../resources.ts";
import { requireOwnTagKeys, requireTags, tagsOf } from "../tags.ts";
import { requireTaggedProvider } from "./oidc-providers.ts";

/** What has tags. */
interface Tagged<R extends IamResource> {
  /** The word of the kind in names of operations. */
  readonly noun: "User" | "Role" | "Policy" | "OpenIDConnectProvider";
  readonly resource: Locator<R>;
  readonly kind: TagOwner["kind"];
  idOf(resource: R): string;
  /** What must be of a resource whose tags are to be changed, or shown; throws. */
  requireChangeable?(resource: R): void;
  requireThere?(db: Kysely<Schema>, resource: R): Promise<unknown>;
}

/** The three operations of one kind; they differ in nothing but the member that names it, so one kind's types do for all. */
function tags<R extends IamResource>(tagged: Tagged<R>): readonly Operation[] {
  const { noun, resource, kind, idOf } = tagged;
  const rules = { ignoreCase: kind === "identity" };
  const owner = (named: IamResource): TagOwner => ({ kind, id: idOf(named as R) });
  const requireChangeable = async (db: Kysely<Schema>, named: IamResource): Promise<void> => {
    tagged.requireChangeable?.(named as R);
    await tagged.requireThere?.(db, named as R);
  };

  const tag = change(`Tag${noun}` as "TagUser", {
    targets: [{ as: "owner", action: `iam:Tag${noun}`, resource: resource as Locator<IamResource> }],
    conditions: tagConditions,
    validate: ({ Tags }) => requireTags(Tags, rules),
    async run({ Tags }, { owner: named, tx }) {
      await requireChangeable(tx.db, named);
      await putIamTags(tx, owner(named), tagsOf(Tags));
      requireTagCount((await listIamTags(tx.db, owner(named).id)).length);
      return {};
    },
  });

  const untag = change(`Untag${noun}` as "UntagUser", {
    targets: [{ as: "owner", action: `iam:Untag${noun}`, resource: resource as Locator<IamResource> }],
    conditions: tagConditions,
    validate: ({ TagKeys }) => requireOwnTagKeys(TagKeys),
    async run({ TagKeys }, { owner: named, tx }) {
      await requireChangeable(tx.db, named);
      await removeIamTags(tx, owner(named), TagKeys);
      return {};
    },
  });

  const list = read(`List${noun}Tags` as "ListUserTags", {
    targets: [{ as: "owner", action: `iam:List${noun}Tags`, resource: resource as Locator<IamResource> }],
    async run(input, context) {
      const { id } = owner(context.owner);
      await tagged.requireThere?.(context.store.db, context.owner as R);
      const rows = await listIamTags(context.store.db, id);
      const all = kind === "identity" ? rows : shortestFirst(rows);
      const { items, end } = await pageOfAll(input, context, { filter: [id], all });
      return { Tags: describeTags(items), ...end };
    },
  });

  return [tag, untag, list];
}

const ofIdentity = { kind: "identity", idOf: ({ identity: { unique_id: id } }: IdentityResource) => id } as const;
const byArn = ({ arn }: IamResource): string => arn;

/** TagUser, UntagRole, ListPolicyTags, … */
export const tagOperations: readonly Operation[] = [
  ...tags({ noun: "User", resource: identity("user"), ...ofIdentity }),
  ...tags({ noun: "Role", resource: identity("role"), ...ofIdentity }),
  ...tags<PolicyResource>({
    noun: "Policy",
    resource: managedPolicy(),
    kind: "managedPolicy",
    idOf: byArn,
    requireChangeable: requireOwn,
  }),
  ...tags({
    noun: "OpenIDConnectProvider",
    resource: oidcProvider,
    kind: "oidcProvider",
    idOf: byArn,
    requireThere: (db, { arn }) => requireTaggedProvider(db, arn),
  }),
];
