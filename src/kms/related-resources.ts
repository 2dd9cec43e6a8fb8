/** Resources of actions that concern another Region than the call's: a replica that is to be made, and a related key. */

import { NotFoundException } from "../base/errors.ts";
import type { Call, Resolution, Resource } from "../pipeline/operation.ts";
import type { Reader } from "../storage/store.ts";
import { keyArn, keyIdOrArn, parseKeyName } from "./identifiers.ts";
import { multiRegionKeyType, notPrimary, requirePrimary } from "./related-keys.ts";
import { asKey, type Key, key, type Locator } from "./resources.ts";

/** A multi-Region primary key of the caller's account. */
export const primaryKey: Locator<{ readonly KeyId?: string }, Key> = {
  ...key("KeyId", keyIdOrArn),
  fit: requirePrimary,
};

type Replicating = { readonly ReplicaRegion?: string };

/** The account in the Region of a replica: `kms:CreateKey` there. */
export const accountInReplicaRegion: Locator<Replicating, Resource> = {
  resolve: ({ ReplicaRegion = "" }, { principal: { account } }) => ({
    kind: "found",
    resource: { arn: "*", account, region: ReplicaRegion },
  }),
};

/** Every key of the account in the Region of a replica: `kms:TagResource` there. */
export const everyKeyInReplicaRegion: Locator<Replicating, Resource> = {
  resolve({ ReplicaRegion: region = "" }, { partition, principal: { account } }) {
    const arn = keyArn({ partition, region, account, keyId: "*" });
    return { kind: "found", resource: { arn, account, region } };
  },
};

type Promoting = { readonly KeyId?: string; readonly PrimaryRegion?: string };

/** The replica in `PrimaryRegion` of the key that `KeyId` names. */
export const replicaInPrimaryRegion: Locator<Promoting, Key> = {
  resolve({ KeyId = "", PrimaryRegion: region = "" }, call, reader) {
    const name = parseKeyName(KeyId, keyIdOrArn, call);
    const row = name.kind === "id" ? reader.find("key", region, name.id) : undefined;
    const { account } = call.principal;
    if (row !== undefined && row.account === account && name.account === account && row.multi_region === 1) {
      return { kind: "found", resource: asKey(row, reader) };
    }
    return absentReplica(call, { keyId: name.kind === "id" ? name.id : "", region }, reader);
  },
  fit(found) {
    if (multiRegionKeyType(found.row) !== "REPLICA") {
      throw new NotFoundException(`Multi-Region replica key '${found.arn}' does not exist`);
    }
  },
};

/** A key that is no primary has no replica anywhere, which is what its caller is told. */
function absentReplica(
  { partition, region, principal: { account } }: Call,
  replica: { keyId: string; region: string },
  reader: Reader,
): Resolution<Key> {
  const arn = keyArn({ partition, account, ...replica });
  const named = reader.find("key", region, replica.keyId);
  return {
    kind: "absent",
    resource: { arn, account, region: replica.region },
    error: () =>
      named === undefined || multiRegionKeyType(named) === "PRIMARY"
        ? new NotFoundException(`Key '${arn}' does not exist`)
        : notPrimary(keyArn({ partition, region, account, keyId: replica.keyId }), named),
  };
}
