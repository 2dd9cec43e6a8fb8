/** AddTagsToResource, RemoveTagsFromResource and ListTagsForResource, of parameters. */

import { ValidationException } from "../../base/errors.ts";
import {
  findParameter,
  loadParameterTags,
  type ParameterName,
  putParameterTags,
} from "../../storage/ssm-parameters.ts";
import { repeatedKey, type Tag } from "../../storage/tags.ts";
import { InvalidResourceId, TooManyTagsError } from "./errors.ts";
import { ownerOf } from "./names.ts";
import { type Change, type Context, change, type Input, onParameter, read } from "./operation.ts";

/** Tags of a parameter (API reference, PutParameter). */
const TAGS_MAX = 50;

/**
 * Tags of a request as rows have them.
 *
 * @throws ValidationException more than a parameter may have, tags of AWS's own, or one twice
 */
export function requestedTags(tags: Input<"PutParameter">["Tags"] = []): readonly Tag[] {
  const rows = tags.map(({ Key: key = "", Value: value = "" }) => ({ key, value }));
  if (rows.length <= TAGS_MAX && repeatedKey(rows) === undefined && !rows.some(({ key }) => /^aws:/i.test(key))) {
    return rows;
  }
  throw new ValidationException(`A parameter has at most ${TAGS_MAX} tags, each once, and none that begins with aws:.`);
}

interface Tagged {
  readonly ResourceType?: string;
  readonly ResourceId: string;
}

const onResource = (action: string) => onParameter(action, ({ ResourceId }: Tagged) => ResourceId);

/**
 * The parameter that a request means; nothing else here has tags.
 *
 * @throws InvalidResourceId there is none; recorded without a message
 */
async function requireParameter(
  { ResourceType, ResourceId }: Tagged,
  { call }: Pick<Context, "call">,
  db: Context["store"]["db"],
): Promise<ParameterName> {
  const name = { ...ownerOf(call), name: ResourceId };
  if (ResourceType === "Parameter" && (await findParameter(db, name)) !== undefined) return name;
  throw new InvalidResourceId();
}

/** Adds tags, and replaces the values of those that are there. */
export const addTagsToResource = change("AddTagsToResource", {
  targets: [onResource("ssm:AddTagsToResource")],
  validate: ({ Tags }) => void requestedTags(Tags),
  async run(input, context) {
    const { tx } = context;
    const name = await requireParameter(input, context, tx.db);
    const added = requestedTags(input.Tags);
    const kept = (await tagsOf(name, context)).filter(({ key }) => !added.some((tag) => tag.key === key));
    if (kept.length + added.length > TAGS_MAX) throw new TooManyTagsError();
    await putParameterTags(tx, name, [...kept, ...added]);
    return {};
  },
});

/** Removes tags by key; those that are not there are passed over. */
export const removeTagsFromResource = change("RemoveTagsFromResource", {
  targets: [onResource("ssm:RemoveTagsFromResource")],
  async run(input, context) {
    const name = await requireParameter(input, context, context.tx.db);
    const kept = (await tagsOf(name, context)).filter(({ key }) => !input.TagKeys.includes(key));
    await putParameterTags(context.tx, name, kept);
    return {};
  },
});

async function tagsOf(name: ParameterName, { tx }: Change<undefined>): Promise<readonly Tag[]> {
  return (await loadParameterTags(tx.db, name))?.tags ?? [];
}

/** The tags of a parameter, in the order of their keys. */
export const listTagsForResource = read("ListTagsForResource", {
  targets: [onResource("ssm:ListTagsForResource")],
  async run(input, context) {
    const { db } = context.store;
    const tags = (await loadParameterTags(db, await requireParameter(input, context, db)))?.tags ?? [];
    return { TagList: tags.map(({ key: Key, value: Value }) => ({ Key, Value })) };
  },
});
