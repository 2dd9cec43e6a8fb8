/** Secrets as a whole: made, changed, described, tagged, deleted after a while and restored. */

import { UnsupportedOperationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { clearDue, setDue } from "../../storage/due.ts";
import {
  deleteSecret as deleteSecretRows,
  hasSecrets,
  insertSecret,
  listSecretVersions,
  loadSecret,
  putSecretTags,
  updateSecret as updateSecretRow,
  updateSecretVersion,
} from "../../storage/secrets.ts";
import type { SecretRow, SecretVersionRow } from "../../storage/service-schema.ts";
import type { Secret } from "../../storage/store.ts";
import type { Tag } from "../../storage/tags.ts";
import { dueOf } from "./deletion.ts";
import {
  InvalidParameterException,
  InvalidRequestException,
  LimitExceededException,
  ResourceExistsException,
} from "./errors.ts";
import { absentSecret, newSecretArn } from "./names.ts";
import { type Context, change, type Input, onNewSecret, onSecret, read, StoredSecret } from "./operation.ts";
import { CURRENT, PENDING, PREVIOUS } from "./stages.ts";
import { findValue, hasValue, requireKeyAccess, resealedValue } from "./values.ts";
import { addVersion, labelsOf, type PreparedVersion, prepareVersion, tokenOf } from "./versions.ts";

/** Secrets of an account in a Region, and tags of one (Secrets Manager guide, Quotas). */
const SECRETS_MAX = 500_000;
const TAGS_MAX = 50;
/** Days until a secret is deleted (API reference, DeleteSecret). */
const WINDOW_DAYS = { min: 7, max: 30, initial: 30 };
const DAY_MS = 86_400_000;

const ownerOf = ({ principal, region }: Call) => ({ account: principal.account, region });

/** A key as rows have it: none, and the empty text, stand for the AWS managed one. */
const keyOf = (KmsKeyId: string | undefined): string | null =>
  KmsKeyId === undefined || KmsKeyId === "" ? null : KmsKeyId;

/** What CreateSecret has ready before its transaction. */
interface Created {
  readonly arn: string;
  readonly version: PreparedVersion | undefined;
}

/** Makes a secret, with a first version where the request brings a value. */
export const createSecret = change<"CreateSecret", Created, Context>("CreateSecret", {
  targets: [
    onNewSecret<Input<"CreateSecret">>("CreateSecret", { as: "secret" }),
    onNewSecret<Input<"CreateSecret">>("TagResource", { as: "tags", when: ({ Tags = [] }) => Tags.length > 0 }),
  ],
  validate(input) {
    tokenOf(input);
    hasValue(input);
    requireTags(tagsOf(input.Tags));
    requireBuilt(input);
  },
  async prepare(input, context) {
    const { call, store } = context;
    const versionId = tokenOf(input);
    const value = findValue(input);
    const before = await loadSecret(store.db, { ...ownerOf(call), name: input.Name });
    if (before !== undefined) {
      requireRepeated(before, await listSecretVersions(store.db, before.arn), versionId);
      const place = { arn: before.arn, versionId, keyId: before.key_id };
      return { arn: before.arn, version: value && (await prepareVersion(value, place, context)) };
    }
    const arn = newSecretArn(call, input.Name);
    const keyId = keyOf(input.KmsKeyId);
    if (keyId !== null) await requireKeyAccess(keyId, arn, context);
    return { arn, version: value && (await prepareVersion(value, { arn, versionId, keyId }, context)) };
  },
  async run(input, { call, tx, prepared: { arn, version } }) {
    const versionId = tokenOf(input);
    const owner = ownerOf(call);
    const before = await loadSecret(tx.db, { ...owner, name: input.Name });
    const answer = {
      ARN: before?.arn ?? arn,
      Name: input.Name,
      ...(version !== undefined && { VersionId: versionId }),
    };
    if (before !== undefined) {
      requireRepeated(before, await listSecretVersions(tx.db, before.arn), versionId);
      return answer;
    }
    if (await hasSecrets(tx, owner, SECRETS_MAX)) {
      throw new LimitExceededException(`An account can have at most ${SECRETS_MAX} secrets in a Region.`);
    }
    const tags = tagsOf(input.Tags);
    const row: SecretRow = {
      ...owner,
      name: input.Name,
      arn,
      description: input.Description ?? null,
      key_id: keyOf(input.KmsKeyId),
      created_at: call.now,
      changed_at: call.now,
      accessed_on: null,
      deletion_at: null,
      policy: null,
      policy_principals: "{}",
      tagged: tags.length > 0 ? 1 : 0,
    };
    await insertSecret(tx, row, tags);
    if (version !== undefined) await addVersion(tx, row, { versionId, prepared: version, labels: [CURRENT] }, call);
    return answer;
  },
});

/** Requires that a secret that is there was made by this same request; the texts were recorded by public test suites. */
function requireRepeated(before: SecretRow, versions: readonly SecretVersionRow[], versionId: string): void {
  if (before.deletion_at !== null) {
    throw new InvalidRequestException(
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
  }
  if (versions.some(({ version_id }) => version_id === versionId)) return;
  throw new ResourceExistsException(`The operation failed because the secret ${before.name} already exists.`);
}

/** @throws UnsupportedOperationException what of the request would have no effect here */
function requireBuilt({ AddReplicaRegions, Type }: { AddReplicaRegions?: readonly unknown[]; Type?: string }): void {
  if (AddReplicaRegions !== undefined && AddReplicaRegions.length > 0) {
    throw new UnsupportedOperationException("Keystead does not replicate secrets.");
  }
  if (Type !== undefined && Type !== "") {
    throw new UnsupportedOperationException("Keystead does not support managed external secrets.");
  }
}

/** What UpdateSecret has ready before its transaction. */
interface Updated {
  readonly version: PreparedVersion | undefined;
  /** Ciphertexts by version. */
  readonly resealed: ReadonlyMap<string, string>;
}

/** Labels of the versions that go under a new key at once (Secrets Manager guide, Change the encryption key). */
const RESEALED: readonly string[] = [CURRENT, PENDING, PREVIOUS];

/** Changes description, key and value of a secret. */
export const updateSecret = change<"UpdateSecret", Updated>("UpdateSecret", {
  targets: [onSecret<Input<"UpdateSecret">>("UpdateSecret")],
  validate(input) {
    tokenOf(input);
    hasValue(input);
    requireBuilt(input);
  },
  async prepare(input, context) {
    const { arn, key_id } = context.secret.row;
    const keyId = input.KmsKeyId === undefined ? key_id : keyOf(input.KmsKeyId);
    const resealed = new Map<string, string>();
    if (keyId !== key_id) {
      if (keyId !== null) await requireKeyAccess(keyId, arn, context);
      for (const version of await listSecretVersions(context.store.db, arn)) {
        if (!labelsOf(version).some((label) => RESEALED.includes(label))) continue;
        const ciphertexts = await resealedValue(version, keyId, context);
        if (ciphertexts !== undefined) resealed.set(version.version_id, ciphertexts);
      }
    }
    const value = findValue(input);
    const place = { arn, versionId: tokenOf(input), keyId };
    return { resealed, version: value && (await prepareVersion(value, place, context)) };
  },
  async run(input, { call, tx, prepared: { version, resealed }, secret: { row } }) {
    for (const [version_id, ciphertexts] of resealed) {
      await updateSecretVersion(tx, { arn: row.arn, version_id }, { ciphertexts });
    }
    await updateSecretRow(tx, row, {
      changed_at: call.now,
      ...(input.Description !== undefined && { description: input.Description }),
      ...(input.KmsKeyId !== undefined && { key_id: keyOf(input.KmsKeyId) }),
    });
    if (version === undefined) return { ARN: row.arn, Name: row.name };
    const versionId = tokenOf(input);
    await addVersion(tx, row, { versionId, prepared: version, labels: [CURRENT] }, call);
    return { ARN: row.arn, Name: row.name, VersionId: versionId };
  },
});

/** Deletes a secret at the end of a recovery window, or at once. */
export const deleteSecret = change<"DeleteSecret", undefined>("DeleteSecret", {
  targets: [
    onSecret<Input<"DeleteSecret">>("DeleteSecret", {
      deleted: true,
      absent: ({ ForceDeleteWithoutRecovery }) => ForceDeleteWithoutRecovery === true,
    }),
  ],
  validate({ RecoveryWindowInDays: days, ForceDeleteWithoutRecovery }) {
    if (days === undefined) return;
    if (ForceDeleteWithoutRecovery === true) {
      throw new InvalidParameterException(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
      );
    }
    if (days >= WINDOW_DAYS.min && days <= WINDOW_DAYS.max) return;
    throw new InvalidParameterException(
      `The RecoveryWindowInDays value must be between ${WINDOW_DAYS.min} and ${WINDOW_DAYS.max} days (inclusive).`,
    );
  },
  async run(input, { call, tx, secret }) {
    if (!(secret instanceof StoredSecret)) {
      return { ...absentSecret(input.SecretId, call), DeletionDate: new Date(call.now) };
    }
    const { row } = secret;
    if (input.ForceDeleteWithoutRecovery === true) {
      await clearDue(tx, dueOf(row));
      await deleteSecretRows(tx, row);
      return { ARN: row.arn, Name: row.name, DeletionDate: new Date(call.now) };
    }
    if (row.deletion_at !== null) {
      throw new InvalidRequestException(
        "You can't perform this operation on the secret because it was already scheduled for deletion.",
      );
    }
    const deletionAt = call.now + (input.RecoveryWindowInDays ?? WINDOW_DAYS.initial) * DAY_MS;
    await setDue(tx, { ...dueOf(row), due_at: deletionAt });
    await updateSecretRow(tx, row, { deletion_at: deletionAt });
    return { ARN: row.arn, Name: row.name, DeletionDate: new Date(deletionAt) };
  },
});

/** Ends a recovery window; a secret that is in none stays as it is. */
export const restoreSecret = change("RestoreSecret", {
  targets: [onSecret<Input<"RestoreSecret">>("RestoreSecret", { deleted: true })],
  async run(_input, { tx, secret: { row } }) {
    await clearDue(tx, dueOf(row));
    await updateSecretRow(tx, row, { deletion_at: null });
    return { ARN: row.arn, Name: row.name };
  },
});

/** What is known of a secret beside its values; of one that is to be deleted, too. */
export const describeSecret = read("DescribeSecret", {
  targets: [onSecret<Input<"DescribeSecret">>("DescribeSecret", { deleted: true })],
  async run(_input, { store, secret }) {
    const row = (await loadSecret(store.db, secret.row)) ?? secret.row;
    const versions = (await listSecretVersions(store.db, row.arn)).filter((each) => labelsOf(each).length > 0);
    const stages = Object.fromEntries(versions.map((each) => [each.version_id, [...labelsOf(each)]]));
    return { ...shown(row, row.tags), ...(versions.length > 0 && { VersionIdsToStages: stages }) };
  },
});

/** A secret as descriptions and lists show it: one that had tags has an empty list of them (recorded by public test suites). */
export function shown(row: SecretRow, tags: readonly Tag[]) {
  return {
    ARN: row.arn,
    Name: row.name,
    ...(row.description !== null && row.description !== "" && { Description: row.description }),
    ...(row.key_id !== null && { KmsKeyId: row.key_id }),
    CreatedDate: new Date(row.created_at),
    LastChangedDate: new Date(row.changed_at),
    ...(row.accessed_on !== null && { LastAccessedDate: new Date(row.accessed_on) }),
    ...(row.deletion_at !== null && { DeletedDate: new Date(row.deletion_at) }),
    ...((tags.length > 0 || row.tagged === 1) && { Tags: tags.map(({ key: Key, value: Value }) => ({ Key, Value })) }),
  };
}

function tagsOf(tags: Input<"CreateSecret">["Tags"] = []): Tag[] {
  return tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value }));
}

/** @throws InvalidParameterException tag keys of AWS's own, or one twice */
function requireTags(tags: readonly Tag[]): void {
  if (tags.some(({ key }) => key.toLowerCase().startsWith("aws:"))) {
    throw new InvalidParameterException("Tag keys that begin with aws: are reserved.");
  }
  if (new Set(tags.map(({ key }) => key)).size < tags.length) {
    throw new InvalidParameterException("A tag key is there twice.");
  }
}

/** Adds tags, and replaces the values of those that are there. */
export const tagResource = change("TagResource", {
  targets: [onSecret<Input<"TagResource">>("TagResource")],
  validate: ({ Tags }) => requireTags(tagsOf(Tags)),
  async run({ Tags }, { call, tx, secret: { row } }) {
    const added = tagsOf(Tags);
    const kept = row.tags.filter(({ key }) => !added.some((tag) => tag.key === key));
    if (kept.length + added.length > TAGS_MAX) {
      throw new InvalidParameterException(`A secret can have at most ${TAGS_MAX} tags.`);
    }
    return await retag([...kept, ...added], row, { call, tx });
  },
});

/** Removes tags by key; those that are not there are passed over. */
export const untagResource = change("UntagResource", {
  targets: [onSecret<Input<"UntagResource">>("UntagResource")],
  async run({ TagKeys = [] }, { call, tx, secret: { row } }) {
    const kept = row.tags.filter(({ key }) => !TagKeys.includes(key));
    return await retag(kept, row, { call, tx });
  },
});

async function retag(
  tags: readonly Tag[],
  row: Secret,
  { call, tx }: { readonly call: Call; readonly tx: Parameters<typeof putSecretTags>[0] },
): Promise<Record<never, never>> {
  await updateSecretRow(tx, row, { changed_at: call.now, tagged: row.tagged === 1 || tags.length > 0 ? 1 : 0 });
  await putSecretTags(tx, row, tags);
  return {};
}
