/** Staging labels: which versions of a secret have which, and what changes when one moves. Pure. */

export const CURRENT = "AWSCURRENT";
export const PREVIOUS = "AWSPREVIOUS";
export const PENDING = "AWSPENDING";

/** Labels by version id. */
export type Stages = ReadonlyMap<string, readonly string[]>;

/**
 * Gives labels to a version and takes them from all others; the version that loses AWSCURRENT becomes AWSPREVIOUS, which is then
 * nobody else's (Secrets Manager guide, Secret versions), and is pending no more (recorded by public test suites).
 */
export function attach(stages: Stages, versionId: string, labels: readonly string[]): Stages {
  const losing = findLabelled(stages, CURRENT);
  const moved = move(stages, versionId, labels);
  if (!labels.includes(CURRENT) || losing === undefined || losing === versionId) return moved;
  const kept = (moved.get(losing) ?? []).filter((label) => label !== PENDING);
  return move(new Map([...moved, [losing, kept]]), losing, [PREVIOUS]);
}

function move(stages: Stages, versionId: string, labels: readonly string[]): Stages {
  const ids = new Set([...stages.keys(), versionId]);
  const entries = [...ids].map((id): [string, readonly string[]] => {
    const others = (stages.get(id) ?? []).filter((label) => !labels.includes(label));
    return [id, id === versionId ? [...others, ...labels].toSorted() : others];
  });
  return new Map(entries);
}

/** Takes a label from whatever version has it. */
export function detach(stages: Stages, label: string): Stages {
  return new Map([...stages].map(([id, labels]) => [id, labels.filter((each) => each !== label)]));
}

/** The version that has a label, or undefined. */
export function findLabelled(stages: Stages, label: string): string | undefined {
  for (const [id, labels] of stages) if (labels.includes(label)) return id;
  return undefined;
}
