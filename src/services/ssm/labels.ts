/** LabelParameterVersion and UnlabelParameterVersion: names of versions, each on one version of its parameter. */

import type { SsmParameterRow } from "../../storage/service-schema.ts";
import { findParameter, listLabelled, putLabels } from "../../storage/ssm-parameters.ts";
import type { Tx } from "../../storage/store.ts";
import { noVersion, ParameterNotFound, ParameterVersionLabelLimitExceeded } from "./errors.ts";
import { ownerOf } from "./names.ts";
import { type Change, change, type Input, onParameter } from "./operation.ts";

/** Labels of one version (API reference, LabelParameterVersion). */
const LABELS_MAX = 10;

/** The labels of a version, in the order in which they came. */
export function labelsOf({ labels }: Pick<SsmParameterRow, "labels">): string[] {
  return JSON.parse(labels) as string[];
}

/** What may be a label (Systems Manager guide, Working with parameter labels). */
function isLabel(text: string): boolean {
  return /^[a-zA-Z._-][a-zA-Z0-9._-]*$/.test(text) && !/^(?:aws|ssm)/i.test(text);
}

/** Gives labels to a version, the newest unless the request names one; other versions lose them. Those that can't be are named. */
export const labelParameterVersion = change("LabelParameterVersion", {
  targets: [onParameter("ssm:LabelParameterVersion", ({ Name }: Input<"LabelParameterVersion">) => Name)],
  async run({ Name, ParameterVersion, Labels }, context) {
    const { tx } = context;
    const row = await requireVersion(Name, ParameterVersion, context);
    const added = [...new Set(Labels.filter(isLabel))];
    const labels = [...new Set([...labelsOf(row), ...added])];
    if (labels.length > LABELS_MAX) {
      throw new ParameterVersionLabelLimitExceeded(
        `A parameter version can have maximum ${LABELS_MAX} labels.Move one or more labels to another version and try again.`,
      );
    }
    for (const other of await listLabelled(tx.db, row)) await takeLabels(tx, other, added);
    await putLabels(tx, row, labels);
    return { InvalidLabels: Labels.filter((label) => !isLabel(label)), ParameterVersion: row.version };
  },
});

/** Takes labels from a version; those that it has not are named. */
export const unlabelParameterVersion = change("UnlabelParameterVersion", {
  targets: [onParameter("ssm:UnlabelParameterVersion", ({ Name }: Input<"UnlabelParameterVersion">) => Name)],
  async run({ Name, ParameterVersion, Labels }, context) {
    const row = await requireVersion(Name, ParameterVersion, context);
    const has = labelsOf(row);
    await takeLabels(context.tx, row, Labels);
    return {
      RemovedLabels: Labels.filter((label) => has.includes(label)),
      InvalidLabels: Labels.filter((label) => !has.includes(label)),
    };
  },
});

async function takeLabels(tx: Tx, row: SsmParameterRow, labels: readonly string[]): Promise<void> {
  const has = labelsOf(row);
  const kept = has.filter((label) => !labels.includes(label));
  if (kept.length < has.length) await putLabels(tx, row, kept);
}

/** @throws ParameterNotFound, ParameterVersionNotFound there is no such parameter, or version of it */
async function requireVersion(
  text: string,
  version: number | undefined,
  { call, tx }: Change<undefined>,
): Promise<SsmParameterRow> {
  const name = { ...ownerOf(call), name: text };
  const newest = await findParameter(tx.db, name);
  if (newest === undefined) throw new ParameterNotFound();
  if (version === undefined) return newest;
  const row = await findParameter(tx.db, name, { number: version });
  if (row === undefined) throw noVersion(version, text);
  return row;
}
