/** EC2 as far as VPC endpoints, EBS volumes and snapshots go. */

import { InternalFailure, UnsupportedOperationException } from "../../base/errors.ts";
import { vpcEndpointOperations } from "../../iam/vpc-endpoints.ts";
import type { Service } from "../../pipeline/operation.ts";
import { ec2Model } from "../../wire/models.ts";
import type { Environment } from "./operation.ts";
import {
  describeRegions,
  disableEncryption,
  enableEncryption,
  getDefaultKey,
  getEncryption,
  modifyDefaultKey,
  resetDefaultKey,
} from "./settings.ts";
import {
  copySnapshot,
  createSnapshot,
  describeSnapshotAttribute,
  describeSnapshots,
  modifySnapshotAttribute,
  removeSnapshot,
} from "./snapshots.ts";
import { attachVolume, createVolume, describeVolumes, detachVolume, removeVolume } from "./volumes.ts";

/** Request bodies: an endpoint policy, escaped. */
const BODY_BYTES_MAX = 131_072;

/** The EC2 API over KMS. */
export function ec2Service(environment: Environment): Service {
  const operations = [
    ...vpcEndpointOperations,
    attachVolume,
    copySnapshot,
    createSnapshot,
    createVolume,
    describeRegions,
    describeSnapshotAttribute,
    describeSnapshots,
    describeVolumes,
    detachVolume,
    disableEncryption,
    enableEncryption,
    getDefaultKey,
    getEncryption,
    modifyDefaultKey,
    modifySnapshotAttribute,
    removeSnapshot,
    removeVolume,
    resetDefaultKey,
  ];
  return {
    model: ec2Model(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (name) => new UnsupportedOperationException(`Keystead does not support ${name}.`),
    internal: (cause) => new InternalFailure("", { cause }),
  };
}
