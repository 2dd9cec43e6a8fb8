/** The EBS direct APIs, upon the snapshots that EC2's part has. */

import { UnsupportedOperationException } from "../../base/errors.ts";
import type { Service } from "../../pipeline/operation.ts";
import { ebsModel } from "../../wire/models.ts";
import { InternalServerException, ValidationException } from "./errors.ts";
import type { Environment } from "./operation.ts";
import { blockPayloads } from "./payload.ts";
import { getSnapshotBlock, listChangedBlocks, listSnapshotBlocks } from "./reading.ts";
import { completeSnapshot, putSnapshotBlock, startSnapshot } from "./writing.ts";

/** Request bodies: a block. */
const BODY_BYTES_MAX = 524_288;

/** The EBS direct APIs over KMS. */
export function ebsService(environment: Environment): Service {
  const operations = [
    completeSnapshot,
    getSnapshotBlock,
    listChangedBlocks,
    listSnapshotBlocks,
    putSnapshotBlock,
    startSnapshot,
  ];
  return {
    model: ebsModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    payloads: blockPayloads,
    invalid: (cause) => new ValidationException("INVALID_PARAMETER_VALUE", cause.message, { cause }),
    unsupported: (name) => new UnsupportedOperationException(`Keystead does not support ${name}.`),
    internal: (cause) => new InternalServerException("", { cause }),
  };
}
