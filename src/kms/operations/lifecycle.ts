/** CreateKey, DescribeKey, ListKeys, UpdateKeyDescription, EnableKey and DisableKey. */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import { newKeyId, newMultiRegionKeyId } from "../../base/ids.ts";
import type { SealedMaterial } from "../../custody/custody.ts";
import { ensureLinkedRole } from "../../iam/service-linked-roles.ts";
import { insertKey, listKeyIds, updateKey } from "../../storage/keys.ts";
import type { Reader } from "../../storage/store.ts";
import { upsertTags } from "../../storage/tags.ts";
import { aliasCondition, contextOfKey, createKeyConditions } from "../conditions.ts";
import { keyArn, keyIdOrArn } from "../identifiers.ts";
import { examineIdleness, idleCondition } from "../idle-keys.ts";
import { defaultKeyPolicy, requireKeyPolicy } from "../key-policies.ts";
import { creatableSpecs, findAlgorithms, isImportable, requireOffered } from "../key-specs.ts";
import { anyState, manageable, stateOf, switchable } from "../key-states.ts";
import { placeInStore, requireExternalKey, requireOrigin, requireStoreMembers } from "../key-stores/external-keys.ts";
import { backingKeyText, keepTokenKey, type MadeKey, makeTokenKey } from "../key-stores/token-keys.ts";
import { insertKeyWithMaterial, keyMetadata, newKeyRow } from "../keys.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { requireKeyCount } from "../quotas/limits.ts";
import { account, everyKey, Key, key, keyMadeOnFirstUse, keyStore } from "../resources.ts";
import { resumeRotation } from "../rotation.ts";
import { linkedRole, linkedRoleCondition, MULTI_REGION_ROLE } from "../service-linked-roles.ts";
import type { Input } from "../shapes.ts";
import { requireTags, tagOf } from "../tags.ts";

/**
 * Creates a key of any spec, with material of our own or with none yet; with `MultiRegion` a primary key that can be
 * replicated (API reference, CreateKey).
 *
 * @throws ValidationException usage and spec don't go together, or the usage is missing where it must be given
 * @throws UnsupportedOperationException a kind of key that can't be made here yet, or not in a custom key store
 * @throws CustomKeyStoreInvalidStateException, XksKey…Exception see key-stores/external-keys.ts
 * @throws MalformedPolicyDocumentException, LimitExceededException, TagException see key-policies.ts, tags.ts; quotas/limits.ts
 */
export const createKey = change("CreateKey", {
  targets: [
    { as: "account", action: "kms:CreateKey", resource: account },
    { as: "tagged", action: "kms:TagResource", resource: everyKey, when: ({ Tags = [] }) => Tags.length > 0 },
    {
      as: "keyStore",
      action: undefined,
      resource: keyStore("CustomKeyStoreId"),
      when: ({ CustomKeyStoreId }) => CustomKeyStoreId !== undefined,
    },
    {
      as: "role",
      action: "iam:CreateServiceLinkedRole",
      resource: linkedRole(MULTI_REGION_ROLE),
      conditions: linkedRoleCondition(MULTI_REGION_ROLE),
      when: ({ MultiRegion }) => MultiRegion === true,
    },
  ],
  conditions: createKeyConditions,
  record: {
    readOnly: false,
    request: (input) => ({
      Policy: input.Policy,
      Description: input.Description ?? "",
      KeyUsage: usageOf(input),
      CustomerMasterKeySpec: specOf(input),
      KeySpec: specOf(input),
      Origin: input.Origin ?? "AWS_KMS",
      MultiRegion: input.MultiRegion ?? false,
      BypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
      Tags: input.Tags ?? [],
      CustomKeyStoreId: input.CustomKeyStoreId,
      XksKeyId: input.XksKeyId,
    }),
    response: ({ KeyMetadata }) => ({ KeyMetadata }),
    resources: [],
    created: ({ KeyMetadata }) => [{ arn: KeyMetadata?.Arn ?? "", account: KeyMetadata?.AWSAccountId ?? "" }],
    additional: (_output, { prepared: { keyId, tokenKey } }: { readonly prepared: PreparedKey }) =>
      tokenKey && { backingKey: backingKeyText(keyId, tokenKey) },
  },
  validate(input, call) {
    requireCreatable(input);
    requireOffered(specOf(input), call);
    if (input.Tags !== undefined) requireTags(input.Tags);
  },
  async prepare(input, { call, custody, store, xks, clusters, keyStore }): Promise<PreparedKey> {
    if (keyStore !== undefined) requireOrigin(input, keyStore);
    if (originOf(input) === "EXTERNAL_KEY_STORE") await requireExternalKey(input, { keyStore, xks, call });
    const keyId = input.MultiRegion === true ? newMultiRegionKeyId() : newKeyId();
    if (originOf(input) === "EXTERNAL") return { keyId };
    const owner = { account: call.principal.account, region: call.region, keyId };
    const kind = { spec: specOf(input), usage: usageOf(input), origin: originOf(input) };
    const material = await custody.createMaterial({ ...owner, ...kind });
    if (kind.origin !== "AWS_CLOUDHSM") return { keyId, material };
    return { keyId, material, tokenKey: await makeTokenKey(keyId, { keyStore, clusters, call, store }) };
  },
  async run(
    input,
    { call, tx, keyStore, prepared: { keyId, material, tokenKey }, unknownPrincipals },
  ): Promise<{ KeyMetadata: KeyMetadata }> {
    const { partition, region, principal, now } = call;
    const owner = { partition, region, account: principal.account, keyId };
    const policy = input.Policy ?? defaultKeyPolicy(owner);
    const kind = {
      spec: specOf(input),
      usage: usageOf(input),
      origin: originOf(input),
      multiRegion: input.MultiRegion === true,
      ...(await placeInStore(input, { keyStore, tx })),
    };
    const row = newKeyRow({ ...owner, ...kind, description: input.Description ?? "", policy, now });
    const key = new Key(row);
    const bypassLockout = input.BypassPolicyLockoutSafetyCheck === true;
    const contextOf = (reader: Reader) => contextOfKey(call, key, reader);
    const checked =
      input.Policy === undefined
        ? undefined
        : await requireKeyPolicy(input.Policy, {
            call,
            keyArn: key.arn,
            bypassLockout,
            tx,
            unknownPrincipals,
            contextOf,
          });
    const checkedRow = { ...row, policy_principals: checked?.principals ?? row.policy_principals };
    const stored = material === undefined ? checkedRow : await insertKeyWithMaterial(tx, checkedRow, material, now);
    if (material === undefined) await insertKey(tx, checkedRow);
    if (tokenKey !== undefined) await keepTokenKey(tx, stored, tokenKey);
    await requireKeyCount(tx, owner, call);
    if (input.Tags !== undefined) await upsertTags(tx, { region, keyId }, input.Tags.map(tagOf));
    if (kind.multiRegion)
      await ensureLinkedRole(tx, { account: owner.account, service: MULTI_REGION_ROLE.service, now });
    return { KeyMetadata: keyMetadata(stored, keyStore?.row) };
  },
});

interface PreparedKey {
  readonly keyId: string;
  readonly material?: SealedMaterial;
  /** The key in a cluster's token that it is to have. */
  readonly tokenKey?: MadeKey;
}

function specOf({ KeySpec, CustomerMasterKeySpec }: Input<"CreateKey">): string {
  return KeySpec ?? CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT";
}

function usageOf({ KeyUsage = "ENCRYPT_DECRYPT" }: Input<"CreateKey">): string {
  return KeyUsage;
}

function originOf({ Origin }: Input<"CreateKey">): NonNullable<Input<"CreateKey">["Origin"]> {
  return Origin ?? "AWS_KMS";
}

/** Texts as recorded on AWS (spec 09) where they are known. */
function requireCreatable(input: Input<"CreateKey">): void {
  const spec = specOf(input);
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw new ValidationException(
      "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
    );
  }
  if (input.KeyUsage === undefined && spec !== "SYMMETRIC_DEFAULT") {
    throw new ValidationException(
      "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    );
  }
  const usage = usageOf(input);
  if (findAlgorithms(spec, usage) === undefined) {
    throw new ValidationException(`KeyUsage ${usage} is not compatible with KeySpec ${spec}`);
  }
  if (!creatableSpecs.has(spec)) throw notYet(`KeySpec ${spec}`);
  if (originOf(input) === "EXTERNAL" && !isImportable(spec)) {
    throw new ValidationException(`KeySpec ${spec} is not supported for Origin EXTERNAL`);
  }
  requireStoreMembers(input);
}

function notYet(what: string): UnsupportedOperationException {
  return new UnsupportedOperationException(`Keystead does not support ${what} yet.`);
}

/** The metadata of a key; for a predefined AWS alias without a key it makes one first (API reference, DescribeKey). */
export const describeKey = read("DescribeKey", {
  targets: [{ as: "key", action: "kms:DescribeKey", resource: keyMadeOnFirstUse("KeyId"), states: anyState }],
  conditions: aliasCondition("KeyId"),
  record: { readOnly: true, request: ["KeyId"], resources: ["key"] },
  run: (_input, { call, key }) => ({
    KeyMetadata: keyMetadata({ ...key.row, state: stateOf(key, call.now) }, key.keyStore),
  }),
});

const listKeysSizes = { initial: 100, max: 1000 };

/** Ids and ARNs of all keys of the account and Region, in every state, AWS managed ones included. */
export const listKeys = read("ListKeys", {
  targets: [{ as: "account", action: "kms:ListKeys", resource: account }],
  record: { readOnly: true, request: ["Limit", "Marker"], resources: [] },
  validate: (input) => requireLimit(input, listKeysSizes),
  async run(input, context) {
    const { partition, region, principal } = context.call;
    const owner = { partition, region, account: principal.account };
    const { items, ...rest } = await page(input, context, {
      sizes: listKeysSizes,
      list: (after, count) => listKeyIds(context.store.db, owner, { after, count }),
      nameOf: (keyId) => keyId,
    });
    return { Keys: items.map((keyId) => ({ KeyId: keyId, KeyArn: keyArn({ ...owner, keyId }) })), ...rest };
  },
});

const nothing = () => ({});
const keyIdOf = (_output: unknown, { key }: { key: Key }) => ({ KeyId: key.arn });

/** Replaces the description; an empty one clears it. */
export const updateKeyDescription = change("UpdateKeyDescription", {
  targets: [{ as: "key", action: "kms:UpdateKeyDescription", resource: key("KeyId", keyIdOrArn), states: manageable }],
  record: { readOnly: false, request: ["KeyId", "Description"], resources: ["key"] },
  async run({ Description }, { key, tx }) {
    await updateKey(tx, key.row, { description: Description });
    return nothing();
  },
});

/** Allows cryptographic use again, and makes up for a rotation that was missed; does nothing to an enabled key. */
export const enableKey = change("EnableKey", {
  targets: [{ as: "key", action: "kms:EnableKey", resource: key("KeyId", keyIdOrArn), states: switchable }],
  record: { readOnly: false, request: ["KeyId"], response: keyIdOf, resources: ["key"] },
  async run(_input, { call, key, tx }) {
    if (key.state === "Enabled") return nothing();
    await updateKey(tx, key.row, { state: "Enabled" });
    await resumeRotation(tx, key.row, call.now);
    return nothing();
  },
});

/** Stops cryptographic use at once, reversibly; does nothing to a disabled key. */
export const disableKey = change("DisableKey", {
  targets: [{ as: "key", action: "kms:DisableKey", resource: key("KeyId", keyIdOrArn), states: switchable }],
  conditions: idleCondition,
  examine: examineIdleness,
  record: { readOnly: false, request: ["KeyId"], response: keyIdOf, resources: ["key"] },
  async run(_input, { key, tx }) {
    if (key.state !== "Disabled") await updateKey(tx, key.row, { state: "Disabled" });
    return nothing();
  },
});
