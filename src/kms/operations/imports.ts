/** GetParametersForImport, ImportKeyMaterial and DeleteImportedKeyMaterial: key material that comes from outside. */

import {
  IncorrectKeyMaterialException,
  KMSInvalidStateException,
  NotFoundException,
  UnsupportedOperationException,
  ValidationException,
} from "../../base/errors.ts";
import { clearDue, setDue } from "../../storage/due.ts";
import {
  findMaterial,
  findPendingMaterial,
  insertMaterial,
  type MaterialSummary,
  updateMaterial,
} from "../../storage/materials.ts";
import { importConditions, wrappingConditions } from "../conditions.ts";
import { keyIdOrArn } from "../identifiers.ts";
import {
  destroyImported,
  ERASE_MATERIAL,
  expirationModelOf,
  expiryOf,
  materialNamed,
  PARAMETERS_MS,
  requireWrapping,
  settleImported,
} from "../importing.ts";
import { importable, importPreparable, materialDeletable } from "../key-states.ts";
import { daysAfter, materialColumns, materialOwner } from "../keys.ts";
import { change, use } from "../operation.ts";
import { multiRegionKeyType, requireNoReplica } from "../related-keys.ts";
import { type Key, key, type Locator } from "../resources.ts";
import type { Input } from "../shapes.ts";
import { findWaitingMaterial, settleWaiting } from "../waiting-material.ts";

/** Members that only symmetric encryption keys have a use for: the others never have a second material. */
interface MaterialChoice {
  readonly KeyId?: string;
  readonly ImportType?: string;
  readonly KeyMaterialDescription?: string;
  readonly KeyMaterialId?: string;
}

/** A key whose material comes from outside: states are checked first, as in spec 02's table. */
const importedKey: Locator<MaterialChoice, Key> = {
  ...key("KeyId", keyIdOrArn),
  fit(found, input) {
    requireExternal(found);
    if (!found.isSymmetric) requireNoChoice(input);
    if (input.ImportType === "NEW_KEY_MATERIAL") requireNoReplica(found);
  },
};

/** The text is recorded on AWS (spec 09). */
function requireExternal({ arn, row }: Key): void {
  if (row.origin === "EXTERNAL") return;
  throw new UnsupportedOperationException(`${arn} origin is ${row.origin} which is not valid for this operation.`);
}

function requireNoChoice(input: MaterialChoice): void {
  for (const member of ["ImportType", "KeyMaterialDescription", "KeyMaterialId"] as const) {
    if (input[member] === undefined) continue;
    throw new UnsupportedOperationException(`${member} is supported only for symmetric encryption keys.`);
  }
}

/**
 * A wrapping public key and the import token that belongs to it, good for 24 hours (API reference, GetParametersForImport).
 * Earlier ones stay good for their own 24 hours.
 *
 * @throws UnsupportedOperationException the key's material does not come from outside, or can't be wrapped so
 */
export const getParametersForImport = use("GetParametersForImport", {
  targets: [{ as: "key", action: "kms:GetParametersForImport", resource: importedKey, states: importPreparable }],
  conditions: wrappingConditions,
  record: { readOnly: true, request: ["KeyId", "WrappingAlgorithm", "WrappingKeySpec"], resources: ["key"] },
  check: (input, { call, key: { row } }) => requireWrapping(row.spec, input, call),
  async run({ WrappingAlgorithm, WrappingKeySpec }, { call, key: { arn, row }, custody }) {
    const validTo = call.now + PARAMETERS_MS;
    const { publicKey, token } = await custody.issueImport(materialOwner(row), {
      algorithm: WrappingAlgorithm,
      keySpec: WrappingKeySpec,
      validTo,
    });
    return { KeyId: arn, ImportToken: token, PublicKey: publicKey, ParametersValidTo: new Date(validTo) };
  },
});

/**
 * Imports key material, or imports it again (API reference, ImportKeyMaterial).
 *
 * A key's first material becomes its current one. From then on the same comes again, by its fingerprint; a symmetric
 * encryption key also takes new material, which waits for RotateKeyOnDemand. Replicas take what their primary has, or had.
 *
 * @throws ValidationException expiration model and date don't go together; a material id for new material
 * @throws InvalidImportTokenException, ExpiredImportTokenException, InvalidCiphertextException see Custody.takeImport
 * @throws IncorrectKeyMaterialException not material of the key's spec, not the expected one, or not a new one
 * @throws KMSInvalidStateException other new material waits already
 * @throws UnsupportedOperationException new material for a replica: it goes to the primary first
 */
export const importKeyMaterial = change("ImportKeyMaterial", {
  targets: [{ as: "key", action: "kms:ImportKeyMaterial", resource: importedKey, states: importable }],
  conditions: importConditions,
  record: {
    readOnly: false,
    request: ["KeyId", "ValidTo", "ExpirationModel", "ImportType", "KeyMaterialDescription", "KeyMaterialId"],
    response: ({ KeyId, KeyMaterialId }) => ({ KeyId, KeyMaterialId }),
    resources: ["key"],
  },
  validate(input, { now }) {
    requireExpiration(input, now);
    if (input.ImportType === "NEW_KEY_MATERIAL" && input.KeyMaterialId !== undefined) {
      throw new ValidationException("KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL.");
    }
  },
  prepare: ({ ImportToken, EncryptedKeyMaterial }, { call: { now }, custody, key: { row } }) =>
    custody.takeImport(materialOwner(row), { token: ImportToken, wrapped: EncryptedKeyMaterial, now }),
  async run(input, { call: { now }, key: { arn, isSymmetric, row }, tx, prepared: material }) {
    const { materialId } = material;
    const name = materialNamed(row, materialId);
    const known = await findMaterial(tx.db, name);
    const isFirst = row.current_material_id === "";
    const shared =
      known === undefined && multiRegionKeyType(row) === "REPLICA" ? await findWaitingMaterial(tx, row) : undefined;
    const isShared = shared !== undefined && shared.material_id === materialId;
    const isNew = isNewMaterial(input, { materialId, isKnown: known !== undefined || isShared, isFirst });
    const columns = {
      ...materialColumns(material),
      import_state: "IMPORTED" as const,
      expiration_model: expirationModelOf(input.ValidTo),
      expires_at: input.ValidTo?.getTime() ?? null,
      ...(input.KeyMaterialDescription !== undefined && { description: input.KeyMaterialDescription }),
    };
    if (isNew || isShared) {
      const waiting = await findPendingMaterial(tx.db, name);
      if (waiting !== undefined) throw stillWaiting(arn, materialId, waiting);
      const created_at = isShared ? shared.created_at : now; // related keys list their materials in the same order
      await insertMaterial(tx, { ...columns, created_at, pending: isFirst ? null : "PENDING_ROTATION" });
      await settleWaiting(tx, row);
    } else {
      const { region: _region, key_id: _keyId, material_id: _materialId, ...changed } = columns;
      await updateMaterial(tx, name, changed);
    }
    if (columns.expires_at === null) await clearDue(tx, expiryOf(name));
    else await setDue(tx, { ...expiryOf(name), due_at: columns.expires_at });
    await settleImported(tx, row, isFirst ? { current_material_id: materialId } : {});
    return { KeyId: arn, ...(isSymmetric && { KeyMaterialId: materialId }) };
  },
});

/** Longest time to expiry (API reference, ImportKeyMaterial: ValidTo). */
const EXPIRY_DAYS_MAX = 365;

/** The first text is recorded on AWS; the second and third are those of an emulator that quotes AWS. */
function requireExpiration({ ExpirationModel, ValidTo }: Input<"ImportKeyMaterial">, now: number): void {
  if (ExpirationModel === "KEY_MATERIAL_DOES_NOT_EXPIRE") {
    if (ValidTo === undefined) return;
    throw new ValidationException(
      "The parameter ValidTo cannot be specified for a key with an expiration model of KEY_MATERIAL_DOES_NOT_EXPIRE",
    );
  }
  if (ValidTo === undefined) {
    throw new ValidationException("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES");
  }
  if (ValidTo.getTime() <= now) throw new ValidationException("ValidTo must be in the future");
  if (ValidTo.getTime() > daysAfter(now, EXPIRY_DAYS_MAX)) {
    throw new ValidationException(`ValidTo must be within ${EXPIRY_DAYS_MAX} days of the request`);
  }
}

/** Whether the request brings new material; a key's first is new, later ones are not, unless the caller says otherwise. */
function isNewMaterial(
  { ImportType, KeyMaterialId }: MaterialChoice,
  { materialId, isKnown, isFirst }: { materialId: string; isKnown: boolean; isFirst: boolean },
): boolean {
  const isNew = (ImportType ?? (isFirst ? "NEW_KEY_MATERIAL" : "EXISTING_KEY_MATERIAL")) === "NEW_KEY_MATERIAL";
  const isNamed = KeyMaterialId === undefined || KeyMaterialId === materialId;
  if (isNew === isKnown || !isNamed) throw new IncorrectKeyMaterialException();
  return isNew;
}

/** The text is that of an emulator whose tests were recorded on AWS. */
function stillWaiting(arn: string, materialId: string, { material_id }: MaterialSummary): KMSInvalidStateException {
  return new KMSInvalidStateException(
    `New key material (id: ${materialId}) cannot be imported into KMS key ${arn}, because another key material (id: ${material_id}) is pending rotation.`,
  );
}

/**
 * Destroys imported material at once, the current one unless the caller names another; without effect where it is not here
 * (API reference, DeleteImportedKeyMaterial).
 *
 * @throws NotFoundException the key has no material of that id
 */
export const deleteImportedKeyMaterial = change("DeleteImportedKeyMaterial", {
  targets: [{ as: "key", action: "kms:DeleteImportedKeyMaterial", resource: importedKey, states: materialDeletable }],
  record: {
    readOnly: false,
    request: ["KeyId", "KeyMaterialId"],
    response: ({ KeyId, KeyMaterialId }) => ({ KeyId, KeyMaterialId }),
    resources: ["key"],
  },
  async run({ KeyMaterialId }, { call: { now }, key: { arn, isSymmetric, row }, tx }) {
    const materialId = KeyMaterialId ?? row.current_material_id;
    if (materialId === "") return { KeyId: arn };
    const material = await findMaterial(tx.db, materialNamed(row, materialId));
    if (material === undefined) throw new NotFoundException(`Key material '${materialId}' of ${arn} does not exist`);
    if (material.import_state === "IMPORTED") {
      await destroyImported(tx, row, material, { now, as: "deleted" });
      await setDue(tx, { kind: ERASE_MATERIAL, region: "", subject: "", due_at: now });
    }
    return { KeyId: arn, ...(isSymmetric && { KeyMaterialId: materialId }) };
  },
});
