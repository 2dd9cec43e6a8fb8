/** Imported key material: how it may be wrapped, what its coming and going makes of its key, and its expiry. */

import { UnsupportedOperationException, ValidationException } from "../base/errors.ts";
import type { DueHandler } from "../pipeline/due-work.ts";
import type { Recorder } from "../pipeline/operation.ts";
import { clearDue, type DueName } from "../storage/due.ts";
import { updateKey } from "../storage/keys.ts";
import {
  deleteMaterial,
  findMaterial,
  type ImportedWhole,
  type MaterialName,
  type MaterialSummary,
  sumUpImported,
  updateMaterial,
} from "../storage/materials.ts";
import type { ExpirationModel, KeyRow, KeyState } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { insertTombstone } from "../storage/tombstones.ts";
import { keyArn } from "./identifiers.ts";
import { requireOffered } from "./key-specs.ts";
import { dropWaiting, settleWaiting } from "./waiting-material.ts";

/** The kind of the due rows of material that expires; their subjects are made by `expiryOf`. */
export const EXPIRE_MATERIAL = "kms:ExpireKeyMaterial";

/** The kind of the due row that makes the store forget the pages of deleted material. */
export const ERASE_MATERIAL = "kms:EraseKeyMaterial";

/** How long the answer of GetParametersForImport is good (API reference, GetParametersForImport). */
export const PARAMETERS_MS = 86_400_000;

/** How material is to be wrapped, in the words of the API. */
export interface Wrapping {
  readonly WrappingAlgorithm: string;
  readonly WrappingKeySpec: string;
}

/**
 * Requires a wrapping that the guide has for material of the spec (KMS guide, Select a wrapping public key spec and a
 * wrapping algorithm). Its table has no AES key wrap for symmetric and HMAC keys, its text has; a user's log of January 2024
 * has the refusal for symmetric keys, in these words. China Regions have SM2 wrapping keys, for material of any spec since
 * SM2PKE knows no blocks, and no AES key wrap.
 *
 * @throws ValidationException the wrapping does not go with the spec
 * @throws UnsupportedOperationException the wrapping algorithm is retired, or its key spec one of other Regions
 */
export function requireWrapping(keySpec: string, wrapping: Wrapping, { partition }: { partition: string }): void {
  const { WrappingAlgorithm: algorithm, WrappingKeySpec: wrappingKeySpec } = wrapping;
  if (algorithm === "RSAES_PKCS1_V1_5") {
    throw new UnsupportedOperationException("The wrapping algorithm RSAES_PKCS1_V1_5 is not supported any more.");
  }
  requireOffered(wrappingKeySpec, { partition });
  if (isWrapping(keySpec, wrapping, partition === "aws-cn")) return;
  throw new ValidationException(
    `Wrapping algorithm ${algorithm} and wrapping key spec ${wrappingKeySpec} cannot be used to import a ${keySpec} key.`,
  );
}

function isWrapping(keySpec: string, { WrappingAlgorithm, WrappingKeySpec }: Wrapping, inChina: boolean): boolean {
  if (WrappingAlgorithm === "SM2PKE" || WrappingKeySpec === "SM2") {
    return WrappingAlgorithm === "SM2PKE" && WrappingKeySpec === "SM2";
  }
  if (WrappingAlgorithm.startsWith("RSA_AES_KEY_WRAP_")) return !inChina && isKeyPair(keySpec);
  return fitsOneBlock(keySpec, WrappingKeySpec);
}

function isKeyPair(keySpec: string): boolean {
  return keySpec !== "SYMMETRIC_DEFAULT" && !keySpec.startsWith("HMAC_");
}

/** Private keys of RSA and ML-KEM are longer than a block of RSAES-OAEP, and one of P-521 than that of the smallest modulus. */
function fitsOneBlock(keySpec: string, wrappingKeySpec: string): boolean {
  if (keySpec.startsWith("RSA_") || keySpec.startsWith("ML_KEM_")) return false;
  return keySpec !== "ECC_NIST_P521" || wrappingKeySpec !== "RSA_2048";
}

/** Names the due row of a material's expiry. */
export function expiryOf({ region, keyId, materialId }: MaterialName): DueName {
  return { kind: EXPIRE_MATERIAL, region, subject: `${keyId} ${materialId}` };
}

/** Names one material of a key. */
export function materialNamed({ region, key_id }: KeyRow, materialId: string): MaterialName {
  return { region, keyId: key_id, materialId };
}

/** Whether a material expires, in the words of the API. */
export function expirationModelOf(validTo: Date | undefined): ExpirationModel {
  return validTo === undefined ? "KEY_MATERIAL_DOES_NOT_EXPIRE" : "KEY_MATERIAL_EXPIRES";
}

/** States of keys that have their material and become pending import without it; one that is being updated may be used, too. */
const LOSABLE: readonly KeyState[] = ["Enabled", "Disabled", "Updating"];

/**
 * The state of a key at a moment: material that has expired is not used, also before due work has come to delete it, which
 * waits after a start and after a leap of the clock.
 */
export function stateAt({ state, valid_to }: Pick<KeyRow, "state" | "valid_to">, now: number): KeyState {
  const isExpired = valid_to !== null && valid_to <= now;
  return isExpired && LOSABLE.includes(state) ? "PendingImport" : state;
}

/**
 * Brings a key's state and expiration up to date with its materials, and changes what else `columns` says: it is pending
 * import while one of those that are its for ever is not here (KMS guide, Key states, and Delete imported key material). Keys
 * pending deletion and disabled ones that get all they lacked keep their state.
 */
export async function settleImported(
  tx: Tx,
  row: KeyRow,
  columns: { readonly current_material_id?: string } = {},
): Promise<void> {
  const whole = await sumUpImported(tx.db, { region: row.region, keyId: row.key_id });
  await updateKey(tx, row, {
    ...columns,
    state: settledState(row.state, isComplete(whole)),
    expiration_model: expirationOf(whole),
    valid_to: whole.expiresAt,
  });
}

function isComplete({ materials, imported }: ImportedWhole): boolean {
  return materials > 0 && imported === materials;
}

function settledState(state: KeyState, complete: boolean): KeyState {
  if (complete) return state === "PendingImport" ? "Enabled" : state;
  return LOSABLE.includes(state) ? "PendingImport" : state;
}

function expirationOf({ expiring, lasting }: ImportedWhole): ExpirationModel | null {
  if (expiring > 0) return "KEY_MATERIAL_EXPIRES";
  return lasting > 0 ? "KEY_MATERIAL_DOES_NOT_EXPIRE" : null;
}

/**
 * The state of a key that leaves another state (its deletion is cancelled, its replica is made): `state`, but pending import
 * where it lacks material, since a key without it must be neither used nor enabled.
 */
export async function stateWithMaterial(tx: Tx, row: KeyRow, state: "Enabled" | "Disabled"): Promise<KeyState> {
  if (row.origin !== "EXTERNAL") return state;
  return settledState(state, isComplete(await sumUpImported(tx.db, { region: row.region, keyId: row.key_id })));
}

/**
 * Destroys imported material. Material that is the key's for ever leaves its row, by which it is known when it comes again;
 * what had yet to become current leaves nothing but a tombstone, and where the primary of related keys loses it, so do they.
 *
 * @param as what is told of its expiration afterwards: an expired one keeps it, a deleted one does not (recorded on AWS)
 */
export async function destroyImported(
  tx: Tx,
  row: KeyRow,
  { material_id, pending }: MaterialSummary,
  { now, as }: { now: number; as: "expired" | "deleted" },
): Promise<void> {
  const name = materialNamed(row, material_id);
  const gone = [name];
  if (pending === null) {
    const forgotten = as === "deleted" ? { expiration_model: null, expires_at: null } : {};
    await updateMaterial(tx, name, { sealed: new Uint8Array(0), import_state: "PENDING_IMPORT", ...forgotten });
  } else {
    await deleteMaterial(tx, name);
    gone.push(...(await dropWaiting(tx, row, material_id)));
  }
  const { account, key_id } = row;
  for (const { region } of gone) {
    await clearDue(tx, expiryOf({ ...name, region }));
    await insertTombstone(tx, { kind: "material", region, key_id, material_id, account, deleted_at: now });
  }
  await settleImported(tx, row);
  await settleWaiting(tx, row);
}

/**
 * Destroys material whose time is over, with the DeleteExpiredKeyMaterial record in the same transaction.
 *
 * @param afterDeletion makes the store forget the erased pages (write-ahead log)
 */
export function expireMaterialWhenDue(recorder: Recorder, afterDeletion: () => Promise<void>): DueHandler {
  return {
    destructive: true,
    async perform(tx, { region, subject }, { now }) {
      const [keyId = "", materialId = ""] = subject.split(" ");
      const row = await tx.settle((reader) => reader.find("key", region, keyId));
      const material = await findMaterial(tx.db, { region, keyId, materialId });
      if (row === undefined || material?.import_state !== "IMPORTED") return;
      if (material.expires_at === null || material.expires_at > now) return;
      await destroyImported(tx, row, material, { now, as: "expired" });
      const { account } = row;
      await recorder.enlist(tx, {
        service: "kms",
        event: "DeleteExpiredKeyMaterial",
        account,
        region,
        now,
        response: null,
        resources: [{ arn: keyArn({ ...row, keyId }), account }],
        details: { KeyId: keyId, ...(row.spec === "SYMMETRIC_DEFAULT" && { KeyMaterialId: materialId }) },
        notice: { detailType: "KMS Imported Key Material Expiration", detail: { "key-id": keyId } },
      });
    },
    finished: afterDeletion,
  };
}

/** Makes the store forget the pages of material that DeleteImportedKeyMaterial erased, right after its answer. */
export function eraseMaterialWhenDue(afterDeletion: () => Promise<void>): DueHandler {
  return { destructive: false, perform: async () => undefined, finished: afterDeletion };
}
