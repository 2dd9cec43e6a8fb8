/** What the console says of a key policy before it is saved (KMS guide, Key policies: statements without effect). */

/** What KMS takes (KMS guide, Resource quotas). */
export const POLICY_BYTES_MAX = 32_768;

/**
 * What is wrong with the text of a policy, for whoever writes it. KMS takes statements without `Resource` or `Action` and
 * passes over them; the console does not let them through.
 */
export function policyProblems(text: string): readonly string[] {
  const bytes = new TextEncoder().encode(text).length;
  const tooLong = bytes > POLICY_BYTES_MAX ? [`The policy has ${bytes} bytes; KMS takes ${POLICY_BYTES_MAX}.`] : [];
  return [...tooLong, ...syntaxProblems(text)];
}

function syntaxProblems(text: string): readonly string[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    return [`The policy is not valid JSON: ${(cause as Error).message}`];
  }
  const { Statement } = (document ?? {}) as { Statement?: unknown };
  const statements: readonly unknown[] = Array.isArray(Statement) ? Statement : [Statement];
  if (statements.every((one) => typeof one !== "object" || one === null)) return ["The policy has no statement."];
  return statements.flatMap((one, index) => {
    const { Sid, ...members } = (one ?? {}) as Record<string, unknown>;
    const name = typeof Sid === "string" && Sid !== "" ? `Statement "${Sid}"` : `Statement ${index + 1}`;
    return [
      ...("Resource" in members || "NotResource" in members
        ? []
        : [`${name} has no Resource: it would have no effect.`]),
      ...("Action" in members || "NotAction" in members ? [] : [`${name} has no Action: it would have no effect.`]),
    ];
  });
}
