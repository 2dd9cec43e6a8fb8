/** Reads the tags of one key. */

import { type KMSClient, ListResourceTagsCommand } from "@aws-sdk/client-kms";
import type { TagDraft } from "../model/key-draft.ts";

/** The most that ListResourceTags gives at once. */
const PAGE = 50;

export async function listTags(kms: KMSClient, keyId: string): Promise<readonly TagDraft[]> {
  const tags: TagDraft[] = [];
  let marker: string | undefined;
  do {
    const page = await kms.send(new ListResourceTagsCommand({ KeyId: keyId, Limit: PAGE, Marker: marker }));
    for (const { TagKey = "", TagValue = "" } of page.Tags ?? []) tags.push({ key: TagKey, value: TagValue });
    marker = page.NextMarker;
  } while (marker !== undefined);
  return tags;
}
