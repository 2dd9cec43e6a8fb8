/** A key as the wizards "Create key" and "Create new replica keys" fill it in, and what is still wrong with it. */

import type { CreateKeyCommandInput, KeySpec, KeyUsageType, OriginType, Tag } from "@aws-sdk/client-kms";
import { type KeyKind, type KeyType, specsOf, storeKindOf, usagesOfType } from "./key-kinds.ts";
import { consoleKeyPolicy, type Owner, type PolicyChoices, policyText } from "./key-policy.ts";
import { areAccountsSound } from "./other-accounts.ts";
import { policyProblems } from "./policy-problems.ts";

export interface KeyDraft {
  readonly type: KeyType;
  readonly usage: KeyUsageType;
  readonly spec: KeySpec;
  readonly origin: OriginType;
  /** Whether the user has said that the implications of imported keys, or of external keys, are understood. */
  readonly understood: boolean;
  /** The custom key store in which the key is to be; empty until one is chosen. */
  readonly keyStoreId: string;
  /** The key in the external key manager, as the proxy of an external key store calls it. */
  readonly externalKeyId: string;
  readonly multiRegion: boolean;
  /** Without `alias/`. */
  readonly alias: string;
  readonly description: string;
  readonly tags: readonly TagDraft[];
  readonly choices: PolicyChoices;
  /** What the user wrote instead of the policy that follows from the choices. */
  readonly policy: string | undefined;
}

export interface TagDraft {
  readonly key: string;
  readonly value: string;
}

export const NO_CHOICES: PolicyChoices = {
  administrators: [],
  administratorsMayDelete: true,
  users: [],
  otherAccounts: [],
};

export const NEW_DRAFT: KeyDraft = {
  type: "Symmetric",
  usage: "ENCRYPT_DECRYPT",
  spec: "SYMMETRIC_DEFAULT",
  origin: "AWS_KMS",
  understood: false,
  keyStoreId: "",
  externalKeyId: "",
  multiRegion: false,
  alias: "",
  description: "",
  tags: [],
  choices: NO_CHOICES,
  policy: undefined,
};

/** The draft with another type or usage, and the first spec that goes with it. In custom key stores are symmetric encryption keys alone. */
export function withUsage(
  draft: KeyDraft,
  type: KeyType,
  usage: KeyUsageType | undefined,
  partition: string,
): KeyDraft {
  const next = usage ?? usagesOfType[type][0] ?? "ENCRYPT_DECRYPT";
  const [spec = "SYMMETRIC_DEFAULT"] = specsOf(type, next, partition);
  const fits = spec === "SYMMETRIC_DEFAULT" || storeKindOf(draft.origin) === undefined;
  return { ...(fits ? draft : withOrigin(draft, "AWS_KMS", partition)), type, usage: next, spec };
}

/** The draft with another origin, and a spec that goes with it; keys of custom key stores are of one Region. */
export function withOrigin(draft: KeyDraft, origin: OriginType, partition: string): KeyDraft {
  const isOfStore = storeKindOf(origin) !== undefined;
  const specs = specsOf(draft.type, draft.usage, partition, origin);
  const spec = specs.includes(draft.spec) ? draft.spec : (specs[0] ?? draft.spec);
  return { ...draft, origin, spec, understood: false, keyStoreId: "", multiRegion: draft.multiRegion && !isOfStore };
}

export function kindOfDraft({ spec, usage, origin, multiRegion }: KeyDraft): KeyKind {
  return { spec, usage, origin, multiRegion };
}

/** What is wrong with an alias, typed without `alias/`, or undefined (API reference, CreateAlias). */
export function aliasProblem(alias: string): string | undefined {
  if (alias === "") return "An alias is required.";
  if (alias.startsWith("aws/")) return "Aliases that begin with aws/ are those of AWS managed keys.";
  if (!/^[a-zA-Z0-9/_-]+$/.test(alias)) return "Use letters, digits, slashes (/), underscores (_) and dashes (-).";
  return alias.length > 250 ? "An alias has at most 250 characters." : undefined;
}

/** What is wrong with an external key ID, or undefined (API reference, CreateKey). */
export function externalKeyProblem(id: string): string | undefined {
  return /^[a-zA-Z0-9-_.]{1,128}$/.test(id)
    ? undefined
    : "Enter the ID by which the proxy knows the key: at most 128 letters, digits, dashes, underscores and dots.";
}

/** What is wrong with a tag's key among the others' keys, or undefined (API reference, Tag). */
export function tagProblem(key: string, others: readonly string[]): string | undefined {
  if (key === "") return "A tag key is required.";
  if (key.length > 128) return "A tag key has at most 128 characters.";
  if (/^aws:/i.test(key)) return "Tag keys that begin with aws: are reserved.";
  return others.includes(key) ? "This tag key is already in the list." : undefined;
}

export function areTagsSound(tags: readonly TagDraft[]): boolean {
  return tags.every(({ key, value }, index) => {
    const others = tags.toSpliced(index, 1).map((tag) => tag.key);
    return tagProblem(key, others) === undefined && value.length <= 256;
  });
}

/** The policy that will be sent. */
export function policyOfDraft(draft: KeyDraft, owner: Owner): string {
  if (draft.policy !== undefined) return draft.policy;
  const otherAccounts = draft.choices.otherAccounts.filter((account) => account !== "");
  return policyText(consoleKeyPolicy(kindOfDraft(draft), owner, { ...draft.choices, otherAccounts }));
}

/** The wizard's steps, in their order; the second one is there for keys of custom key stores alone. */
export type StepId = "configure" | "store" | "labels" | "administrators" | "users" | "review";

/** Whether the wizard may leave a step. */
export function isStepDone(step: StepId, draft: KeyDraft, owner: Owner): boolean {
  switch (step) {
    case "configure":
      return (draft.origin !== "EXTERNAL" && draft.origin !== "EXTERNAL_KEY_STORE") || draft.understood;
    case "store":
      return (
        draft.keyStoreId !== "" &&
        (draft.origin !== "EXTERNAL_KEY_STORE" || externalKeyProblem(draft.externalKeyId) === undefined)
      );
    case "labels":
      return aliasProblem(draft.alias) === undefined && areTagsSound(draft.tags) && draft.description.length <= 8192;
    case "administrators":
      return true;
    case "users":
      return areAccountsSound(draft.choices.otherAccounts, owner.account);
    case "review":
      return policyProblems(policyOfDraft(draft, owner)).length === 0;
  }
}

/** What CreateKey is asked. */
export function createKeyInput(draft: KeyDraft, owner: Owner): CreateKeyCommandInput {
  return {
    KeySpec: draft.spec,
    KeyUsage: draft.usage,
    Origin: draft.origin,
    ...(storeKindOf(draft.origin) !== undefined && { CustomKeyStoreId: draft.keyStoreId }),
    ...(draft.origin === "EXTERNAL_KEY_STORE" && { XksKeyId: draft.externalKeyId }),
    ...(draft.multiRegion && { MultiRegion: true }),
    ...(draft.description !== "" && { Description: draft.description }),
    ...(draft.tags.length > 0 && { Tags: tagsOfDraft(draft) }),
    Policy: policyOfDraft(draft, owner),
  };
}

export function tagsOfDraft({ tags }: Pick<KeyDraft, "tags">): Tag[] {
  return tags.map(({ key, value }) => ({ TagKey: key, TagValue: value }));
}
