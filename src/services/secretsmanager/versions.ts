/** Versions of secrets: written under tokens that make repeating harmless, labelled, listed and read. */

import type { Call, RunContext } from "../../pipeline/operation.ts";
import {
  deleteSecretVersions,
  findSecretVersion,
  insertSecretVersion,
  listSecretVersions,
  noteSecretAccess,
  updateSecret,
  updateSecretVersion,
} from "../../storage/secrets.ts";
import type { SecretCiphertext, SecretRow, SecretVersionRow } from "../../storage/service-schema.ts";
import type { Tx } from "../../storage/store.ts";
import type { Means } from "../envelopes.ts";
import {
  InvalidParameterException,
  InvalidRequestException,
  LimitExceededException,
  ResourceExistsException,
  ResourceNotFoundException,
} from "./errors.ts";
import { change, type Input, onSecret, read } from "./operation.ts";
import { page } from "./pages.ts";
import { attach, CURRENT, detach, findLabelled, type Stages } from "./stages.ts";
import { findValue, hasValue, isValue, keyIdsOf, openValue, sealValue, type Value } from "./values.ts";

/** Labels of a secret, over all its versions; versions that are kept (Secrets Manager guide, Quotas). */
const LABELS_MAX = 20;
const VERSIONS_MAX = 100;
const DAY_MS = 86_400_000;

/** What a version of a token came to: one that is there with this value, or a new one. */
export type PreparedVersion =
  | { readonly kind: "repeated" }
  | { readonly kind: "new"; readonly ciphertext: SecretCiphertext; readonly isBinary: boolean };

/** The labels of a version, in order. */
export function labelsOf({ stages }: Pick<SecretVersionRow, "stages">): readonly string[] {
  return JSON.parse(stages) as string[];
}

/** The token of a request, which becomes the id of its version. @throws InvalidRequestException there is none (recorded) */
export function tokenOf({ ClientRequestToken }: { readonly ClientRequestToken?: string }): string {
  if (ClientRequestToken !== undefined) return ClientRequestToken;
  throw new InvalidRequestException("You must provide a ClientRequestToken value. We recommend a UUID-type value.");
}

/**
 * Seals a value for a version that is to be.
 *
 * @throws ResourceExistsException the version is there with another value
 */
export async function prepareVersion(
  value: Value,
  place: { readonly arn: string; readonly versionId: string; readonly keyId: string | null },
  context: Means & Pick<RunContext, "store">,
): Promise<PreparedVersion> {
  try {
    const before = await findSecretVersion(context.store.db, place.arn, place.versionId);
    if (before === undefined) {
      return { kind: "new", ciphertext: await sealValue(value.bytes, place, context), isBinary: value.isBinary };
    }
    if (await isValue(before, value, context)) return { kind: "repeated" };
    throw takenToken(place);
  } finally {
    value.bytes.fill(0);
  }
}

/** The text is quoted by users. */
const takenToken = ({ arn, versionId }: { readonly arn: string; readonly versionId: string }) =>
  new ResourceExistsException(
    `You can't use ClientRequestToken ${versionId} because that value is already in use for a version of secret ${arn}.`,
  );

/**
 * Adds a version with labels, which other versions lose; of deprecated versions the oldest go when there are too many.
 *
 * @returns the labels that the version has
 * @throws ResourceExistsException it is there by now
 * @throws LimitExceededException too many labels
 */
export async function addVersion(
  tx: Tx,
  secret: SecretRow,
  { versionId, prepared, labels }: { versionId: string; prepared: PreparedVersion; labels: readonly string[] },
  { now }: Pick<Call, "now">,
): Promise<readonly string[]> {
  const { arn } = secret;
  const versions = await listSecretVersions(tx.db, arn);
  const before = versions.find(({ version_id }) => version_id === versionId);
  if (prepared.kind === "repeated" && before !== undefined) return labelsOf(before);
  if (prepared.kind === "repeated" || before !== undefined) throw takenToken({ arn, versionId });
  const isFirst = !versions.some((version) => labelsOf(version).includes(CURRENT));
  const all = isFirst && !labels.includes(CURRENT) ? [...labels, CURRENT] : labels;
  const stages = attach(stagesOf(versions), versionId, all);
  await insertSecretVersion(tx, {
    arn,
    version_id: versionId,
    stages: JSON.stringify(stages.get(versionId)),
    is_binary: prepared.isBinary ? 1 : 0,
    ciphertexts: JSON.stringify([prepared.ciphertext]),
    created_at: now,
    accessed_on: null,
  });
  await writeStages(tx, versions, stages);
  const deprecated = versions.filter(
    ({ version_id, created_at }) => stages.get(version_id)?.length === 0 && created_at < now - DAY_MS,
  );
  const excess = Math.max(0, versions.length + 1 - VERSIONS_MAX);
  await deleteSecretVersions(
    tx,
    arn,
    deprecated.slice(0, excess).map(({ version_id }) => version_id),
  );
  await updateSecret(tx, secret, { changed_at: now });
  return stages.get(versionId) ?? [];
}

function stagesOf(versions: readonly SecretVersionRow[]): Stages {
  return new Map(versions.map((version) => [version.version_id, labelsOf(version)]));
}

async function writeStages(tx: Tx, versions: readonly SecretVersionRow[], stages: Stages): Promise<void> {
  if ([...stages.values()].flat().length > LABELS_MAX) {
    throw new LimitExceededException("You exceeded the maximum number of staging labels allowed on a secret."); // quoted by users
  }
  for (const version of versions) {
    const labels = JSON.stringify(stages.get(version.version_id) ?? []);
    if (labels !== version.stages) await updateSecretVersion(tx, version, { stages: labels });
  }
}

/** Writes a value as a new version, by default the current one. */
export const putSecretValue = change<"PutSecretValue", PreparedVersion>("PutSecretValue", {
  targets: [onSecret<Input<"PutSecretValue">>("PutSecretValue")],
  validate(input) {
    tokenOf(input);
    if (hasValue(input)) return;
    throw new InvalidRequestException("You must provide either SecretString or SecretBinary.");
  },
  async prepare(input, context) {
    const { arn, key_id } = context.secret.row;
    const value = findValue(input) ?? { bytes: new Uint8Array(), isBinary: false };
    return await prepareVersion(value, { arn, versionId: tokenOf(input), keyId: key_id }, context);
  },
  async run(input, { call, tx, prepared, secret: { row } }) {
    const versionId = tokenOf(input);
    const labels = input.VersionStages ?? [CURRENT];
    const VersionStages = [...(await addVersion(tx, row, { versionId, prepared, labels }, call))];
    return { ARN: row.arn, Name: row.name, VersionId: versionId, VersionStages };
  },
});

/** Moves a label from one version to another, or takes it from one (API reference, UpdateSecretVersionStage). */
export const updateSecretVersionStage = change("UpdateSecretVersionStage", {
  targets: [onSecret<Input<"UpdateSecretVersionStage">>("UpdateSecretVersionStage")],
  async run({ VersionStage, RemoveFromVersionId, MoveToVersionId }, { call, tx, secret: { row } }) {
    const versions = await listSecretVersions(tx.db, row.arn);
    for (const id of [RemoveFromVersionId, MoveToVersionId]) {
      if (id === undefined || versions.some(({ version_id }) => version_id === id)) continue;
      throw noValue("VersionId", id);
    }
    const stages = stagesOf(versions);
    const holder = findLabelled(stages, VersionStage);
    if (holder !== MoveToVersionId) requireHolder({ VersionStage, RemoveFromVersionId }, holder);
    if (MoveToVersionId === undefined && VersionStage === CURRENT) {
      throw new InvalidParameterException(
        `You can only move staging label ${CURRENT} to a different secret version. It can’t be completely removed.`,
      );
    }
    const moved =
      MoveToVersionId === undefined ? detach(stages, VersionStage) : attach(stages, MoveToVersionId, [VersionStage]);
    await writeStages(tx, versions, moved);
    await updateSecret(tx, row, { changed_at: call.now });
    return { ARN: row.arn, Name: row.name };
  },
});

/** The first text is quoted by users; the other is ours. */
function requireHolder(
  {
    VersionStage,
    RemoveFromVersionId,
  }: { readonly VersionStage: string; readonly RemoveFromVersionId: string | undefined },
  holder: string | undefined,
): void {
  if (RemoveFromVersionId === holder) return;
  if (RemoveFromVersionId === undefined) {
    throw new InvalidParameterException(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${VersionStage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  throw new InvalidParameterException(
    `Staging label ${VersionStage} is not attached to version ${RemoveFromVersionId}.`,
  );
}

/** The text is quoted by users. */
const noValue = (by: "VersionId" | "staging label", value: string) =>
  new ResourceNotFoundException(`Secrets Manager can't find the specified secret value for ${by}: ${value}`);

/** Tells the value of a version in clear: the current one, or the one of an id or label. */
export const getSecretValue = read("GetSecretValue", {
  targets: [onSecret<Input<"GetSecretValue">>("GetSecretValue")],
  async run(input, context) {
    const { call, store, secret } = context;
    const { row } = secret;
    const version = meantVersion(input, await listSecretVersions(store.db, row.arn));
    using opened = await openValue(version, context);
    const day = call.now - (call.now % DAY_MS);
    const versionId = version.version_id;
    if (version.accessed_on !== day) await store.transaction((tx) => noteSecretAccess(tx, row, { versionId, day }));
    return {
      ARN: row.arn,
      Name: row.name,
      VersionId: versionId,
      ...(version.is_binary === 1
        ? { SecretBinary: opened.bytes.slice() }
        : { SecretString: new TextDecoder().decode(opened.bytes) }),
      VersionStages: [...labelsOf(version)],
      CreatedDate: new Date(version.created_at),
    };
  },
});

/** @throws ResourceNotFoundException, InvalidRequestException there is no such version, or it has not the label */
function meantVersion(
  { VersionId, VersionStage }: Input<"GetSecretValue">,
  versions: readonly SecretVersionRow[],
): SecretVersionRow {
  const label = VersionStage ?? CURRENT;
  const version = versions.find((each) =>
    VersionId === undefined ? labelsOf(each).includes(label) : each.version_id === VersionId,
  );
  if (version === undefined) {
    throw VersionId === undefined ? noValue("staging label", label) : noValue("VersionId", VersionId);
  }
  if (VersionStage === undefined || labelsOf(version).includes(VersionStage)) return version;
  throw new InvalidRequestException("You provided a VersionStage that is not associated to the provided VersionId.");
}

/** Lists versions, those without labels only on request. */
export const listSecretVersionIds = read("ListSecretVersionIds", {
  targets: [onSecret<Input<"ListSecretVersionIds">>("ListSecretVersionIds", { deleted: true })],
  async run(input, context) {
    const { row } = context.secret;
    const all = await listSecretVersions(context.store.db, row.arn);
    const versions = all.filter((version) => input.IncludeDeprecated === true || labelsOf(version).length > 0);
    const { items, ...rest } = await page(input, context, {
      filter: JSON.stringify([row.arn, input.IncludeDeprecated === true]),
      list(after, count) {
        const start = after === undefined ? 0 : versions.findIndex(({ version_id }) => version_id === after) + 1;
        return versions.slice(start, start + count);
      },
      nameOf: ({ version_id }) => version_id,
    });
    const Versions = items.map((version) => ({
      VersionId: version.version_id,
      ...(labelsOf(version).length > 0 && { VersionStages: [...labelsOf(version)] }),
      ...(version.accessed_on !== null && { LastAccessedDate: new Date(version.accessed_on) }),
      CreatedDate: new Date(version.created_at),
      KmsKeyIds: [...keyIdsOf(version)],
    }));
    return { Versions, ARN: row.arn, Name: row.name, ...rest };
  },
});
