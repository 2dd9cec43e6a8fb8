/** The operations of the KMS API that are built, by name. */

import type { Operation } from "../../pipeline/operation.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./aliases.ts";
import {
  generateDataKey,
  generateDataKeyPair,
  generateDataKeyPairWithoutPlaintext,
  generateDataKeyWithoutPlaintext,
} from "./data-keys.ts";
import { cancelKeyDeletion, scheduleKeyDeletion } from "./deletion.ts";
import { decrypt, encrypt, reEncrypt } from "./encryption.ts";
import { deriveSharedSecret } from "./key-agreement.ts";
import { getKeyLastUsage } from "./last-usage.ts";
import { createKey, describeKey, disableKey, enableKey, listKeys, updateKeyDescription } from "./lifecycle.ts";
import { generateMac, verifyMac } from "./macs.ts";
import { replicateKey, updatePrimaryRegion } from "./multi-region.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./policies.ts";
import { getPublicKey } from "./public-keys.ts";
import { generateRandom } from "./random.ts";
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeyRotations,
  rotateKeyOnDemand,
} from "./rotation.ts";
import { sign, verify } from "./signing.ts";
import { listResourceTags, tagResource, untagResource } from "./tags.ts";

/** Every operation built, by its name on the wire. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [
    cancelKeyDeletion,
    createAlias,
    createKey,
    decrypt,
    deleteAlias,
    deriveSharedSecret,
    describeKey,
    disableKey,
    disableKeyRotation,
    enableKey,
    enableKeyRotation,
    encrypt,
    generateDataKey,
    generateDataKeyPair,
    generateDataKeyPairWithoutPlaintext,
    generateDataKeyWithoutPlaintext,
    generateMac,
    generateRandom,
    getKeyLastUsage,
    getKeyPolicy,
    getKeyRotationStatus,
    getPublicKey,
    listAliases,
    listKeyPolicies,
    listKeyRotations,
    listKeys,
    listResourceTags,
    putKeyPolicy,
    reEncrypt,
    replicateKey,
    rotateKeyOnDemand,
    scheduleKeyDeletion,
    sign,
    tagResource,
    untagResource,
    updateAlias,
    updateKeyDescription,
    updatePrimaryRegion,
    verify,
    verifyMac,
  ].map((operation) => [operation.name, operation]),
);
