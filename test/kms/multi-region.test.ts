/** What operations of multi-Region keys ask permission for where no key policy decides: in IAM, and in the other Region. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RootPrincipal } from "../../src/identity/principal.ts";
import { newKeyRow } from "../../src/kms/keys.ts";
import { operations } from "../../src/kms/operations/index.ts";
import type { Call, Operation, Resource } from "../../src/pipeline/operation.ts";
import { requestContext } from "../../src/pipeline/request-context.ts";
import type { KeyRow } from "../../src/storage/schema.ts";
import type { Reader } from "../../src/storage/store.ts";

const ACCOUNT = "111122223333";
const principal: RootPrincipal = {
  kind: "root",
  account: ACCOUNT,
  partition: "aws",
  arn: `arn:aws:iam::${ACCOUNT}:root`,
  accountArn: `arn:aws:iam::${ACCOUNT}:root`,
  uniqueId: ACCOUNT,
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
};
const keyId = `mrk-${"1234abcd".repeat(4)}`;
const primary = newKeyRow({
  partition: "aws",
  region: "us-east-1",
  account: ACCOUNT,
  keyId,
  description: "",
  policy: '{"Version":"2012-10-17","Statement":[]}',
  now: 0,
  spec: "RSA_2048",
  usage: "SIGN_VERIFY",
  multiRegion: true,
});

/** A permission as it is asked for. */
interface Asked {
  readonly action: string | undefined;
  readonly arn: string;
  readonly region: string | undefined;
  /** The values of these condition keys. */
  readonly values: Readonly<Record<string, readonly string[] | undefined>>;
}

/** The permissions that a call asks for, in order, when the store has these keys. */
function permissionsOf(operation: string, input: object, rows: readonly KeyRow[], names: readonly string[]): Asked[] {
  const { targets } = operations.get(operation) as Operation;
  const call: Call = {
    requestId: "",
    service: "kms",
    operation,
    principal,
    partition: "aws",
    region: "us-east-1",
    now: 0,
    client: { address: "127.0.0.1", userAgent: undefined, host: "" },
  };
  const reader = {
    find: (_kind: string, region: string, id: string) => rows.find((row) => row.region === region && row.key_id === id),
  } as Reader;
  const found: Record<string, Resource> = {};
  return targets
    .filter(({ when }) => when === undefined || when(input, call))
    .map(({ as, action, resolve, conditions }) => {
      const { kind, resource } = resolve(input, call, reader);
      if (kind === "found") found[as] = resource;
      const facts = { call, resource, reader, examined: {} };
      const context = requestContext(facts, (key) => conditions?.(key, { ...facts, input, found }));
      const values = Object.fromEntries(names.map((name) => [name, context(name)]));
      return { action, arn: resource.arn, region: context("aws:requestedregion")?.[0], values };
    });
}

describe("CreateKey with MultiRegion", () => {
  it("S05-026, S01-005: asks for iam:CreateServiceLinkedRole on the role of multi-Region keys, and else does not", () => {
    const names = ["iam:awsservicename", "kms:multiregion"];
    assert.deepEqual(permissionsOf("CreateKey", { MultiRegion: true }, [], names), [
      {
        action: "kms:CreateKey",
        arn: "*",
        region: "us-east-1",
        values: { "iam:awsservicename": undefined, "kms:multiregion": ["true"] },
      },
      {
        action: "iam:CreateServiceLinkedRole",
        arn: `arn:aws:iam::${ACCOUNT}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys`,
        region: "us-east-1",
        values: { "iam:awsservicename": ["mrk.kms.amazonaws.com"], "kms:multiregion": undefined },
      },
    ]);
    for (const input of [{}, { MultiRegion: false }]) {
      const actions = permissionsOf("CreateKey", input, [], []).map(({ action }) => action);
      assert.deepEqual(actions, ["kms:CreateKey"]);
    }
  });

  it("S04-013: is of a primary key to kms:MultiRegionKeyType, which single-Region keys lack", () => {
    const typeOf = (input: object) =>
      permissionsOf("CreateKey", input, [], ["kms:multiregionkeytype"])[0]?.values["kms:multiregionkeytype"];
    assert.deepEqual([typeOf({ MultiRegion: true }), typeOf({})], [["PRIMARY"], undefined]);
  });
});

describe("ReplicateKey", () => {
  it("S04-025: asks for kms:ReplicateKey where the primary is, and for kms:CreateKey and kms:TagResource where the replica will be", () => {
    const Tags = [{ TagKey: "team", TagValue: "blue" }];
    const input = { KeyId: keyId, ReplicaRegion: "eu-west-1", Tags, BypassPolicyLockoutSafetyCheck: true };
    const names = [
      "kms:replicaregion",
      "kms:multiregion",
      "kms:multiregionkeytype",
      "kms:keyspec",
      "kms:keyusage",
      "kms:keyorigin",
      "kms:calleraccount",
      "kms:bypasspolicylockoutsafetycheck",
      "aws:requesttag/team",
    ];
    const ofReplica = {
      "kms:replicaregion": undefined,
      "kms:multiregion": ["true"],
      "kms:multiregionkeytype": ["REPLICA"],
      "kms:keyspec": ["RSA_2048"],
      "kms:keyusage": ["SIGN_VERIFY"],
      "kms:keyorigin": ["AWS_KMS"],
      "kms:calleraccount": [ACCOUNT],
      "kms:bypasspolicylockoutsafetycheck": ["true"],
      "aws:requesttag/team": ["blue"],
    };
    assert.deepEqual(permissionsOf("ReplicateKey", input, [primary], names), [
      {
        action: "kms:ReplicateKey",
        arn: `arn:aws:kms:us-east-1:${ACCOUNT}:key/${keyId}`,
        region: "us-east-1",
        values: {
          ...ofReplica,
          "kms:replicaregion": ["eu-west-1"],
          "kms:multiregionkeytype": ["PRIMARY"],
          "kms:bypasspolicylockoutsafetycheck": undefined,
          "aws:requesttag/team": undefined,
        },
      },
      { action: "kms:CreateKey", arn: "*", region: "eu-west-1", values: ofReplica },
      {
        action: "kms:TagResource",
        arn: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/*`,
        region: "eu-west-1",
        values: ofReplica,
      },
    ]);
    const untagged = permissionsOf("ReplicateKey", { KeyId: keyId, ReplicaRegion: "eu-west-1" }, [primary], []);
    assert.deepEqual(
      untagged.map(({ action }) => action),
      ["kms:ReplicateKey", "kms:CreateKey"],
    );
  });

  it("tells conditions nothing of a primary that is not there", () => {
    const asked = permissionsOf("ReplicateKey", { KeyId: keyId, ReplicaRegion: "eu-west-1" }, [], ["kms:keyspec"]);
    assert.deepEqual(
      asked.map(({ values }) => values),
      [{ "kms:keyspec": undefined }, { "kms:keyspec": undefined }],
    );
  });
});

describe("UpdatePrimaryRegion", () => {
  it("S04-025: asks for kms:UpdatePrimaryRegion on each key in its Region, on one that is not there, too", () => {
    const replicated = { ...primary, replica_regions: '["eu-west-1"]' };
    const replica = { ...replicated, region: "eu-west-1" };
    const input = { KeyId: keyId, PrimaryRegion: "eu-west-1" };
    const arn = (region: string) => `arn:aws:kms:${region}:${ACCOUNT}:key/${keyId}`;
    const both = permissionsOf("UpdatePrimaryRegion", input, [replicated, replica], ["kms:multiregionkeytype"]);
    const action = "kms:UpdatePrimaryRegion";
    assert.deepEqual(both, [
      { action, arn: arn("us-east-1"), region: "us-east-1", values: { "kms:multiregionkeytype": ["PRIMARY"] } },
      { action, arn: arn("eu-west-1"), region: "eu-west-1", values: { "kms:multiregionkeytype": ["REPLICA"] } },
    ]);
    assert.deepEqual(
      permissionsOf("UpdatePrimaryRegion", input, [primary], ["kms:primaryregion"]),
      ["us-east-1", "eu-west-1"].map((region) => ({
        action,
        arn: arn(region),
        region,
        values: { "kms:primaryregion": ["eu-west-1"] },
      })),
    );
  });
});
