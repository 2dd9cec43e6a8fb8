/** What the tags of a request must satisfy. */

import { LimitExceededException, TagException, ValidationException } from "../base/errors.ts";

/** Tags of one key (spec 01, Tags). */
export const TAGS_MAX = 50;

/** What keys and values of tags are made of (AWS General Reference, Tagging). */
const TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

interface Tag {
  readonly TagKey: string | undefined;
  readonly TagValue: string | undefined;
}

/**
 * Checks the tags of CreateKey, ReplicateKey or TagResource among themselves. That a character is not allowed is told in the
 * words of an answer that users report (crossplane-contrib/provider-upjet-aws, issue 922).
 *
 * @throws TagException a tag key twice, one that begins with `aws:` in any case (recorded, spec 09), more than 50, or a
 *   character that tags can't have
 */
export function requireTags(tags: readonly Tag[]): void {
  const keys = tags.map(({ TagKey = "" }) => TagKey);
  if (new Set(keys).size < keys.length) throw new TagException("Duplicate tag keys");
  if (keys.length > TAGS_MAX) throw new TagException("Too many tags");
  requireOwnTagKeys(keys);
  if (tags.some(({ TagKey = "", TagValue = "" }) => !TEXT.test(TagKey + TagValue)))
    throw new TagException("Invalid tag");
}

/** A tag of a request as rows have it. */
export function tagOf({ TagKey = "", TagValue = "" }: Tag) {
  return { key: TagKey, value: TagValue };
}

/** @throws TagException a tag key is one of AWS's own */
export function requireOwnTagKeys(keys: readonly string[]): void {
  if (keys.some((key) => key.toLowerCase().startsWith("aws:"))) {
    throw new TagException("Tags beginning with aws: are reserved");
  }
}

/** @throws ValidationException the list is empty: tagging operations with nothing to do fail (spec 01, Tag permissions) */
export function requireSome(list: readonly unknown[], member: string): void {
  if (list.length > 0) return;
  throw new ValidationException(
    `1 validation error detected: Value '[]' at '${member}' failed to satisfy constraint: Member must have length greater than or equal to 1`,
  );
}

/** @throws LimitExceededException a key would have more than 50 tags */
export function requireTagCount(count: number): void {
  if (count > TAGS_MAX) throw new LimitExceededException(`A KMS key can have at most ${TAGS_MAX} tags.`);
}
