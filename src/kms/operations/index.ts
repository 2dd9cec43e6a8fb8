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
import { decapsulate, encapsulate } from "./encapsulation.ts";
import { decrypt, encrypt, reEncrypt } from "./encryption.ts";
import { createGrant, listGrants, listRetirableGrants, retireGrant, revokeGrant } from "./grants.ts";
import { deleteImportedKeyMaterial, getParametersForImport, importKeyMaterial } from "./imports.ts";
import { deriveSharedSecret } from "./key-agreement.ts";
import {
  connectCustomKeyStore,
  createCustomKeyStore,
  deleteCustomKeyStore,
  describeCustomKeyStores,
  disconnectCustomKeyStore,
  updateCustomKeyStore,
} from "./key-stores.ts";
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
    connectCustomKeyStore,
    createAlias,
    createCustomKeyStore,
    createGrant,
    createKey,
    decapsulate,
    decrypt,
    deleteAlias,
    deleteCustomKeyStore,
    deleteImportedKeyMaterial,
    deriveSharedSecret,
    describeCustomKeyStores,
    describeKey,
    disableKey,
    disableKeyRotation,
    disconnectCustomKeyStore,
    enableKey,
    enableKeyRotation,
    encapsulate,
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
    getParametersForImport,
    getPublicKey,
    importKeyMaterial,
    listAliases,
    listGrants,
    listKeyPolicies,
    listKeyRotations,
    listKeys,
    listResourceTags,
    listRetirableGrants,
    putKeyPolicy,
    reEncrypt,
    replicateKey,
    retireGrant,
    revokeGrant,
    rotateKeyOnDemand,
    scheduleKeyDeletion,
    sign,
    tagResource,
    untagResource,
    updateAlias,
    updateCustomKeyStore,
    updateKeyDescription,
    updatePrimaryRegion,
    verify,
    verifyMac,
  ].map((operation) => [operation.name, operation]),
);
