/** Tag, untag and list the tags of users and roles. */

import type { Operation } from "../../pipeline/operation.ts";
import { listIamTags, putIdentityTags, removeIdentityTags } from "../../storage/identity-policies.ts";
import { tagConditions } from "../conditions.ts";
import { describeTags } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { requireTagCount } from "../quotas.ts";
import { identity } from "../resources.ts";
import { requireOwnTagKeys, requireTags, tagsOf } from "../tags.ts";

const NOUNS = { user: "User", role: "Role" } as const;

function tags(kind: "user" | "role"): readonly Operation[] {
  const noun = NOUNS[kind];

  const tag = change(`Tag${noun}` as "TagUser", {
    targets: [{ as: "owner", action: `iam:Tag${noun}`, resource: identity(kind) }],
    conditions: tagConditions,
    validate: ({ Tags }) => requireTags(Tags, { ignoreCase: true }),
    async run({ Tags }, { owner, tx }) {
      const id = owner.identity.unique_id;
      await putIdentityTags(tx, id, tagsOf(Tags));
      requireTagCount((await listIamTags(tx.db, id)).length);
      return {};
    },
  });

  const untag = change(`Untag${noun}` as "UntagUser", {
    targets: [{ as: "owner", action: `iam:Untag${noun}`, resource: identity(kind) }],
    conditions: tagConditions,
    validate: ({ TagKeys }) => requireOwnTagKeys(TagKeys),
    async run({ TagKeys }, { owner, tx }) {
      await removeIdentityTags(tx, owner.identity.unique_id, TagKeys);
      return {};
    },
  });

  const list = read(`List${noun}Tags` as "ListUserTags", {
    targets: [{ as: "owner", action: `iam:List${noun}Tags`, resource: identity(kind) }],
    async run(input, context) {
      const { tags: all, unique_id } = context.owner.identity;
      const { items, end } = await pageOfAll(input, context, { filter: [unique_id], all });
      return { Tags: describeTags(items), ...end };
    },
  });

  return [tag, untag, list];
}

/** TagUser, UntagRole, ListUserTags, … */
export const tagOperations: readonly Operation[] = [...tags("user"), ...tags("role")];
