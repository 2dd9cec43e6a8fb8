/** The operations of the KMS API that are built, by name. */

import type { Operation } from "../../pipeline/operation.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./aliases.ts";
import { generateDataKey, generateDataKeyWithoutPlaintext } from "./data-keys.ts";
import { cancelKeyDeletion, scheduleKeyDeletion } from "./deletion.ts";
import { decrypt, encrypt, reEncrypt } from "./encryption.ts";
import { createKey, describeKey, disableKey, enableKey, listKeys, updateKeyDescription } from "./lifecycle.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./policies.ts";
import { generateRandom } from "./random.ts";
import { disableKeyRotation, enableKeyRotation, getKeyRotationStatus } from "./rotation.ts";
import { listResourceTags, tagResource, untagResource } from "./tags.ts";

/** Every operation built, by its name on the wire. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [
    cancelKeyDeletion,
    createAlias,
    createKey,
    decrypt,
    deleteAlias,
    describeKey,
    disableKey,
    disableKeyRotation,
    enableKey,
    enableKeyRotation,
    encrypt,
    generateDataKey,
    generateDataKeyWithoutPlaintext,
    generateRandom,
    getKeyPolicy,
    getKeyRotationStatus,
    listAliases,
    listKeyPolicies,
    listKeys,
    listResourceTags,
    putKeyPolicy,
    reEncrypt,
    scheduleKeyDeletion,
    tagResource,
    untagResource,
    updateAlias,
    updateKeyDescription,
  ].map((operation) => [operation.name, operation]),
);
