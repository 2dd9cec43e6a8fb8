/** What the console shows of an error that an API answered: its own words, and the permission that is missing. */

export interface Failure {
  readonly title: string;
  readonly message: string;
}

const DENIED = ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"];

/**
 * The failure to show.
 *
 * @param action the IAM action of the call, such as `kms:ListKeys`
 */
export function failureOf(cause: unknown, action?: string): Failure {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  const about = action === undefined ? "" : `: ${action}`;
  if (DENIED.includes(name)) return { title: `You don't have permission${about}`, message: `${name}: ${message}` };
  // What fetch throws when nobody answers is a TypeError.
  if (name === "Error" || name === "TypeError") return { title: `The server did not answer${about}`, message };
  return { title: name + about, message };
}
