/** What the tags of a request must satisfy, and how they become rows. */

import type { Tag } from "@aws-sdk/client-iam";
import { InvalidInputException } from "../base/errors.ts";
import type { Tag as TagOfRow } from "../storage/tags.ts";

/** Whether an input has tags: then the operation needs the permission to tag, too. */
export function hasTags(input: Readonly<Record<string, unknown>>): boolean {
  const { Tags } = input;
  return Array.isArray(Tags) && Tags.length > 0;
}

/** The tags of an input as rows have them. */
export function tagsOf(tags: readonly Tag[] = []): TagOfRow[] {
  return tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value }));
}

/**
 * Checks tags among themselves. Keys of users and roles that differ in case alone are the same, those of policies and
 * providers are not (IAM guide, Rules for tagging; recorded on IAM).
 *
 * @throws InvalidInputException a key twice, or one of AWS's own
 */
export function requireTags(tags: readonly Tag[] = [], { ignoreCase }: { readonly ignoreCase: boolean }): void {
  const keys = tags.map(({ Key = "" }) => (ignoreCase ? Key.toLowerCase() : Key));
  if (new Set(keys).size < keys.length) {
    throw new InvalidInputException(
      ignoreCase
        ? "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        : "Duplicate tag keys found.",
    );
  }
  requireOwnTagKeys(keys);
}

/** @throws InvalidInputException a key that is AWS's own */
export function requireOwnTagKeys(keys: readonly string[]): void {
  if (keys.some((key) => key.toLowerCase().startsWith("aws:"))) {
    throw new InvalidInputException("Tag keys that begin with aws: are reserved for AWS use.");
  }
}
