/** What an account sets for its new volumes and copies in a Region: whether they are encrypted, and under which key; and the Regions. */

import type { DescribeRegionsRequest, ModifyEbsDefaultKmsKeyIdRequest } from "@aws-sdk/client-ec2";
import { regionsOfPartition } from "../../base/arn.ts";
import type { Call, Operation } from "../../pipeline/operation.ts";
import { findEbsSetting, putEbsSetting } from "../../storage/ebs.ts";
import { requireKey } from "./data-keys.ts";
import { change, InvalidParameterValue, MissingParameter, on, read } from "./operation.ts";

interface NoInput {
  readonly DryRun?: boolean | undefined;
}

const ownerOf = ({ principal, region }: Call) => ({ account: principal.account, region });

/** What stands for the AWS managed key, which is made with its first use. */
const DEFAULT_KEY = "alias/aws/ebs";

/** EnableEbsEncryptionByDefault and its opposite. */
function encryptionByDefault(name: string, encrypted: 0 | 1): Operation {
  return change<NoInput>(name, {
    targets: [on(name)],
    async run(_input, { call, tx }) {
      const setting = await findEbsSetting(tx.db, ownerOf(call));
      await putEbsSetting(tx, { ...setting, encrypted });
      return { EbsEncryptionByDefault: encrypted === 1 };
    },
  });
}

export const enableEncryption = encryptionByDefault("EnableEbsEncryptionByDefault", 1);
export const disableEncryption = encryptionByDefault("DisableEbsEncryptionByDefault", 0);

export const getEncryption = read<NoInput>("GetEbsEncryptionByDefault", {
  targets: [on("GetEbsEncryptionByDefault")],
  async run(_input, { call, store }) {
    const { encrypted } = await findEbsSetting(store.db, ownerOf(call));
    return { EbsEncryptionByDefault: encrypted === 1 };
  },
});

export const getDefaultKey = read<NoInput>("GetEbsDefaultKmsKeyId", {
  targets: [on("GetEbsDefaultKmsKeyId")],
  async run(_input, { call, store }) {
    const { key_arn } = await findEbsSetting(store.db, ownerOf(call));
    return { KmsKeyId: key_arn ?? DEFAULT_KEY };
  },
});

/** Sets the key for what names none; it must be one that EBS can use, and that the caller may look at. */
export const modifyDefaultKey = change<ModifyEbsDefaultKmsKeyIdRequest, string>("ModifyEbsDefaultKmsKeyId", {
  targets: [on("ModifyEbsDefaultKmsKeyId")],
  validate({ KmsKeyId }) {
    if (KmsKeyId === undefined) throw new MissingParameter("The request must contain the parameter KmsKeyId");
  },
  prepare: ({ KmsKeyId = "" }, context) => requireKey(KmsKeyId, context),
  async run(_input, { call, tx, prepared: key_arn }) {
    const setting = await findEbsSetting(tx.db, ownerOf(call));
    await putEbsSetting(tx, { ...setting, key_arn });
    return { KmsKeyId: key_arn };
  },
});

export const resetDefaultKey = change<NoInput>("ResetEbsDefaultKmsKeyId", {
  targets: [on("ResetEbsDefaultKmsKeyId")],
  async run(_input, { call, tx }) {
    const setting = await findEbsSetting(tx.db, ownerOf(call));
    await putEbsSetting(tx, { ...setting, key_arn: null });
    return { KmsKeyId: DEFAULT_KEY };
  },
});

/** The Regions of the caller's partition. */
export const describeRegions = read<DescribeRegionsRequest>("DescribeRegions", {
  targets: [on("DescribeRegions")],
  async run({ RegionNames = [], Filters = [] }, { call }) {
    const regions = regionsOfPartition[call.partition] ?? [];
    const unknown = RegionNames.find((name) => !regions.includes(name));
    if (unknown !== undefined) throw new InvalidParameterValue(`Invalid region names: '${unknown}'`);
    if (Filters.length > 0) throw new InvalidParameterValue("Regions are not filtered here.");
    const named = regions.filter((name) => RegionNames.length === 0 || RegionNames.includes(name));
    const Regions = named.map((RegionName) => ({
      RegionName,
      Endpoint: `ec2.${RegionName}.amazonaws.com`,
      OptInStatus: "opt-in-not-required",
    }));
    return { Regions };
  },
});
