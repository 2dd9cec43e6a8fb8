/** What the wizard for replica keys begins with: what the primary key has now. */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import { type KeyDraft, NEW_DRAFT, NO_CHOICES, type TagDraft } from "./key-draft.ts";
import { keyTypeOf, kindOf } from "./key-kinds.ts";
import { type Owner, readConsolePolicy } from "./key-policy.ts";

export interface PrimaryKey {
  readonly metadata: KeyMetadata;
  readonly policy: string;
  /** Without `alias/`; empty for none. */
  readonly alias: string;
  readonly tags: readonly TagDraft[];
  readonly owner: Owner;
}

/** The draft of a replica. Its policy is the primary's to the letter until other people are chosen. */
export function replicaDraft({ metadata, policy, alias, tags, owner }: PrimaryKey): KeyDraft {
  const kind = kindOf(metadata);
  return {
    ...NEW_DRAFT,
    type: keyTypeOf(kind.spec),
    usage: kind.usage,
    spec: kind.spec,
    origin: kind.origin === "EXTERNAL" ? "EXTERNAL" : "AWS_KMS",
    understood: true,
    multiRegion: true,
    alias,
    description: metadata.Description ?? "",
    tags,
    choices: readConsolePolicy(policy, kind, owner) ?? NO_CHOICES,
    policy,
  };
}
