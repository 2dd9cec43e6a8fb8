/** ReplicateKey and UpdatePrimaryRegion: related keys in several Regions. */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import { findPartition } from "../../base/arn.ts";
import { AlreadyExistsException, KMSInternalException, UnsupportedOperationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { clearDue, findDueAt, setDue } from "../../storage/due.ts";
import { updateKey } from "../../storage/keys.ts";
import type { KeyRow } from "../../storage/schema.ts";
import { upsertTags } from "../../storage/tags.ts";
import {
  contextOfKey,
  createReplicaConditions,
  primaryRegionCondition,
  replicaRegionCondition,
} from "../conditions.ts";
import { defaultKeyPolicy, requireKeyPolicy } from "../key-policies.ts";
import { promotable, replicable } from "../key-states.ts";
import { keyMetadata } from "../keys.ts";
import { change } from "../operation.ts";
import { requireKeyCount } from "../quotas/limits.ts";
import { recordSynchronization, replicaRegionsColumn, replicaRegionsOf, updateRelatedKeys } from "../related-keys.ts";
import {
  accountInReplicaRegion,
  everyKeyInReplicaRegion,
  primaryKey,
  replicaInPrimaryRegion,
} from "../related-resources.ts";
import { copyMaterials, insertReplica, isCopiedWhole } from "../replicas.ts";
import { Key } from "../resources.ts";
import { rotationOf } from "../rotation.ts";
import type { Input } from "../shapes.ts";
import { requireTags, tagOf } from "../tags.ts";
import { settleLater } from "../transient-states.ts";
import { settleWaiting } from "../waiting-material.ts";

/** Who, in the principal's name, does the part of an operation that is in another Region (KMS guide, UpdatePrimaryRegion). */
const KMS = "kms.amazonaws.com";

/**
 * Makes a replica of a primary key in another Region of its partition: same id, material and history; its own policy, tags,
 * description and state (API reference, ReplicateKey). It is `Creating` for a moment.
 *
 * @throws AlreadyExistsException a related key is in that Region, in whatever state
 * @throws UnsupportedOperationException the key is no primary, or the Region is none that it can be replicated into
 * @throws KMSInternalException the key was rotated at this moment; the caller may try again
 * @throws MalformedPolicyDocumentException, LimitExceededException, TagException see key-policies.ts, tags.ts
 */
export const replicateKey = change("ReplicateKey", {
  targets: [
    {
      as: "key",
      action: "kms:ReplicateKey",
      resource: primaryKey,
      states: replicable,
      conditions: replicaRegionCondition,
    },
    { as: "account", action: "kms:CreateKey", resource: accountInReplicaRegion, conditions: createReplicaConditions },
    {
      as: "tagged",
      action: "kms:TagResource",
      resource: everyKeyInReplicaRegion,
      conditions: createReplicaConditions,
      when: ({ Tags = [] }) => Tags.length > 0,
    },
  ],
  record: {
    readOnly: false,
    request: ({ KeyId, ReplicaRegion, Policy, BypassPolicyLockoutSafetyCheck = false, Description = "", Tags }) => ({
      KeyId,
      ReplicaRegion,
      Policy,
      BypassPolicyLockoutSafetyCheck,
      Description,
      Tags,
    }),
    response: ({ ReplicaKeyMetadata, ReplicaPolicy }) => ({ ReplicaKeyMetadata, ReplicaPolicy }),
    resources: ["key"],
  },
  validate({ ReplicaRegion, Tags }, { region, partition }) {
    requireReplicable(ReplicaRegion, { region, partition });
    if (Tags !== undefined) requireTags(Tags);
  },
  prepare: ({ ReplicaRegion }, { key, store, custody }) =>
    copyMaterials({ db: store.db, custody }, key.row, ReplicaRegion),
  async check({ ReplicaRegion }, { key: { arn, id, row }, tx, prepared }) {
    if (ReplicaRegion === row.region) {
      throw new AlreadyExistsException(`${ReplicaRegion} cannot have a replica because it contains the primary.`);
    }
    const taken = await tx.settle((reader) => reader.find("key", ReplicaRegion, id));
    if (taken !== undefined) throw new AlreadyExistsException(ONE_IN_EACH_REGION);
    if (!(await isCopiedWhole(tx, row, prepared))) {
      throw new KMSInternalException(`The material of ${arn} is changing.`);
    }
  },
  async run(input, { call, key: { row: primary }, tx, prepared: materials, recorder, unknownPrincipals }) {
    const { now } = call;
    const { ReplicaRegion: region, Description: description = "" } = input;
    const policy = await checkedPolicy(input, { call: { ...call, region }, primary, tx, unknownPrincipals });
    const own = { region, description, ...policy, state: "Creating" as const, created_at: now };
    const replica = await insertReplica(tx, primary, { ...own, materials });
    await requireKeyCount(tx, replica, call);
    const name = { region: replica.region, keyId: replica.key_id };
    if (input.Tags !== undefined) await upsertTags(tx, name, input.Tags.map(tagOf));
    await settleLater(tx, replica, now);
    const ReplicaKeyMetadata: KeyMetadata = keyMetadata(replica);
    await recorder.enlist(tx, creationOf(input, { ...call, operation: "CreateKey" }, ReplicaKeyMetadata));
    await recordSynchronization(tx, replica, { now, recorder });
    return {
      ReplicaKeyMetadata,
      ReplicaPolicy: replica.policy,
      ReplicaTags: input.Tags?.map(({ ...tag }) => tag) ?? [],
    };
  },
});

/** What users report of Pulumi (pulumi/pulumi-aws-native, issue 184) and CDK (aws/aws-cdk, issue 21203). */
const ONE_IN_EACH_REGION = "You can create only one replica of each primary key in each AWS Region.";

/** The texts for another partition and for the primary's own Region are AWS's (cdk-preflight, rules/kms/pf-kms-replica-primary-arn). */
function requireReplicable(target: string, { region, partition }: { region: string; partition: string }): void {
  const found = findPartition(target);
  if (found === partition) return;
  throw new UnsupportedOperationException(
    found === undefined
      ? `A key of ${region} can't be replicated into ${target}.`
      : "The replica key Region must be in the same AWS partition as the primary key Region.",
  );
}

/** The policy of a replica, which is never its primary's unless the caller sends that, as columns of its row. */
async function checkedPolicy(
  { Policy, BypassPolicyLockoutSafetyCheck }: Input<"ReplicateKey">,
  {
    primary,
    ...rest
  }: Pick<Parameters<typeof requireKeyPolicy>[1], "call" | "tx" | "unknownPrincipals"> & { primary: KeyRow },
): Promise<Pick<KeyRow, "policy" | "policy_principals">> {
  if (Policy === undefined) return { policy: defaultKeyPolicy(primary), policy_principals: "{}" };
  const replica = new Key({ ...primary, region: rest.call.region, policy: Policy });
  const { principals } = await requireKeyPolicy(Policy, {
    ...rest,
    keyArn: replica.arn,
    bypassLockout: BypassPolicyLockoutSafetyCheck === true,
    contextOf: (reader) => contextOfKey(rest.call, replica, reader),
  });
  return { policy: Policy, policy_principals: principals };
}

/** The record of the replica's creation, in its own Region (KMS guide, ReplicateKey). */
function creationOf(input: Input<"ReplicateKey">, call: Call, metadata: KeyMetadata) {
  const { Policy, Description = "", BypassPolicyLockoutSafetyCheck = false, Tags = [], ReplicaRegion } = input;
  const { KeyUsage, CustomerMasterKeySpec, KeySpec, Origin, MultiRegion, Arn = "", AWSAccountId = "" } = metadata;
  const request = { Policy, Description, KeyUsage, CustomerMasterKeySpec, KeySpec, Origin, MultiRegion };
  return {
    call: { ...call, region: ReplicaRegion },
    readOnly: false,
    request: { ...request, BypassPolicyLockoutSafetyCheck, Tags },
    response: { KeyMetadata: metadata },
    resources: [{ arn: Arn, account: AWSAccountId }],
    invokedBy: KMS,
  };
}

/**
 * Makes a replica the primary of its set, and the primary a replica; both are `Updating` for a moment, in which they can be
 * used (API reference, UpdatePrimaryRegion). The rotation that was planned stays planned.
 *
 * @throws NotFoundException there is no replica in that Region
 * @throws UnsupportedOperationException the key is no primary
 */
export const updatePrimaryRegion = change("UpdatePrimaryRegion", {
  targets: [
    { as: "key", action: "kms:UpdatePrimaryRegion", resource: primaryKey, states: promotable },
    { as: "replica", action: "kms:UpdatePrimaryRegion", resource: replicaInPrimaryRegion, states: promotable },
  ],
  conditions: primaryRegionCondition,
  record: {
    readOnly: false,
    request: ["KeyId", "PrimaryRegion"],
    response: (_output, { key }) => ({ KeyId: key.arn }),
    resources: ["key"],
  },
  async run({ PrimaryRegion }, { call, key, replica, tx, recorder }) {
    const { row } = key;
    const regions = replicaRegionsOf(row).map((region) => (region === PrimaryRegion ? row.region : region));
    const relations = { primary_region: PrimaryRegion, replica_regions: replicaRegionsColumn(regions) };
    await updateRelatedKeys(tx, row, relations);
    await settleWaiting(tx, { ...row, ...relations });
    for (const changed of [row, replica.row]) {
      await updateKey(tx, changed, { state: "Updating" });
      await settleLater(tx, changed, call.now);
    }
    const rotationAt = await findDueAt(tx.db, rotationOf(row));
    await clearDue(tx, rotationOf(row));
    if (rotationAt !== undefined) await setDue(tx, { ...rotationOf({ ...row, ...relations }), due_at: rotationAt });
    await recorder.enlist(tx, {
      call: { ...call, region: PrimaryRegion },
      readOnly: false,
      request: { KeyId: replica.arn, PrimaryRegion },
      response: { KeyId: replica.arn },
      resources: undefined,
      invokedBy: KMS,
    });
    return {};
  },
});
